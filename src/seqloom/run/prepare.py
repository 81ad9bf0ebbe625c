"""Prepares training data: trains a tokenizer and encodes a corpus.

Input: a corpus and a recipe; output: encoded training and validation data, which recipes with the same tokenizer can share. This
module does not train models.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from seqloom.corpus import Corpus
from seqloom.corpus.cache import cache_folder
from seqloom.corpus.characters import count_sides
from seqloom.corpus.corpus import Split
from seqloom.data.store import ExampleStore, open_store
from seqloom.errors import CheckpointError, OutputError
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.info import CorpusInfo
from seqloom.tasks import Task, task_of
from seqloom.tokenizer import Tokenizer, TokenizerSettings

CHARACTERS = "characters.json"
"""The file with the result of `character_sides`, in a run folder."""

# The tokenizer of a split is cached if the split has at least this number of items, by their unit.
_MIN_CACHED = {"documents": 1000, "passages": 1000}
_MIN_CACHED_PAIRS = 200_000


@dataclass(frozen=True)
class Prepared:
    """A corpus with its task, its tokenizer and its encoded training and validation data."""

    corpus: Corpus
    task: Task
    tokenizer: Tokenizer
    train: ExampleStore
    val: ExampleStore


def prepare(
    corpus: Corpus, recipe: Recipe, *, tokenizer: Tokenizer | None = None, progress: Progress | None = None
) -> Prepared:
    """Trains a tokenizer if `tokenizer` is None, and encodes training and validation data."""
    progress = progress or Silent()
    task = task_of(corpus.kind)
    task.check(recipe, corpus.name)
    if tokenizer is None:
        tokenizer = train_tokenizer(
            task.tokenizer_split(corpus), task.tokenizer_settings(recipe.tokenizer, corpus), progress
        )
    train = open_store(corpus.train, tokenizer, progress=progress)
    val = open_store(corpus.val, tokenizer, progress=progress)
    return Prepared(corpus, task, tokenizer, train, val)


def train_tokenizer(split: Split, settings: TokenizerSettings, progress: Progress) -> Tokenizer:
    """Trains a tokenizer. For a large split, it is cached: the same text and settings give the same tokenizer."""
    if split.size is None or split.size < _MIN_CACHED.get(split.unit, _MIN_CACHED_PAIRS):
        return Tokenizer.train(split, settings, progress=progress)
    inputs = f"{split.fingerprint}\n{settings.model_dump_json()}\n{version('tokenizers')}\n{version('seqloom')}"
    file = cache_folder("tokenizers") / f"{hashlib.sha256(inputs.encode()).hexdigest()[:32]}.json"
    if file.is_file():
        with suppress(CheckpointError):
            return Tokenizer.load(file)
    tokenizer = Tokenizer.train(split, settings, progress=progress)
    try:
        tokenizer.save(file)
    except OutputError as error:
        progress.say(f"{error}. The tokenizer will be trained again next time")
    return tokenizer


def corpus_info(prepared: Prepared) -> CorpusInfo:
    """The facts that a run stores about its corpus."""
    corpus = prepared.corpus
    return CorpusInfo(
        name=corpus.name,
        kind=corpus.kind,
        synthetic=corpus.synthetic,
        src_lang=corpus.src_lang,
        tgt_lang=corpus.tgt_lang,
        licence=corpus.licence,
        metric=corpus.metric,
        bleu=corpus.bleu,
        item_separator=corpus.item_separator,
        item_name=corpus.item_name,
        notes=[*corpus.layout, *corpus.notes],
        sizes={"train": len(prepared.train), "val": len(prepared.val)},
        origins={split.name: split.origin for split in (corpus.train, corpus.val, *corpus.tests.values())},
        fingerprint=corpus.fingerprint,
        fingerprints={split.name: split.fingerprint for split in (corpus.train, corpus.val, *corpus.tests.values())},
    )


def character_sides(corpus: Corpus) -> dict[str, Any] | None:
    """Counts of character trigrams in sources and targets, to detect the language of a text later; None without sources."""
    if not task_of(corpus.kind).has_sources:
        return None
    src, tgt = count_sides(corpus.train.pairs())
    return {"src": src.to_json(), "tgt": tgt.to_json()}
