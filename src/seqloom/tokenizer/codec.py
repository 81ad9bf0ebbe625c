"""Codec: a vocabulary that encodes normalised text into ids and decodes ids into text, for one side or for both.

A codec is a list of pieces; for BPE it also has merges, and for unigram scores. Hugging Face's `tokenizers` encodes with them.
This module does not know settings files, sides or training.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from seqloom.tokenizer.bpe_dropout import BpeDropout
from seqloom.tokenizer.escaping import NIBBLES, SPACE, ByteReader, Escaper, cut, spell

Kind = Literal["bpe", "unigram", "characters", "words"]
# Arrays of int32. The type allows other integers, because functions accept these too.
Ids = NDArray[np.integer]

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2
# No text is encoded as these pieces, because no token crosses the border between letters and punctuation.
SPECIALS = ("<pad>", "<s>", "</s>")
NUM_RESERVED = len(SPECIALS) + len(NIBBLES)

_MAX_CHARS_AT_ONCE = 1 << 16

_NIBBLE = f"{NIBBLES[0]}-{NIBBLES[-1]}"


def _pattern(word: str, digit: str, other_count: str) -> str:
    other = rf"[^{word}{digit}\s{SPACE}{_NIBBLE}]{other_count}"
    white = rf"\s+|{SPACE}+(?={SPACE}[^{SPACE}\s])|{SPACE}+"
    return rf"[{_NIBBLE}]|{SPACE}?[{word}]+" + (rf"|{SPACE}?{digit}" if digit else "") + f"|{SPACE}?{other}|{white}"


# Patterns of the parts of a text; no token crosses them. For subwords, a part is a run of letters, a digit or a run of punctuation,
# each with the space before it. For words, a part is a run of letters and digits, or a punctuation mark.
_SPLITS = {
    "subwords": _pattern(r"\p{L}\p{M}", r"\p{N}", "+"),
    "words": _pattern(r"\p{L}\p{M}\p{N}_", "", ""),
}


@dataclass(frozen=True)
class Codec:
    """A vocabulary.

    Attributes:
        kind: how text is divided into pieces.
        pieces: the string of each id: the special pieces, the nibbles, then the pieces that training chose.
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
        """The ids of normalised texts, never special ids."""
        escaped = [self.escaper.escape(text) for text in texts]
        if all(len(text) <= _MAX_CHARS_AT_ONCE for text in escaped):
            return self._encode_escaped(escaped)
        # While Hugging Face encodes, it needs some hundred bytes per token, too much for the text of a book at once.
        return [_join([self._encode_escaped([part])[0] for part in cut(text, _MAX_CHARS_AT_ONCE)]) for text in escaped]

    def decode(self, ids: Sequence[int] | NDArray[np.integer]) -> str:
        """The text of any ids: special ids are skipped, incomplete characters become U+FFFD."""
        pieces = self.pieces
        return self.escaper.unescape("".join([pieces[i] for i in ids if i > EOS_ID]))

    def spans(self, ids: Sequence[int] | NDArray[np.integer]) -> list[tuple[int, int]]:
        """For each id the characters of `decode(ids)` that it adds: (begin, end).

        A character that several ids spell belongs to the last of them; the others, and special ids, add nothing.
        """
        pieces = ["" if token_id <= EOS_ID else self.pieces[token_id] for token_id in ids]
        added = [len(piece) for piece in pieces]
        real = [position for position, piece in enumerate(pieces) if piece]
        if real and self.escaper.marks_start and pieces[real[0]].startswith(SPACE):
            added[real[0]] -= 1
        reader = ByteReader()
        for position, following in zip(real, [*real, None][1:], strict=True):
            if pieces[position] in NIBBLES:
                added[position] = reader.read(pieces[position])
                if following is None or pieces[following] not in NIBBLES:
                    added[position] += reader.finish()
        return list(pairwise(accumulate(added, initial=0)))

    def tokens(self, ids: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """The pieces of ids, for display: nibbles are shown as ⟨0⟩ to ⟨f⟩."""
        return [f"⟨{ord(piece) - 0xE000:x}⟩" if piece in NIBBLES else piece for piece in (self.pieces[i] for i in ids)]

    def encode_with_dropout(
        self, text_or_ids: str | Sequence[int] | NDArray[np.integer], probability: float, rng: np.random.Generator
    ) -> Ids:
        """The ids of a normalised text, or of the text that ids encode, with merges left out at random.

        Raises:
            ValueError: the kind of the codec is not "bpe".
        """
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
        """The escaper for the alphabet of this vocabulary."""
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
            word_id = ids.get(word)
            if word_id is not None:
                encoded.append(word_id)
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
    """The pre-tokenizer of Hugging Face that splits a text into the parts that no token crosses."""
    backend = import_backend()
    pattern = _SPLITS["words" if kind == "words" else "subwords"]
    return backend.pre_tokenizers.Split(backend.Regex(pattern), "isolated")


_splitters: dict[Kind, Any] = {}


def split_escaped(kind: Kind, escaped: str) -> list[str]:
    """The parts of an escaped text that no token crosses."""
    if kind not in _splitters:
        _splitters[kind] = splitter(kind)
    return [part for part, _ in _splitters[kind].pre_tokenize_str(escaped)] if escaped else []


# Encoding a batch uses all processors. A forked child process has no threads, so it would hang, and the library warns about it.
# Unless the user sets this environment variable, child processes use a single thread, without a warning.
_PARALLELISM = "TOKENIZERS_PARALLELISM"
_fork_hooks_registered = False
_sets_variable = False


def import_backend() -> Any:
    """Hugging Face's `tokenizers`, prepared for forks of the process."""
    global _fork_hooks_registered
    if not _fork_hooks_registered and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
        _fork_hooks_registered = True
    import tokenizers

    return tokenizers


def _before_fork() -> None:
    global _sets_variable
    _sets_variable = _PARALLELISM not in os.environ
    if _sets_variable:
        os.environ[_PARALLELISM] = "false"


def _after_fork_in_parent() -> None:
    if _sets_variable:
        os.environ.pop(_PARALLELISM, None)


def _join(parts: list[Ids]) -> Ids:
    return cast(Ids, np.concatenate(parts))
