"""Sampling: ids drawn at random from the model's distribution."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding import filters
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import TokenObserver
from seqloom.decoding.penalty import NO_PENALTY
from seqloom.decoding.rollout import roll_out
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.settings import DecodingSettings
from seqloom.models.base import Model


def sample(
    model: Model,
    sources: Sources,
    space: SearchSpace,
    settings: DecodingSettings,
    *,
    draw_keys: Sequence[Sequence[int]] | None = None,
    observers: Sequence[TokenObserver] = (),
) -> list[list[Hypothesis]]:
    """Draws ids from the model's distribution, changed by temperature, then cut to top-k, top-p, min-p and
    typical-p, in this order.

    Args:
        settings: with a temperature above 0.
        draw_keys: see `search`.

    Returns:
        `settings.nbest` independent hypotheses for each source, the most probable first.
    """
    num_samples = settings.nbest
    if draw_keys is None:
        draw_keys = numbered_draw_keys(settings, range(len(sources)))
    if len(draw_keys) != len(sources) * num_samples:
        raise ValueError(
            f"{len(sources)} sources with {num_samples} samples each need {len(sources) * num_samples} keys, not {len(draw_keys)}"
        )
    length = int(space.limits.max(initial=0))
    draws = np.stack([np.random.default_rng(tuple(key)).random(length) for key in draw_keys] or [np.zeros(0)])

    def choose(logits: Float[Tensor, "rows vocab"], rows: NDArray[np.int64], position: int) -> Int[Tensor, "rows"]:
        logits = filters.temperature(logits, settings.temperature)
        logits = filters.top_k(logits, settings.top_k) if settings.top_k else logits
        logits = filters.min_p(filters.top_p(logits, settings.top_p), settings.min_p)
        logits = filters.typical_p(logits, settings.typical_p)
        return _draw(logits, torch.from_numpy(draws[rows, position]).to(logits.dtype).to(logits.device))

    samples = roll_out(model, sources, space, choose, copies=num_samples, penalty=NO_PENALTY, observers=observers)
    groups = [samples[start : start + num_samples] for start in range(0, len(samples), num_samples)]
    return [sorted(group, key=lambda hypothesis: -hypothesis.score) for group in groups]


def numbered_draw_keys(settings: DecodingSettings, numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """The keys of all samples: (seed, index of the source, index of the sample among those of its source)."""
    return [(settings.seed, number, copy) for number in numbers for copy in range(settings.nbest)]


def _draw(logits: Float[Tensor, "rows vocab"], draws: Float[Tensor, "rows"]) -> Int[Tensor, "rows"]:
    """An id for each row, from a number in [0, 1) for each row: the id at which the cumulative probability exceeds it."""
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    total = cumulative[:, -1:].contiguous()
    # Rounding may make a draw as large as the total, which would choose an id after the last one with a probability above 0.
    last = torch.searchsorted(cumulative, total)
    chosen = torch.searchsorted(cumulative, draws[:, None] * total, right=True)
    # In a row where no id is allowed, any id will do.
    return torch.minimum(chosen, last).clamp(max=logits.shape[1] - 1)[:, 0]
