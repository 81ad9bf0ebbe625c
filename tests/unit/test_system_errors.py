"""Errors of the system are explained, bugs are not."""

import errno
import sys
from pathlib import Path

import pytest

from seqloom.system_errors import as_os_error, explain_os_error, output_error


def test_bugs_are_not_explained() -> None:
    assert explain_os_error(OSError("a bug")) is None
    assert explain_os_error(OSError(errno.EINVAL, "a bug")) is None
    assert explain_os_error(OSError(errno.EACCES, "denied", "a.txt")) is not None


def test_the_message_names_path_cause_and_remedy() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "out.txt")
    assert explain_os_error(error, "cannot be written") == (
        "out.txt: cannot be written: No space left on device; the disk is full: free some space, or choose another path"
    )
    assert "a.txt: cannot be written: " in str(output_error("a.txt", OSError(errno.EROFS, "Read-only file system")))


def test_an_error_inside_a_librarys_message_is_an_error_of_the_system() -> None:
    error = as_os_error(RuntimeError("Io(Os { code: 28, kind: StorageFull })"), Path("w.safetensors"))
    assert error is not None
    assert error.errno == errno.ENOSPC
    assert error.filename == "w.safetensors"
    assert as_os_error(RuntimeError("another error"), Path("w.safetensors")) is None


def test_windows_has_numbers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    full = as_os_error(RuntimeError("Io: There is not enough space on the disk. (os error 112)"), Path("w.safetensors"))
    assert full is not None
    assert "the disk is full" in str(output_error("w.safetensors", full))
    # 32 is EPIPE elsewhere.
    shared = as_os_error(RuntimeError("Io: The process cannot access the file. (os error 32)"), Path("w.safetensors"))
    assert shared is not None
    assert "another program has it open" in str(output_error("w.safetensors", shared))
    assert "check its permissions" in str(output_error("a.txt", PermissionError(errno.EACCES, "Permission denied")))


def test_windows_limits_the_length_of_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "a" * 300)
    assert "more than 259 characters" not in (explain_os_error(error) or "")
    monkeypatch.setattr(sys, "platform", "win32")
    assert "more than 259 characters" in (explain_os_error(error) or "")


def test_a_name_that_is_no_text_is_explained() -> None:
    # macOS refuses names that are not UTF-8.
    error = OSError(errno.EILSEQ, "Illegal byte sequence", "caf\udce9.txt")
    assert "choose another name" in (explain_os_error(error) or "")
