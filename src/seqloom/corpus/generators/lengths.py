"""The lengths of sources (in words) of each split, and the assignment of short sources to splits."""

from collections.abc import Mapping

from seqloom.corpus.generators.draw import Draw, bucket

# In words, both ends included. First training, validation and `test`, then the splits with longer sources.
TRAINED = (1, 20)
FURTHER: Mapping[str, tuple[int, int]] = {"beyond": (21, 40), "to-60": (41, 60), "to-100": (61, 100)}

# One of ten sources belongs to validation, and one to test.
_PARTS = {0: "val", 1: "test"}


def draw_length(draw: Draw, split: str) -> int:
    """Draws the number of words of a source. All lengths of the split's range have the same probability."""
    return draw.between(*FURTHER.get(split, TRAINED))


def belongs(source: str, split: str) -> bool:
    """Whether a source belongs to the split. All longer sources belong to their split, because training has none of them."""
    return split in FURTHER or _PARTS.get(bucket(source, 10), "train") == split
