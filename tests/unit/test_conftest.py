"""The import hook really checks shapes: what would broadcast in silence is refused."""

import pytest
import torch
from jaxtyping import TypeCheckError

from seqloom.models.base import DecoderState
from tests.toy_model import ToyModel


def test_wrong_shape_of_a_field_is_refused() -> None:
    with pytest.raises(TypeCheckError):
        DecoderState({"memory": torch.zeros(2, 3)}, {}, torch.zeros(2, 2, dtype=torch.long))


def test_wrong_shape_of_an_argument_is_refused() -> None:
    from seqloom.models.base import reversal

    with pytest.raises(TypeCheckError):
        reversal(torch.ones(3, dtype=torch.bool))
    with pytest.raises(TypeCheckError):
        reversal(torch.ones(2, 3))


def test_axes_of_one_name_must_agree() -> None:
    from seqloom.objectives.linear_cross_entropy import linear_cross_entropy

    hidden, weight = torch.zeros(4, 8), torch.zeros(10, 7)
    with pytest.raises(TypeCheckError):
        linear_cross_entropy(hidden, weight, None, torch.zeros(4, dtype=torch.long))


def test_the_toy_model_is_not_in_the_way() -> None:
    assert ToyModel.__module__ == "tests.toy_model"
