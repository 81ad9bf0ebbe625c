"""Dropout with masks that are fast to make on a CPU.

torch draws a 32-bit number for each element, on one thread. Here each element gets one byte, so a random 64-bit number is enough
for eight elements. The probability is rounded to a multiple of 1/256, and the scale uses the rounded probability, so the
expected value does not change.
"""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets elements to zero with probability `p` in training, and scales the rest by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ValueError(f"dropout is a probability below 1, not {p}")
        self.p = p

    def forward(self, value: Tensor) -> Tensor:
        """Applies dropout to a tensor of any shape; outside training it returns the tensor unchanged."""
        if not self.training or self.p == 0.0:
            return value
        if value.device.type != "cpu":
            return nn.functional.dropout(value, self.p)
        return value * dropout_mask(value, self.p)

    def extra_repr(self) -> str:
        """The probability, for `repr` of the module."""
        return f"p={self.p}"


def dropout_mask(like: Tensor, p: float) -> Tensor:
    """A mask of the shape and type of `like`: zeros with probability `p` (in steps of 1/256), 1 / (1 - p) elsewhere."""
    threshold = max(1, round(p * 256))
    count = like.numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    random_bytes = words.view(torch.uint8)[:count].view(like.shape)
    # The comparison writes the type of the mask directly: a boolean mask would need a slow conversion.
    return torch.ge(random_bytes, threshold, out=torch.empty_like(like)).mul_(256 / (256 - threshold))
