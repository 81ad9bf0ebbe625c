"""Sorts the operators of a torch profile into groups such as dropout or loss, and adds up the time of each group.

An operator belongs to the module that ran it (dropout, norm, embedding). In the backward pass it belongs to the module whose
forward operator it differentiates: autograd gives both the same sequence number. Shapes show which matrix products are those of
the vocabulary and those of attention. Only an operator's own time counts, so nothing is counted twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.profiler import record_function

PREFIX = "bench::"
GROUPS = (
    "products: layers",
    "products: vocabulary",
    "products: attention",
    "attention: softmax and masks",
    "loss: softmax over the vocabulary",
    "dropout",
    "norm",
    "embedding",
    "recurrence",
    "optimizer",
    "other",
)
_PRODUCTS = ("mm", "addmm", "addmm_", "bmm", "baddbmm", "baddbmm_", "mv", "addmv", "dot", "_addmm_activation", "linear")
_OF_MODULES = {"Dropout": "dropout", "LayerNorm": "norm", "RMSNorm": "norm", "Embedding": "embedding"}


@contextmanager
def labelled_modules() -> Iterator[None]:
    """Within the context, the profiler labels the operators of dropout, norm and embedding modules with their group."""
    original = nn.Module.__call__

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        group = _OF_MODULES.get(type(self).__name__)
        if group is None:
            return original(self, *args, **kwargs)
        with record_function(PREFIX + group):
            return original(self, *args, **kwargs)

    nn.Module.__call__ = call
    try:
        yield
    finally:
        nn.Module.__call__ = original


def milliseconds(events: Iterable[Any], vocab_size: int) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Milliseconds of the whole profile: by group, and within each group by operator. Only an operator's own time counts."""
    events = list(events)
    forward_groups: dict[int, str] = {}
    for event in events:
        number = event.sequence_nr
        if number is not None and number >= 0 and _backward_of(event) is None:
            label = _label(event)
            if label:
                forward_groups.setdefault(number, label)
    groups: dict[str, float] = dict.fromkeys(GROUPS, 0.0)
    operators: dict[str, dict[str, float]] = {group: defaultdict(float) for group in GROUPS}
    for event in events:
        if event.name.startswith(PREFIX) or event.self_cpu_time_total <= 0:
            continue
        group = _group(event, forward_groups, vocab_size)
        groups[group] += event.self_cpu_time_total / 1000
        operators[group][event.name] += event.self_cpu_time_total / 1000
    return groups, {group: dict(times) for group, times in operators.items()}


def _group(event: Any, forward_groups: dict[int, str], vocab_size: int) -> str:
    name = event.name.removeprefix("aten::")
    shapes = [shape for shape in (event.input_shapes or []) if isinstance(shape, list) and shape]
    if _inside(event, "Optimizer."):
        return "optimizer"
    wide = any(vocab_size in shape for shape in shapes)
    if name in _PRODUCTS or "linear" in name:
        if wide:
            return "products: vocabulary"
        # Explicit attention multiplies batches of matrices; layers multiply flat ones.
        return "products: attention" if name in ("bmm", "baddbmm", "baddbmm_") else "products: layers"
    label = _label(event) or forward_groups.get(_sequence_of_backward(event), "")
    if label:
        return label
    if wide or _inside(event, "_LinearCrossEntropy"):
        return "loss: softmax over the vocabulary"
    if "attention" in name:
        return "products: attention"
    if any(word in name for word in ("lstm", "gru", "thnn", "Recurren")) or _inside(event, "Recurren"):
        return "recurrence"
    if "softmax" in name or any(len(shape) == 4 for shape in shapes):
        return "attention: softmax and masks"
    return "other"


def _ancestors(event: Any) -> Iterator[Any]:
    while event is not None:
        yield event
        event = event.cpu_parent


def _inside(event: Any, text: str) -> bool:
    return any(text in ancestor.name for ancestor in _ancestors(event))


def _label(event: Any) -> str:
    for ancestor in _ancestors(event):
        if ancestor.name.startswith(PREFIX):
            return str(ancestor.name.removeprefix(PREFIX))
    return ""


def _backward_of(event: Any) -> Any | None:
    for ancestor in _ancestors(event):
        if ancestor.name.startswith("autograd::engine::evaluate_function"):
            return ancestor
    return None


def _sequence_of_backward(event: Any) -> int:
    node = _backward_of(event)
    return int(node.sequence_nr) if node is not None and node.sequence_nr is not None else -1


def profiler() -> torch.profiler.profile:
    """A CPU profiler that stores input shapes; the caller starts it."""
    return torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True)
