"""The whole walk: a recipe and a corpus become a run folder; a run folder becomes a model that translates, generates and scores."""

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqloom import machine
from seqloom.batching import Batches
from seqloom.checkpoint import FORMAT, fill_model, has_checkpoint, load_weights, read_json, write_json
from seqloom.config import merge, read_yaml
from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.generator import DecodingSettings, Generator, PairScore
from seqloom.decoding.hypothesis import Generation
from seqloom.errors import CheckpointError, ConfigError, CorpusError
from seqloom.evaluation import Evaluation, evaluate_pairs, evaluate_text, likelihood, metric_value
from seqloom.models import make_model, takes_text
from seqloom.models.base import Model
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.store import ExampleStore, Selection, StoredExamples, dropout_reencoder, open_store
from seqloom.tokenizer import Tokenizer
from seqloom.training import Budget, Counters, Trainer, Validation

DEFAULT_BUDGET = Budget(minutes=10)
WEIGHTS = "weights/best.safetensors"


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
        tokenizer = Tokenizer.train(corpus.train, settings, progress=progress)
    train = open_store(corpus.train, tokenizer, progress=progress)
    val = open_store(corpus.val, tokenizer, progress=progress)
    return Prepared(corpus, tokenizer, train, val)


def train(
    recipe: str | Path | Recipe | None = None,
    corpus: CorpusSettings | str | Path | None = None,
    *,
    budget: Budget | None = None,
    out: Path | str | None = None,
    changes: Sequence[str] | Mapping[str, Any] = (),
    start_from: Path | str | None = None,
    resume: bool = False,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> "Run":
    """Trains one recipe on one corpus.

    Args:
        recipe: a named recipe, a YAML file, or a Recipe; transformer-tiny where none is named.
        corpus: a named data set, a file, or settings; the recipe's own where none is named.
        budget: how long to train; the recipe's, or ten minutes.
        out: the run folder; by default one under runs/, named after recipe and corpus.
        changes: settings to change, `["model.dropout=0.1"]` or nested values.
        start_from: a run whose weights and tokenizer to start from.
        resume: go on with the run in `out`; recipe, corpus, budget and seed are the run's own.
        seed: where all randomness comes from.

    Returns:
        The trained run, ready to translate.

    Raises:
        SeqloomError: settings, data or the folder are not what they should be.
    """
    begin = time.perf_counter()
    progress = progress or Silent()
    if resume:
        if recipe is not None or corpus is not None or budget is not None or changes or start_from is not None:
            raise ConfigError(
                "--resume goes on with a run as it was begun: name only the run, by --out; to change settings use --from"
            )
        if out is None:
            raise ConfigError("--resume: say which run to go on with, by --out RUN")
        return _resume(Path(out), device=device, threads=threads, progress=progress)
    chosen = load_recipe(recipe or "transformer-tiny", changes)
    settings = (
        corpus if isinstance(corpus, CorpusSettings) else CorpusSettings(data=str(corpus)) if corpus else chosen.corpus
    )
    if settings is None:
        raise ConfigError(f"{chosen.name}: there is nothing to train on: name a corpus, by --data NAME or --data FILE")
    chosen = chosen.model_copy(update={"corpus": settings.located()})
    opened = open_corpus(settings, progress)
    for note in opened.notes:
        progress.say(note)
    folder = Path(out) if out is not None else Path("runs") / f"{chosen.name}-{_slug(opened.name)}"
    tokenizer = load(start_from, device="cpu").tokenizer if start_from is not None else None
    prepared = prepare(opened, chosen, tokenizer=tokenizer, progress=progress)
    return train_prepared(
        chosen,
        prepared,
        budget=budget or chosen.training.budget or DEFAULT_BUDGET,
        folder=folder,
        start_from=Path(start_from) if start_from is not None else None,
        seed=seed,
        device=device,
        threads=threads,
        progress=progress,
        setup_seconds=time.perf_counter() - begin,
    )


def _resume(folder: Path, *, device: str, threads: int | None, progress: Progress) -> "Run":
    facts = read_json(folder / "run.json")
    if not has_checkpoint(folder):
        raise CheckpointError(f"{folder}: there is no checkpoint to go on from; train anew")
    recipe = _read_recipe(folder)
    if recipe.corpus is None:
        raise CheckpointError(
            f"{folder}/recipe.yaml: it does not say which corpus; train anew, or start from it by --from"
        )
    opened = open_corpus(recipe.corpus, progress)
    if opened.fingerprint != facts["corpus"]["fingerprint"]:
        raise CorpusError(
            f"{opened.name}: the data are not those that {folder} was trained on (its fingerprint differs); restore them, or "
            "start a new run by --from"
        )
    prepared = prepare(opened, recipe, tokenizer=Tokenizer.load(folder / "tokenizer.json"), progress=progress)
    return train_prepared(
        recipe,
        prepared,
        budget=Budget.parse(facts["budget"], source=str(folder / "run.json")),
        folder=folder,
        seed=facts["seed"],
        device=device,
        threads=threads or int(facts["environment"]["threads"]),
        progress=progress,
        resume=True,
        setup_seconds=facts["setup_seconds"],
    )


def train_prepared(
    recipe: Recipe,
    prepared: Prepared,
    *,
    budget: Budget,
    folder: Path,
    seed: int,
    device: str = "auto",
    threads: int | None = None,
    start_from: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    title: str | None = None,
    setup_seconds: float = 0.0,
) -> "Run":
    """Trains a recipe on data that lie ready; see `train`."""
    progress = progress or Silent()
    begin = time.perf_counter()
    tokenizer = prepared.tokenizer
    place = machine.choose_device(device)
    machine.set_threads(threads)
    arranged = [f"{torch.get_num_threads()} threads"]
    if place.type == "cpu":
        arranged += [machine.keep_freed_memory(), machine.arrange_matrix_products()]
    progress.say(f"{place.type}: {', '.join(arranged)}")
    machine.reset_peak_memory(place)
    torch.manual_seed(seed)
    model = make_model(recipe.model, tokenizer.vocab)
    if start_from is not None:
        fill_model(model, load_weights(start_from / WEIGHTS), start_from / WEIGHTS)
    examples = _fitting(prepared.train, model, recipe, "training", progress)
    batches = Batches(
        examples,
        batch_tokens=recipe.training.batch_tokens,
        seed=seed,
        pad_id=tokenizer.vocab.pad_id,
        bos_id=tokenizer.vocab.bos_id,
        eos_id=tokenizer.vocab.eos_id,
        reencode=dropout_reencoder(tokenizer, seed, max_src_len=model.max_len, max_tgt_len=model.max_len),
    )
    if not resume:
        _begin_folder(folder)
        (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        tokenizer.save(folder / "tokenizer.json")
    facts = {
        "format": FORMAT,
        "seed": seed,
        "budget": budget.model_dump(mode="json", exclude_none=True),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "started_from": str(start_from) if start_from is not None else None,
        "corpus": corpus_facts(prepared),
        "tokenizer": {"description": tokenizer.describe(), "hash": tokenizer.hash},
        "parameters": model.num_parameters(),
        "parameters_without_embeddings": model.num_parameters(embeddings=False),
        "environment": machine.describe_machine(place),
        "arranged": arranged,
        "setup_seconds": round(setup_seconds + time.perf_counter() - begin, 2),
        "result": None,
    }
    write_json(folder / "run.json", facts)
    trainer = Trainer(
        model,
        batches,
        recipe.training,
        budget,
        folder,
        validate=_validation(prepared, model, recipe, place, progress),
        seed=seed,
        device=place,
        title=title or f"{recipe.name}: training",
        progress=progress,
    )
    counters = trainer.train(resume=resume)
    facts["result"] = _result(counters, batches.num_batches(), machine.peak_memory_mib(place))
    write_json(folder / "run.json", facts)
    return Run(folder, recipe, tokenizer, trainer.model, place)


def _result(counters: Counters, batches_per_epoch: int, peak_memory_mib: float) -> dict[str, Any]:
    return {
        "steps": counters.step,
        "tokens": counters.tokens,
        "epochs": round(counters.epoch + counters.batch / batches_per_epoch, 3),
        "train_seconds": round(counters.seconds, 2),
        "validation_seconds": round(counters.validation_seconds, 2),
        "tokens_per_second": round(counters.tokens / max(1e-9, counters.seconds), 1),
        "padding_share": round(1 - counters.tokens / max(1, counters.positions), 4),
        "peak_memory_mib": round(peak_memory_mib, 1),
        "best": "average of the last validations" if counters.best_is_average else f"step {counters.best_step}",
        "curve": counters.curve,
    }


def corpus_facts(prepared: Prepared) -> dict[str, Any]:
    """What a run must remember of its corpus."""
    corpus = prepared.corpus
    return {
        "name": corpus.name,
        "kind": corpus.kind,
        "synthetic": corpus.synthetic,
        "src_lang": corpus.src_lang,
        "tgt_lang": corpus.tgt_lang,
        "licence": corpus.licence,
        "metric": corpus.metric,
        "item_separator": corpus.item_separator,
        "item_name": corpus.item_name,
        "notes": list(corpus.notes),
        "sizes": {"train": len(prepared.train), "val": len(prepared.val)},
        "origins": {split.name: split.origin for split in (corpus.train, corpus.val, *corpus.tests.values())},
        "fingerprint": corpus.fingerprint,
    }


def _begin_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "run.json").exists():
            raise CheckpointError(f"{folder}: there is something else in this folder; choose another one by --out")
        raise CheckpointError(
            f"{folder}: there is a run already. Go on with it by --resume --out {folder}, choose another --out, or remove it."
        )
    folder.mkdir(parents=True, exist_ok=True)


def _fitting(store: ExampleStore, model: Model, recipe: Recipe, what: str, progress: Progress) -> StoredExamples:
    """The examples that fit into the model; how many do not is said."""
    if store.is_text:
        room = model.max_tgt_len(0)
        return store.windows(recipe.training.window if room is None else min(recipe.training.window, room - 1))
    if model.max_len is None:
        return store
    # Special ids count: eos after the source, bos or eos with the target.
    lengths, which = np.unique(store.src_lengths, return_inverse=True)
    rooms = np.array([model.max_tgt_len(int(length) + 1) if length < model.max_len else 0 for length in lengths])
    fits = np.asarray(store.tgt_lengths) < rooms[which]
    if fits.all():
        return store
    progress.say(
        f"{np.count_nonzero(~fits):,} of {len(store):,} {what} pairs do not fit into the model's {model.max_len} positions and are "
        "left out (model.max_len)"
    )
    if not fits.any():
        raise CorpusError(f"no {what} pair fits into the model's {model.max_len} positions; raise model.max_len")
    return Selection(store, np.flatnonzero(fits))


def _validation(
    prepared: Prepared, model: Model, recipe: Recipe, device: torch.device, progress: Progress
) -> Callable[[Model], Validation]:
    """Nats a token over the validation data, and the leading metric over some of it, decoded greedily."""
    corpus, settings = prepared.corpus, recipe.training
    examples = _fitting(prepared.val, model, recipe, "validation", progress)
    wanted = settings.validation_sentences if corpus.kind == "pairs" else 0
    every = max(1, -(-len(prepared.val) // wanted)) if wanted else 1
    pairs = list(islice(corpus.val.pairs(), 0, None, every))[:wanted] if wanted else []
    greedy = DecodingSettings(
        beam=1, max_len_ratio=recipe.decoding.max_len_ratio, max_len_offset=recipe.decoding.max_len_offset
    )

    def validate(model: Model) -> Validation:
        found = likelihood(model, examples, device=device)
        if not pairs:
            return Validation(found.nats_per_token, None)
        generator = Generator(model, prepared.tokenizer, greedy, device=device)
        outputs = [generation.text for generation in generator.generate(pair.src for pair in pairs)]
        value, higher = metric_value(corpus.metric, outputs, [pair.tgt for pair in pairs], corpus.item_separator)
        return Validation(found.nats_per_token, value, higher)

    return validate


class Run:
    """A trained run: its recipe, tokenizer and weights, and what they can do."""

    def __init__(self, folder: Path, recipe: Recipe, tokenizer: Tokenizer, model: Model, device: torch.device) -> None:
        self.folder = folder
        self.recipe = recipe
        self.tokenizer = tokenizer
        self.model = model.eval()
        self.device = device

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What run.json says: corpus, budget, environment, result."""
        facts: dict[str, Any] = read_json(self.folder / "run.json")
        return facts

    def generator(self, **decoding: Any) -> Generator:
        """Text in, generations out; decoding settings that are None are the recipe's."""
        given = {name: value for name, value in decoding.items() if value is not None}
        settings = DecodingSettings.parse(
            merge(self.recipe.decoding.model_dump(exclude_unset=True), given), source="decoding"
        )
        return Generator(self.model, self.tokenizer, settings, device=self.device)

    def translate(self, texts: str | Iterable[str], **decoding: Any) -> list[Generation]:
        """Translates texts; one generation each, in order. `decoding`: beam, nbest and the other DecodingSettings."""
        return list(self.translate_lines([texts] if isinstance(texts, str) else texts, **decoding))

    def translate_lines(
        self, texts: Iterable[str], *, alignments: bool = False, progress: Progress | None = None, **decoding: Any
    ) -> Iterator[Generation]:
        """Translates a stream of any length; one generation for each text, in order, whatever it is."""
        return self.generator(**decoding).generate(texts, alignments=alignments, progress=progress)

    def generate(
        self, prompts: str | Sequence[str] = "", *, num_samples: int = 1, max_tokens: int = 200, **decoding: Any
    ) -> list[Generation]:
        """Continues prompts, by sampling unless `decoding` says otherwise. A model of pairs takes the prompt as its source."""
        texts = [prompts] if isinstance(prompts, str) else list(prompts)
        settings = {"method": "sample", "nbest": num_samples, **decoding}
        if self.facts["corpus"]["kind"] == "pairs":
            return list(self.generator(**settings).generate(texts))
        return list(self.generator(**settings).continue_text(texts, max_tokens=max_tokens))

    def score(self, pairs: Iterable[SentencePair]) -> Iterator[PairScore]:
        """The log-probability of each target given its source, by forced decoding."""
        return self.generator().score(pairs)

    def evaluate(
        self,
        corpus: Corpus | CorpusSettings | Sequence[SentencePair] | None = None,
        *,
        beam: int | None = None,
        metrics: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Evaluation:
        """Scores the run on the test splits of a corpus, by default its own, or on given pairs."""
        about = self.facts["corpus"]
        if corpus is None:
            if self.recipe.corpus is None:
                raise ConfigError(f"{self.folder}: the run does not say which corpus it was trained on; name one")
            corpus = self.recipe.corpus
        if isinstance(corpus, CorpusSettings):
            corpus = open_corpus(corpus, progress)
        if isinstance(corpus, Corpus) and corpus.kind == "text":
            return evaluate_text(
                self.model, self.tokenizer, corpus, window=self.recipe.training.window, device=self.device
            )
        if isinstance(corpus, Corpus):
            tests = {name: list(split.pairs()) for name, split in corpus.tests.items()}
            leading, separator, items = corpus.metric, corpus.item_separator, corpus.item_name
        else:
            tests = {"test": list(corpus)}
            leading, separator, items = about["metric"], about["item_separator"], about["item_name"]
        return evaluate_pairs(
            self.generator(beam=beam),
            tests,
            leading=leading,
            item_separator=separator,
            item_name=items,
            metrics=metrics,
            progress=progress,
        )

    def describe(self) -> dict[str, Any]:
        """Everything that the run knows about itself, as plain values."""
        return describe(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.recipe.name} on {self.facts['corpus']['name']})"


def load(*folders: Path | str, device: str = "auto", threads: int | None = None) -> Run:
    """Opens a run; several of one vocabulary are an ensemble, which has the first one's recipe.

    Raises:
        CheckpointError: a folder is not a run, is damaged, or the vocabularies differ.
    """
    if not folders:
        raise ConfigError("name at least one run folder")
    place = machine.choose_device(device)
    machine.set_threads(threads)
    if place.type == "cpu":
        machine.arrange_matrix_products()
    runs = [_load_one(Path(folder), place) for folder in folders]
    first = runs[0]
    if len(runs) == 1:
        return first
    for other in runs[1:]:
        if other.tokenizer.hash != first.tokenizer.hash:
            raise CheckpointError(
                f"{other.folder} and {first.folder} have different vocabularies, so their scores cannot be averaged: train both "
                "with one tokenizer (seqloom compare does, and seqloom train --from)"
            )
    return Run(first.folder, first.recipe, first.tokenizer, Ensemble([run.model for run in runs]), place)


def describe(folder: Path | str) -> dict[str, Any]:
    """Everything that a run folder says about its run, as plain values; one that is not finished can be described too.

    Raises:
        CheckpointError: the folder is not a run, or is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such run folder")
    recipe = _read_recipe(folder)
    facts = read_json(folder / "run.json")
    return {
        "run": str(folder),
        "recipe": recipe.name,
        "description": recipe.description,
        "state": "finished" if facts["result"] else f"not finished; go on: seqloom train --resume --out {folder}",
        "seed": facts["seed"],
        "budget": str(Budget.parse(facts["budget"])),
        "corpus": facts["corpus"],
        "tokenizer": facts["tokenizer"]["description"],
        "parameters": facts["parameters"],
        "parameters_without_embeddings": facts["parameters_without_embeddings"],
        "setup_seconds": facts["setup_seconds"],
        **(facts["result"] or {}),
        "settings": {part: getattr(recipe, part).model_dump(mode="json") for part in ("model", "training", "decoding")},
        "environment": facts["environment"],
    }


def _load_one(folder: Path, device: torch.device) -> Run:
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such run folder")
    recipe = _read_recipe(folder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    facts = read_json(folder / "run.json")
    if facts["tokenizer"]["hash"] != tokenizer.hash:
        raise CheckpointError(f"{folder}/tokenizer.json: not the tokenizer that this run was trained with; restore it")
    model = make_model(recipe.model, tokenizer.vocab)
    fill_model(model, load_weights(folder / WEIGHTS), folder / WEIGHTS)
    return Run(folder, recipe, tokenizer, model.to(device), device)


def _read_recipe(folder: Path) -> Recipe:
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise CheckpointError(f"{folder}: this is not a run folder (there is no recipe.yaml in it)")
    values, lines = read_yaml(path)
    return Recipe.parse(values, source=str(path), lines=lines)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in text).strip("-") or "corpus"
