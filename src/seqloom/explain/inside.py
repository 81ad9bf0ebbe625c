"""What went on inside: a record of one sentence -> attention by layer and head, and recurrent states over time.

A record enters, plain data leaves. Layers are found by the names in the record, so that an architecture shows what it has,
whichever it is.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from seqloom.explain.explanation import Attention, Side, StateTrack
from seqloom.explain.numbers import matrix, vector
from seqloom.explain.sentence import in_text_order
from seqloom.nn.record import Record

_ATTENTION = re.compile(
    r"(?P<side>encoder|prompt|decoder)\.(?:(?P<layer>\d+)\.(?P<kind>self|cross)|(?P<only>attention))\.attn_weights"
)
_GATE = re.compile(r"(?P<name>(?P<side>encoder|decoder)\.(?P<layer>\d+)(?P<back>\.backwards)?)\.hidden")


def attention_of(record: Record) -> Iterator[Attention]:
    """Every attention that was recorded, in the order in which the model computed it."""
    for name, tensors in record.tensors.items():
        found = _ATTENTION.fullmatch(name)
        if found is None:
            continue
        # A decoder that walks step by step has an entry for each.
        weights = torch.cat([_with_heads(tensor) for tensor in tensors], dim=1)
        yield _attention(record, name.removesuffix(".attn_weights"), found, weights)


def _with_heads(weights: Tensor) -> Tensor:
    """(num_heads, queries, keys) of the only sentence; a recurrent decoder's attention is one head."""
    return weights[0] if weights.ndim == 4 else weights


def _attention(record: Record, name: str, found: "re.Match[str]", weights: Tensor) -> Attention:
    queries: Side = "target" if found["side"] == "decoder" else "source"
    keys: Side | str = "source" if queries == "source" or found["kind"] != "self" else "target"
    if queries == "source":
        weights = in_text_order(record, in_text_order(record, weights, 1), 2)
    elif keys == "target" and weights.shape[2] > weights.shape[1]:
        # A decoder-only model looks at prompt and answer at once; the prompt stands first.
        keys, length = "both", weights.shape[2] - weights.shape[1]
        weights = torch.cat([in_text_order(record, weights[:, :, :length], 2), weights[:, :, length:]], dim=2)
    return Attention(
        name=name,
        layer=int(found["layer"] or 0),
        queries=queries,
        keys=keys,
        heads=tuple(matrix(head) for head in weights),
        mean=matrix(weights.mean(dim=0)),
    )


def states_of(record: Record) -> Iterator[StateTrack]:
    """Every recurrent layer that was recorded."""
    for name, hiddens in record.tensors.items():
        found = _GATE.fullmatch(name)
        if found is None:
            continue
        stem, backwards = found["name"], found["back"] is not None
        side: Side = "source" if found["side"] == "encoder" else "target"

        def over_time(values: list[Tensor], side: Side = side, backwards: bool = backwards) -> Tensor:
            """One row a position, in the order of the text."""
            steps = torch.stack([value[0] for value in values])
            steps = steps.flip(0) if backwards else steps
            return in_text_order(record, steps, 0) if side == "source" else steps

        states = torch.stack([value[0] for value in hiddens])
        moves = torch.diff(states, dim=0, prepend=torch.zeros_like(states[:1])).norm(dim=1)
        gates = {
            key.removeprefix(f"{stem}.gate."): vector(over_time(values).mean(dim=1))
            for key, values in record.tensors.items()
            if key.startswith(f"{stem}.gate.")
        }
        cells = record.tensors.get(f"{stem}.cell")
        yield StateTrack(
            side=side,
            layer=int(found["layer"]),
            # A source that is read in the other order turns both ways round.
            backwards=backwards != (side == "source" and "source.order" in record.tensors),
            units=states.shape[1],
            gates=gates,
            hidden_norm=vector(over_time(hiddens).norm(dim=1)),
            cell_norm=None if cells is None else vector(over_time(cells).norm(dim=1)),
            change=vector(over_time([move[None] for move in moves])),
        )
