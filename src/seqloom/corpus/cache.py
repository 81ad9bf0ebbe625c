"""The user's cache folder, and cached facts about large files.

Facts stay valid until the files change. A file counts as unchanged while its path, size and times of change are the same.
"""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqloom.corpus.input_file import InputFile
from seqloom.errors import CorpusError, OutputError
from seqloom.files import write_text
from seqloom.progress import Progress

# Increase this when the same files and settings give other facts.
_VERSION = 5
# Smaller files are read quickly, so their facts are not cached.
_LEAST_BYTES = 32 << 20
# A file that changed less than this number of seconds ago can change again without a difference in its times.
_SETTLED_SECONDS = 2.0


def cache_folder(name: str) -> Path:
    """The path of a folder in $SEQLOOM_CACHE_DIR, or else in seqloom's folder of the user's cache. Does not create it.

    Raises:
        OutputError: the user has no home folder.
    """
    import platformdirs

    configured = os.environ.get("SEQLOOM_CACHE_DIR")
    folder = Path(os.path.expanduser(configured) if configured else platformdirs.user_cache_path("seqloom"))
    if str(folder).startswith("~"):
        raise OutputError(
            f"{folder}: there is no home folder for the cache; name a folder in the environment variable SEQLOOM_CACHE_DIR"
        )
    return folder / name


class FactsCache:
    """Facts about some files, stored between runs of seqloom.

    Args:
        plan: a dataclass that says which files are read and how. Its InputFiles, at any depth, are the files.
        settings: text of all other values that the facts depend on.
    """

    def __init__(self, plan: Any, settings: str) -> None:
        self._plan = plan
        self._inputs = f"{_VERSION}\n{plan!r}\n{settings}"
        self._states = self._read_states()
        self._key = self._compute_key()

    def load(self) -> dict[str, Any] | None:
        """The stored facts; None if there are none, the files are small, or they changed."""
        if self._key is None:
            return None
        try:
            facts = json.loads(self._file().read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) and facts.get("key") == self._key else None

    def save(self, facts: Mapping[str, Any], progress: Progress) -> None:
        """Stores facts about the files, unless the files changed while they were read."""
        if self._key is None or self._compute_key() != self._key:
            return
        if time.time() - max(path.stat().st_mtime for path in self._paths()) < _SETTLED_SECONDS:
            return
        try:
            write_text(self._file(), json.dumps({**facts, "key": self._key}))
        except OutputError as error:
            progress.say(f"{error}. The corpus will be read again next time")

    def check_unchanged(self) -> None:
        """Checks that no file changed since this object was made.

        Raises:
            CorpusError: a file changed or was deleted.
        """
        for path, (before, now) in zip(self._paths(), zip(self._states, self._read_states(), strict=True), strict=True):
            if before != now:
                raise CorpusError(
                    f"{path}: {'vanished' if now is None else 'changed'} while it was read; "
                    "wait until it is complete, then begin again"
                )

    def _file(self) -> Path:
        return cache_folder("corpora") / f"{self._key}.json"

    def _paths(self) -> list[Path]:
        return sorted({file.path for file in _input_files(self._plan)})

    def _read_states(self) -> list[tuple[int, int] | None]:
        return [_state(path) for path in self._paths()]

    def _compute_key(self) -> str | None:
        """A hash of the inputs and the states of the files; None if the files are small or one is missing."""
        states = []
        size = 0
        for path in self._paths():
            try:
                status = path.stat()
            except OSError:
                return None
            size += status.st_size
            states.append((str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        if size < _LEAST_BYTES:
            return None
        return hashlib.sha256(f"{self._inputs}\n{states}".encode()).hexdigest()[:32]


def _state(path: Path) -> tuple[int, int] | None:
    """The size and the time of the last change; None if the file does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _input_files(value: Any) -> Iterator[InputFile]:
    if isinstance(value, InputFile):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _input_files(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _input_files(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _input_files(getattr(value, field.name))
