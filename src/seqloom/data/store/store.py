"""ExampleStore and its views: examples by index from memory-mapped files, so that a corpus may be larger than memory.

`writing.py` writes the folder. Example objects (ids) are copies from the memory map. This module does not know text, tokenizers,
batches or models.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqloom.data.batching import Example, Examples, IdArray
from seqloom.data.store.documents import Documents
from seqloom.data.store.windows import DocumentWindows, Windows
from seqloom.errors import CorpusError
from seqloom.untrusted import open_file, read_json

VERSION = 2
FACTS = "store.json"
# The number of examples whose columns are read together.
_AT_ONCE = 1 << 20
_DTYPES = ("<u2", "<u4")
COLUMNS: dict[str, np.dtype[Any]] = {"starts": np.dtype("<i8"), "lengths": np.dtype("<i4"), "bytes": np.dtype("<i4")}
# The columns of documents. The characters of pairs are never needed.
TEXT_COLUMNS = {**COLUMNS, "characters": np.dtype("<i4")}


class StoredExamples(Examples, Protocol):
    """Examples with their total sizes: a store, or a view of a store."""

    @property
    def num_src_tokens(self) -> int:
        """The number of ids of all sources, without special ids."""

    @property
    def num_tgt_tokens(self) -> int:
        """The number of ids of all targets: for pairs without special ids, for text with eos between documents."""

    @property
    def num_bytes(self) -> int:
        """The number of UTF-8 bytes of the normalised targets, for bits per byte."""


class ExampleStore:
    """The ids of a split. Opening reads no ids; an example is copied from the memory map when it is requested.

    Attributes:
        is_text: whether the store contains documents; each example is then a document with an empty source.
        ends: always True: eos follows each example.
    """

    ends = True

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.is_text = bool(facts["is_text"])
        self._num_src_tokens = int(facts["num_src_tokens"])
        self._num_bytes = int(facts["num_bytes"])
        self._eos_id = int(facts["eos_id"])
        dtype = np.dtype(facts["dtype"])
        self._src = _Side(folder, "src", dtype)
        self._tgt = _Side(folder, "tgt", dtype)
        self._num_characters = map_file(folder / "tgt.characters", TEXT_COLUMNS["characters"]) if self.is_text else None

    @property
    def src_lengths(self) -> IdArray:
        """The number of ids of each source, without special ids."""
        return self._src.lengths

    @property
    def tgt_lengths(self) -> IdArray:
        """The number of ids of each target, without special ids."""
        return self._tgt.lengths

    @property
    def tgt_bytes(self) -> IdArray:
        """The number of UTF-8 bytes of each normalised target."""
        return self._tgt.bytes

    @property
    def num_src_tokens(self) -> int:
        """The number of ids of all sources, without special ids."""
        return self._num_src_tokens

    @property
    def num_tgt_tokens(self) -> int:
        """The number of ids of all targets: for pairs without special ids, for text with eos between documents."""
        return len(self._tgt.ids)

    @property
    def num_bytes(self) -> int:
        """The number of UTF-8 bytes of the normalised targets."""
        return self._num_bytes

    def __len__(self) -> int:
        return len(self._tgt.lengths)

    def __getitem__(self, index: int, /) -> Example:
        index = range(len(self))[index]
        return Example(self._src.row(index), self._tgt.row(index))

    @property
    def documents(self) -> Documents:
        """The boundaries of the documents in the stream of ids that `windows` cuts, and the size of each document.

        Nothing is read: the arrays are views of the memory-mapped files.

        Raises:
            ValueError: the store holds pairs.
        """
        if self._num_characters is None:
            raise ValueError("this store holds pairs, not documents")
        side = self._tgt
        return Documents(side.ids, side.starts, side.lengths, side.bytes, self._num_characters, self._eos_id)

    def windows(self, window_len: int, *, across_documents: bool = True) -> Windows | DocumentWindows:
        """The text of all documents, with eos between them, in windows of `window_len` ids (the last may be shorter).

        Args:
            across_documents: whether a window may hold the end of a document and the beginning of the next. If not, each document
                begins a window, and its eos is in its last window.

        Raises:
            ValueError: the store holds pairs, or the length is not positive.
        """
        if not self.is_text or window_len < 1:
            raise ValueError(
                "windows of at least one id are cut out of text; this store holds pairs, or window_len is below 1"
            )
        if not across_documents:
            return DocumentWindows(self.documents, window_len, self.num_bytes)
        return Windows(self._tgt.ids, window_len, self.num_bytes)

    def is_whole(self) -> bool:
        """Whether the range of each example is within the file of ids; the ids are not read."""
        if self._num_characters is not None and len(self._num_characters) != len(self):
            return False
        return self._src.is_whole() and self._tgt.is_whole() and len(self._src.lengths) == len(self._tgt.lengths)

    def select(self, max_src_len: int | None, max_tgt_len: int | None) -> "tuple[SelectedExamples, Dropped]":
        """The examples that fit a model, and how many do not.

        Args:
            max_src_len: the most ids of a source, without special ids; None for no limit.
            max_tgt_len: the same for targets.

        Raises:
            CorpusError: every example is too long.
        """
        src_long = np.zeros(len(self), dtype=bool) if max_src_len is None else self.src_lengths > max_src_len
        tgt_long = np.zeros(len(self), dtype=bool) if max_tgt_len is None else self.tgt_lengths > max_tgt_len
        rows = np.flatnonzero(~(src_long | tgt_long))
        dropped = Dropped(len(self), len(self) - len(rows), int(src_long.sum()), int(tgt_long.sum()))
        if not len(rows):
            limits = f"{max_src_len or 'any number of'} source and {max_tgt_len or 'any number of'} target tokens"
            raise CorpusError(
                f"all {len(self):,} examples are longer than the model allows ({limits}); raise the model's maximum length, or "
                "train a tokenizer with a larger vocabulary"
            )
        return SelectedExamples(self, rows), dropped


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many examples were left out because they are too long.

    Attributes:
        num_examples: how many examples there were.
        num_dropped: how many examples were left out.
        num_src_too_long: how many sources are too long.
        num_tgt_too_long: how many targets are too long; both may be true of an example.
    """

    num_examples: int
    num_dropped: int
    num_src_too_long: int
    num_tgt_too_long: int

    def __str__(self) -> str:
        return (
            f"{self.num_dropped:,} of {self.num_examples:,} examples left out as longer than the model allows "
            f"(source {self.num_src_too_long:,}, target {self.num_tgt_too_long:,})"
        )


class SelectedExamples:
    """Some examples of a store, by their rows."""

    ends = True

    def __init__(self, store: ExampleStore, rows: NDArray[np.int64]) -> None:
        self._store = store
        # The smallest integer types: for a corpus larger than memory, only these 12 bytes per example are in memory.
        self.rows = rows.astype(np.min_scalar_type(len(store)), copy=False)
        self.src_lengths: IdArray = store.src_lengths[rows]
        self.tgt_lengths: IdArray = store.tgt_lengths[rows]

    @property
    def num_src_tokens(self) -> int:
        """Ids of the selected sources, without special ids."""
        return int(self.src_lengths.sum(dtype=np.int64))

    @property
    def num_tgt_tokens(self) -> int:
        """Ids of the selected targets, without special ids."""
        return int(self.tgt_lengths.sum(dtype=np.int64))

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the selected targets."""
        return int(self._store.tgt_bytes[self.rows].sum(dtype=np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int, /) -> Example:
        return self._store[int(self.rows[range(len(self))[index]])]


class _Side:
    """The files of one side: the ids of all examples one after another, and the start and length of each example."""

    def __init__(self, folder: Path, side: str, dtype: np.dtype[Any]) -> None:
        self.ids = map_file(folder / f"{side}.ids", dtype)
        self.starts, self.lengths, self.bytes = (map_file(folder / f"{side}.{name}", COLUMNS[name]) for name in COLUMNS)

    def is_whole(self) -> bool:
        """Whether the range of each example is within the file of ids."""
        columns = (self.starts, self.lengths, self.bytes)
        if len({len(column) for column in columns}) > 1:
            return False
        for begin in range(0, len(self.starts), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            starts, lengths = self.starts[part], self.lengths[part]
            if starts.min() < 0 or lengths.min() < 0 or (starts + lengths).max() > len(self.ids):
                return False
        return True

    def row(self, index: int) -> IdArray:
        start = int(self.starts[index])
        # A copy, so that no example keeps the memory map open or can write to it.
        return np.array(self.ids[start : start + int(self.lengths[index])], dtype=np.int32)


def map_file(path: Path, dtype: np.dtype[Any]) -> IdArray:
    """A file as an array, memory-mapped and read-only."""
    # A slice of a plain array over the map takes a tenth of the time of a slice of np.memmap. An empty file cannot be mapped.
    return np.memmap(path, dtype=dtype, mode="r").view(np.ndarray) if path.stat().st_size else np.empty(0, dtype=dtype)


def columns_of(side: str, is_text: bool) -> dict[str, np.dtype[Any]]:
    """The columns of a side ("src" or "tgt"), by name."""
    return TEXT_COLUMNS if is_text and side == "tgt" else COLUMNS


def read_store(folder: Path) -> ExampleStore | None:
    """The store in a folder; None if there is none or its files are damaged."""
    try:
        facts = read_json(folder / FACTS, within=folder, error=CorpusError)
        names = {f"{side}.{name}" for side in ("src", "tgt") for name in ("ids", *columns_of(side, facts["is_text"]))}
        if set(facts["sizes"]) != names or facts["version"] != VERSION or facts["dtype"] not in _DTYPES:
            return None
        for name, size in facts["sizes"].items():
            with open_file(folder / name, within=folder, error=CorpusError) as stream:
                if os.fstat(stream.fileno()).st_size != size:
                    return None
        store = ExampleStore(folder, facts)
        return store if store.is_whole() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CorpusError):
        return None
