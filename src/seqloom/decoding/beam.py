"""Beam search: sources -> the n best hypotheses of each.

Input: a model and sources; output: hypotheses. Work inside the model and over the vocabulary is done on the model's device, for
all hypotheses at once; the few candidates that remain are kept on the host. Beam search does not know architectures, tokenizers
or text.
"""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding.filters import precise
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import CandidateObserver, CandidateStep
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.rollout import prefix_log_probs
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.top_candidates import top_candidates
from seqloom.models.base import Model

_DONE_FRACTION = 1 / 16
"""Sources whose search is over are removed from the batch when they are at least this fraction of it."""


@dataclass(slots=True)
class _Best:
    """The best hypotheses of a source so far: finished ones, and those that were cut at the limit."""

    size: int
    finished: list[Hypothesis] = field(default_factory=list)
    cut: list[Hypothesis] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """The score that a further hypothesis must exceed to be kept; of two equal ones the earlier stays."""
        return self.finished[-1].score if len(self.finished) == self.size else -math.inf

    def add(self, hypothesis: Hypothesis) -> None:
        hypotheses = self.finished if hypothesis.finished else self.cut
        insort(hypotheses, hypothesis, key=lambda item: -item.score)
        del hypotheses[self.size :]

    def best_first(self) -> list[Hypothesis]:
        """The finished hypotheses; cut ones only fill up the list."""
        return (self.finished + self.cut)[: self.size]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The best continuations, (sources, candidates) each, best first; -inf in `log_probs` marks an unused entry.

    Attributes:
        parents: the index in the beam of the hypothesis that is continued.
        ids: the id that is added.
        token_log_probs: the log-probability of that id.
        log_probs: the log-probability of the continued hypothesis.
    """

    parents: NDArray[np.int64]
    ids: NDArray[np.int64]
    token_log_probs: NDArray[np.float64]
    log_probs: NDArray[np.float64]

    def take(self, indices: NDArray[np.int64]) -> "_Candidates":
        """Some candidates of each source, in the given order."""
        at = np.arange(len(indices))[:, None], indices
        return _Candidates(self.parents[at], self.ids[at], self.token_log_probs[at], self.log_probs[at])


@dataclass(slots=True)
class _Beams:
    """The hypotheses that still grow: on the host, equally many for each source, best first; -inf marks an unused entry.

    Attributes:
        ids: (sources, width, length).
        token_log_probs: (sources, width, length).
        log_probs: (sources, width), their sums.
    """

    ids: NDArray[np.int64]
    token_log_probs: NDArray[np.float64]
    log_probs: NDArray[np.float64]

    @classmethod
    def of_prefixes(cls, space: SearchSpace, logits: Float[Tensor, "batch n vocab"]) -> "_Beams":
        """One hypothesis for each source: the forced ids with their log-probabilities."""
        log_probs = prefix_log_probs(space, logits)
        return cls(space.opening[:, None, 1:], log_probs[:, None], log_probs.sum(axis=1, keepdims=True))

    @property
    def flat_ids(self) -> NDArray[np.int64]:
        return self.ids.reshape(self.log_probs.size, self.ids.shape[2])

    def extend(self, candidates: _Candidates) -> "_Beams":
        at = np.arange(len(self.ids))[:, None], candidates.parents
        ids = np.concatenate([self.ids[at], candidates.ids[..., None]], axis=2)
        token_log_probs = np.concatenate([self.token_log_probs[at], candidates.token_log_probs[..., None]], axis=2)
        return _Beams(ids, token_log_probs, candidates.log_probs)

    def select(self, kept: NDArray[np.int64]) -> "_Beams":
        return _Beams(self.ids[kept], self.token_log_probs[kept], self.log_probs[kept])

    def hypothesis(
        self, source: int, index: int, penalty: LengthPenalty, *, eos_log_prob: float | None = None
    ) -> Hypothesis:
        token_log_probs = self.token_log_probs[source, index].tolist()
        if eos_log_prob is not None:
            token_log_probs.append(eos_log_prob)
        ids = self.ids[source, index].tolist()
        divisor = penalty.of(len(token_log_probs))
        return Hypothesis.make(ids, token_log_probs, finished=eos_log_prob is not None, penalty=divisor)


class _Reporter:
    """Shows the observers each step of the sources whose search is not over."""

    def __init__(self, space: SearchSpace, observers: Sequence[CandidateObserver]) -> None:
        self._observers = observers
        self._done = np.zeros(len(space.sources), dtype=np.bool_)

    def prefixes(self, beams: _Beams) -> None:
        for observer in self._observers:
            observer.on_prefixes(beams.ids[:, 0].copy(), beams.token_log_probs[:, 0].copy())

    def candidates(
        self,
        space: SearchSpace,
        candidates: _Candidates,
        stuck: NDArray[np.bool_],
        kept_ends: NDArray[np.bool_],
        in_beam: NDArray[np.int64],
    ) -> None:
        if not self._observers:
            return
        shown = np.flatnonzero(~self._done[space.sources] & ~stuck)
        if not shown.size:
            return
        sources = space.sources[shown]
        ids = candidates.ids[shown]
        step = CandidateStep(
            sources,
            candidates.parents[shown],
            space.vocabulary_ids(sources, ids),
            candidates.token_log_probs[shown],
            candidates.log_probs[shown],
            ended=ids == space.vocab.eos_id,
            kept=kept_ends[shown],
            beam=in_beam[shown],
        )
        for observer in self._observers:
            observer.on_candidates(step)

    def done(self, space: SearchSpace, done: NDArray[np.bool_], cut: NDArray[np.bool_]) -> None:
        if not self._observers:
            return
        new = np.flatnonzero(done & ~self._done[space.sources])
        self._done[space.sources[new]] = True
        if new.size:
            for observer in self._observers:
                observer.on_done(space.sources[new], cut[new])


@torch.inference_mode()
def beam_search(
    model: Model,
    sources: Sources,
    space: SearchSpace,
    settings: DecodingSettings,
    *,
    observers: Sequence[CandidateObserver] = (),
) -> list[list[Hypothesis]]:
    """At each length, keeps the `beam` most probable target prefixes of each source.

    A hypothesis that ends among the best `beam` candidates leaves the beam, and the next candidate fills its entry. The search for
    a source is over when no hypothesis that still grows can exceed the worst of its `nbest` finished hypotheses, whatever its
    length may become: stopping early changes no result. With `stop="likely"` it is already over when no growing
    hypothesis, scored at its present length, exceeds the worst finished one. This can miss a hypothesis whose score would become
    higher as it grows.

    Returns:
        For each source at most `nbest` hypotheses, distinct, best first; finished ones before those that were cut at the limit.
    """
    device, beam = sources.ids.device, settings.beam
    eos_id, penalty = model.vocab.eos_id, LengthPenalty.from_settings(settings)
    best = [_Best(settings.nbest) for _ in range(len(sources))]
    if not best:
        return []
    output = model.step(torch.from_numpy(space.opening).to(device), model.start(sources))
    state, logits = output.state, output.logits[:, -1]
    beams = _Beams.of_prefixes(space, output.logits)
    reporter = _Reporter(space, observers)
    reporter.prefixes(beams)
    while True:
        width, length = beams.ids.shape[1], beams.ids.shape[2] + 1
        candidates = _candidates(logits, space, beams, 2 * beam)
        own_best = [best[source] for source in space.sources.tolist()]

        ended = candidates.ids == eos_id
        worst = np.array([item.worst for item in own_best])
        kept_ends = ended & (candidates.log_probs > -math.inf)
        kept_ends &= candidates.log_probs / penalty.of(length) > worst[:, None]
        kept_ends[:, beam:] = False
        for source, index in np.argwhere(kept_ends).tolist():
            parent, gain = int(candidates.parents[source, index]), float(candidates.token_log_probs[source, index])
            own_best[source].add(beams.hypothesis(source, parent, penalty, eos_log_prob=gain))
        # No id may follow any hypothesis of the source.
        stuck = candidates.log_probs[:, 0] == -math.inf
        _cut(beams, stuck, own_best, penalty)

        # The candidates that grow, in their order: the stable sort moves the ended ones behind them.
        in_beam = np.argsort(ended, axis=1, kind="stable")[:, :beam]
        reporter.candidates(space, candidates, stuck, kept_ends, in_beam)
        growing = candidates.take(in_beam)
        growing.log_probs[growing.ids == eos_id] = -math.inf
        beams = beams.extend(growing)
        at_limit = length >= space.limits
        _cut(beams, at_limit, own_best, penalty)

        # Log-probabilities only fall as hypotheses grow. They are never positive, so dividing by the largest penalty brings them
        # nearest to 0: no continuation can score higher than this.
        bound = growing.log_probs[:, 0] / (penalty(space.limits) if settings.stop == "certain" else penalty.of(length))
        done = at_limit | stuck | (bound <= np.array([item.worst for item in own_best]))
        reporter.done(space, done, cut=at_limit | stuck)
        if done.all():
            return [item.best_first() for item in best]
        # Removing sources copies the state, so finished sources are removed several at a time. A source at its length limit is
        # removed at once, because the model may have no further positions. Until then, hypotheses of a finished source do not
        # grow.
        growing.log_probs[done] = -math.inf
        kept = np.arange(len(done))
        if done.sum() >= _DONE_FRACTION * len(done) or (done & at_limit).any():
            kept = np.flatnonzero(~done)

        rows = (kept[:, None] * width + growing.parents[kept]).reshape(-1)
        if len(rows) != len(done) * width or (rows != np.arange(len(rows))).any():
            state = state.select(torch.from_numpy(rows).to(device))
        if kept.size < len(done):
            beams, space = beams.select(kept), space.select(kept)
        output = model.step(torch.from_numpy(beams.ids[:, :, -1].reshape(-1, 1)).to(device), state)
        state, logits = output.state, output.logits[:, -1]


def _candidates(logits: Float[Tensor, "rows vocab"], space: SearchSpace, beams: _Beams, count: int) -> _Candidates:
    """The `count` best continuations of each source, over all its hypotheses.

    Ties go to the earlier hypothesis, then to the lower id.

    Log-probabilities are the model's own: forbidding ids does not make the others more probable.
    """
    sources, width = beams.log_probs.shape
    is_used = beams.log_probs.reshape(-1) > -math.inf
    allowed = space.allowed(beams.flat_ids, is_used, logits.device)
    log_probs = space.restrict_(precise(logits).log_softmax(dim=1), beams.flat_ids, allowed)
    vocab = log_probs.shape[1]
    before = torch.from_numpy(beams.log_probs).to(log_probs).view(-1, 1)
    indices = top_candidates(log_probs, before, width, min(count, width * vocab))
    rows = indices // vocab
    # Rounding may lift a log-probability above 0, and then the bound of early stopping would not hold.
    each = log_probs.view(sources, -1).gather(1, indices).clamp(max=0)
    parents, gains = rows.cpu().numpy(), each.cpu().double().numpy()
    sums = beams.log_probs[np.arange(sources)[:, None], parents] + gains
    # NaN comes first, so that it is reported as an error.
    order = np.argsort(np.where(np.isnan(sums), -math.inf, -sums), axis=1, kind="stable")
    missing = count - sums.shape[1]
    if missing:
        order = np.pad(order, ((0, 0), (0, missing)))
    chosen = _Candidates(parents, (indices - rows * vocab).cpu().numpy(), gains, sums).take(order)
    chosen.log_probs[:, count - missing :] = -math.inf
    return chosen


def _cut(beams: _Beams, where: NDArray[np.bool_], best: list[_Best], penalty: LengthPenalty) -> None:
    """Adds unfinished hypotheses to `best`, for the sources in `where`: the limit is reached, or no id may follow.

    A source that already has enough finished hypotheses gets none.
    """
    for source in np.flatnonzero(where).tolist():
        if best[source].worst == -math.inf:
            for index in np.flatnonzero(beams.log_probs[source] > -math.inf).tolist():
                best[source].add(beams.hypothesis(source, index, penalty))
