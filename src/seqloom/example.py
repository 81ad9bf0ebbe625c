"""Example: the ids of a source and of its target. Numbers only: no text, no tensors, no heavy imports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IdArray = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Example:
    """The ids of a source and of its target, without special ids. A text for language models has an empty source."""

    src_ids: IdArray
    tgt_ids: IdArray
