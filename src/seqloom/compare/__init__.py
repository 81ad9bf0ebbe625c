"""The compare room: one corpus, several recipes, one declared budget -> Comparison."""

from seqloom.compare.compare import compare, default_folder
from seqloom.compare.comparison import Comparison

__all__ = ["Comparison", "compare", "default_folder"]
