"""Constraints: which ids may follow the beginning of a target.

A constraint sees ids of the vocabulary, and no text, model or score. Greedy search, beam search and sampling respect it, also with
ensembles and shortlists. Several constraints together allow the ids that each of them allows.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Histories:
    """The beginnings of targets at one step of a search, one row for each hypothesis.

    Attributes:
        ids: (rows, length), the ids so far, in the vocabulary's numbering. A forced prefix is included, bos is not.
        sources: (rows,), the index of each row's source in the batch.
        vocab: sizes and special ids.
        device: where masks have to be.
    """

    ids: NDArray[np.int64]
    sources: NDArray[np.int64]
    vocab: Vocabulary
    device: torch.device

    def mask(self, *, allowed: bool) -> Bool[Tensor, "rows vocab"]:
        """A new mask that allows every id in every row, or none."""
        return torch.full((len(self.ids), self.vocab.tgt_size), allowed, device=self.device)


class Constraint(Protocol):
    """A rule for the ids of targets.

    A hypothesis to which no constraint leaves an id is a dead end. Greedy search and sampling return it as it is, unfinished, as at
    its length limit. Beam search drops it; if all hypotheses of a source are dead ends, it returns them unfinished.

    Pad and bos never follow. A constraint is not asked about ids of a forced prefix; its histories begin with the whole prefix.
    """

    def allowed(self, histories: Histories) -> Bool[Tensor, "rows vocab"] | None:
        """Which ids may come next. The answer for a row must not depend on the other rows.

        Returns:
            True where an id may come next, over the whole target vocabulary, also with shortlists; None if any id may. The target
            can end only where eos is allowed.
        """


class AllowedIds:
    """A constraint from a function of one history: for tries, grammars and other rules that walk from id to id."""

    def __init__(self, next_ids: Callable[[int, tuple[int, ...]], Collection[int] | None]) -> None:
        """Takes the function.

        Args:
            next_ids: (index of the source, ids so far) -> the ids that may come next, eos among them if the target may end here;
                None if any id may.
        """
        self._next_ids = next_ids

    def allowed(self, histories: Histories) -> Bool[Tensor, "rows vocab"] | None:
        """See `Constraint.allowed`."""
        mask = histories.mask(allowed=False)
        for row, (source, ids) in enumerate(zip(histories.sources.tolist(), histories.ids.tolist(), strict=True)):
            next_ids = self._next_ids(source, tuple(ids))
            unknown = [token_id for token_id in next_ids or () if not 0 <= token_id < mask.shape[1]]
            if unknown:
                raise ValueError(
                    f"a constraint allowed the id {unknown[0]}, but the target ids are 0 to {mask.shape[1] - 1}"
                )
            mask[row, slice(None) if next_ids is None else list(next_ids)] = True
        return mask


class NoRepeatNgram:
    """No n-gram comes twice in a target (Paulus 2018, section 2.5, with n = 3)."""

    def __init__(self, n: int) -> None:
        """Takes the size of the n-grams; with 1, no id comes twice."""
        self._n = n

    def allowed(self, histories: Histories) -> Bool[Tensor, "rows vocab"] | None:
        """See `Constraint.allowed`."""
        n, length = self._n, histories.ids.shape[1]
        if length < n:
            return None
        ids: Int[Tensor, "rows length"] = torch.from_numpy(histories.ids).to(histories.device)
        ngrams = ids.unfold(1, n, 1)
        rows, positions = (ngrams[:, :, : n - 1] == ids[:, None, length - n + 1 :]).all(dim=2).nonzero(as_tuple=True)
        mask = histories.mask(allowed=True)
        mask[rows, ngrams[rows, positions, n - 1]] = False
        return mask
