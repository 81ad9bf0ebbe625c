"""The position-wise feed-forward network of the Transformer, plain and gated."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import Linear, LinearMap

ActivationName = Literal["relu", "gelu", "gelu_tanh", "silu", "swiglu"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "swiglu": F.silu,
}


class FeedForward(nn.Module):
    """Two linear maps with an activation between them (Vaswani 2017, section 3.3), or a gated network (Shazeer 2020).

    A gated network computes activation(gate) * value. Its `expand` holds the matrices of value and gate, in this order.

    Args:
        d_ff: width between the linear maps.
        activation: "gelu" is exact (by erf), "gelu_tanh" its approximation (Hendrycks 2016). "swiglu" is a network gated by SiLU
            whose inner width is two thirds of `d_ff`, so that it has as many parameters as a network without gate.
        gated: whether the network is gated, with the inner width `d_ff`. "swiglu" is gated without it.
        dropout: probability on the activations inside the network.
        bias: whether the linear maps have biases.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        *,
        activation: ActivationName = "relu",
        gated: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.gated = gated or activation == "swiglu"
        width = d_ff if activation != "swiglu" else max(8, round(d_ff * 2 / 3 / 8) * 8)
        self.expand = Linear(d_model, 2 * width if self.gated else width, bias=bias)
        self.contract = Linear(width, d_model, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        """Computes each position separately."""
        wide = self.expand(x)
        activate = _ACTIVATIONS[self.activation]
        if self.gated:
            value, gate = wide.chunk(2, dim=-1)
            wide = value * activate(gate)
        else:
            wide = activate(wide)
        return self.contract(self.dropout(wide))

    def packed(self) -> Callable[[Tensor], Tensor]:
        """The network for generation: a function with a snapshot of the weights, packed."""
        relu = self.activation == "relu" and not self.gated
        expand = LinearMap([(self.expand.weight, self.expand.bias)], relu=relu)
        contract = LinearMap([(self.contract.weight, self.contract.bias)])
        activate = _ACTIVATIONS[self.activation]
        if relu:
            return lambda x: contract(expand(x))
        if not self.gated:
            return lambda x: contract(activate(expand(x)))

        def gated(x: Tensor) -> Tensor:
            value, gate = expand(x).chunk(2, dim=-1)
            return contract(activate(gate).mul_(value))

        return gated
