"""Saved games: a log of lines of JSON, which grows by a line a turn, so that a turn whose answer was shown is never lost.

The first line names the game. Then come turns, snapshots (`zlib`, base64) after some of them, and the turn that is current after
undo. A log is read with limits, since other people may have sent it; replaying it checks every answer.
"""

import base64
import binascii
import contextlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from seqloom.errors import FictionError, OutputError
from seqloom.fiction.playthrough import Node, Playthrough
from seqloom.files import append_text, cut, open_new, sync_size, write_text
from seqloom.system_errors import output_error
from seqloom.untrusted import MEBIBYTE, parse_json, read_bytes

FORMAT = "seqloom saved game"
VERSION = 1
MAX_BYTES = 128 * MEBIBYTE
MAX_LINE = 1000
"""Characters of a line of a player."""
_MAX_SNAPSHOT_BYTES = 4 * MEBIBYTE
_MAX_TEXT = 200_000
_NAME = re.compile(r"[^\W_][\w -]{0,59}")
_ADVICE = "it is damaged, or not a game that seqloom saved; restore another"


@dataclass
class SavedGame:
    """What a saved game holds.

    Attributes:
        note: what the player has to know about the file; empty in most cases.
    """

    seed: int
    nodes: list[Node]
    snapshots: dict[int, bytes] = field(default_factory=dict)
    current: int = 0
    note: str = ""


class SaveFile:
    """The log of a game that is played, written after each turn."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Names the log; nothing is written yet.

        Args:
            fingerprint: names the game and the version of its interpreter.
        """
        self.path = path
        self._fingerprint = fingerprint
        self._num_nodes = 0
        self._saved_snapshots: set[int] = set()
        self._current = 0
        self._size = 0

    def create(self, playthrough: Playthrough) -> None:
        """Writes the whole log, in one step.

        Raises:
            OutputError: it cannot be written; an older file of that name is unchanged.
        """
        write_text(self.path, encode(playthrough, self._fingerprint))
        self._remember(playthrough)

    def update(self, playthrough: Playthrough) -> None:
        """Appends what is new since the last time, and waits until it is on the disk.

        Raises:
            OutputError: it cannot be written. The next call writes it, too.
        """
        records = [
            *_records(playthrough, self._num_nodes, self._saved_snapshots),
            *([{"current": playthrough.current}] if playthrough.current != self._current_after(playthrough) else []),
        ]
        if not records:
            return
        try:
            append_text(self.path, "".join(f"{json.dumps(record)}\n" for record in records))
            self._remember(playthrough)
        except OutputError:
            with contextlib.suppress(OutputError):
                cut(self.path, self._size)  # Half a line, on a full disk, for example.
            raise

    def _current_after(self, playthrough: Playthrough) -> int:
        """The turn that a reader of the log takes for the current one: the last that was added, or said to be current."""
        return len(playthrough.nodes) - 1 if len(playthrough.nodes) > self._num_nodes else self._current

    def _remember(self, playthrough: Playthrough) -> None:
        self._size = sync_size(self.path)
        self._num_nodes = len(playthrough.nodes)
        self._saved_snapshots = set(playthrough.snapshots)
        self._current = playthrough.current


class FolderLock:
    """Keeps a second session from writing the same autosave; Windows has no such lock."""

    def __init__(self, folder: Path) -> None:
        """Locks the folder until `release`, or until the process ends.

        Raises:
            FictionError: another session holds the lock.
            OutputError: the lock cannot be made.
        """
        self._stream: IO[bytes] | None = None
        try:
            import fcntl
        except ImportError:
            return
        path = folder / ".lock"
        try:
            self._stream = open_new(path)
        except OSError as error:
            raise output_error(path, error) from None
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            raise FictionError(
                f"{folder}: another session plays this game; end it, or name another folder by --saves"
            ) from None

    def release(self) -> None:
        """Lets another session write."""
        if self._stream is not None:
            self._stream.close()


def encode(playthrough: Playthrough, fingerprint: str) -> str:
    """The whole log of a game."""
    header = {"format": FORMAT, "version": VERSION, "game": fingerprint, "seed": playthrough.seed}
    records = [header, *_records(playthrough, 0, {0}), {"current": playthrough.current}]
    return "".join(f"{json.dumps(record)}\n" for record in records)


def load(path: Path, fingerprint: str) -> SavedGame:
    """Reads a saved game of this game.

    Raises:
        FictionError: there is none, it is damaged, or it is of another game.
    """
    try:
        content = read_bytes(path, max_bytes=MAX_BYTES, error=FictionError)
    except FileNotFoundError:
        raise FictionError(f"{path}: there is no such saved game") from None
    *lines, rest = content.split(b"\n")
    saved: SavedGame | None = None
    for number, line in enumerate(lines, 1):
        try:
            record = parse_json(line.decode())
            if not isinstance(record, dict):
                raise ValueError("a record of JSON is expected")
            if saved is None:
                saved = _header(record, path, fingerprint)
            else:
                _add(record, saved)
        except (ValueError, KeyError, binascii.Error, zlib.error) as problem:
            reason = f"no {problem}" if isinstance(problem, KeyError) else str(problem)
            raise FictionError(f"{path}:{number}: {reason}; {_ADVICE}") from None
    if saved is None or not saved.nodes:
        raise FictionError(f"{path}: holds no turn; {_ADVICE}")
    if rest:
        saved.note = (
            f"{path}: the last line is incomplete, as after a power cut; the game continues at the turn before it"
        )
    return saved


def saved_path(folder: Path, name: str) -> Path:
    """The path of a named saved game.

    Raises:
        FictionError: this is no name of a saved game.
    """
    if not _NAME.fullmatch(name):
        raise FictionError(
            f"{name!r} is no name for a saved game: expected letters and digits of any language, spaces, - and _, 60 at most"
        )
    return folder / f"{name.strip()}.jsonl"


def _records(playthrough: Playthrough, num_nodes: int, snapshots: set[int]) -> Iterator[dict[str, Any]]:
    """The records of turns from `num_nodes`, and of all snapshots that are not among `snapshots`."""
    for node in playthrough.nodes[num_nodes:]:
        more: dict[str, Any] = {"typed": node.typed} if node.typed else {}
        more |= {} if node.understood else {"understood": False}
        more |= ({"follows": True} if node.follows else {}) | ({"text": node.text} if node.text else {})
        yield {"parent": node.parent, "line": node.line, "answer": node.answer, **more}
    for index in sorted(set(playthrough.snapshots) - snapshots):
        state = base64.b64encode(zlib.compress(playthrough.snapshots[index])).decode()
        yield {"snapshot": index, "state": state}


def _header(record: dict[str, Any], path: Path, fingerprint: str) -> SavedGame:
    if record.get("format") != FORMAT or record.get("version") != VERSION:
        raise ValueError(f"expected the format {FORMAT!r}, version {VERSION}")
    if record["game"] != fingerprint:
        raise FictionError(
            f"{path}: was saved in another game or version: it names {str(record['game'])[:100]!r}, and this is {fingerprint!r}"
        )
    return SavedGame(_whole(record["seed"], 2**31), [])


def _add(record: dict[str, Any], saved: SavedGame) -> None:
    count = len(saved.nodes)
    if "snapshot" in record:
        saved.snapshots[_whole(record["snapshot"], count)] = _unpacked(record["state"])
    elif "current" in record:
        saved.current = _whole(record["current"], count)
    else:
        parent = _whole(record["parent"], count) if count else -1
        line, answer, typed = (_text(record.get(key, "")) for key in ("line", "answer", "typed"))
        text = _text(record.get("text", ""), _MAX_TEXT)
        understood, follows = record.get("understood") is not False, record.get("follows") is True
        saved.nodes.append(Node(parent, line, answer, typed, understood, follows and parent >= 0, text))
        saved.current = count


def _unpacked(state: Any) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(
        base64.b64decode(_text(state, _MAX_SNAPSHOT_BYTES), validate=True), _MAX_SNAPSHOT_BYTES
    )
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("a snapshot is incomplete or too large")
    return content


def _whole(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise ValueError(f"{str(value)[:40]} stands where a number from 0 to {limit - 1} is expected")
    return value


def _text(value: Any, limit: int = MAX_LINE) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise ValueError(f"expected a text of at most {limit:,} characters")
    return value
