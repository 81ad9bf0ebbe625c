"""Record: looks into a running model, and reaches into it.

A model that is given a record passes each tensor worth seeing through it, by name ("encoder.0.attn_weights"). The record keeps
it, or puts another in its place. Without a record a model keeps nothing and may take faster, fused paths.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

Intervention = Callable[[Tensor], Tensor]


class Record:
    """Collects named tensors and applies interventions.

    Attributes:
        tensors: everything that passed, by name; a name that passes several times (decoding steps) has several entries.
    """

    def __init__(self, interventions: Mapping[str, Intervention] | None = None) -> None:
        self.tensors: dict[str, list[Tensor]] = {}
        self._interventions = dict(interventions or {})

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Keeps `value` under `name`; returns what the model is to go on with."""
        intervention = self._interventions.get(name)
        if intervention is not None:
            value = intervention(value)
        self.tensors.setdefault(name, []).append(value)
        return value

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of a name that passed exactly once."""
        (value,) = self.tensors[name]
        return value


def see(record: Record | None, name: str, value: Tensor) -> Tensor:
    """Passes `value` through the record where there is one."""
    return value if record is None else record(name, value)
