"""Numbers of explanations leave the device before they become float64."""

import torch
from torch import Tensor

from seqloom.explain.rounding import matrix, vector


class OnMPS(Tensor):
    """A tensor as on Apple's GPU, which has no float64."""

    def double(self) -> Tensor:  # type: ignore[override]
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")

    def cpu(self) -> Tensor:  # type: ignore[override]
        return self.as_subclass(Tensor)


def test_numbers_of_a_device_without_float64() -> None:
    assert vector(torch.tensor([1.0, 0.25]).as_subclass(OnMPS)) == (1.0, 0.25)
    assert matrix(torch.tensor([[1.0], [0.5]]).as_subclass(OnMPS)) == ((1.0,), (0.5,))
