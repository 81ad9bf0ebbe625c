"""Standard streams on Windows: what a reader that has gone looks like there."""

import errno
import io
import os
import sys
from typing import Any

import pytest

from seqloom.cli.streams import STDOUT, ResultStream


class _Gone(io.RawIOBase):
    here = False

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        if self.here:
            return len(content)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def test_windows_says_otherwise_that_a_reader_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = _Gone()
    first = io.TextIOWrapper(io.BufferedWriter(gone), encoding="utf-8")
    results = ResultStream(first)
    results.write("text\n")
    with pytest.raises(OSError, match="Invalid argument") as found:
        results.flush()
    assert found.value.filename == STDOUT
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BrokenPipeError):
        results.flush()
    gone.here = True
