"""A stack of recurrent layers for encoders and decoders."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import multiply, multiply_and_add
from seqloom.nn.packing import Packing
from seqloom.nn.recurrent import CellName, RecurrentLayer

LayerState = tuple[Tensor, ...]


class RecurrentStack(nn.Module):
    """A stack of layers with dropout between the layers, and none between steps (Zaremba 2014).

    A bidirectional stack reads in both directions in every layer. Each direction has half of `hidden_size`, and the states of both
    are concatenated.
    """

    def __init__(
        self,
        cell: CellName,
        input_dim: int,
        hidden_size: int,
        num_layers: int,
        *,
        dropout: float,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        width = hidden_size // 2 if bidirectional else hidden_size
        dims = [input_dim] + [hidden_size] * (num_layers - 1)
        self.forwards = nn.ModuleList(RecurrentLayer(cell, dim, width) for dim in dims)
        self.backwards = nn.ModuleList(RecurrentLayer(cell, dim, width) for dim in dims) if bidirectional else None
        self.dropout = Dropout(dropout)

    def initial_states(self, batch: int) -> list[LayerState]:
        """The states before the first token of each layer that reads forwards: zeros."""
        layers = [layer for layer in self.forwards if isinstance(layer, RecurrentLayer)]
        return [layer.initial_state(batch, layer.hidden_weight) for layer in layers]

    def forward(
        self,
        x: Float[Tensor, "batch length input_dim"],
        mask: Bool[Tensor, "batch length"] | None = None,
        states: Sequence[LayerState] | None = None,
        *,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> tuple[Float[Tensor, "batch length hidden_size"], list[LayerState]]:
        """Runs all layers over sequences.

        Returns:
            The outputs of the last layer, and the last state of every layer.
        """
        if hooks is not None:
            return self._read_with_hooks(x, mask, states, hooks, name)
        packing = Packing.of((x.shape[0], x.shape[1]), mask)
        tokens, last = packing.pack(x), []
        for number, layer in enumerate(self.forwards):
            assert isinstance(layer, RecurrentLayer)
            tokens = self.dropout(tokens) if number else tokens
            start = None if states is None else packing.sort(states[number])
            out, state = layer.read(tokens, packing, start)
            if self.backwards is not None:
                back_layer = self.backwards[number]
                assert isinstance(back_layer, RecurrentLayer)
                back, back_state = back_layer.read(tokens, packing, reverse=True)
                out = torch.cat([out, back], dim=1)
                state = tuple(torch.cat(parts, dim=1) for parts in zip(state, back_state, strict=True))
            tokens = out
            last.append(packing.restore(state))
        return packing.unpack(tokens), last

    def _read_with_hooks(
        self,
        x: Tensor,
        mask: Tensor | None,
        states: Sequence[LayerState] | None,
        hooks: ActivationHooks,
        name: str,
    ) -> tuple[Tensor, list[LayerState]]:
        last = []
        for number, layer in enumerate(self.forwards):
            if number:
                x = self.dropout(x)
            start = None if states is None else states[number]
            out, state = layer(x, mask, start, hooks=hooks, name=f"{name}.{number}")
            if self.backwards is not None:
                back, back_state = self.backwards[number](
                    x, mask, None, reverse=True, hooks=hooks, name=f"{name}.{number}.backwards"
                )
                out = torch.cat([out, back], dim=2)
                state = tuple(torch.cat(parts, dim=1) for parts in zip(state, back_state, strict=True))
            x = out
            last.append(state)
        return x, last

    def project(
        self, x: Float[Tensor, "batch length known_dim"]
    ) -> tuple[Float[Tensor, "length batch gates"], Float[Tensor, "gates fed_dim"]]:
        """Multiplies the part of the first layer's input that is known before the steps with its weights.

        Returns:
            The products, and the weights of the other part of the input, which `step` gets as `feed`.
        """
        first = self.forwards[0]
        assert isinstance(first, RecurrentLayer)
        known_weight, fed_weight = first.input_weight.split(
            [x.shape[2], first.input_weight.shape[1] - x.shape[2]], dim=1
        )
        return multiply(x.transpose(0, 1), known_weight, first.bias), fed_weight

    def step(
        self,
        projected: Float[Tensor, "batch gates"],
        feed: Float[Tensor, "batch fed_dim"],
        fed_weight: Float[Tensor, "gates fed_dim"],
        states: Sequence[LayerState],
        *,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> list[LayerState]:
        """Reads one position; the hidden state of the last layer is the output.

        Args:
            projected: the products of this position, from `project`.
            feed: the other part of the input, such as the context of the previous step.
            fed_weight: the weights of `feed`, from `project`.
        """
        new: list[LayerState] = []
        projected = multiply_and_add(projected, feed, fed_weight)
        for number, (layer, state) in enumerate(zip(self.forwards, states, strict=True)):
            assert isinstance(layer, RecurrentLayer)
            if number:
                projected = multiply(self.dropout(new[-1][0]), layer.input_weight, layer.bias)
            new.append(layer.step(projected, state, hooks=hooks, name=f"{name}.{number}"))
        return new


def pack_states(states: Sequence[LayerState]) -> dict[str, Tensor]:
    """The states of all layers as named tensors, for the cache of a decoder."""
    return {f"{layer}.{part}": tensor for layer, state in enumerate(states) for part, tensor in enumerate(state)}


def unpack_states(cache: Mapping[str, Tensor], num_layers: int, num_parts: int) -> list[LayerState]:
    """The inverse of `pack_states`."""
    return [tuple(cache[f"{layer}.{part}"] for part in range(num_parts)) for layer in range(num_layers)]
