"""Tokenizers: text becomes ids and comes back unchanged. See `tokenizer.py` first, then `escaping.py`."""

from seqloom.tokenizer.settings import TokenizerSettings
from seqloom.tokenizer.tokenizer import Tokenizer

__all__ = ["Tokenizer", "TokenizerSettings"]
