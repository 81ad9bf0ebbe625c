"""Activations: the captured tensors of a sentence -> attention by layer and head, and recurrent states over time.

Input: ActivationHooks; output: plain data. Layers are matched by the names of the tensors, for any architecture.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from seqloom.explain.explanation import Attention, Side, StateTrack
from seqloom.explain.rounding import matrix, vector
from seqloom.explain.sentence import in_text_order
from seqloom.nn.activation_hooks import ActivationHooks

_ATTENTION = re.compile(
    r"(?P<side>encoder|prompt|decoder)\.(?:(?P<layer>\d+)\.(?P<kind>self|cross)|(?P<only>attention))\.attn_weights"
)
_GATE = re.compile(r"(?P<name>(?P<side>encoder|decoder)\.(?P<layer>\d+)(?P<back>\.backwards)?)\.hidden")


def attention_of(hooks: ActivationHooks) -> Iterator[Attention]:
    """Yields every recorded attention, in the order in which the model computed them."""
    for name, tensors in hooks.tensors.items():
        match = _ATTENTION.fullmatch(name)
        if match is None:
            continue
        # A decoder that computes step by step has an entry for each step.
        weights = torch.cat([_with_heads(tensor) for tensor in tensors], dim=1)
        yield _attention(hooks, name.removesuffix(".attn_weights"), match, weights)


def _with_heads(weights: Tensor) -> Tensor:
    """The weights of the only sentence, (num_heads, queries, keys). The attention of a recurrent decoder is one head."""
    return weights[0] if weights.ndim == 4 else weights


def _attention(hooks: ActivationHooks, name: str, match: "re.Match[str]", weights: Tensor) -> Attention:
    queries: Side = "target" if match["side"] == "decoder" else "source"
    keys: Side | str = "source" if queries == "source" or match["kind"] != "self" else "target"
    if queries == "source":
        weights = in_text_order(hooks, in_text_order(hooks, weights, 1), 2)
    elif keys == "target" and weights.shape[2] > weights.shape[1]:
        # A decoder-only model attends to prompt and answer at once; the prompt comes first.
        keys, length = "both", weights.shape[2] - weights.shape[1]
        weights = torch.cat([in_text_order(hooks, weights[:, :, :length], 2), weights[:, :, length:]], dim=2)
    return Attention(
        name=name,
        layer=int(match["layer"] or 0),
        queries=queries,
        keys=keys,
        heads=tuple(matrix(head) for head in weights),
        mean=matrix(weights.mean(dim=0)),
    )


def states_of(hooks: ActivationHooks) -> Iterator[StateTrack]:
    """Yields every recorded recurrent layer."""
    for name, hiddens in hooks.tensors.items():
        match = _GATE.fullmatch(name)
        if match is None:
            continue
        stem, backwards = match["name"], match["back"] is not None
        side: Side = "source" if match["side"] == "encoder" else "target"

        def over_time(values: list[Tensor], side: Side = side, backwards: bool = backwards) -> Tensor:
            """A row for each position, in the order of the text."""
            steps = torch.stack([value[0] for value in values])
            steps = steps.flip(0) if backwards else steps
            return in_text_order(hooks, steps, 0) if side == "source" else steps

        states = torch.stack([value[0] for value in hiddens])
        moves = torch.diff(states, dim=0, prepend=torch.zeros_like(states[:1])).norm(dim=1)
        gates = {
            key.removeprefix(f"{stem}.gate."): vector(over_time(values).mean(dim=1))
            for key, values in hooks.tensors.items()
            if key.startswith(f"{stem}.gate.")
        }
        cells = hooks.tensors.get(f"{stem}.cell")
        yield StateTrack(
            side=side,
            layer=int(match["layer"]),
            # If the source is read in reverse, both directions are reversed.
            backwards=backwards != (side == "source" and "source.order" in hooks.tensors),
            units=states.shape[1],
            gates=gates,
            hidden_norm=vector(over_time(hiddens).norm(dim=1)),
            cell_norm=None if cells is None else vector(over_time(cells).norm(dim=1)),
            change=vector(over_time([move[None] for move in moves])),
        )
