"""Tokenizers: text <-> ids. Decoding restores the normalised text exactly. Read `tokenizer.py` first, then `escaping.py`."""

from seqloom.tokenizer.settings import TokenizerSettings
from seqloom.tokenizer.tokenizer import Tokenizer
from seqloom.tokenizer.word_table import WordTable

__all__ = ["Tokenizer", "TokenizerSettings", "WordTable"]
