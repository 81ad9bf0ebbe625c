"""Observers: what a search shows while it runs. An observer never changes a result: the search no longer uses what it shows.

Greedy search and sampling show each token when it is chosen, to token observers. Greedy search and beam search show all candidates
of a step, to candidate observers. All ids are those of the whole vocabulary, also with shortlists.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TokenStep:
    """The new token of each hypothesis that grows.

    Attributes:
        rows: (growing,), which hypotheses: index of the source * hypotheses of a source + number of the hypothesis.
        ids: (growing,), the new ids; eos where a hypothesis ends.
        log_probs: (growing,), the model's log-probabilities of these ids.
        logits: (search rows, vocab), the model's own, also of hypotheses that do not grow.
        restricted: `logits` after penalties and constraints, before sampling filters.
        indices: (growing,), the rows of `logits` that belong to `rows`.
        shortlists: (growing, vocab), the vocabulary ids of the columns of `logits`; None if the columns are the vocabulary.
    """

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]
    logits: Float[Tensor, "rows vocab"]
    restricted: Float[Tensor, "rows vocab"]
    indices: NDArray[np.int64]
    shortlists: NDArray[np.int64] | None = None

    def likeliest(self, number: int, count: int) -> list[tuple[int, float]]:
        """The `count` most probable ids at this step with their log-probabilities, for one of the growing hypotheses."""
        log_probs = self.logits[int(self.indices[number])].log_softmax(dim=0)
        size = log_probs.numel() if self.shortlists is None else int((self.shortlists[number] >= 0).sum())
        best = torch.topk(log_probs, min(count, size))
        ids = best.indices.tolist() if self.shortlists is None else self.shortlists[number][best.indices.cpu()].tolist()
        return list(zip(ids, best.values.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class CandidateStep:
    """The best continuations at one step, (sources, candidates) each, best first; -inf in `totals` marks an unused entry.

    Attributes:
        sources: (sources,), the index of each source in the batch; sources whose search is over are left out.
        parents: the index in the beam of the hypothesis that a candidate continues.
        ids: the id that it adds.
        log_probs: the log-probability of that id, in nats.
        totals: the log-probability of the whole, in nats.
        ended: True where the id is eos.
        kept: True where an ended candidate is among the best hypotheses so far.
        beam: (sources, beam), the indices of the candidates that fill the beam now; ended ones among them do not grow.
    """

    sources: NDArray[np.int64]
    parents: NDArray[np.int64]
    ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]
    totals: NDArray[np.float64]
    ended: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    beam: NDArray[np.int64]


@runtime_checkable
class TokenObserver(Protocol):
    """Sees each token when it is chosen. A beam of several hypotheses has no such tokens: it decides at the end."""

    def on_tokens(self, step: TokenStep) -> None:
        """Called once for each position. The arrays are shared with other observers; do not change them."""


@runtime_checkable
class CandidateObserver(Protocol):
    """Sees the candidates of each step. Sampling has none."""

    def on_prefixes(self, ids: NDArray[np.int64], log_probs: NDArray[np.float64]) -> None:
        """Called once, before the first step, with what every target must begin with: (sources, length), often of length 0."""

    def on_candidates(self, step: CandidateStep) -> None:
        """Called once for each step. The arrays are shared with other observers; do not change them."""

    def on_done(self, sources: NDArray[np.int64], cut: NDArray[np.bool_]) -> None:
        """Called when the search for some sources is over.

        Args:
            sources: their indices in the batch.
            cut: True where the length limit was reached or no id could follow.
        """


Observer = TokenObserver | CandidateObserver
