"""Comparisons: one corpus, several recipes, one declared budget -> Comparison."""

from seqloom.comparison.comparing import compare, default_folder
from seqloom.comparison.comparison import Comparison

__all__ = ["Comparison", "compare", "default_folder"]
