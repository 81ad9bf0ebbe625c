"""Interpolation weights: the maximum of the likelihood of a mixture."""

import numpy as np
import pytest

from seqloom.errors import DecodingError
from seqloom.evaluation import tune_weights


def test_weights_are_the_best_of_a_grid() -> None:
    random = np.random.default_rng(0)
    probabilities = random.uniform(0.01, 1, size=(2, 500))
    first, _ = tune_weights(list(np.log(probabilities)))

    def likelihood(weight: float) -> float:
        return float(np.log(weight * probabilities[0] + (1 - weight) * probabilities[1]).sum())

    grid = np.linspace(0, 1, 201)
    best = grid[int(np.argmax([likelihood(weight) for weight in grid]))]
    assert abs(first - best) <= 0.005
    assert likelihood(first) >= max(likelihood(weight) for weight in grid) - 1e-3


def test_a_model_that_is_always_better_gets_all_weight() -> None:
    weights = tune_weights([np.full(100, -1.0), np.full(100, -3.0), np.full(100, -800.0)])
    assert weights == pytest.approx((1, 0, 0), abs=1e-4)


@pytest.mark.parametrize("rows", [[[], []], [[-1.0], [-1.0, -2.0]]])
def test_other_tokens_are_an_error(rows: list[list[float]]) -> None:
    with pytest.raises(DecodingError, match="same tokens"):
        tune_weights([np.array(row) for row in rows])
