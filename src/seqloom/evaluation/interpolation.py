"""Interpolation weights of language models: the weights of a linear mixture that predicts a text best.

Input: log-probabilities of the same tokens under several models; output: weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqloom.errors import DecodingError

# A round of EM changes no weight by more than this at the end.
_TOLERANCE = 1e-6
_MOST_ROUNDS = 1000


def tune_weights(log_probs: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    """The weights that maximise the likelihood of a text, by EM (Dempster 1977; for language models: Jelinek & Mercer 1980).

    The likelihood is concave in the weights, so the maximum that is reached is the largest one.

    Args:
        log_probs: for each model the log-probability of each token, (tokens,) in nats.

    Raises:
        DecodingError: there are no tokens, or the models scored different numbers of them.
    """
    if len({len(row) for row in log_probs}) != 1 or not len(log_probs[0]):
        raise DecodingError("weights can only be tuned on the same tokens, at least one, for each model")
    rows = np.stack(log_probs)
    # Of each token only the ratios of its probabilities matter.
    probabilities = np.exp(rows - rows.max(axis=0))
    weights = np.full(len(rows), 1 / len(rows))
    for _ in range(_MOST_ROUNDS):
        joint = weights[:, None] * probabilities
        updated = (joint / joint.sum(axis=0)).mean(axis=1)
        done = np.abs(updated - weights).max() < _TOLERANCE
        weights = updated
        if done:
            break
    return tuple(float(weight) for weight in weights / weights.sum())
