"""BothWays: examples, and the same ones with source and target in each other's place."""

import numpy as np
from numpy.typing import NDArray

from seqloom.batching import Example
from seqloom.example import IdArray
from seqloom.store.store import StoredExamples


class BothWays:
    """Every example, and after them those that are turned round; for a vocabulary that both sides share.

    Args:
        turned: the rows of the examples that appear a second time, turned round.
    """

    ends = True

    def __init__(self, examples: StoredExamples, turned: NDArray[np.int64]) -> None:
        self._examples = examples
        self._turned = turned
        src_lengths, tgt_lengths = examples.src_lengths, examples.tgt_lengths
        self.src_lengths: IdArray = np.concatenate([src_lengths, tgt_lengths[turned]])
        self.tgt_lengths: IdArray = np.concatenate([tgt_lengths, src_lengths[turned]])

    def __len__(self) -> int:
        return len(self.src_lengths)

    def __getitem__(self, index: int, /) -> Example:
        row = range(len(self))[index]
        if row < len(self._examples):
            return self._examples[row]
        example = self._examples[int(self._turned[row - len(self._examples)])]
        return Example(example.tgt_ids, example.src_ids)
