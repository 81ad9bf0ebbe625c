"""Names that Windows refuses are refused before anything is written there, and temporary names fit."""

import sys
from pathlib import Path

import pytest

from seqloom.errors import OutputError
from seqloom.files import make_folder, write_text
from seqloom.path_names import check_name, shortened


@pytest.mark.parametrize("name", ["CON", "aux", "nul.txt", "LPT1", "ab:c", "what?", "a|b", "dot.", "space ", "a/con/b"])
def test_windows_refuses_names_of_devices_and_streams(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_name(Path(name))
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(OutputError, match="on Windows, the name"):
        check_name(Path(name))


@pytest.mark.parametrize(
    "name", ["C:\\runs\\a", "\\\\server\\share\\a", "console.txt", "..\\a", "./a.b", "runs", "com10"]
)
def test_windows_takes_other_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    check_name(Path(name))


def test_such_names_are_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(OutputError, match="'aux' is the name of a device"):
        make_folder(tmp_path / "aux" / "run")
    with pytest.raises(OutputError, match=r"'a:b\.txt' is not possible"):
        write_text(tmp_path / "a:b.txt", "x")
    assert not list(tmp_path.iterdir())


def test_a_long_name_of_wide_characters_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("数" * 84)
    write_text(path, "x")
    assert path.read_text(encoding="utf-8") == "x"
    assert shortened("数" * 84) == "数" * 66
    assert shortened("short") == "short"
