"""The import hook really checks shapes: a mask that would broadcast in silence is refused."""

import pytest
import torch
from jaxtyping import TypeCheckError


def test_wrong_shape_is_refused() -> None:
    from seqloom.models.base import DecoderState

    with pytest.raises(TypeCheckError):
        DecoderState({"memory": torch.zeros(2, 3)}, {}, torch.zeros(2, 2, dtype=torch.long))
