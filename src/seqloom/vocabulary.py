"""Vocabulary: the numbers of a tokenizer that a model needs. No text, no tensors, no slow imports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Counts and special ids.

    Attributes:
        src_size: number of source ids.
        tgt_size: number of target ids.
        shared: whether source and target ids mean the same (a joint tokenizer).
    """

    src_size: int
    tgt_size: int
    shared: bool
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
