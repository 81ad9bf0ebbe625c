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

    def check_shared(self, model: str) -> None:
        """Checks that prompt and response have one vocabulary.

        Args:
            model: the model that reads both, for the message: "a decoder-only model".

        Raises:
            ValueError: source and target ids differ.
        """
        if not self.shared:
            raise ValueError(f"{model} reads prompt and response with one vocabulary: set tokenizer.joint to true")
