"""Checks of a run folder before anything is written into it."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from seqloom.errors import CheckpointError, ConfigError
from seqloom.files import check_folder
from seqloom.messages import command_line
from seqloom.run.info import read_info
from seqloom.training.checkpoint import has_checkpoint

_FOLDERS = ("weights", "tensorboard")

# The files of a run before its first checkpoint. A run that was killed before its first checkpoint starts again.
_EARLY_NAMES = {
    "recipe.yaml",
    "tokenizer.json",
    "characters.json",
    "run.json",
    "metrics.jsonl",
    "progress.txt",
    "weights",
    "failure.json",
    "attempt.json",
    "tensorboard",
}


def check_links(folder: Path) -> None:
    """Checks that no link in a folder leads out of it, because training would overwrite the files that the links lead to.

    Raises:
        CheckpointError: a link in it leads out of it.
    """
    root = os.path.realpath(folder)
    for path in sorted((*folder.iterdir(), *(part for name in _FOLDERS for part in (folder / name).glob("*")))):
        if path.is_symlink() and not os.path.realpath(path).startswith(root + os.sep):
            raise CheckpointError(
                f"{path}: a link that leads out of {folder}, to {os.path.realpath(path)}, where training would write; remove it"
            )


def _is_finished(folder: Path) -> bool:
    """Whether the folder has a finished run; a run that was fitted by counting has no checkpoint."""
    with suppress(CheckpointError):
        return read_info(folder).result is not None
    return False


def check_free(folder: Path) -> None:
    """Checks, before any work is done, that a new run may be started in a folder.

    Raises:
        CheckpointError: there is a run, or something else.
        OutputError: the folder cannot be written.
    """
    check_folder(folder)
    if folder.is_dir():
        check_links(folder)
    if has_checkpoint(folder) or _is_finished(folder):
        raise CheckpointError(
            f"{folder}: there is a run already. Continue it: "
            f"{command_line('train', '--resume', '--out', folder)}; or choose another --out, or remove it."
        )
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    foreign = sorted(name for name in names - _EARLY_NAMES if not name.startswith((".", "checkpoint-")))
    if foreign or (folder.exists() and not folder.is_dir()):
        what = f"something else ({foreign[0]})" if foreign else "a file"
        raise CheckpointError(f"{folder}: there is {what} already; choose another folder by --out")


def check_outside(folder: Path, data: Sequence[str | None]) -> None:
    """Checks that a run folder is not inside a folder of data, because its files would be read as data the next time.

    Args:
        data: paths of files or folders.

    Raises:
        ConfigError: one of them is a folder that contains the run folder, or is the run folder.
    """
    for path in (Path(value) for value in data if value is not None):
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise ConfigError(
                f"--out {folder}: lies inside the data folder {path}, so the files of the run would be read as data; choose a "
                "folder outside it"
            )
