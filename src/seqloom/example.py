"""Example: the ids of a source and of its target. Numbers only: no text, no tensors, no heavy imports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IdArray = NDArray[np.integer]
WeightArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Example:
    """The ids of a source and of its target, without special ids. A text for language models has an empty source.

    Attributes:
        loss_weights: what each target id counts for in the loss, 0 for a part that is only read; a last one may stand for eos.
            None: each counts 1.
    """

    src_ids: IdArray
    tgt_ids: IdArray
    loss_weights: WeightArray | None = None
