"""Constraints: what a hypothesis may be, whatever searches for it: how long, how it begins, which ids it may hold.

Sources and limits enter; logits from which forbidden ids were taken away leave. It does not know how hypotheses are ranked.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.batching import IdArray, Sources
from seqloom.decoding import filters
from seqloom.errors import DecodingError
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary

_FREE = -1
"""Stands where a prefix has no id."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the hypotheses of a batch of sources may be.

    Attributes:
        first_ids: (batch,), the id that is fed first: bos, or the last token of a prompt.
        limits: (batch,), the most tokens of a target, eos included.
        prefixes: (batch, longest), the ids that targets must begin with, -1 beyond their end.
        vocab: which ids are special.
        min_len: the fewest tokens before eos.
        no_repeat_ngram: no n-gram of this size twice; 0 for no such rule.
    """

    first_ids: NDArray[np.int64]
    limits: NDArray[np.int64]
    prefixes: NDArray[np.int64]
    vocab: Vocabulary
    min_len: int = 0
    no_repeat_ngram: int = 0

    @classmethod
    def make(
        cls,
        model: Model,
        sources: Sources,
        *,
        first_ids: Sequence[int] | None = None,
        prefixes: Sequence[Sequence[int] | IdArray] | None = None,
        max_len_ratio: float,
        max_len_offset: int,
        min_len: int = 0,
        no_repeat_ngram: int = 0,
    ) -> "Constraints":
        """Derives the limit of each target from its source, from the prefix it must hold, and from what the model can hold.

        Raises:
            DecodingError: a source leaves no room for a target, or a prefix does not fit or holds eos.
        """
        vocab, rows = model.vocab, len(sources)
        prefixes = [[] for _ in range(rows)] if prefixes is None else prefixes
        if len(prefixes) != rows or (first_ids is not None and len(first_ids) != rows):
            raise ValueError(f"{rows} sources need as many prefixes and first ids")
        padded = np.full((rows, max(map(len, prefixes), default=0)), _FREE, dtype=np.int64)
        for row, prefix in enumerate(prefixes):
            padded[row, : len(prefix)] = prefix
        if (padded == vocab.eos_id).any():
            raise DecodingError("a target prefix holds the end-of-sentence id, so nothing can follow it")
        needed = (padded != _FREE).sum(axis=1) + 1
        lengths = sources.mask.sum(dim=1).cpu().numpy()
        limits = np.maximum((max_len_ratio * lengths).astype(np.int64) + max_len_offset, needed)
        for row, length in enumerate(lengths.tolist()):
            room = model.max_tgt_len(length)
            if room is not None and room < needed[row]:
                raise DecodingError(
                    f"a source of {length} tokens leaves room for {room} target positions, but {needed[row]} are needed; "
                    f"shorten the source or the prefix, or train with a larger model.max_len"
                )
            if room is not None:
                limits[row] = min(limits[row], room)
        starts = [vocab.bos_id] * rows if first_ids is None else first_ids
        return cls(np.asarray(starts, dtype=np.int64), limits, padded, vocab, min_len, no_repeat_ngram)

    @property
    def num_forced(self) -> int:
        """How many tokens every target has forced: they are fed at once, before the search begins."""
        lengths = (self.prefixes != _FREE).sum(axis=1)
        return int(lengths.min(initial=self.prefixes.shape[1]))

    @property
    def opening(self) -> NDArray[np.int64]:
        """(batch, 1 + num_forced), what is fed first."""
        return np.concatenate([self.first_ids[:, None], self.prefixes[:, : self.num_forced]], axis=1)

    def select(self, kept: NDArray[np.int64]) -> "Constraints":
        """The constraints of some of the sources, or of repeated ones."""
        return replace(self, first_ids=self.first_ids[kept], limits=self.limits[kept], prefixes=self.prefixes[kept])

    def apply(self, logits: Float[Tensor, "rows vocab"], history: NDArray[np.int64]) -> Float[Tensor, "rows vocab"]:
        """Takes away what may not come next; returns other logits than were given.

        Args:
            logits: equally many rows for each source, together and in order.
            history: (rows, length), the ids of each hypothesis so far.
        """
        return self.apply_(logits.clone(), history)

    def apply_(self, logits: Float[Tensor, "rows vocab"], history: NDArray[np.int64]) -> Float[Tensor, "rows vocab"]:
        """As `apply`, in the given logits themselves: they are large, and a search often needs them no more."""
        rows, length = history.shape
        vocab = self.vocab
        forced, wanted = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        if length < self.prefixes.shape[1]:
            wanted = self.prefixes[:, length].repeat(rows // len(self.prefixes))
            forced = np.flatnonzero(wanted != _FREE)
        # A prefix overrules the other rules, so its logits are taken as they came.
        places = torch.from_numpy(forced).to(logits.device)
        ids = torch.from_numpy(wanted[forced]).to(logits.device)
        before = logits[places, ids]
        if self.no_repeat_ngram:
            past: Int[Tensor, "rows length"] = torch.from_numpy(history).to(logits.device)
            logits.copy_(filters.no_repeat_ngram(logits, past, self.no_repeat_ngram))
        for special in (vocab.pad_id, vocab.bos_id, vocab.eos_id):
            if special != vocab.eos_id or length < self.min_len:
                logits[:, special] = -math.inf
        if forced.size:
            logits[places] = -math.inf
            logits[places, ids] = before
        return logits
