"""Reading: texts -> jobs: their ids, cut to what the model can hold, with notes of everything that was done to them.

Text enters; ids leave, ready to be batched. It does not know how targets are found, and needs no torch: every engine reads by it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Protocol, TypeVar

import numpy as np

from seqloom.corpus.corpus import SentencePair
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.example import Example, IdArray
from seqloom.messages import counted
from seqloom.progress import Progress, Silent
from seqloom.vocabulary import Vocabulary

UNFINISHED = "the output reached its length limit and was cut there"
EMPTY = "the source is empty, and so is the output"
MENDED = "characters that no text can hold (lone surrogates) were replaced by \N{REPLACEMENT CHARACTER}"


_Item = TypeVar("_Item")


class Capacity(Protocol):
    """What is needed of a model: how much it can hold (see `models.base.Model`)."""

    @property
    def max_len(self) -> int | None:
        """The most positions of a source or a target, bos and eos included; None where there is no limit."""

    def max_tgt_len(self, src_len: int) -> int | None:
        """The most target positions that may follow a source of `src_len` tokens; None where there is no limit."""


class TextCodec(Protocol):
    """What is needed of a tokenizer."""

    @property
    def vocab(self) -> Vocabulary:
        """Sizes and special ids."""

    def encode_src(self, texts: Sequence[str]) -> list[IdArray]:
        """Sources to ids, without special ids."""

    def encode_tgt(self, texts: Sequence[str]) -> list[IdArray]:
        """Targets to ids, without special ids."""

    def decode_tgt(self, ids: Sequence[int]) -> str:
        """Ids to the text of a target."""

    def tgt_tokens(self, ids: Sequence[int]) -> list[str]:
        """The pieces of target ids, to show."""


@dataclass(frozen=True, slots=True)
class Job:
    """A text on its way.

    Attributes:
        number: its place in the whole input, from 0.
        text: the source or prompt, as it was given.
        example: its ids; the target's are empty where none was given.
        notes: what the user should know.
        blank: whether there is nothing to read.
        num_cut: tokens of the source or prompt that are not read.
    """

    number: int
    text: str
    example: Example
    notes: tuple[str, ...] = ()
    blank: bool = False
    num_cut: int = 0

    @property
    def size(self) -> int:
        """Tokens of source and target."""
        return len(self.example.src_ids) + len(self.example.tgt_ids)


class Reader:
    """Reads windows of numbered texts for one model.

    Attributes:
        longest: the most tokens of a source that are read, its eos left out.
    """

    def __init__(self, model: Capacity, tokenizer: TextCodec, max_src_len: int) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_src_len = max_src_len
        self.longest = self._longest_source()

    def sources(self, window: Sequence[tuple[int, str]]) -> list[Job]:
        """Texts to make targets for."""
        jobs = []
        for (number, text), (src_ids, notes, cut) in zip(
            window, self._encode([text for _, text in window]), strict=True
        ):
            blank = not text.strip() or not len(src_ids)
            jobs.append(Job(number, text, Example(src_ids, _NO_IDS), (*notes, EMPTY) if blank else notes, blank, cut))
        return jobs

    def pairs(self, window: Sequence[tuple[int, SentencePair]]) -> list[Job]:
        """Sources with targets to score."""
        sources = self._encode([pair.src for _, pair in window])
        targets = self.tokenizer.encode_tgt([_mend(pair.tgt)[0] for _, pair in window])
        jobs = []
        for (number, pair), (src_ids, notes, cut), tgt_ids in zip(window, sources, targets, strict=True):
            room = self.model.max_tgt_len(len(src_ids) + 1)
            if room is not None and len(tgt_ids) + 1 > room:
                tgt_ids = tgt_ids[: room - 1]
                notes = (
                    *notes,
                    f"the target was cut to the {counted(room - 1, 'token')} that fit, and is scored without its rest",
                )
            jobs.append(Job(number, pair.src, Example(src_ids, tgt_ids), notes, num_cut=cut))
        return jobs

    def prompts(self, window: Sequence[tuple[int, str]], max_tokens: int) -> list[Job]:
        """Texts to go on from: bos and the prompt as the source.

        Long prompts lose their beginning, so that `max_tokens` more fit, or half of what the model holds.
        """
        room = self.model.max_tgt_len(0)
        longest = self.max_src_len if room is None else min(self.max_src_len, max(room - max_tokens, room // 2))
        mended = [_mend(text) for _, text in window]
        encoded = self.tokenizer.encode_tgt([text for text, _ in mended])
        jobs = []
        for (number, text), (_, notes), ids in zip(window, mended, encoded, strict=True):
            cut = max(0, len(ids) + 1 - longest)
            if cut:
                ids = ids[len(ids) + 1 - longest :]
                notes = (
                    *notes,
                    f"only the last {counted(len(ids), 'token')} of the prompt were read, so that the output fits",
                )
            opened = np.concatenate([np.array([self.tokenizer.vocab.bos_id], dtype=np.int64), ids])
            jobs.append(Job(number, text, Example(opened, _NO_IDS), notes, num_cut=cut))
        return jobs

    def _encode(self, texts: list[str]) -> list[tuple[IdArray, tuple[str, ...], int]]:
        mended = [_mend(text) for text in texts]
        found: list[tuple[IdArray, tuple[str, ...], int]] = []
        for ids, (_, notes) in zip(self.tokenizer.encode_src([text for text, _ in mended]), mended, strict=True):
            cut = max(0, len(ids) - self.longest)
            if cut:
                ids = ids[: self.longest]
                notes = (
                    *notes,
                    f"the source was cut to its first {counted(self.longest, 'token')}, the most that are read",
                )
            found.append((ids, notes, cut))
        return found

    def _longest_source(self) -> int:
        """The most tokens that leave room, beside the source's eos, for a target of half its length."""
        model = self.model

        def fits(length: int) -> bool:
            room = model.max_tgt_len(length + 1)
            whole = model.max_len is None or length + 1 <= model.max_len
            return whole and (room is None or room >= max(1, length // 2))

        low, high = 1, self.max_src_len
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        return low


def windows(
    items: Iterable[_Item], size: int, progress: Progress | None, task: str
) -> Iterator[list[tuple[int, _Item]]]:
    """Numbered items, `size` at a time; a window counts as done when the next one is asked for."""
    progress = progress or Silent()
    total = len(items) if isinstance(items, Sequence) else None
    numbered, done, start = enumerate(items), 0, perf_counter()
    while window := list(islice(numbered, size)):
        yield window
        done += len(window)
        speed = done / max(perf_counter() - start, 1e-9)
        # How much of an endless input is done, nobody knows.
        progress.update(task, done / total if total else 0.0, lines=done, lines_per_second=speed)
    if done and total is None:
        progress.update(task, 1.0, lines=done)


def blank_generation(job: Job, *, alignments: bool = False) -> Generation:
    """What becomes of a source in which there is nothing to read."""
    nothing = Hypothesis((), 0.0, 0.0, True, ())
    return Generation(job.text, ("",), (nothing,), job.notes, () if alignments else None)


_NO_IDS = np.zeros(0, dtype=np.int64)


def _mend(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as UTF-8 can hold it, and a note where that is another text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"), (MENDED,)
    return text, ()
