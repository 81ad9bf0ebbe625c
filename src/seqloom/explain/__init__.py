"""Explanations: a run and a text -> an Explanation: what the model computed, step by step, with its numbers.

It is the same for every architecture: tensors are found by their names (`nn.activation_hooks`), and no code asks for the
architecture. It returns data; `report` draws them.
"""

from seqloom.explain.change import Change
from seqloom.explain.explaining import METHODS, explain
from seqloom.explain.explanation import Explanation, Explanations

__all__ = ["METHODS", "Change", "Explanation", "Explanations", "explain"]
