"""EncodedInput: a text as ids, cut to what the model can hold, with notes of everything that was changed.

Input: text; output: ids, ready to be batched. It does not know search, and needs no torch: every engine encodes its input here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Protocol, TypeVar

import numpy as np

from seqloom.corpus.corpus import SentencePair
from seqloom.data.example import Example, IdArray
from seqloom.decoding.full_context import FullContext, kept_positions
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.errors import PromptTooLongError
from seqloom.messages import counted
from seqloom.progress import Progress, Silent
from seqloom.vocabulary import Vocabulary

UNFINISHED = "the output reached its length limit and was cut there"
EMPTY = "the source is empty, and so is the output"
REPLACED = "characters that no text can hold (lone surrogates) were replaced by \N{REPLACEMENT CHARACTER}"


_Item = TypeVar("_Item")


class Capacity(Protocol):
    """How much a model can hold (see `models.base.Model`)."""

    @property
    def max_len(self) -> int | None:
        """The most positions of a source or a target, bos and eos included; None if there is no limit."""

    def max_tgt_len(self, src_len: int) -> int | None:
        """The most target positions after a source of `src_len` tokens; None if there is no limit."""


class TextCodec(Protocol):
    """The part of a tokenizer that decoding uses."""

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
        """The token of each target id."""


@dataclass(frozen=True, slots=True)
class EncodedInput:
    """A text with its ids.

    Attributes:
        number: the index of the text in the whole input.
        text: the source or prompt, unchanged.
        example: its ids; the target is empty unless there is one to score.
        notes: what the user should know.
        blank: whether the text has no tokens.
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

    def blank_generation(self, *, alignments: bool = False) -> Generation:
        """The empty output of a text without tokens."""
        empty = Hypothesis((), 0.0, 0.0, True, ())
        return Generation(self.text, ("",), (empty,), self.notes, () if alignments else None)


class InputEncoder:
    """Encodes windows of numbered texts for one model."""

    def __init__(
        self, model: Capacity, tokenizer: TextCodec, max_src_len: int, full_context: FullContext = "refuse"
    ) -> None:
        """Computes the longest source that the model can read.

        Args:
            max_src_len: the largest number of tokens of a source, even if the model can hold more.
            full_context: see `DecodingSettings.full_context`.
        """
        self._full_context = full_context
        self._model = model
        self._tokenizer = tokenizer
        self._max_src_len = max_src_len
        self._max_src_tokens = self._longest_source()

    def sources(self, window: Sequence[tuple[int, str]]) -> list[EncodedInput]:
        """Texts to generate targets for."""
        inputs = []
        encoded = self._encode([text for _, text in window])
        for (number, text), (src_ids, notes, num_cut) in zip(window, encoded, strict=True):
            blank = not text.strip() or not len(src_ids)
            notes = (*notes, EMPTY) if blank else notes
            inputs.append(EncodedInput(number, text, Example(src_ids, _NO_IDS), notes, blank, num_cut))
        return inputs

    def pairs(self, window: Sequence[tuple[int, SentencePair]]) -> list[EncodedInput]:
        """Sources with targets to score."""
        sources = self._encode([pair.src for _, pair in window])
        targets = self._tokenizer.encode_tgt([_valid_text(pair.tgt)[0] for _, pair in window])
        inputs = []
        for (number, pair), (src_ids, notes, num_cut), tgt_ids in zip(window, sources, targets, strict=True):
            limit = self._model.max_tgt_len(len(src_ids) + 1)
            if limit is not None and len(tgt_ids) + 1 > limit:
                tgt_ids = tgt_ids[: limit - 1]
                notes = (
                    *notes,
                    f"the target was cut to the {counted(limit - 1, 'token')} that fit, and is scored without its rest",
                )
            inputs.append(EncodedInput(number, pair.src, Example(src_ids, tgt_ids), notes, num_cut=num_cut))
        return inputs

    def prompts(self, window: Sequence[tuple[int, str]]) -> list[EncodedInput]:
        """Prompts of language models. The source of each is bos and the prompt.

        Raises:
            PromptTooLongError: with bos, a prompt has more tokens than the model can hold, and the context does not slide.
        """
        limit = self._model.max_tgt_len(0)
        texts = [_valid_text(text) for _, text in window]
        encoded = self._tokenizer.encode_tgt([text for text, _ in texts])
        inputs = []
        for (number, text), (_, notes), ids in zip(window, texts, encoded, strict=True):
            num_cut = 0
            if limit is not None and len(ids) + 1 > limit:
                if self._full_context == "refuse":
                    raise PromptTooLongError(
                        f"a prompt of {counted(len(ids), 'token')} is too long: the context of the model holds "
                        f"{limit:,}, of which 1 begins every text; shorten the prompt, set decoding.full_context (--full-context) "
                        "to slide, which reads the end of the prompt only, or train with a larger model.max_len"
                    )
                kept = kept_positions(limit) - 1
                num_cut = len(ids) - kept
                ids = ids[num_cut:]
                notes = (
                    *notes,
                    f"the prompt is longer than the context of {counted(limit, 'token')}: its first {counted(num_cut, 'token')} "
                    "were not read",
                )
            src_ids = np.concatenate([np.array([self._tokenizer.vocab.bos_id], dtype=np.int64), ids])
            inputs.append(EncodedInput(number, text, Example(src_ids, _NO_IDS), notes, num_cut=num_cut))
        return inputs

    def _encode(self, texts: list[str]) -> list[tuple[IdArray, tuple[str, ...], int]]:
        """For each source its ids, notes, and the number of tokens that were cut."""
        valid = [_valid_text(text) for text in texts]
        encoded: list[tuple[IdArray, tuple[str, ...], int]] = []
        for ids, (_, notes) in zip(self._tokenizer.encode_src([text for text, _ in valid]), valid, strict=True):
            num_cut = max(0, len(ids) - self._max_src_tokens)
            if num_cut:
                ids = ids[: self._max_src_tokens]
                notes = (
                    *notes,
                    f"the source was cut to its first {counted(self._max_src_tokens, 'token')}, the most that are read",
                )
            encoded.append((ids, notes, num_cut))
        return encoded

    def _longest_source(self) -> int:
        """The most source tokens, eos excluded, after which a target of half their number fits."""
        model = self._model

        def fits(length: int) -> bool:
            limit = model.max_tgt_len(length + 1)
            source_fits = model.max_len is None or length + 1 <= model.max_len
            return source_fits and (limit is None or limit >= max(1, length // 2))

        low, high = 1, self._max_src_len
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        return low


def windows(
    items: Iterable[_Item], size: int, progress: Progress | None, task: str
) -> Iterator[list[tuple[int, _Item]]]:
    """Numbered items, `size` at a time. A window counts as done when the next one is requested."""
    progress = progress or Silent()
    total = len(items) if isinstance(items, Sequence) else None
    numbered, done, start = enumerate(items), 0, perf_counter()
    while window := list(islice(numbered, size)):
        yield window
        done += len(window)
        speed = done / max(perf_counter() - start, 1e-9)
        # The size of an iterator is not known, so its progress is not known either.
        progress.update(task, done / total if total else 0.0, lines=done, lines_per_second=speed)
    if done and total is None:
        progress.update(task, 1.0, lines=done)


_NO_IDS = np.zeros(0, dtype=np.int64)


def _valid_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with lone surrogates replaced, and a note if there were any."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"), (REPLACED,)
    return text, ()
