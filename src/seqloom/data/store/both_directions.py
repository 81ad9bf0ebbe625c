"""BothDirections: examples, followed by the same examples with source and target exchanged, for bidirectional training."""

import numpy as np
from numpy.typing import NDArray

from seqloom.data.batching import Example
from seqloom.data.example import IdArray
from seqloom.data.store.store import StoredExamples


class BothDirections:
    """All examples, and after them the exchanged ones. Source and target must have one vocabulary.

    Args:
        exchanged: the rows of the examples that appear a second time, with source and target exchanged.
    """

    ends = True

    def __init__(self, examples: StoredExamples, exchanged: NDArray[np.int64]) -> None:
        self._examples = examples
        self._exchanged = exchanged
        src_lengths, tgt_lengths = examples.src_lengths, examples.tgt_lengths
        self.src_lengths: IdArray = np.concatenate([src_lengths, tgt_lengths[exchanged]])
        self.tgt_lengths: IdArray = np.concatenate([tgt_lengths, src_lengths[exchanged]])

    def __len__(self) -> int:
        return len(self.src_lengths)

    def __getitem__(self, index: int, /) -> Example:
        row = range(len(self))[index]
        if row < len(self._examples):
            return self._examples[row]
        example = self._examples[int(self._exchanged[row - len(self._examples)])]
        return Example(example.tgt_ids, example.src_ids)
