"""Codec: one vocabulary; the text of one side (or of both) to ids and back.

Input: normalised text; output: ids. It also turns ids back into text. A codec is a plain list of pieces with, for BPE, its merges
and, for unigram, its scores; Hugging Face's `tokenizers` does the work. This module does not know settings files, sides or
training.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from seqloom.tokenizer.bpe_dropout import BpeDropout
from seqloom.tokenizer.escaping import NIBBLES, SPACE, Escaper, cut, spell

Kind = Literal["bpe", "unigram", "characters", "words"]
# Always int32; the type is wider, for the interfaces that take them.
Ids = NDArray[np.integer]

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2
# The splitting separates letters from punctuation, so no text can become one of these pieces.
SPECIALS = ("<pad>", "<s>", "</s>")
NUM_RESERVED = len(SPECIALS) + len(NIBBLES)

_LONGEST_PIECE_OF_TEXT = 1 << 16

_NIBBLE = f"{NIBBLES[0]}-{NIBBLES[-1]}"


def _pattern(word: str, digit: str, other_count: str) -> str:
    other = rf"[^{word}{digit}\s{SPACE}{_NIBBLE}]{other_count}"
    white = rf"\s+|{SPACE}+(?={SPACE}[^{SPACE}\s])|{SPACE}+"
    return rf"[{_NIBBLE}]|{SPACE}?[{word}]+" + (rf"|{SPACE}?{digit}" if digit else "") + f"|{SPACE}?{other}|{white}"


# The parts of a text that no token crosses. Subwords: letters, single digits, and runs of punctuation, each with the space before
# it. Words contain digits, and each punctuation mark is a part of its own.
_SPLITS = {
    "subwords": _pattern(r"\p{L}\p{M}", r"\p{N}", "+"),
    "words": _pattern(r"\p{L}\p{M}\p{N}_", "", ""),
}


@dataclass(frozen=True)
class Codec:
    """One vocabulary.

    Attributes:
        kind: how text is cut.
        pieces: the string of each id: the special pieces, the nibbles, then those that training chose.
        merges: for BPE, pairs of pieces in the order in which they are merged.
        scores: for unigram, the log-probability of each piece.
    """

    kind: Kind
    pieces: tuple[str, ...]
    merges: tuple[tuple[str, str], ...] = ()
    scores: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of normalised texts. Special ids never come out."""
        escaped = [self.escaper.escape(text) for text in texts]
        if all(len(text) <= _LONGEST_PIECE_OF_TEXT for text in escaped):
            return self._encode_escaped(escaped)
        # Hugging Face keeps some hundred bytes a token while it encodes, too much for a book in one string.
        return [
            _join([self._encode_escaped([part])[0] for part in cut(text, _LONGEST_PIECE_OF_TEXT)]) for text in escaped
        ]

    def decode(self, ids: Sequence[int] | NDArray[np.integer]) -> str:
        """The text of any ids: special ids are skipped, incomplete characters become U+FFFD."""
        pieces = self.pieces
        return self.escaper.unescape("".join([pieces[i] for i in ids if i > EOS_ID]))

    def tokens(self, ids: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The pieces of ids, for people: nibbles are shown as ⟨0⟩ to ⟨f⟩."""
        return [f"⟨{ord(piece) - 0xE000:x}⟩" if piece in NIBBLES else piece for piece in (self.pieces[i] for i in ids)]

    def encode_with_dropout(
        self, text_or_ids: str | Sequence[int] | NDArray[np.integer], probability: float, rng: np.random.Generator
    ) -> Ids:
        """The ids of one normalised text (or of the text behind ids) with merges left out at random; BPE only."""
        if self.kind != "bpe":
            raise ValueError(f"BPE-dropout needs a bpe tokenizer, this one is of kind {self.kind!r}")
        if isinstance(text_or_ids, str):
            escaped = self.escaper.escape(text_or_ids)
        else:
            escaped = "".join([self.pieces[i] for i in text_or_ids if i > EOS_ID])
        return np.array(self._dropout.encode(self.split(escaped), probability, rng), dtype=np.int32)

    def split(self, escaped: str) -> list[str]:
        """The parts of an escaped text that no token crosses."""
        return split_escaped(self.kind, escaped)

    @cached_property
    def escaper(self) -> Escaper:
        """Writes text in the alphabet of this vocabulary."""
        if self.kind == "words":
            return Escaper(None, mark_start=True)
        alphabet = "".join(p for p in self.pieces if len(p) == 1 and p not in NIBBLES and p != SPACE)
        return Escaper(alphabet, mark_start=self.kind != "characters")

    @cached_property
    def alphabet_size(self) -> int:
        """The number of characters that have their own id."""
        return sum(len(piece) == 1 and piece not in NIBBLES for piece in self.pieces)

    def _encode_escaped(self, texts: list[str]) -> list[Ids]:
        if self.kind == "characters":
            ids = self._ids
            return [np.array([ids[char] for char in text], dtype=np.int32) for text in texts]
        if self.kind == "words":
            return [np.array(self._encode_words(text), dtype=np.int32) for text in texts]
        encodings = self._backend.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]

    def _encode_words(self, text: str) -> list[int]:
        ids, encoded = self._ids, list[int]()
        for word in self.split(text):
            known = ids.get(word)
            if known is not None:
                encoded.append(known)
                continue
            if word.startswith(SPACE):
                encoded.append(ids[SPACE])
                word = word[1:]
            for char in word:
                spelling = SPACE if char == SPACE else char if char in NIBBLES else spell(char)
                encoded += [ids[nibble] for nibble in spelling]
        return encoded

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {piece: i for i, piece in enumerate(self.pieces)}

    @cached_property
    def _dropout(self) -> BpeDropout:
        ids = self._ids
        return BpeDropout(ids, [(ids[a], ids[b], ids[a + b]) for a, b in self.merges])

    @cached_property
    def _backend(self) -> Any:
        hugging_face = import_backend()
        if self.kind == "bpe":
            model = hugging_face.models.BPE(self._ids, list(self.merges))
        else:
            model = hugging_face.models.Unigram(list(zip(self.pieces, self.scores, strict=True)), None, False)
        backend = hugging_face.Tokenizer(model)
        backend.pre_tokenizer = splitter(self.kind)
        return backend


def splitter(kind: Kind) -> Any:
    """Hugging Face's pre-tokenizer for a kind of tokenizer."""
    backend = import_backend()
    pattern = _SPLITS["words" if kind == "words" else "subwords"]
    return backend.pre_tokenizers.Split(backend.Regex(pattern), "isolated")


_splitters: dict[Kind, Any] = {}


def split_escaped(kind: Kind, escaped: str) -> list[str]:
    """The parts of an escaped text that no token crosses."""
    if kind not in _splitters:
        _splitters[kind] = splitter(kind)
    return [part for part, _ in _splitters[kind].pre_tokenize_str(escaped)] if escaped else []


# Encoding a batch uses all processors. A forked child has no threads, so it would hang if it used them, and the library warns.
# Unless the user has set the environment variable, children work in one thread, without a warning.
_PARALLELISM = "TOKENIZERS_PARALLELISM"
_watches_forks = False
_decides_for_child = False


def import_backend() -> Any:
    """Hugging Face's `tokenizers`, prepared for forks of the process."""
    global _watches_forks
    if not _watches_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
        _watches_forks = True
    import tokenizers

    return tokenizers


def _before_fork() -> None:
    global _decides_for_child
    _decides_for_child = _PARALLELISM not in os.environ
    if _decides_for_child:
        os.environ[_PARALLELISM] = "false"


def _after_fork_in_parent() -> None:
    if _decides_for_child:
        os.environ.pop(_PARALLELISM, None)


def _join(parts: list[Ids]) -> Ids:
    return cast(Ids, np.concatenate(parts))
