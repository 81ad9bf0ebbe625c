"""Tokenizer: text <-> ids for both sides, trained, saved and loaded as one file.

It turns text into ids, and back: `decode_src(encode_src([text])[0]) == normalise(text)` for every text. Text never
becomes ids 0, 1 and 2 (pad, bos, eos). This module does not know batches, tensors or models.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.corpus import Document, SentencePair
from seqloom.errors import CheckpointError, SeqloomError
from seqloom.files import write_text
from seqloom.progress import Progress
from seqloom.tokenizer.codec import BOS_ID, EOS_ID, NUM_RESERVED, PAD_ID, SPECIALS, Codec, Ids
from seqloom.tokenizer.escaping import NIBBLES, SPACE, normalise
from seqloom.tokenizer.settings import TokenizerSettings
from seqloom.tokenizer.training import TrainedOn, train_codecs
from seqloom.untrusted import MEBIBYTE, read_json
from seqloom.vocabulary import Vocabulary

FORMAT = "seqloom-tokenizer"
VERSION = 1
FILE_NAME = "tokenizer.json"
# A vocabulary of half a million words.
_MAX_BYTES = 32 * MEBIBYTE

AnyIds = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Tokenizer:
    """Turns text into ids and ids into text, for sources and for targets.

    Attributes:
        settings: the settings of its training.
        source: the codec of sources.
        target: the codec of targets; the same object if the tokenizer is joint.
        trained_on: the size of its training text.
    """

    settings: TokenizerSettings
    source: Codec
    target: Codec
    trained_on: TrainedOn

    @classmethod
    def train(
        cls,
        corpus_items: Iterable[SentencePair | Document],
        settings: TokenizerSettings,
        progress: Progress | None = None,
    ) -> Self:
        """Trains a tokenizer; the same items and settings give the same one.

        Raises:
            CorpusError: there is no text.
            ConfigError: the settings do not fit plain text.
        """
        source, target, trained_on = train_codecs(corpus_items, settings, progress)
        return cls(settings, source, target, trained_on)

    @classmethod
    def load(cls, path: Path, *, within: Path | None = None) -> Self:
        """Reads a tokenizer.

        Args:
            path: a `tokenizer.json`, or the run folder that holds one.
            within: the folder that must contain the file, also after links are followed.

        Raises:
            CheckpointError: the file is missing, damaged, or of a later version of seqloom.
        """
        if path.is_dir():
            path = path / FILE_NAME
        try:
            content = read_json(path, max_bytes=_MAX_BYTES, within=within)
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{path}: cannot be read: {error.strerror}; expected a tokenizer of seqloom"
            ) from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CheckpointError(f'{path}: not a tokenizer of seqloom; expected JSON with "format": "{FORMAT}"')
        if content.get("version") != VERSION:
            raise CheckpointError(
                f"{path}: version {str(content.get('version'))[:40]}, but this seqloom reads version {VERSION}; install a later one"
            )
        try:
            tokenizer = cls(*_read(content, str(path)))
        except SeqloomError:
            raise
        except KeyError as error:
            raise CheckpointError(f"{path}: damaged: {error} is missing; take it from the run again") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{path}: damaged: {str(error)[:200]}; take it from the run again") from None
        if tokenizer.hash != content.get("hash"):
            raise CheckpointError(
                f"{path}: was changed after it was saved: its hash does not fit; take it from the run again"
            )
        return tokenizer

    def save(self, path: Path) -> None:
        """Writes `tokenizer.json`; an older file is replaced in one step.

        Args:
            path: the file, or a folder to put it into.
        """
        if path.is_dir():
            path = path / FILE_NAME
        content = {
            "format": FORMAT,
            "version": VERSION,
            "hash": self.hash,
            "settings": self.settings.model_dump(),
            "trained_on": asdict(self.trained_on),
            "source": _write_codec(self.source),
            "target": None if self.vocab.shared else _write_codec(self.target),
        }
        write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of everything that determines the ids of a text. BPE-dropout, which is applied later, is left out."""
        settings = self.settings
        content = {
            "version": VERSION,
            "normalisation": [settings.lowercase, settings.unicode, settings.collapse_whitespace],
            "source": _write_codec(self.source),
            "target": None if self.vocab.shared else _write_codec(self.target),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def vocab(self) -> Vocabulary:
        """The sizes and special ids, for the model."""
        shared = self.source is self.target
        return Vocabulary(len(self.source), len(self.target), shared, PAD_ID, BOS_ID, EOS_ID)

    def normalise(self, text: str) -> str:
        """The text as decoding returns it."""
        return normalise(text, self.settings)

    def encode_src(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of source texts, without special ids."""
        return self.source.encode([normalise(text, self.settings) for text in texts])

    def encode_tgt(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of target texts, without special ids."""
        return self.target.encode([normalise(text, self.settings) for text in texts])

    def decode_src(self, ids: AnyIds) -> str:
        """The text of source ids; special ids are skipped, and incomplete characters become U+FFFD."""
        return self.source.decode(ids)

    def decode_tgt(self, ids: AnyIds) -> str:
        """The text of target ids; special ids are skipped, and incomplete characters become U+FFFD."""
        return self.target.decode(ids)

    def src_tokens(self, ids: AnyIds) -> list[str]:
        """The pieces of source ids, to show: "▁" is a space, ⟨0⟩ to ⟨f⟩ spell bytes."""
        return self.source.tokens(ids)

    def tgt_tokens(self, ids: AnyIds) -> list[str]:
        """The pieces of target ids, to show."""
        return self.target.tokens(ids)

    def encode_src_with_dropout(self, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        """The ids of a source with merges left out at random, with the probability `settings.dropout` (BPE only)."""
        return self._encode_with_dropout(self.source, text_or_ids, rng)

    def encode_tgt_with_dropout(self, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        """The ids of a target with merges left out at random, with the probability `settings.dropout` (BPE only)."""
        return self._encode_with_dropout(self.target, text_or_ids, rng)

    def describe(self) -> str:
        """One line about the tokenizer, for people."""
        names = {"bpe": "BPE", "unigram": "unigram", "characters": "characters", "words": "words"}
        name = names[self.settings.kind]
        if self.vocab.shared:
            sizes = f"joint, {_describe_codec(self.source)}"
        else:
            sizes = f"source {_describe_codec(self.source)}, target {_describe_codec(self.target)}"
        extras = [self.settings.unicode.upper()] if self.settings.unicode != "none" else []
        extras += ["lower-cased"] if self.settings.lowercase else []
        extras += [f"dropout {self.settings.dropout:g}"] if self.settings.dropout else []
        seen = self.trained_on
        if seen.num_sampled < seen.num_items:
            extras.append(f"trained on {seen.num_sampled:,} of {seen.num_items:,} pairs")
        return f"{name}: {', '.join([sizes, *extras])} (hash {self.hash[:8]})"

    def _encode_with_dropout(self, codec: Codec, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        if isinstance(text_or_ids, str):
            text_or_ids = normalise(text_or_ids, self.settings)
        return codec.encode_with_dropout(text_or_ids, self.settings.dropout, rng)


def _describe_codec(codec: Codec) -> str:
    ids = f"{len(codec):,} ids"
    return ids if codec.kind == "words" else f"{ids} ({codec.alphabet_size} of them characters)"


def _write_codec(codec: Codec) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": codec.kind, "pieces": list(codec.pieces)}
    if codec.kind == "bpe":
        written["merges"] = [list(merge) for merge in codec.merges]
    if codec.kind == "unigram":
        written["scores"] = list(codec.scores)
    return written


def _read(content: dict[str, Any], path: str) -> tuple[TokenizerSettings, Codec, Codec, TrainedOn]:
    settings = TokenizerSettings.parse(content["settings"], source=path)
    source = _read_codec(content["source"], settings)
    target = source if content["target"] is None else _read_codec(content["target"], settings)
    seen = content["trained_on"]
    src, tgt = seen["num_characters"]
    return settings, source, target, TrainedOn(int(seen["num_items"]), int(seen["num_sampled"]), (int(src), int(tgt)))


def _read_codec(written: dict[str, Any], settings: TokenizerSettings) -> Codec:
    pieces = tuple(str(piece) for piece in written["pieces"])
    merges = tuple((str(left), str(right)) for left, right in written.get("merges", ()))
    scores = tuple(float(score) for score in written.get("scores", ()))
    if pieces[: NUM_RESERVED + 1] != (*SPECIALS, *NIBBLES, SPACE) or len(set(pieces)) < len(pieces):
        raise ValueError("its pieces do not begin as they must, or repeat")
    if not all(map(math.isfinite, scores)):
        raise ValueError("a score is not a finite number")
    if written["kind"] != settings.kind or (settings.kind == "unigram" and len(scores) != len(pieces)):
        raise ValueError("its parts do not fit together")
    known = set(pieces)
    if any(piece not in known for left, right in merges for piece in (left, right, left + right)):
        raise ValueError("a merge names an unknown piece")
    return Codec(settings.kind, pieces, merges, scores)
