"""The learning rate with the lowest validation loss is chosen, and failed trials never are."""

import pytest

from seqloom.experiment.tuning import Trial, choose_rate, is_at_edge, rate_beyond


@pytest.mark.parametrize(
    ("losses", "best"),
    [((3.0, 2.0, 2.5), 1), ((None, 2.0, None), 1), ((2.0, 2.0, 2.0), 0), ((None, None, 9.0), 2)],
)
def test_the_lowest_loss_wins(losses: tuple[float | None, ...], best: int) -> None:
    index, trials = choose_rate((0.1, 0.2, 0.4), losses)
    assert index == best
    assert [trial.chosen for trial in trials] == [place == best for place in range(3)]
    assert [trial.val_loss for trial in trials] == list(losses)


def test_edges_of_the_grid() -> None:
    trials = tuple(Trial(learning_rate=rate, val_loss=1.0, chosen=False) for rate in (0.1, 0.2, 0.4))
    assert [is_at_edge(trials, rate) for rate in (0.1, 0.2, 0.4)] == [True, False, True]
    assert not is_at_edge((), 0.1)


@pytest.mark.parametrize(
    ("losses", "most", "beyond"),
    [
        ((3.0, 2.0, 2.5), 6, None),
        ((1.0, 2.0, 2.5), 6, (0, 0.05)),
        ((3.0, 2.0, 1.5), 6, (3, 0.8)),
        ((3.0, 2.0, 1.5), 3, None),
        ((3.0, 2.0, 1.5), 0, None),
    ],
)
def test_a_best_rate_at_the_edge_of_its_grid_widens_the_grid(
    losses: tuple[float, ...], most: int, beyond: tuple[int, float] | None
) -> None:
    found = rate_beyond((0.1, 0.2, 0.4), losses, most)
    assert found == (None if beyond is None else (beyond[0], pytest.approx(beyond[1])))
