"""What every peer's driver shares: its job, and the log that counts real target tokens after each update.

Runs in the peer's own environment: the standard library alone. The log gets a line after each update, the target tokens so far (eos
included, padding not); the measuring process reads the lines as they come and takes the time, in the same way for all programs.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace


def read_job() -> SimpleNamespace:
    """The job: a JSON file named as the only argument."""
    job = json.loads(Path(sys.argv[1]).read_text())
    return SimpleNamespace(**job)


class StepLog:
    """A file that grows by a line an update."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._tokens = 0
        self._pending = 0

    def count(self, tokens: int) -> None:
        """Target tokens of the update that is under way."""
        self._pending += int(tokens)

    def done(self, *_: object) -> None:
        """The update is made."""
        self._tokens += self._pending
        self._pending = 0
        os.write(self._file, f"{self._tokens}\n".encode())
