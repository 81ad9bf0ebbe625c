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
        loss_weights: the weight of each target id in the loss, 0 for ids that are only read; an additional last weight is that of
                eos. None: all weights are 1.
    """

    src_ids: IdArray
    tgt_ids: IdArray
    loss_weights: WeightArray | None = None
