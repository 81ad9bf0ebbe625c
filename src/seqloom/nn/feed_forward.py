"""The position-wise feed-forward network of the Transformer."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import Linear

ActivationName = Literal["relu", "gelu", "swiglu"]


class FeedForward(nn.Module):
    """Two linear maps with a nonlinearity between them (Vaswani 2017, section 3.3); SwiGLU as in Shazeer 2020.

    SwiGLU has a third matrix; its width is cut to two thirds of `d_ff`, so that the number of parameters stays the same.
    """

    def __init__(self, d_model: int, d_ff: int, *, activation: ActivationName = "relu", dropout: float = 0.0) -> None:
        super().__init__()
        self.activation = activation
        width = d_ff if activation != "swiglu" else max(8, round(d_ff * 2 / 3 / 8) * 8)
        self.expand = Linear(d_model, width if activation != "swiglu" else 2 * width)
        self.contract = Linear(width, d_model)
        self.dropout = Dropout(dropout)

    def forward(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        """Maps each position on its own."""
        wide = self.expand(x)
        if self.activation == "swiglu":
            value, gate = wide.chunk(2, dim=-1)
            wide = value * F.silu(gate)
        else:
            wide = F.relu(wide) if self.activation == "relu" else F.gelu(wide)
        return self.contract(self.dropout(wide))
