"""Opens a store: finds it in the cache by what its content depends on, or encodes the split there first.

A Split (text) and a Tokenizer become an ExampleStore. Several processes may open one store at the same time.
"""

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from seqloom.corpus.cache import cache_folder
from seqloom.corpus.corpus import Split
from seqloom.data.store.store import VERSION, ExampleStore, read_store
from seqloom.data.store.writing import write_store
from seqloom.errors import OutputError, SeqloomError
from seqloom.files import make_folder, move
from seqloom.progress import Progress, Silent
from seqloom.system_errors import output_error
from seqloom.tokenizer import Tokenizer

_STALE_SECONDS = 24 * 3600
_SUFFIX = ".partial"
_ELSEWHERE = "The encoded corpus is kept there: name another folder in the environment variable SEQLOOM_CACHE_DIR"


def open_store(
    split: Split, tokenizer: Tokenizer, *, folder: Path | None = None, progress: Progress | None = None
) -> "ExampleStore":
    """Opens the ids of a split; encodes the split first where no store of it exists.

    Args:
        folder: the folder of all stores; None is `encoded` in $SEQLOOM_CACHE_DIR, or else in seqloom's folder of the user's cache.

    Raises:
        CorpusError: the split has no items.
        SeqloomError: the folder cannot be written.
    """
    progress = progress or Silent()
    parent = folder or cache_folder("encoded")
    key = hashlib.sha256(f"{VERSION}\n{split.fingerprint}\n{tokenizer.hash}".encode()).hexdigest()[:32]
    folder = parent / key
    store = read_store(folder)
    if store is None and folder.exists():
        progress.say(f"{folder}: damaged or incomplete; encoding {split.name} again")
    try:
        if store is None:
            _build(split, tokenizer, folder, progress)
            store = read_store(folder)
    except OSError as error:
        if error.filename is not None and not Path(error.filename).is_relative_to(parent):
            raise
        raise SeqloomError(f"{output_error(parent, error)}. {_ELSEWHERE}") from None
    except OutputError as error:
        raise SeqloomError(f"{error}. {_ELSEWHERE}") from None
    if store is None:
        raise SeqloomError(f"{folder}: vanished or was changed while it was written; delete this folder and try again")
    return store


def _build(split: Split, tokenizer: Tokenizer, folder: Path, progress: Progress) -> None:
    make_folder(folder.parent)
    _remove_stale(folder.parent)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=_SUFFIX, dir=folder.parent))
    try:
        write_store(split, tokenizer, partial, progress)
        _publish(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(partial: Path, folder: Path) -> None:
    """Moves a finished folder to its final path in one step, unless another process has already done so."""
    while True:
        try:
            move(partial, folder)
            return
        except OSError:
            if not folder.exists():
                raise
        if read_store(folder) is not None:
            return
        # A damaged store has this path. It is moved before it is deleted, so that no other process reads a half-deleted store.
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=_SUFFIX, dir=folder.parent))
        try:
            folder.rename(aside / "damaged")
        except FileNotFoundError:
            pass  # Another process did the same.
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _remove_stale(folder: Path) -> None:
    """Removes incomplete folders of processes that were killed while they wrote."""
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue
