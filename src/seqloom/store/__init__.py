"""Stores: a split as ids, encoded once into memory-mapped files. See `store.py` first."""

from seqloom.store.both_directions import BothDirections
from seqloom.store.documents import Documents
from seqloom.store.dropout import dropout_reencoder
from seqloom.store.opening import open_store
from seqloom.store.store import Dropped, ExampleStore, SelectedExamples, StoredExamples
from seqloom.store.windows import DocumentWindows, Windows, WindowSample

__all__ = [
    "BothDirections",
    "DocumentWindows",
    "Documents",
    "Dropped",
    "ExampleStore",
    "SelectedExamples",
    "StoredExamples",
    "WindowSample",
    "Windows",
    "dropout_reencoder",
    "open_store",
]
