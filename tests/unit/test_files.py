"""Files that are written: whole or not at all, in UTF-8, and nothing is lost."""

import ast
import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from seqloom.errors import ConfigError, OutputError
from seqloom.files import (
    check_folder,
    check_not_read,
    make_folder,
    move,
    partial_name,
    replacing,
    write_json,
    write_text,
    writing,
)

SOURCE = Path(__file__).resolve().parents[2] / "src" / "seqloom"


def _write_half(path: Path, error: BaseException, *, keep: bool = False) -> None:
    with writing(path, keep=keep) as stream:
        stream.write(b"half")
        raise error


def test_text_is_utf8_whatever_it_holds(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "größer 数\n\udcff")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "größer 数\n\\udcff".encode()
    write_json(tmp_path / "a.json", {"name": "caf\udce9"})
    assert '"caf\\udce9"' in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("good", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        _write_half(path, ZeroDivisionError())
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written: .*the disk is full"), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text(encoding="utf-8") == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_of_others_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "a.txt"):
        (tmp_path / "input").read_bytes()


def test_what_was_written_can_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt):
        _write_half(path, KeyboardInterrupt(), keep=True)
    assert not path.exists()
    assert partial_name(path).read_bytes() == b"half"


def test_mode_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to("a.txt")
    write_text(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
def test_a_file_is_synced_as_windows_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    synced = []

    def sync(descriptor: int) -> None:
        # FlushFileBuffers refuses a file that is open for reading only.
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        synced.append(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o444)
    write_text(path, "new")
    assert synced
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_windows_waits_for_a_file_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, refusals = os.replace, [5, 32]

    def refuse(source: Path, target: Path) -> None:
        if refusals:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source), refusals.pop(), str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr("seqloom.files._WAITS", (0.0, 0.0))
    (tmp_path / "a").write_text("x", encoding="utf-8")
    with pytest.raises(PermissionError):
        move(tmp_path / "a", tmp_path / "b")
    refusals.append(32)
    monkeypatch.setattr(sys, "platform", "win32")
    move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text(encoding="utf-8") == "x"


def test_pipes_and_devices_are_written_directly(tmp_path: Path) -> None:
    write_text(Path(os.devnull), "x")
    read, write = os.pipe()
    write_text(Path(f"/dev/fd/{write}"), "through a pipe")
    assert os.read(read, 100) == b"through a pipe"
    os.close(read)
    os.close(write)
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")
    with log.open("ab") as stream:
        write_text(Path(f"/dev/fd/{stream.fileno()}"), "after\n")
    assert log.read_text(encoding="utf-8") == "before\nafter\n"


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_text("kept", encoding="utf-8")
    (tmp_path / "soft").symlink_to("in")
    (tmp_path / "hard").hardlink_to(source)
    for name in ("in", "soft", "hard", "../" + tmp_path.name + "/in"):
        for read in (source, tmp_path):
            with pytest.raises(ConfigError, match="which is read"):
                check_not_read(tmp_path / name, "--output", [read])
    check_not_read(tmp_path / "new", "--output", [source])


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "link").symlink_to("/nowhere/unmounted")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        check_folder(tmp_path / "file" / "a" / "b")
    with pytest.raises(OutputError, match="is a link to /nowhere/unmounted, which is not there"):
        make_folder(tmp_path / "link")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(OutputError, match="name a file"):
        write_text(tmp_path / "a", "x")


# The kernel's own files are not replaced; copies of pipes are named after their content; pooch moves downloads itself.
DIRECT = {"download.py", "files.py", "machine.py", "stream_copies.py"}


def _writes(node: ast.Call) -> str | None:
    """What a call does that only files.py may do, or that depends on the locale."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    texts = [part.value for part in (*node.args, *(k.value for k in node.keywords)) if isinstance(part, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and 0 < len(text) <= 3 and set(text) <= set("rwaxbt+U")]
    if name in ("write_text", "write_bytes") and isinstance(node.func, ast.Attribute):
        return f"{name}: use seqloom.files"
    if name == "open" and any(set(mode) & set("wax+") for mode in modes):
        return "open for writing: use seqloom.files"
    encoded = any(keyword.arg == "encoding" for keyword in node.keywords)
    if name == "read_text" and isinstance(node.func, ast.Attribute) and not encoded:
        return "read_text without encoding"
    if isinstance(node.func, ast.Name) and name == "open" and not encoded and not any("b" in mode for mode in modes):
        return "open without encoding"
    if name in ("run", "Popen", "check_output") and any(k.arg in ("text", "universal_newlines") for k in node.keywords):
        return None if encoded else f"{name} with text, without encoding"
    return None


def test_files_are_written_in_one_place() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}: {found}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name not in DIRECT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and (found := _writes(node))
    ]
    assert not wrong
