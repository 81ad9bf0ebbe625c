"""Roll-out: hypotheses that grow token by token and do not compete. Greedy search and sampling choose the tokens.

Input: a model, sources and a function that chooses ids; output: hypotheses.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding import filters
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import TokenObserver, TokenStep
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.search_space import SearchSpace
from seqloom.models.base import Model

Choose = Callable[[Float[Tensor, "rows vocab"], NDArray[np.int64], int], Int[Tensor, "rows"]]
"""(logits after penalties and constraints, numbers of the hypotheses, position) -> one id a row."""


@torch.inference_mode()
def roll_out(
    model: Model,
    sources: Sources,
    space: SearchSpace,
    choose: Choose,
    *,
    copies: int = 1,
    penalty: LengthPenalty,
    observers: Sequence[TokenObserver] = (),
    on_prefixes: Callable[[NDArray[np.int64], NDArray[np.float64]], None] | None = None,
) -> list[Hypothesis]:
    """Grows `copies` hypotheses for each source.

    Args:
        penalty: of the scores; it does not change which tokens are chosen.
        on_prefixes: see `CandidateObserver.on_prefixes`.

    Returns:
        The hypotheses, those of a source together, in the order of the sources.
    """
    device, eos_id = sources.ids.device, model.vocab.eos_id
    forced = space.num_forced
    rows = np.arange(len(sources)).repeat(copies)
    if not rows.size:
        return []
    ids = np.zeros((len(rows), int(space.limits.max())), dtype=np.int64)
    log_probs = np.zeros(ids.shape)
    lengths = np.zeros(len(rows), dtype=np.int64)
    finished = np.zeros(len(rows), dtype=np.bool_)

    output = model.step(torch.from_numpy(space.opening).to(device), model.start(sources))
    if forced:
        ids[:, :forced] = space.opening[rows, 1:]
        log_probs[:, :forced] = prefix_log_probs(space, output.logits)[rows]
    if on_prefixes is not None:
        on_prefixes(ids[:, :forced].copy(), log_probs[:, :forced].copy())
    state, logits = output.state, output.logits[:, -1]
    if copies > 1:
        repeat = torch.from_numpy(rows).to(device)
        state, logits, space = state.select(repeat), logits[repeat], space.select(rows)
    # From here on a row is a hypothesis, and `active` says which; `growing` is False where a row waits to be dropped.
    active = np.arange(len(rows))
    growing = np.ones(len(rows), dtype=np.bool_)
    position = forced
    allowed = space.allowed(ids[:, :position], growing, device)
    while True:
        logits = filters.precise(logits)
        history = ids[active, :position]
        restricted = space.restrict_(space.penalised(logits, history), history, allowed)
        chosen = choose(restricted, active, position)
        gains = (logits.gather(1, chosen[:, None]) - logits.logsumexp(dim=1, keepdim=True))[:, 0]
        tokens, new_log_probs = chosen.cpu().numpy(), gains.clamp(max=0).cpu().double().numpy()
        # In a row where no id is allowed, the chosen id does not count.
        possible = (restricted.gather(1, chosen[:, None])[:, 0] > -math.inf).cpu().numpy() | np.isnan(new_log_probs)
        growing &= possible
        grown = active[growing]
        ids[grown, position], log_probs[grown, position] = tokens[growing], new_log_probs[growing]
        position += 1
        lengths[grown] = position
        finished[grown] = tokens[growing] == eos_id
        if observers and grown.size:
            step = _token_step(space, np.flatnonzero(growing), grown, tokens, new_log_probs, (logits, restricted))
            for observer in observers:
                observer.on_tokens(step)
        growing &= (tokens != eos_id) & (position < space.limits)
        allowed = space.allowed(ids[active, :position], growing, device) if growing.any() else None
        if allowed is not None:
            growing &= allowed.any(dim=1).cpu().numpy()
        if not growing.any():
            break
        # A source leaves with its last hypothesis. Leaving copies the state, so a few sources wait and leave together; but none
        # waits beyond its limit, which may be where the model's positions end.
        going = growing.reshape(-1, copies).any(axis=1).repeat(copies)
        leaving = ~going
        if leaving.sum() * 8 >= len(active) or (leaving & (position >= space.limits)).any():
            kept = np.flatnonzero(going)
            state, space = state.select(torch.from_numpy(kept).to(device)), space.select(kept)
            active, growing, tokens = active[kept], growing[kept], tokens[kept]
            allowed = None if allowed is None else allowed[torch.from_numpy(kept).to(device)]
        output = model.step(torch.from_numpy(tokens[:, None]).to(device), state)
        state, logits = output.state, output.logits[:, -1]
    return [
        Hypothesis.make(
            ids[row, : length - finished[row]].tolist(),
            log_probs[row, :length].tolist(),
            finished=bool(finished[row]),
            penalty=penalty.of(length),
        )
        for row, length in enumerate(lengths.tolist())
    ]


def prefix_log_probs(space: SearchSpace, logits: Float[Tensor, "batch n vocab"]) -> NDArray[np.float64]:
    """The model's log-probabilities of the forced ids.

    Args:
        logits: after each id of the opening.

    Returns:
        (batch, forced).
    """
    forced = torch.from_numpy(space.opening[:, 1:, None]).to(logits.device)
    log_probs = filters.precise(logits[:, :-1]).log_softmax(dim=2).gather(2, forced)[..., 0]
    return np.asarray(log_probs.cpu().double().numpy())


def _token_step(
    space: SearchSpace,
    indices: NDArray[np.int64],
    grown: NDArray[np.int64],
    tokens: NDArray[np.int64],
    log_probs: NDArray[np.float64],
    logits: tuple[Float[Tensor, "rows vocab"], Float[Tensor, "rows vocab"]],
) -> TokenStep:
    """What the observers see.

    Args:
        logits: before and after penalties and constraints.
    """
    sources = space.sources[indices]
    ids = space.vocabulary_ids(sources, tokens[indices, None])[:, 0]
    shortlists = None if space.shortlists is None else space.shortlists[sources]
    return TokenStep(grown, ids, log_probs[indices], *logits, indices, shortlists)
