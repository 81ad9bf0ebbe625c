"""Search: sources -> hypotheses, by greedy search, beam search or sampling.

A model and ids enter, hypotheses leave. Search knows a model by its contract only, never which architecture it holds, and it
knows no text. A source's hypotheses do not depend on the other sources of its batch.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.batching import IdArray, Sources
from seqloom.decoding import filters
from seqloom.decoding.beam import LengthPenalty, PenaltyForm, beam_search
from seqloom.decoding.constraints import Constraints
from seqloom.decoding.forced import score_targets as score_targets
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.listening import Listener, Written
from seqloom.decoding.penalty import StopName
from seqloom.decoding.shortlist import Shortlisted, in_ids
from seqloom.decoding.trace import BeamTrace
from seqloom.errors import DecodingError
from seqloom.models.base import Model

_Choose = Callable[[Float[Tensor, "rows vocab"], NDArray[np.int64], int], Int[Tensor, "rows"]]
"""Filtered logits, which hypotheses the rows are, and the position -> one id a row."""


def search(
    model: Model,
    sources: Sources,
    *,
    method: Literal["beam", "sample"] = "beam",
    beam: int = 4,
    nbest: int = 1,
    length_penalty: float = 0.6,
    length_penalty_form: PenaltyForm = "wu",
    stop: StopName = "certain",
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
    numbers: Sequence[int] | None = None,
    max_len_ratio: float = 2.0,
    max_len_offset: int = 20,
    min_len: int = 0,
    no_repeat_ngram: int = 0,
    first_ids: Sequence[int] | None = None,
    prefixes: Sequence[Sequence[int] | IdArray] | None = None,
    shortlists: NDArray[np.int64] | None = None,
    trace: BeamTrace | None = None,
    draw_keys: Sequence[Sequence[int]] | None = None,
    listener: Listener | None = None,
) -> list[list[Hypothesis]]:
    """Finds targets for sources.

    Args:
        model: in evaluation mode.
        method: "beam" (greedy where `beam` is 1) or "sample".
        nbest: hypotheses to return a source; with sampling, how many to draw.
        length_penalty: see `LengthPenalty`; 0 for none.
        stop: see `beam_search`.
        temperature: 0 always takes the likeliest id.
        top_k: 0 for all.
        numbers: a number for each source that, with the seed, decides what is drawn for it; by default its place in the batch.
        max_len_ratio: a target has at most `max_len_ratio` * source length + `max_len_offset` tokens, eos included.
        first_ids: what is fed first to each target; bos by default.
        prefixes: ids that each target must begin with; they are part of the hypotheses and of their scores.
        shortlists: the ids that the targets of each source may hold (see `Shortlisted`); all by default.
        trace: for beams: is told of every candidate, and what became of it.
        draw_keys: see `sample`.
        listener: hears of each position as it is written. A beam of several has none: what it will keep shows at the end only.

    Returns:
        For each source its hypotheses, best first. Their log-probabilities are the model's own, before any filter; with
        shortlists they are over the shortlist, and so higher than over the vocabulary.

    Raises:
        DecodingError: a source or prefix is too long for the model, or the model's scores are not numbers.
    """
    if method == "beam" and nbest > beam:
        raise DecodingError(f"nbest is {nbest}, but a beam of {beam} finds at most {beam} hypotheses; raise the beam")
    if shortlists is not None:
        if first_ids is not None or prefixes is not None:
            raise ValueError(
                "what targets begin with may stand on no shortlist; give shortlists, or first ids and prefixes"
            )
        model = model.rebuilt(partial(Shortlisted, shortlists=shortlists))
    if method == "beam" and beam > 1 and listener is not None:
        raise ValueError("a beam of several hypotheses cannot be listened to")
    constraints = Constraints.make(
        model,
        sources,
        first_ids=first_ids,
        prefixes=prefixes,
        max_len_ratio=max_len_ratio,
        max_len_offset=max_len_offset,
        min_len=min_len,
        no_repeat_ngram=no_repeat_ngram,
    )
    penalty = LengthPenalty(length_penalty, length_penalty_form)
    if method == "beam" and (beam > 1 or trace is not None):
        found = beam_search(
            model, sources, constraints, beam=beam, nbest=nbest, penalty=penalty, stop=stop, trace=trace
        )
    elif method == "beam":
        found = greedy(model, sources, constraints, penalty=penalty, listener=listener)
    else:
        found = sample(
            model,
            sources,
            constraints,
            num_samples=nbest,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            numbers=numbers,
            draw_keys=draw_keys,
            listener=listener,
        )
    if any(not hypotheses or any(math.isnan(one.log_prob) for one in hypotheses) for hypotheses in found):
        raise DecodingError(
            "the model's scores are not numbers (NaN); its weights are damaged, or its training diverged"
        )
    return found if shortlists is None else in_ids(found, shortlists)


def greedy(
    model: Model,
    sources: Sources,
    constraints: Constraints,
    *,
    penalty: LengthPenalty | None = None,
    listener: Listener | None = None,
) -> list[list[Hypothesis]]:
    """Takes the likeliest id at each position; the lowest of equals.

    Args:
        penalty: changes the score only.
    """
    penalty = penalty or LengthPenalty(0.0)
    found = _roll_out(model, sources, constraints, 1, lambda logits, rows, position: logits.argmax(dim=1), listener)
    return [
        [Hypothesis.make(ids, log_probs, finished=finished, penalty=penalty.of(len(log_probs)))]
        for ids, log_probs, finished in found
    ]


def sample(
    model: Model,
    sources: Sources,
    constraints: Constraints,
    *,
    num_samples: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
    numbers: Sequence[int] | None = None,
    draw_keys: Sequence[Sequence[int]] | None = None,
    listener: Listener | None = None,
) -> list[list[Hypothesis]]:
    """Draws each id from the model's distribution, changed by temperature, then cut to top-k, top-p and min-p, in this order.

    Each sample of each source draws from random numbers of its own, which follow from (seed, number, sample).

    Args:
        draw_keys: for each source such a (seed, number, sample) of its own, where one is drawn a source: sources of different seeds
            can then share a batch.

    Returns:
        `num_samples` independent hypotheses a source, the likeliest first.
    """
    if temperature == 0:
        return [hypotheses * num_samples for hypotheses in greedy(model, sources, constraints, listener=listener)]
    numbers = range(len(sources)) if numbers is None else numbers
    if draw_keys is None:
        draw_keys = [(seed, number, copy) for number in numbers for copy in range(num_samples)]
    if len(draw_keys) != len(sources) * num_samples:
        raise ValueError(
            f"{len(sources)} sources with {num_samples} samples each need as many keys, not {len(draw_keys)}"
        )
    length = int(constraints.limits.max(initial=0))
    draws = np.stack([np.random.default_rng(tuple(key)).random(length) for key in draw_keys] or [np.zeros(0)])

    def choose(logits: Float[Tensor, "rows vocab"], rows: NDArray[np.int64], position: int) -> Int[Tensor, "rows"]:
        logits = filters.temperature(logits, temperature)
        logits = filters.top_k(logits, top_k) if top_k else logits
        logits = filters.min_p(filters.top_p(logits, top_p), min_p)
        return _draw(logits, torch.from_numpy(draws[rows, position]).to(logits.dtype).to(logits.device))

    drawn = _roll_out(model, sources, constraints, num_samples, choose, listener)
    found = [Hypothesis.make(ids, log_probs, finished=finished) for ids, log_probs, finished in drawn]
    groups = [found[start : start + num_samples] for start in range(0, len(found), num_samples)]
    return [sorted(group, key=lambda one: -one.score) for group in groups]


@torch.inference_mode()
def _roll_out(
    model: Model,
    sources: Sources,
    constraints: Constraints,
    copies: int,
    choose: _Choose,
    listener: Listener | None = None,
) -> list[tuple[list[int], list[float], bool]]:
    """Lets each source grow `copies` hypotheses that do not compete.

    Returns:
        For each of them its ids, its log-probabilities, and whether it ended with eos.
    """
    device, eos_id = sources.ids.device, model.vocab.eos_id
    forced = constraints.num_forced
    rows = np.arange(len(sources)).repeat(copies)
    if not rows.size:
        return []
    ids = np.zeros((len(rows), int(constraints.limits.max())), dtype=np.int64)
    log_probs = np.zeros(ids.shape)
    lengths = np.zeros(len(rows), dtype=np.int64)
    finished = np.zeros(len(rows), dtype=np.bool_)

    output = model.step(torch.from_numpy(constraints.opening).to(device), model.start(sources))
    if forced:
        opening = torch.from_numpy(constraints.opening[:, 1:, None]).to(device)
        ids[:, :forced] = constraints.opening[rows, 1:]
        log_probs[:, :forced] = (
            filters.precise(output.logits[:, :-1])
            .log_softmax(dim=2)
            .gather(2, opening)[..., 0]
            .cpu()
            .double()
            .numpy()[rows]
        )
    state, logits = output.state, output.logits[:, -1]
    if copies > 1:
        repeat = torch.from_numpy(rows).to(device)
        state, logits, constraints = state.select(repeat), logits[repeat], constraints.select(rows)
    # From here on a row is a hypothesis, and `active` says which; `growing` is False where one waits to be dropped.
    active = np.arange(len(rows))
    growing = np.ones(len(rows), dtype=np.bool_)
    position = forced
    while True:
        logits = filters.precise(logits)
        allowed = constraints.apply(logits, ids[active, :position])
        chosen = choose(allowed, active, position)
        gains = (logits.gather(1, chosen[:, None]) - logits.logsumexp(dim=1, keepdim=True))[:, 0]
        tokens, new_log_probs = chosen.cpu().numpy(), gains.clamp(max=0).cpu().double().numpy()
        # Where nothing is allowed, what was chosen does not count.
        possible = (allowed.gather(1, chosen[:, None])[:, 0] > -math.inf).cpu().numpy() | np.isnan(new_log_probs)
        growing &= possible
        grown = active[growing]
        ids[grown, position], log_probs[grown, position] = tokens[growing], new_log_probs[growing]
        position += 1
        lengths[grown] = position
        finished[grown] = tokens[growing] == eos_id
        if listener is not None and grown.size:
            heard = np.flatnonzero(growing)
            growing[heard] = listener(Written(grown, tokens[heard], new_log_probs[heard], logits, heard))
        growing &= (tokens != eos_id) & (position < constraints.limits)
        if not growing.any():
            break
        # Sources leave with their last hypothesis. Leaving costs a copy of the state, so a few wait for each other, but
        # none beyond its limit, which may be where the model's positions end.
        going = growing.reshape(-1, copies).any(axis=1).repeat(copies)
        leaving = ~going
        if leaving.sum() * 8 >= len(active) or (leaving & (position >= constraints.limits)).any():
            kept = np.flatnonzero(going)
            state, constraints = state.select(torch.from_numpy(kept).to(device)), constraints.select(kept)
            active, growing, tokens = active[kept], growing[kept], tokens[kept]
        output = model.step(torch.from_numpy(tokens[:, None]).to(device), state)
        state, logits = output.state, output.logits[:, -1]
    return [
        (ids[row, : length - finished[row]].tolist(), log_probs[row, :length].tolist(), bool(finished[row]))
        for row, length in enumerate(lengths.tolist())
    ]


def _draw(logits: Float[Tensor, "rows vocab"], draws: Float[Tensor, "rows"]) -> Int[Tensor, "rows"]:
    """One id a row, from one number in [0, 1) a row: the id at which the cumulative probability passes it."""
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    total = cumulative[:, -1:].contiguous()
    # Rounding may put the number at the very end, behind the last id that has a probability.
    last = torch.searchsorted(cumulative, total)
    chosen = torch.searchsorted(cumulative, draws[:, None] * total, right=True)
    # Where nothing is allowed, any id will do.
    return torch.minimum(chosen, last).clamp(max=logits.shape[1] - 1)[:, 0]
