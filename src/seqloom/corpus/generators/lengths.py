"""The lengths of sources (in words) of each split, and the assignment of short sources to splits."""

from collections.abc import Mapping

from seqloom.corpus.generators.draw import Draw, bucket

# In words, both ends included: training, validation and `test`, and then the splits that no training reaches.
TRAINED = (1, 20)
FURTHER: Mapping[str, tuple[int, int]] = {"beyond": (21, 40), "to-60": (41, 60), "to-100": (61, 100)}

# Of ten sources one belongs to validation and one to test.
_PARTS = {0: "val", 1: "test"}


def draw_length(draw: Draw, split: str) -> int:
    """How many words a source of the split is to have: each length of its range is as likely as the others."""
    return draw.between(*FURTHER.get(split, TRAINED))


def belongs(source: str, split: str) -> bool:
    """Whether a source may stand in the split. What lies further than training is apart from it already."""
    return split in FURTHER or _PARTS.get(bucket(source, 10), "train") == split
