"""Greedy search: the most probable id at each position."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seqloom.data.batching import Sources
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import CandidateObserver, CandidateStep, Observer, TokenObserver, TokenStep
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.rollout import roll_out
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.top_candidates import top_candidates
from seqloom.models.base import Model


def greedy_search(
    model: Model,
    sources: Sources,
    space: SearchSpace,
    *,
    penalty: LengthPenalty,
    observers: Sequence[Observer] = (),
) -> list[list[Hypothesis]]:
    """Takes the most probable id at each position; of equally probable ones the lowest.

    Args:
        penalty: divides the log-probability of a hypothesis to give its score; it does not change which ids are taken.

    Returns:
        One hypothesis for each source.
    """
    token_observers = [observer for observer in observers if isinstance(observer, TokenObserver)]
    candidate_observers = [observer for observer in observers if isinstance(observer, CandidateObserver)]
    reporter = _CandidateReporter(space, candidate_observers) if candidate_observers else None
    hypotheses = roll_out(
        model,
        sources,
        space,
        lambda logits, rows, position: logits.argmax(dim=1),
        penalty=penalty,
        observers=[reporter, *token_observers] if reporter else token_observers,
        on_prefixes=reporter.on_prefixes if reporter else None,
    )
    if reporter:
        reporter.finish()
    return [[hypothesis] for hypothesis in hypotheses]


class _CandidateReporter:
    """Shows greedy search to candidate observers as a beam of one: the two best candidates of each step."""

    def __init__(self, space: SearchSpace, observers: Sequence[CandidateObserver]) -> None:
        self._observers = observers
        self._eos_id = space.whole_vocab.eos_id
        self._totals = np.zeros(len(space.sources))
        self._done = np.zeros(len(space.sources), dtype=np.bool_)

    def on_prefixes(self, ids: NDArray[np.int64], log_probs: NDArray[np.float64]) -> None:
        self._totals = log_probs.sum(axis=1)
        for observer in self._observers:
            observer.on_prefixes(ids, log_probs)

    def on_tokens(self, step: TokenStep) -> None:
        indices = torch.from_numpy(step.indices).to(step.logits.device)
        restricted, logits = step.restricted[indices], step.logits[indices]
        columns = top_candidates(restricted, restricted.new_zeros(len(indices), 1), 1, min(2, logits.shape[1]))
        gains = logits.gather(1, columns) - logits.logsumexp(dim=1, keepdim=True)
        log_probs = gains.clamp(max=0).cpu().double().numpy()
        allowed = (restricted.gather(1, columns) > -math.inf).cpu().numpy()
        ids = columns.cpu().numpy()
        ids = ids if step.shortlists is None else np.take_along_axis(step.shortlists, ids, axis=1)
        totals = np.where(allowed, self._totals[step.rows, None] + log_probs, -math.inf)
        ended = ids == self._eos_id
        kept = ended.copy()
        kept[:, 1:] = False
        beam = np.argsort(ended, axis=1, kind="stable")[:, :1]
        candidates = CandidateStep(step.rows, np.zeros_like(ids), ids, log_probs, totals, ended, kept, beam)
        finished = step.rows[ended[:, 0]]
        self._totals[step.rows] = totals[:, 0]
        self._done[finished] = True
        for observer in self._observers:
            observer.on_candidates(candidates)
            if finished.size:
                observer.on_done(finished, np.zeros(len(finished), dtype=np.bool_))

    def finish(self) -> None:
        """Reports the sources that did not end with eos."""
        cut = np.flatnonzero(~self._done)
        if cut.size:
            for observer in self._observers:
                observer.on_done(cut, np.ones(len(cut), dtype=np.bool_))
