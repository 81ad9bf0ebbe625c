"""The explain room: a run and a text -> an Explanation: what the model did, step by step, with the real numbers.

The same for every architecture: what is recorded is found by its name (`nn.record`), never by asking which model it is. It returns
data; `report` draws it.
"""

from seqloom.explain.explaining import METHODS, explain
from seqloom.explain.explanation import Explanation, Explanations
from seqloom.explain.what_if import Change

__all__ = ["METHODS", "Change", "Explanation", "Explanations", "explain"]
