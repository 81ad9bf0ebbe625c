"""Explanations: a run and a text -> an Explanation: what the model computed, step by step, with its numbers.

It is the same for every architecture: tensors are found by their names (`nn.activation_hooks`), and no code asks for the
architecture. It returns data; `report` draws them.
"""

from seqloom.explain.change import Change
from seqloom.explain.explaining import METHODS, explain
from seqloom.explain.explanation import Explanation
from seqloom.explain.explanations import Explanations
from seqloom.explain.measuring_surprise import compare_surprises, measure_surprise
from seqloom.explain.text_surprise import SurpriseComparison, TextSurprise

__all__ = [
    "METHODS",
    "Change",
    "Explanation",
    "Explanations",
    "SurpriseComparison",
    "TextSurprise",
    "compare_surprises",
    "explain",
    "measure_surprise",
]
