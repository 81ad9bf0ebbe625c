"""Where a run may be written."""

from pathlib import Path

import pytest

from seqloom.errors import ConfigError
from seqloom.run.folder import check_outside


def test_a_run_is_not_written_into_its_data(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "val.txt").touch()
    data = (str(tmp_path / "texts"), str(tmp_path / "val.txt"), None)
    check_outside(tmp_path / "runs" / "lm", data)
    check_outside(tmp_path / "texts-2", data)
    for out in (tmp_path / "texts", tmp_path / "texts" / "runs" / "lm", tmp_path / "x" / ".." / "texts"):
        with pytest.raises(ConfigError, match=r"lies inside the data folder .*choose a folder outside it"):
            check_outside(out, data)
