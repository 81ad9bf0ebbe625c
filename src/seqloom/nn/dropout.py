"""Dropout whose masks are cheap on a CPU.

torch draws one 32-bit number an element, on one thread. One byte is enough: a random 64-bit number covers eight elements. The
probability is rounded to a multiple of 1/256 and the scale follows the rounded one, so the expectation stays exact.
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
        """Drops elements of a tensor of any shape."""
        if not self.training or self.p == 0.0:
            return value
        if value.device.type != "cpu":
            return nn.functional.dropout(value, self.p)
        return value * dropout_mask(value, self.p)

    def extra_repr(self) -> str:
        """The probability, for printing."""
        return f"p={self.p}"


def dropout_mask(like: Tensor, p: float) -> Tensor:
    """A mask of the shape and type of `like`: zeros with probability `p` (in steps of 1/256), 1 / (1 - p) elsewhere."""
    threshold = max(1, round(p * 256))
    count = like.numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    random_bytes = words.view(torch.uint8)[:count].view(like.shape)
    # Compared straight into the mask's own type: a mask of booleans would cost a pass to make and a slow one to convert.
    return torch.ge(random_bytes, threshold, out=torch.empty_like(like)).mul_(256 / (256 - threshold))
