"""Checks of a run folder before anything is written into it."""

import os
from pathlib import Path

from seqloom.errors import CheckpointError

_FOLDERS = ("weights", "tensorboard")


def check_links(folder: Path) -> None:
    """Refuses a folder to be written into where that would reach files elsewhere: a log may be a link to something precious.

    Raises:
        CheckpointError: a link in it leads out of it.
    """
    root = os.path.realpath(folder)
    for path in sorted((*folder.iterdir(), *(part for name in _FOLDERS for part in (folder / name).glob("*")))):
        if path.is_symlink() and not os.path.realpath(path).startswith(root + os.sep):
            raise CheckpointError(
                f"{path}: a link that leads out of {folder}, to {os.path.realpath(path)}, where training would write; remove it"
            )
