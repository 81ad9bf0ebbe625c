"""Prepared: a corpus with its tokenizer, encoded; and which of its examples a model can take.

A corpus and a recipe enter; what recipes that share a tokenizer are trained on leaves. Nothing here trains.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus import Corpus
from seqloom.corpus.cache import cache_folder
from seqloom.corpus.characters import count_sides
from seqloom.corpus.corpus import Split
from seqloom.errors import CheckpointError, ConfigError, CorpusError, OutputError
from seqloom.example import IdArray
from seqloom.messages import counted
from seqloom.models import takes_text
from seqloom.models.base import Model
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.info import CorpusInfo
from seqloom.store import BothDirections, ExampleStore, Selection, StoredExamples, open_store
from seqloom.tokenizer import Tokenizer, TokenizerSettings

CHARACTERS = "characters.json"

# Pairs from which on a tokenizer is remembered, and a look at the lengths is taken in pieces.
_LARGE = 200_000


@dataclass(frozen=True)
class Prepared:
    """A corpus with its tokenizer, encoded: what recipes that share a tokenizer are trained on."""

    corpus: Corpus
    tokenizer: Tokenizer
    train: ExampleStore
    val: ExampleStore


def prepare(
    corpus: Corpus, recipe: Recipe, *, tokenizer: Tokenizer | None = None, progress: Progress | None = None
) -> Prepared:
    """Trains the tokenizer, unless one is given, and encodes training and validation data."""
    progress = progress or Silent()
    settings = recipe.tokenizer
    if corpus.kind == "text":
        if not takes_text(recipe.model):
            raise ConfigError(
                f"{recipe.name} translates pairs, but {corpus.name} is plain text: train a language model on it, such as "
                "transformer-lm-tiny, or give pairs"
            )
        settings = settings.model_copy(update={"collapse_whitespace": False})
    if tokenizer is None:
        tokenizer = _train_tokenizer(corpus.train, settings, progress)
    train = open_store(corpus.train, tokenizer, progress=progress)
    val = open_store(corpus.val, tokenizer, progress=progress)
    return Prepared(corpus, tokenizer, train, val)


def _train_tokenizer(split: Split, settings: TokenizerSettings, progress: Progress) -> Tokenizer:
    """Trains a tokenizer, or finds the one that was trained on a large split before: the same text and settings give the same."""
    if split.size is None or split.size < _LARGE:
        return Tokenizer.train(split, settings, progress=progress)
    what = f"{split.fingerprint}\n{settings.model_dump_json()}\n{version('tokenizers')}\n{version('seqloom')}"
    file = cache_folder("tokenizers") / f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.json"
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
    """What a run stores about its corpus."""
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
    """How often which characters follow each other in sources and targets, by which a text's language can be told later."""
    if corpus.kind != "pairs":
        return None
    src, tgt = count_sides(corpus.train.pairs())
    return {"src": src.to_json(), "tgt": tgt.to_json()}


def fitting_examples(
    store: ExampleStore, model: Model, recipe: Recipe, what: str, progress: Progress
) -> StoredExamples:
    """The examples that fit into the model; how many do not is said."""
    if store.is_text:
        room = model.max_tgt_len(0)
        return store.windows(recipe.training.window if room is None else min(recipe.training.window, room - 1))
    if model.max_len is None:
        return store
    fits = _which_fit(store.src_lengths, store.tgt_lengths, model)
    if fits.all():
        return store
    progress.say(
        f"left out {np.count_nonzero(~fits):,} of {counted(len(store), f'{what} pair')}, too long for the model's "
        f"{counted(model.max_len, 'position')} (model.max_len)"
    )
    if not fits.any():
        raise CorpusError(
            f"no {what} pair fits into the model's {counted(model.max_len, 'position')}; raise model.max_len"
        )
    return Selection(store, np.flatnonzero(fits))


def both_directions(examples: StoredExamples, model: Model) -> BothDirections:
    """The examples, and those that fit into the model with source and target exchanged."""
    return BothDirections(examples, np.flatnonzero(_which_fit(examples.tgt_lengths, examples.src_lengths, model)))


def _which_fit(src_lengths: IdArray, tgt_lengths: IdArray, model: Model) -> NDArray[np.bool_]:
    """Which examples of such lengths, special ids not counted, the model can take."""
    fits = np.ones(len(src_lengths), dtype=bool)
    if model.max_len is None:
        return fits
    # Whether a target fits depends on its source's length alone. Sources of max_len ids and more fit with no target.
    rooms = np.array(
        [(model.max_tgt_len(n + 1) or 0) if model.fits(n, 0) else 0 for n in range(model.max_len)] + [0], dtype=np.int32
    )
    for start in range(0, len(fits), _LARGE):
        part = slice(start, start + _LARGE)
        fits[part] = tgt_lengths[part] < rooms[np.minimum(src_lengths[part], model.max_len)]
    return fits
