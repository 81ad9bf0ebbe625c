"""Stores: a split as ids, encoded once into memory-mapped files. See `store.py` first."""

from seqloom.data.store.both_directions import BothDirections
from seqloom.data.store.documents import Documents
from seqloom.data.store.dropout import dropout_reencoder
from seqloom.data.store.opening import open_store
from seqloom.data.store.store import Dropped, ExampleStore, SelectedExamples, StoredExamples
from seqloom.data.store.windows import DocumentWindows, Windows, WindowSample

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
