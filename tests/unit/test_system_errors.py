"""Errors of the system are explained, bugs are not."""

import errno
from pathlib import Path

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
