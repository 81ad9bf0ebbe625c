"""Vocabulary: what a model must know of a tokenizer. Numbers only: no text, no tensors, no heavy imports."""

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
