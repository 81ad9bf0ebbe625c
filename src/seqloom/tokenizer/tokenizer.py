"""Tokenizer: text <-> ids for both sides, trained, saved and loaded as one file.

Decoding restores every normalised text: `decode_src(encode_src([text])[0]) == normalise(text)`. Text is never encoded as the
ids 0, 1 and 2 (pad, bos, eos). This module does not know batches, tensors or models.
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
from seqloom.tokenizer.training import TrainingTextSize, train_codecs
from seqloom.untrusted import MEBIBYTE, read_json
from seqloom.vocabulary import Vocabulary

FORMAT = "seqloom-tokenizer"
VERSION = 1
FILE_NAME = "tokenizer.json"
# Enough for a vocabulary of half a million words.
_MAX_BYTES = 32 * MEBIBYTE

AnyIds = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Tokenizer:
    """Turns text into ids and ids into text, for sources and for targets.

    Attributes:
        settings: the settings of its training.
        source: the codec of sources.
        target: the codec of targets; the same object if the tokenizer is joint.
        trained_on: the size of the training text.
    """

    settings: TokenizerSettings
    source: Codec
    target: Codec
    trained_on: TrainingTextSize

    @classmethod
    def train(
        cls,
        corpus_items: Iterable[SentencePair | Document],
        settings: TokenizerSettings,
        progress: Progress | None = None,
    ) -> Self:
        """Trains a tokenizer. The same items and settings give the same tokenizer.

        Raises:
            CorpusError: the items hold no text.
            ConfigError: the items are plain text, and a setting applies only to pairs.
        """
        source, target, trained_on = train_codecs(corpus_items, settings, progress)
        return cls(settings, source, target, trained_on)

    @classmethod
    def load(cls, path: Path, *, within: Path | None = None) -> Self:
        """Reads a tokenizer.

        Args:
            path: a `tokenizer.json`, or the run folder that contains it.
            within: the folder that must contain the file, also after links are resolved.

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
            raise CheckpointError(f"{path}: damaged: {error} is missing; copy it from the run again") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{path}: damaged: {str(error)[:200]}; copy it from the run again") from None
        if tokenizer.hash != content.get("hash"):
            raise CheckpointError(
                f"{path}: was changed after it was saved: its hash does not fit; copy it from the run again"
            )
        return tokenizer

    def save(self, path: Path) -> None:
        """Writes `tokenizer.json`, and replaces an existing file atomically.

        Args:
            path: the file, or the folder to write it to.
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
        """SHA-256 (hex) of everything that determines the ids of a text, except BPE-dropout, which is random."""
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
        """The vocabulary sizes and special ids, for the model."""
        shared = self.source is self.target
        return Vocabulary(len(self.source), len(self.target), shared, PAD_ID, BOS_ID, EOS_ID)

    def normalise(self, text: str) -> str:
        """The normalised text, which is what decoding returns."""
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
        """The pieces of source ids, for display: "▁" is a space, ⟨0⟩ to ⟨f⟩ are halves of bytes."""
        return self.source.tokens(ids)

    def tgt_spans(self, ids: AnyIds) -> list[tuple[int, int]]:
        """For each target id the characters of the decoded text that it adds: (begin, end)."""
        return self.target.spans(ids)

    def tgt_tokens(self, ids: AnyIds) -> list[str]:
        """The pieces of target ids, for display, as in `src_tokens`."""
        return self.target.tokens(ids)

    def encode_src_with_dropout(self, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        """The ids of a source text, or of the text that ids encode, with merges left out at random (BPE only).

        The probability is `settings.dropout`.
        """
        return self._encode_with_dropout(self.source, text_or_ids, rng)

    def encode_tgt_with_dropout(self, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        """The ids of a target text, or of the text that ids encode; see `encode_src_with_dropout`."""
        return self._encode_with_dropout(self.target, text_or_ids, rng)

    def describe(self) -> str:
        """A line that describes the tokenizer, for display."""
        names = {"bpe": "BPE", "unigram": "unigram", "characters": "characters", "words": "words"}
        name = names[self.settings.kind]
        if self.vocab.shared:
            sizes = f"joint, {_describe_codec(self.source)}"
        else:
            sizes = f"source {_describe_codec(self.source)}, target {_describe_codec(self.target)}"
        extras = [self.settings.unicode.upper()] if self.settings.unicode != "none" else []
        extras += ["lower-cased"] if self.settings.lowercase else []
        extras += [f"dropout {self.settings.dropout:g}"] if self.settings.dropout else []
        size = self.trained_on
        if size.num_sampled < size.num_items:
            extras.append(f"trained on {size.num_sampled:,} of {size.num_items:,} pairs")
        return f"{name}: {', '.join([sizes, *extras])} (hash {self.hash[:8]})"

    def _encode_with_dropout(self, codec: Codec, text_or_ids: str | AnyIds, rng: np.random.Generator) -> Ids:
        if isinstance(text_or_ids, str):
            text_or_ids = normalise(text_or_ids, self.settings)
        return codec.encode_with_dropout(text_or_ids, self.settings.dropout, rng)


def _describe_codec(codec: Codec) -> str:
    ids = f"{len(codec):,} ids"
    return ids if codec.kind == "words" else f"{ids} ({codec.alphabet_size} of them characters)"


def _write_codec(codec: Codec) -> dict[str, Any]:
    content: dict[str, Any] = {"kind": codec.kind, "pieces": list(codec.pieces)}
    if codec.kind == "bpe":
        content["merges"] = [list(merge) for merge in codec.merges]
    if codec.kind == "unigram":
        content["scores"] = list(codec.scores)
    return content


def _read(content: dict[str, Any], path: str) -> tuple[TokenizerSettings, Codec, Codec, TrainingTextSize]:
    settings = TokenizerSettings.parse(content["settings"], source=path)
    source = _read_codec(content["source"], settings)
    target = source if content["target"] is None else _read_codec(content["target"], settings)
    size = content["trained_on"]
    src, tgt = size["num_characters"]
    return (
        settings,
        source,
        target,
        TrainingTextSize(int(size["num_items"]), int(size["num_sampled"]), (int(src), int(tgt))),
    )


def _read_codec(content: dict[str, Any], settings: TokenizerSettings) -> Codec:
    pieces = tuple(str(piece) for piece in content["pieces"])
    merges = tuple((str(left), str(right)) for left, right in content.get("merges", ()))
    scores = tuple(float(score) for score in content.get("scores", ()))
    if pieces[: NUM_RESERVED + 1] != (*SPECIALS, *NIBBLES, SPACE) or len(set(pieces)) < len(pieces):
        raise ValueError("its pieces do not begin with the special pieces and the nibbles, or one is repeated")
    if not all(map(math.isfinite, scores)):
        raise ValueError("a score is not a finite number")
    if content["kind"] != settings.kind or (settings.kind == "unigram" and len(scores) != len(pieces)):
        raise ValueError("its kind, settings and scores do not fit together")
    known = set(pieces)
    if any(piece not in known for left, right in merges for piece in (left, right, left + right)):
        raise ValueError("a merge names an unknown piece")
    return Codec(settings.kind, pieces, merges, scores)
