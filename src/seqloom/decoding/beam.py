"""Beam search: sources -> the n best hypotheses of each.

A model and its sources enter, hypotheses leave. Work inside the model and over the vocabulary is done on the model's device, for
all hypotheses at once; the few candidates that survive it are kept on the host. Beam search does not know architectures,
tokenizers or text.
"""

import math
from bisect import insort
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.batching import Sources
from seqloom.decoding.constraints import Constraints
from seqloom.decoding.filters import precise
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.penalty import LengthPenalty as LengthPenalty
from seqloom.decoding.penalty import PenaltyForm as PenaltyForm
from seqloom.decoding.penalty import StopName
from seqloom.decoding.trace import BeamTrace
from seqloom.models.base import Model


@dataclass(slots=True)
class _Best:
    """The best hypotheses of one source so far: finished ones, and those that its limit cut."""

    size: int
    finished: list[Hypothesis] = field(default_factory=list)
    cut: list[Hypothesis] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """The score that a further hypothesis must beat to be kept; the earlier of two equals stays."""
        return self.finished[-1].score if len(self.finished) == self.size else -math.inf

    def add(self, hypothesis: Hypothesis) -> None:
        found = self.finished if hypothesis.finished else self.cut
        insort(found, hypothesis, key=lambda one: -one.score)
        del found[self.size :]

    def best_first(self) -> list[Hypothesis]:
        """A sentence that was cut is no rival of one that ended; it only fills up the list."""
        return (self.finished + self.cut)[: self.size]


_LEAVING = 16
"""Sources that are done leave when they are this part of those that are there."""


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What may follow, (sources, candidates) each, best first; places without a candidate have -inf.

    Attributes:
        parents: which hypothesis of the source goes on.
        ids: with which id.
        gains: the log-probability of that id.
        log_probs: the log-probability of the whole.
    """

    parents: NDArray[np.int64]
    ids: NDArray[np.int64]
    gains: NDArray[np.float64]
    log_probs: NDArray[np.float64]

    def take(self, places: NDArray[np.int64]) -> "_Candidates":
        """Some candidates of each source, in the given order."""
        at = np.arange(len(places))[:, None], places
        return _Candidates(self.parents[at], self.ids[at], self.gains[at], self.log_probs[at])


@dataclass(slots=True)
class _Beams:
    """The hypotheses that still grow: on the host, equally many for each source, best first; -inf marks an unused place.

    Attributes:
        origin: (sources,), which of the given sources each of these is.
        ids: (sources, width, length).
        token_log_probs: (sources, width, length).
        log_probs: (sources, width), their sums.
    """

    origin: NDArray[np.int64]
    ids: NDArray[np.int64]
    token_log_probs: NDArray[np.float64]
    log_probs: NDArray[np.float64]

    @property
    def flat_ids(self) -> NDArray[np.int64]:
        return self.ids.reshape(self.log_probs.size, self.ids.shape[2])

    def extend(self, candidates: _Candidates) -> "_Beams":
        places = np.arange(len(self.ids))[:, None], candidates.parents
        ids = np.concatenate([self.ids[places], candidates.ids[..., None]], axis=2)
        token_log_probs = np.concatenate([self.token_log_probs[places], candidates.gains[..., None]], axis=2)
        return _Beams(self.origin, ids, token_log_probs, candidates.log_probs)

    def select(self, kept: NDArray[np.int64]) -> "_Beams":
        return _Beams(self.origin[kept], self.ids[kept], self.token_log_probs[kept], self.log_probs[kept])

    def hypothesis(
        self, source: int, place: int, penalty: LengthPenalty, *, eos_log_prob: float | None = None
    ) -> Hypothesis:
        token_log_probs = self.token_log_probs[source, place].tolist()
        if eos_log_prob is not None:
            token_log_probs.append(eos_log_prob)
        ids = self.ids[source, place].tolist()
        divisor = penalty.of(len(token_log_probs))
        return Hypothesis.make(ids, token_log_probs, finished=eos_log_prob is not None, penalty=divisor)


@torch.inference_mode()
def beam_search(
    model: Model,
    sources: Sources,
    constraints: Constraints,
    *,
    beam: int,
    nbest: int = 1,
    penalty: LengthPenalty,
    stop: StopName = "certain",
    trace: BeamTrace | None = None,
) -> list[list[Hypothesis]]:
    """Keeps the `beam` likeliest beginnings of each source at each length.

    A hypothesis that ends among the best `beam` candidates leaves the beam, and the next candidate takes its place. A source is
    done when nothing that still grows can beat the worst of its `nbest` finished hypotheses, whatever its length may become:
    stopping early changes no result. A beam of 1 is greedy search, which ends with the first eos.

    Args:
        stop: "likely" takes a source for done when nothing that still grows beats that worst hypothesis at its present length;
            what would have overtaken it by growing longer is not found.
        trace: is told of every candidate, and what became of it.

    Returns:
        For each source at most `nbest` hypotheses, distinct, best first; those that ended before those that the limit cut.
    """
    device = sources.ids.device
    eos_id = model.vocab.eos_id
    best = [_Best(nbest) for _ in range(len(sources))]
    if not best:
        return []
    output = model.step(torch.from_numpy(constraints.opening).to(device), model.start(sources))
    state, logits = output.state, output.logits[:, -1]
    beams = _forced_beams(constraints, output.logits)
    if trace is not None:
        trace.open(beams.ids[:, 0], beams.token_log_probs[:, 0])
    while True:
        width, length = beams.ids.shape[1], beams.ids.shape[2] + 1
        found = _candidates(logits, constraints, beams, 2 * beam)
        mine = [best[origin] for origin in beams.origin.tolist()]

        ended = found.ids == eos_id
        worst = np.array([one.worst for one in mine])
        better = ended & (found.log_probs > -math.inf) & (found.log_probs / penalty.of(length) > worst[:, None])
        kept_ends = np.argwhere(better[:, :beam]).tolist()
        for source, place in kept_ends:
            parent, gain = int(found.parents[source, place]), float(found.gains[source, place])
            mine[source].add(beams.hypothesis(source, parent, penalty, eos_log_prob=gain))
        stuck = found.log_probs[:, 0] == -math.inf
        _cut(beams, stuck, mine, penalty)

        # Those that go on, in their order: the stable sort moves the ended ones behind them.
        going = np.argsort(ended, axis=1, kind="stable")[:, :beam]
        if trace is not None:
            candidates = (found.parents, found.ids, found.gains, found.log_probs)
            trace.step(beams.origin, *candidates, ended=ended, kept=kept_ends, going=going)
        growing = found.take(going)
        growing.log_probs[growing.ids == eos_id] = -math.inf
        beams = beams.extend(growing)
        full = length >= constraints.limits
        _cut(beams, full, mine, penalty)

        # Log-probabilities only fall, and the largest penalty shrinks them most: no continuation can score higher than this.
        bound = growing.log_probs[:, 0] / (penalty(constraints.limits) if stop == "certain" else penalty.of(length))
        done = full | stuck | (bound <= np.array([one.worst for one in mine]))
        if beam == 1:
            done |= np.array([bool(one.finished) for one in mine])
        if trace is not None:
            trace.close(beams.origin, cut=full | stuck, done=done)
        if done.all():
            return [one.best_first() for one in best]
        # Leaving costs a copy of the state, so a few wait for each other, but none beyond its limit, which may be where the
        # model's positions end. Who waits has nothing that grows. A trace is told once what became of a source.
        growing.log_probs[done] = -math.inf
        kept = np.arange(len(done))
        if trace is not None or done.sum() * _LEAVING >= len(done) or (done & full).any():
            kept = np.flatnonzero(~done)

        rows = (kept[:, None] * width + growing.parents[kept]).reshape(-1)
        if len(rows) != len(done) * width or (rows != np.arange(len(rows))).any():
            state = state.select(torch.from_numpy(rows).to(device))
        if kept.size < len(done):
            beams, constraints = beams.select(kept), constraints.select(kept)
        output = model.step(torch.from_numpy(beams.ids[:, :, -1].reshape(-1, 1)).to(device), state)
        state, logits = output.state, output.logits[:, -1]


def _forced_beams(constraints: Constraints, logits: Float[Tensor, "batch n vocab"]) -> _Beams:
    """One hypothesis a source: the tokens that were forced, and what the model thought of them."""
    forced = constraints.opening[:, 1:]
    ids = torch.from_numpy(forced).to(logits.device)[..., None]
    log_probs = precise(logits[:, :-1]).log_softmax(dim=2).gather(2, ids)[..., 0].cpu().double().numpy()
    return _Beams(np.arange(len(forced)), forced[:, None], log_probs[:, None], log_probs.sum(axis=1, keepdims=True))


def _candidates(
    logits: Float[Tensor, "rows vocab"], constraints: Constraints, beams: _Beams, count: int
) -> _Candidates:
    """The `count` best continuations of each source, over all its hypotheses; of equals those of the earlier one, the lower ids.

    Log-probabilities are the model's own: taking ids away does not make the others likelier.
    """
    sources, width = beams.log_probs.shape
    log_probs = constraints.apply_(precise(logits).log_softmax(dim=1), beams.flat_ids)
    vocab = log_probs.shape[1]
    before = torch.from_numpy(beams.log_probs).to(log_probs).view(-1, 1)
    places = _highest(log_probs, before, width, min(count, width * vocab))
    rows = places // vocab
    # Rounding may lift a log-probability above 0, which the bound of early stopping could not bear.
    each = log_probs.view(sources, -1).gather(1, places).clamp(max=0)
    parents, gains = rows.cpu().numpy(), each.cpu().double().numpy()
    sums = beams.log_probs[np.arange(sources)[:, None], parents] + gains
    # What is not a number comes first, so that it is told of instead of passed over.
    order = np.argsort(np.where(np.isnan(sums), -math.inf, -sums), axis=1, kind="stable")
    missing = count - sums.shape[1]
    if missing:
        order = np.pad(order, ((0, 0), (0, missing)))
    chosen = _Candidates(parents, (places - rows * vocab).cpu().numpy(), gains, sums).take(order)
    chosen.log_probs[:, count - missing :] = -math.inf
    return chosen


_BLOCK = 64
"""Ids in a block: the highest of each is found in one quick pass, and only the blocks that have the best are looked into."""


def _highest(
    log_probs: Float[Tensor, "rows vocab"], offsets: Float[Tensor, "rows 1"], width: int, count: int
) -> Int[Tensor, "sources count"]:
    """The places of the `count` highest sums of log-probability and offset among the `width` rows of a source, in falling order.

    A place is the row within the source times the vocabulary, plus the id. Of equal sums the lowest place comes first, on every
    device.
    """
    vocab = log_probs.shape[1]
    whole = vocab // _BLOCK * _BLOCK
    # One more than asked for shows whether a tie goes across the border.
    wanted = count + 1
    if vocab // _BLOCK < wanted:
        sums = (log_probs + offsets).view(-1, width * vocab)
        values, places = sums.topk(min(wanted, sums.shape[1]), dim=1)
    else:
        # A block holds ids that lie far apart, so that its maximum is found by comparing halves of whole rows. Reducing the
        # same by amax took up to seven times as long on a CPU.
        num_blocks = whole // _BLOCK
        tops = log_probs[:, :whole]
        while tops.shape[1] > num_blocks:
            tops = torch.maximum(*tops.chunk(2, dim=1))
        tops = (tops + offsets).view(-1, width * num_blocks)
        best = tops.topk(wanted, dim=1, sorted=False).indices
        rows = best // num_blocks + torch.arange(len(best), device=best.device)[:, None] * width
        ids = (best % num_blocks)[..., None] + torch.arange(0, whole, num_blocks, device=best.device)
        sums = (log_probs[rows[..., None], ids] + offsets[rows]).flatten(1)
        places = ((best // num_blocks)[..., None] * vocab + ids).flatten(1)
        if whole < vocab:
            rest = (log_probs[:, whole:] + offsets).view(len(best), -1)
            ends = torch.arange(width, device=best.device)[:, None] * vocab + torch.arange(
                whole, vocab, device=best.device
            )
            sums = torch.cat([sums, rest], dim=1)
            places = torch.cat([places, ends.view(1, -1).expand(len(best), -1)], dim=1)
        values, order = sums.topk(wanted, dim=1)
        places = places.gather(1, order)
    if (values[:, 1:] == values[:, :-1]).any():
        places, order = places.sort(dim=1)
        values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
        places = places.gather(1, order)
        across = (values[:, count:] == values[:, count - 1 : count]) & (values[:, count:] > -math.inf)
        for source in across.nonzero()[:, 0].tolist():
            own = slice(source * width, (source + 1) * width)
            exact = (log_probs[own] + offsets[own]).view(-1).sort(descending=True, stable=True)
            places[source] = exact.indices[: places.shape[1]]
    return places[:, :count]


def _cut(beams: _Beams, where: NDArray[np.bool_], best: list[_Best], penalty: LengthPenalty) -> None:
    """Hands in as it is what grows for some of the sources: their limit is reached, or nothing may follow."""
    for source in np.flatnonzero(where).tolist():
        if best[source].worst == -math.inf:
            for place in np.flatnonzero(beams.log_probs[source] > -math.inf).tolist():
                best[source].add(beams.hypothesis(source, place, penalty))
