import os
from pathlib import Path

import pytest

from seqloom.errors import ConfigError, OutputError
from seqloom.interop.folder import Manifest, atomic_folder, check_out, is_exported

MANIFEST = Manifest("ctranslate2", "none", False, 64, False, {"beam": 3}, "mine", "0" * 64)


def test_a_folder_appears_whole_and_readable(tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    with atomic_folder(out) as folder:
        MANIFEST.save(folder)
        (folder / "weights").write_text("")
        (folder / "weights").chmod(0o600)
        assert not out.exists()
    assert is_exported(out)
    assert Manifest.load(out, "ctranslate2") == MANIFEST
    assert (out / "weights").stat().st_mode & 0o777 == out.stat().st_mode & 0o666


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_folder(tmp_path / "out") as folder:
            MANIFEST.save(folder)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_out(tmp_path / "new")
    with pytest.raises(ConfigError, match="not empty"):
        check_out(tmp_path)
    with pytest.raises(ConfigError, match="a file"):
        check_out(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be written"), atomic_folder(tmp_path / "file" / "out"):
        pass
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(OutputError, match="cannot be written"), atomic_folder(other):
        # Somebody else was quicker.
        (other / "theirs").write_text("")
    assert os.listdir(other) == ["theirs"]


def test_targets_share_what_the_source_leaves_in_a_decoder_only_model() -> None:
    assert MANIFEST.max_tgt_len(10) == 64
    assert Manifest("x", "none", True, 64, False, {}, "mine", "").max_tgt_len(10) == 54
