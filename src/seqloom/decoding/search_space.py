"""SearchSpace: the targets that a search may return: how they begin, how long they are, which ids they hold.

Sources, settings and constraints enter. The search asks for the limits, and for logits without the ids that may not come next. The
search space does not know how hypotheses are ranked.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding.constraints import Constraint, Histories, NoRepeatNgram
from seqloom.decoding.score_penalties import ScorePenalties, count_ids
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import DecodingError
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary

_FREE = -1
"""Fills the table of prefixes beyond the end of each."""


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The targets that the sources of a batch may get.

    Attributes:
        sources: (batch,), the index of each source in the batch that the search began with.
        first_ids: (batch,), the id that is fed first: bos, or the last token of a prompt.
        prefixes: (batch, longest), the ids that targets must begin with, -1 beyond their end.
        limits: (batch,), the largest number of tokens of a target, eos included.
        min_len: the smallest number of tokens before eos.
        constraints: rules for what follows the prefixes.
        vocab: special ids and sizes of the model that is searched; with shortlists its ids are positions in a shortlist.
        whole_vocab: those of the model without shortlists. Constraints and observers use its ids.
        shortlists: (all sources, longest), the id of the whole vocabulary for each id of the search; None if they are the same.
        penalties: lowers the scores of ids that occurred before; None for no change.
        context_counts: (all sources, whole vocabulary), how often each id is in the penalised context of the source (see
            `search`); None if there is none.
    """

    sources: NDArray[np.int64]
    first_ids: NDArray[np.int64]
    prefixes: NDArray[np.int64]
    limits: NDArray[np.int64]
    min_len: int
    constraints: tuple[Constraint, ...]
    vocab: Vocabulary
    whole_vocab: Vocabulary
    shortlists: NDArray[np.int64] | None = None
    penalties: ScorePenalties | None = None
    context_counts: Int[Tensor, "all_sources whole_vocab"] | None = None

    @classmethod
    def make(
        cls,
        model: Model,
        sources: Sources,
        settings: DecodingSettings,
        constraints: Sequence[Constraint] = (),
        *,
        decoder_prompts: Sequence[Sequence[int]] | None = None,
        shortlists: NDArray[np.int64] | None = None,
        whole_vocab: Vocabulary | None = None,
        penalised_context: Sequence[Sequence[int]] | None = None,
    ) -> "SearchSpace":
        """Computes the limit of each target from its source, its prefix and the length that the model can hold.

        Args:
            decoder_prompts, penalised_context: see `search`.
            whole_vocab: by default the model's.

        Raises:
            DecodingError: a source is too long for any target, or a prefix does not fit or holds eos.
        """
        vocab, rows = model.vocab, len(sources)
        openings = [[vocab.bos_id]] * rows if decoder_prompts is None else decoder_prompts
        if len(openings) != rows or not all(map(len, openings)):
            raise ValueError(f"{rows} sources need as many decoder prompts, each of at least one id")
        prefixes = np.full((rows, max(map(len, openings), default=1) - 1), _FREE, dtype=np.int64)
        for row, opening in enumerate(openings):
            prefixes[row, : len(opening) - 1] = opening[1:]
        if (prefixes == vocab.eos_id).any():
            raise DecodingError("a target prefix holds the end-of-sentence id, so nothing can follow it")
        lengths = sources.mask.sum(dim=1).cpu().tolist()
        limits = [_limit(model, settings, length, len(ids)) for length, ids in zip(lengths, openings, strict=True)]
        if settings.no_repeat_ngram:
            constraints = (NoRepeatNgram(settings.no_repeat_ngram), *constraints)
        penalties, whole_vocab = ScorePenalties.of(settings), whole_vocab or vocab
        context_counts = None
        if penalties is not None and penalised_context is not None:
            context_counts = count_ids(penalised_context, whole_vocab.tgt_size, sources.ids.device)
        return cls(
            np.arange(rows),
            np.array([opening[0] for opening in openings], dtype=np.int64),
            prefixes,
            np.array(limits, dtype=np.int64),
            settings.min_len,
            tuple(constraints),
            vocab,
            whole_vocab,
            shortlists,
            penalties,
            context_counts,
        )

    @property
    def num_forced(self) -> int:
        """The length of the shortest prefix. So many tokens of each target are fed at once, before the search begins."""
        lengths = (self.prefixes != _FREE).sum(axis=1)
        return int(lengths.min(initial=self.prefixes.shape[1]))

    @property
    def opening(self) -> NDArray[np.int64]:
        """(batch, 1 + num_forced), the ids that are fed before the search begins."""
        return np.concatenate([self.first_ids[:, None], self.prefixes[:, : self.num_forced]], axis=1)

    def select(self, rows: NDArray[np.int64]) -> "SearchSpace":
        """The search space of some of the sources, or of repeated ones."""
        return replace(
            self,
            sources=self.sources[rows],
            first_ids=self.first_ids[rows],
            limits=self.limits[rows],
            prefixes=self.prefixes[rows],
        )

    def vocabulary_ids(self, sources: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of the search, each row of them for one source, as ids of the whole vocabulary."""
        return ids if self.shortlists is None else np.take_along_axis(self.shortlists[sources], ids, axis=1)

    def allowed(
        self, history: NDArray[np.int64], growing: NDArray[np.bool_], device: torch.device
    ) -> Bool[Tensor, "rows vocab"] | None:
        """What the constraints allow after each history, True for all ids of rows that they do not see.

        Args:
            history: (rows, length), the ids of each hypothesis so far; equally many rows for each source, together and in order.
            growing: (rows,), True for hypotheses that still grow. Constraints see no others.

        Returns:
            None if every id is allowed.
        """
        if not self.constraints:
            return None
        free = growing & (self._forced_ids(history) == _FREE)
        rows = np.flatnonzero(free)
        sources = self.sources.repeat(len(history) // len(self.sources))[rows]
        histories = Histories(self.vocabulary_ids(sources, history[rows]), sources, self.whole_vocab, device)
        masks = [constraint.allowed(histories) for constraint in self.constraints] if rows.size else []
        present = [mask for mask in masks if mask is not None]
        for mask in present:
            if mask.shape != (len(rows), self.whole_vocab.tgt_size):
                expected = (len(rows), self.whole_vocab.tgt_size)
                raise ValueError(f"a constraint returned a mask of shape {tuple(mask.shape)}; expected {expected}")
        if not present:
            return None
        mask = torch.stack(present).all(dim=0) if len(present) > 1 else present[0]
        if self.shortlists is not None:
            # The end of a shortlist is filled with -1; logits there are -inf in any case.
            mask = mask.gather(1, torch.from_numpy(np.maximum(self.shortlists[sources], 0)).to(device))
        if free.all():
            return mask
        every_row = mask.new_ones(len(history), mask.shape[1])
        every_row[torch.from_numpy(rows).to(device)] = mask
        return every_row

    def penalised(self, logits: Float[Tensor, "rows vocab"], history: NDArray[np.int64]) -> Float[Tensor, "rows vocab"]:
        """New logits: those of the model after the penalties.

        Args:
            history: as `allowed` takes it; ids of rows that do not grow have no effect.
        """
        if self.penalties is None:
            return logits.clone()
        sources = self.sources.repeat(len(history) // len(self.sources))
        ids = torch.from_numpy(self.vocabulary_ids(sources, history)).to(logits.device)
        in_output = torch.zeros(len(ids), self.whole_vocab.tgt_size, dtype=torch.int64, device=logits.device)
        in_output.scatter_add_(1, ids.clamp(min=0), torch.ones_like(ids))
        index = torch.from_numpy(sources).to(logits.device)
        in_context = in_output.new_zeros(1, 1) if self.context_counts is None else self.context_counts[index]
        if self.shortlists is not None:
            columns = torch.from_numpy(np.maximum(self.shortlists[sources], 0)).to(logits.device)
            in_output = in_output.gather(1, columns)
            in_context = in_context if self.context_counts is None else in_context.gather(1, columns)
        return self.penalties.apply(logits, in_output, in_context)

    def restrict_(
        self,
        logits: Float[Tensor, "rows vocab"],
        history: NDArray[np.int64],
        allowed: Bool[Tensor, "rows vocab"] | None,
    ) -> Float[Tensor, "rows vocab"]:
        """Sets the logits of ids that may not come next to -inf, in place, and returns them.

        Args:
            history: as `allowed` takes it.
            allowed: what `allowed` returned.
        """
        forced_ids = self._forced_ids(history)
        forced = np.flatnonzero(forced_ids != _FREE)
        # A prefix has precedence over the other rules, so its logits are kept as they are.
        rows, ids = (torch.from_numpy(array).to(logits.device) for array in (forced, forced_ids[forced]))
        forced_logits = logits[rows, ids]
        if allowed is not None:
            logits.masked_fill_(~allowed, -math.inf)
        for special in (self.vocab.pad_id, self.vocab.bos_id, self.vocab.eos_id):
            if special != self.vocab.eos_id or history.shape[1] < self.min_len:
                logits[:, special] = -math.inf
        if forced.size:
            logits[rows] = -math.inf
            logits[rows, ids] = forced_logits
        return logits

    def _forced_ids(self, history: NDArray[np.int64]) -> NDArray[np.int64]:
        """(rows,), the next id of each row's prefix, -1 beyond its end."""
        rows, length = history.shape
        if length >= self.prefixes.shape[1]:
            return np.full(rows, _FREE, dtype=np.int64)
        return self.prefixes[:, length].repeat(rows // len(self.prefixes))


def _limit(model: Model, settings: DecodingSettings, src_len: int, prompt_len: int) -> int:
    """The most tokens of a target, eos included; a prefix and eos always fit.

    Args:
        prompt_len: of the decoder prompt; its first id is not a part of the target, so this is also the length of prefix and eos.
    """
    model_limit = model.max_tgt_len(src_len)
    if model_limit is not None and model_limit < prompt_len:
        raise DecodingError(
            f"a source of {src_len} tokens leaves room for {model_limit} target positions, but {prompt_len} are needed; "
            f"shorten the source or the prefix, or train with a larger model.max_len"
        )
    return max(settings.length_limit(src_len, model_limit), prompt_len)
