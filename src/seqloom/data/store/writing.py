"""Writes a store: a stream of text becomes files of ids, in bounded memory.

A store has for each side the ids of all examples one after another, and for each example its start, its length and the number of
bytes of its text (for documents also the number of characters). `store.json` describes these files. `opening.py` chooses the
folder.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from seqloom.corpus.corpus import Document, SentencePair, Split
from seqloom.data.batching import IdArray
from seqloom.data.store.store import FACTS, VERSION, columns_of
from seqloom.errors import CorpusError
from seqloom.files import open_new, write_text
from seqloom.progress import Progress
from seqloom.tokenizer import Tokenizer, WordTable

_CHUNK_ITEMS = 8192
_CHUNK_CHARACTERS = 1 << 20


def write_store(split: Split, tokenizer: Tokenizer, folder: Path, progress: Progress) -> None:
    """Encodes a split into the files of a store.

    Args:
        folder: the folder for the files; it must be empty.

    Raises:
        CorpusError: the split has no items.
    """
    items = iter(split)
    first = next(items, None)
    if first is None:
        raise CorpusError(f"{split.origin}: the split {split.name!r} is empty; it needs at least one line")
    is_text = isinstance(first, Document)
    items = chain([first], items)
    vocab = tokenizer.vocab
    dtype = np.dtype("<u2" if max(vocab.src_size, vocab.tgt_size) <= 1 << 16 else "<u4")
    task = f"encoding {split.name}"
    progress.update(task, 0.0)
    num = 0
    source_table = WordTable(tokenizer.source)
    target_table = source_table if vocab.shared else WordTable(tokenizer.target)
    with (
        _SideWriter(folder, "src", dtype, columns_of("src", is_text), None) as src,
        _SideWriter(folder, "tgt", dtype, columns_of("tgt", is_text), vocab.eos_id if is_text else None) as tgt,
    ):
        for sources, targets in _texts(items, is_text, tokenizer):
            num += len(targets)
            src.write(*source_table.encode(sources), sources)
            tgt.write(*target_table.encode(targets), targets)
            progress.update(task, min(0.999, num / (split.size or math.inf)), examples=num)
    facts = {
        "version": VERSION,
        "origin": split.origin,
        "split": split.name,
        "tokenizer": tokenizer.hash,
        "is_text": is_text,
        "eos_id": vocab.eos_id,
        "dtype": dtype.str,
        "num_examples": num,
        "num_src_tokens": src.num_ids,
        "num_tgt_tokens": tgt.num_ids,
        "num_bytes": tgt.num_bytes,
        "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }
    write_text(folder / FACTS, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    progress.update(task, 1.0, examples=num)


def _texts(
    items: Iterator[SentencePair | Document], is_text: bool, tokenizer: Tokenizer
) -> Iterator[tuple[list[str], list[str]]]:
    """Normalised sources and targets, in chunks that fit into memory."""
    sources: list[str] = []
    targets: list[str] = []
    num_characters = 0
    for item in items:
        if isinstance(item, Document) != is_text:
            raise TypeError("a split holds pairs or documents, not both")
        src, tgt = (item.src, item.tgt) if isinstance(item, SentencePair) else ("", item.text)
        sources.append(tokenizer.normalise(src))
        targets.append(tokenizer.normalise(tgt))
        num_characters += len(src) + len(tgt)
        if len(targets) >= _CHUNK_ITEMS or num_characters >= _CHUNK_CHARACTERS:
            yield sources, targets
            sources, targets, num_characters = [], [], 0
    if targets:
        yield sources, targets


class _SideWriter:
    """Appends examples to the files of one side."""

    def __init__(
        self,
        folder: Path,
        side: str,
        dtype: np.dtype[Any],
        columns: Mapping[str, np.dtype[Any]],
        separator: int | None,
    ) -> None:
        self.num_ids = 0
        self.num_bytes = 0
        self._begun = False
        self._dtype = dtype
        self._separator = separator
        self._columns = columns
        self._files = {name: open_new(folder / f"{side}.{name}") for name in ("ids", *columns)}

    def __enter__(self) -> "_SideWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._files.values():
            # The rename must not reach the disk before the content does.
            file.flush()
            os.fsync(file.fileno())
            file.close()

    def write(self, ids: IdArray, lengths: IdArray, texts: Sequence[str]) -> None:
        """Appends examples.

        Args:
            ids: the ids of all examples, one after another.
            lengths: how many ids each example has.
            texts: the texts of the examples.
        """
        sizes = np.fromiter((len(text) if text.isascii() else len(text.encode()) for text in texts), np.int64)
        starts = np.cumsum(lengths) - lengths
        if self._separator is not None:
            # An eos stands before each example except the first of the split.
            gaps = np.arange(len(lengths)) + int(self._begun)
            ids = np.insert(ids, starts[0 if self._begun else 1 :], self._separator)
            starts = starts + gaps
            self._begun = True
        values = {"starts": self.num_ids + starts, "lengths": lengths, "bytes": sizes}
        if "characters" in self._columns:
            values["characters"] = np.fromiter(map(len, texts), np.int64, len(texts))
        for name, dtype in self._columns.items():
            self._files[name].write(values[name].astype(dtype).tobytes())
        self._files["ids"].write(ids.astype(self._dtype).tobytes())
        self.num_ids += len(ids)
        self.num_bytes += int(sizes.sum())
