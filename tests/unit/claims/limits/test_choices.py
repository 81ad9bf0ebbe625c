"""Choices: written down, they make the same again; and they are those of any other draw."""

import pytest

from seqloom.claims.limits.choices import Choices, OutOfChoicesError
from seqloom.corpus.generators.draw import Draw


def use(draw: Draw) -> list[object]:
    return [draw.below(100), draw.between(3, 9), draw.chance(0.5), draw.choice("abcdef"), draw.below(1000)]


def test_the_same_as_a_draw_and_the_same_again() -> None:
    first = Choices("key")
    used = use(first)
    assert used == use(Draw("key"))
    again = Choices(replay=first.made)
    assert use(again) == used
    assert again.made == first.made


def test_what_was_not_written_down_cannot_be_made_again() -> None:
    draw = Choices(replay=(0.0, 0.99))
    assert [draw.below(10), draw.below(10)] == [0, 9]
    with pytest.raises(OutOfChoicesError):
        draw.below(10)
    assert draw.made == [0.0, 0.99]
