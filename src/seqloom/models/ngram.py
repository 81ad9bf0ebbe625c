"""The n-gram language model: interpolated modified Kneser-Ney, fitted by counting.

Kneser & Ney 1995, "Improved backing-off for m-gram language modeling"; Chen & Goodman 1999, "An empirical study of smoothing
techniques for language modeling", section 3. Where c counts an n-gram of the context h and the id w, T is the sum of c over w, and
h' is h without its first id:

    p(w | h) = (c(h w) - D(c)) / T(h) + b(h) p(w | h'),     b(h) = the sum of what was subtracted or pruned / T(h)

Unigrams are interpolated with the uniform distribution. For a context h that was never seen, p(w | h) = p(w | h').
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import psutil
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from seqloom.data.batching import Example, Sources
from seqloom.errors import TrainingError
from seqloom.messages import counted
from seqloom.models.base import DecoderState, Model, ModelSettings
from seqloom.models.ngram_discounts import estimate_discounts
from seqloom.models.ngram_lookup import NgramLevel
from seqloom.models.ngram_tables import NgramTable, SpecialIds, count_ngrams, join_sequences, most_bytes
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.progress import Progress, Silent
from seqloom.vocabulary import Vocabulary

_LONGEST_ORDER = 16
# Hidden states hold ids as numbers of 32 bits, which are exact up to here.
_MOST_IDS = 1 << 24
_UNKNOWN = -1
"""Fills a context that has fewer ids than its width, on the left."""
_NAMES = ("contexts", "ngrams", "counts", "totals")


class NGramSettings(ModelSettings):
    """Settings of the n-gram model."""

    architecture: Literal["ngram"] = "ngram"
    order: int = Field(5, gt=0, le=_LONGEST_ORDER, description="ids of an n-gram: the context and the id after it")
    min_count: int = Field(
        1, gt=0, le=1 << 30, description="n-grams of three and more ids that occur less often are left out"
    )


class NGram(Model):
    """A language model that counts; a hidden state holds the last `order - 1` ids."""

    settings_type = NGramSettings

    trains_on_texts = True
    trains_on_pairs = False
    compiles = False
    has_output_matrix = False
    fitted_by_counting = True

    def __init__(self, settings: NGramSettings, vocab: Vocabulary) -> None:
        super().__init__()
        vocab.check_shared("an n-gram model")
        if vocab.tgt_size > _MOST_IDS:
            raise ValueError(f"the vocabulary has {vocab.tgt_size:,} ids; an n-gram model takes at most {_MOST_IDS:,}")
        self.settings = settings
        self.vocab = vocab
        self._width = max(1, settings.order - 1)
        self._levels: list[NgramLevel] | None = None
        for length in range(settings.order):
            empty = torch.empty(0, dtype=torch.int64)
            self._set(length, empty, empty, torch.empty(0, dtype=torch.int32), torch.zeros(int(length == 0)).long())
        self.register_buffer("discounts", torch.zeros(settings.order, 3, dtype=torch.float64))

    @property
    def hidden_width(self) -> int:
        """The ids of a context; 1 for a unigram model, whose context is not used."""
        return self._width

    @property
    def context_len(self) -> int:
        """How many ids a prediction depends on."""
        return self.settings.order - 1

    def num_parameters(self, *, embeddings: bool = True) -> int:
        """The number of n-grams: each has a count. None of them is an embedding."""
        del embeddings
        return sum(self._buffer(length, "ngrams").numel() for length in range(self.settings.order))

    def fit(
        self, examples: Iterable[Example], *, end: bool = True, progress: Progress | None = None
    ) -> tuple[str, ...]:
        """Counts the n-grams of the targets.

        Raises:
            TrainingError: an example has a source, there is nothing to count, or it would take more memory than is free.
        """
        progress = progress or Silent()
        sequences = []
        for example in examples:
            if len(example.src_ids):
                raise TrainingError(
                    "an n-gram model learns from plain text, but an example has a source; give plain text instead of pairs"
                )
            sequences.append(example.tgt_ids)
        special = SpecialIds(self.vocab.bos_id, self.vocab.eos_id)
        ids = join_sequences(sequences, special, end=end)
        num_ids, order = sum(map(len, sequences)), self.settings.order
        if num_ids < 1:
            raise TrainingError("there is no text to count n-grams of; check that the data are not empty")
        progress.say(_check_memory(most_bytes(num_ids, self.vocab.tgt_size, order), num_ids, order))
        task = f"counting n-grams of up to {counted(order, 'id')}"
        progress.update(task, 0.0)
        tables = count_ngrams(
            ids,
            self.vocab.tgt_size,
            order,
            special,
            min_count=self.settings.min_count,
            on_progress=lambda share: progress.update(task, share, ids=num_ids),
        )
        return self._take(tables)

    def resize(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Resizes the tables to the shapes of a file."""
        for length in range(self.settings.order):
            for name in _NAMES:
                key = f"{name}_{length}"
                shape = shapes.get(key)
                if shape is not None and len(shape) == 1:
                    old = self._buffer(length, name)
                    self.register_buffer(key, torch.empty(shape, dtype=old.dtype, device=old.device))
        self._levels = None

    def check_state(self) -> None:
        """Checks that the tables are what counting makes: sorted, and all numbers in them in range.

        Raises:
            ValueError: a table is not; the message names it.
        """
        self._levels = None
        num_before = 1
        for length in range(self.settings.order):
            contexts, ngrams, counts, totals = (self._buffer(length, name) for name in _NAMES)
            num_contexts = len(totals)
            if len(contexts) != (num_contexts if length else 0) or len(counts) != len(ngrams):
                raise ValueError(f"the tables of contexts of length {length} have different sizes")
            for name, keys, limit in (("contexts", contexts, num_before), ("ngrams", ngrams, num_contexts)):
                in_range = not len(keys) or (int(keys[0]) >= 0 and int(keys[-1]) < limit * self.vocab.tgt_size)
                if not in_range or not bool((keys[1:] > keys[:-1]).all()):
                    raise ValueError(f"{name}_{length} is not sorted, or holds numbers that are out of range")
            sums = torch.zeros(num_contexts, dtype=torch.int64)
            sums.index_add_(0, ngrams // self.vocab.tgt_size, counts.long())
            if (counts < 1).any() or (totals < sums).any() or (length and (totals < 1).any()):
                raise ValueError(f"counts_{length} or totals_{length} holds numbers that are out of range")
            num_before = num_contexts
        most = torch.arange(1, 4, dtype=self.discounts.dtype)
        if bool(((self.discounts < 0) | (self.discounts > most)).any()):
            raise ValueError("discounts holds numbers that are out of range")

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Keeps the last ids of each prompt; shorter prompts are filled on the left."""
        rows, width = len(sources), self._width
        lengths = sources.mask.sum(dim=1, keepdim=True)
        columns = lengths - width + torch.arange(width, device=lengths.device)
        padded = torch.cat([sources.ids, sources.ids.new_zeros(rows, 1)], dim=1)
        context = padded.gather(1, columns.clamp(min=0, max=padded.shape[1] - 1)).masked_fill(columns < 0, _UNKNOWN)
        index = torch.arange(rows, device=lengths.device)
        if hooks is not None and sources.ids.shape[1]:
            hooks("prompt.tokens", sources.ids[:, :, None].float())
        return DecoderState({"mask": sources.mask}, {"context": context}, index)

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Appends the ids to the contexts; a hidden state is the ids of a context, the last one at its end."""
        capture(hooks, "decoder.tokens", ids[:, :, None].float())
        whole = torch.cat([state.cache["context"], ids], dim=1)
        hidden = whole.unfold(1, self._width, 1)[:, 1:].float()
        state = state.after(ids.shape[1], {"context": whole[:, ids.shape[1] :]})
        return capture(hooks, "decoder.hidden", hidden), state

    def log_probs(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the probability of each id, in float64."""
        contexts = self._contexts(hidden)
        levels = self.levels()
        matches = self._find(contexts, levels)
        # The share of the probability that all longer contexts leave for the next shorter one.
        kept = torch.ones(len(contexts), dtype=torch.float64, device=contexts.device)
        parts = []
        for level, (rows, numbers) in zip(levels[:0:-1], matches[::-1], strict=True):
            entry_rows, entry_ids, probs = level.followers(numbers)
            rows_of_entries = rows[entry_rows]
            parts.append((rows_of_entries, entry_ids, probs * kept[rows_of_entries]))
            kept[rows] = kept[rows] * level.backoff[numbers]
        result = levels[0].distribution * kept[:, None]
        for rows, ids, probs in parts[::-1]:
            result.index_put_((rows, ids), probs, accumulate=True)
        return result.log_().reshape(*hidden.shape[:-1], self.vocab.tgt_size)

    def target_log_probs(
        self, hidden: Float[Tensor, "rows d_model"], targets: Int[Tensor, "rows"]
    ) -> Float[Tensor, "rows"]:
        """Like `log_probs`, without the probabilities of all other ids."""
        contexts = self._contexts(hidden)
        levels = self.levels()
        probs = levels[0].distribution[targets]
        for level, (rows, numbers) in zip(levels[1:], self._find(contexts, levels), strict=True):
            probs[rows] = probs[rows] * level.backoff[numbers] + level.probs(numbers, targets[rows])
        return probs.log_()

    def load_state_dict(
        self, state_dict: Mapping[str, Tensor], strict: bool = True, assign: bool = False
    ) -> torch.nn.modules.module._IncompatibleKeys:
        """Like `nn.Module`, and discards what was computed from earlier counts."""
        self._levels = None
        return super().load_state_dict(state_dict, strict, assign)

    @property
    def device(self) -> torch.device:
        """The device of the tables."""
        return self.discounts.device

    def _contexts(self, hidden: Tensor) -> Int[Tensor, "rows width"]:
        return hidden.reshape(-1, self._width).round().long()

    def _find(self, contexts: Tensor, levels: list[NgramLevel]) -> list[tuple[Tensor, Tensor]]:
        """For each length of at least 1: the rows whose context of that length was seen, and its number in the table."""
        rows = torch.arange(len(contexts), device=contexts.device)
        numbers = torch.zeros_like(rows)
        matches = []
        for length, level in enumerate(levels[1:], start=1):
            before = contexts[rows, self._width - length]
            known = (before >= 0) & (before != self.vocab.bos_id) & (before < self.vocab.tgt_size)
            if length > 1:
                # Ids before eos belong to another document, so they are not read.
                known &= contexts[rows, self._width - length + 1] != self.vocab.eos_id
            rows, keys = rows[known], (numbers * self.vocab.tgt_size + before)[known]
            numbers, hit = level.find_contexts(keys)
            rows, numbers = rows[hit], numbers[hit]
            matches.append((rows, numbers))
        return matches

    def levels(self) -> list[NgramLevel]:
        """The tables for each length of context, the shortest first, with values that are computed from them."""
        levels = self._levels
        if levels is None or levels[0].ngrams.device != self.device:
            levels = [
                NgramLevel.prepare(
                    self._buffer(length, "contexts"),
                    self._buffer(length, "ngrams"),
                    self._buffer(length, "counts"),
                    self._buffer(length, "totals"),
                    self.discounts[length],
                    self.vocab.tgt_size,
                )
                for length in range(self.settings.order)
            ]
            self._levels = levels
        return levels

    def _take(self, tables: list[NgramTable]) -> tuple[str, ...]:
        """Stores counted tables; returns notes on their discounts."""
        notes, discounts = [], []
        for length, table in enumerate(tables):
            arrays = (table.contexts, table.ngrams, table.counts, table.totals)
            self._set(length, *(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
            estimated = estimate_discounts(table.counts_of_counts)
            discounts.append(estimated.values)
            notes.append(estimated.note(length + 1))
        self.discounts = torch.tensor(discounts, dtype=torch.float64)
        self._levels = None
        return tuple(filter(None, notes))

    def _set(self, length: int, *tensors: Tensor) -> None:
        for name, tensor in zip(_NAMES, tensors, strict=True):
            self.register_buffer(f"{name}_{length}", tensor)

    def _buffer(self, length: int, name: str) -> Tensor:
        return self.get_buffer(f"{name}_{length}")


def _check_memory(needed: int, num_ids: int, order: int) -> str:
    """A sentence about the largest amount of memory that counting may take.

    Raises:
        TrainingError: less memory than that is free.
    """
    free = psutil.virtual_memory().available
    message = (
        f"Counting n-grams of up to {counted(order, 'id')} in a text of {counted(num_ids, 'id')} takes at most {_size(needed)} of "
        f"memory"
    )
    if 0 < free < needed:
        raise TrainingError(
            f"{message}, but {_size(free)} are free. Take a lower model.order, a tokenizer with longer tokens (tokenizer.kind "
            "bpe), or less text"
        )
    return f"{message} ({_size(free)} are free)."


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{max(1, round(num_bytes / 1e6))} MB"
