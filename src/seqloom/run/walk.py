"""The whole walk: a recipe and a corpus become a run folder."""

import datetime
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from seqloom import core_sharing, machine
from seqloom.arguments import as_path, check_changes, check_seed, check_threads, check_type
from seqloom.batching import Batches, Examples
from seqloom.corpus import CorpusSettings, SentencePair, open_corpus
from seqloom.corpus.settings import as_corpus_settings
from seqloom.decoding.generator import DecodingSettings, Generator
from seqloom.decoding.lexicon import Lexicon
from seqloom.errors import CheckpointError, ConfigError
from seqloom.evaluation import likelihood, metric_value
from seqloom.files import check_folder, check_not_read, write_json, write_text
from seqloom.messages import command_line, counted
from seqloom.metrics import find_metric
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.objectives import CrossEntropy
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.run.command import leaves
from seqloom.run.data import open_run_corpus
from seqloom.run.folder import check_links
from seqloom.run.info import (
    EnvironmentInfo,
    ResultInfo,
    RunInfo,
    TokenizerInfo,
    ValidationInfo,
    ValidationPoint,
    check_model_settings,
    read_info,
    write_info,
)
from seqloom.run.lexicon import save_lexicon
from seqloom.run.opened import WEIGHTS, Run, read_recipe
from seqloom.run.preparation import (
    CHARACTERS,
    Prepared,
    both_directions,
    character_sides,
    corpus_info,
    fitting_examples,
    prepare,
)
from seqloom.run.weights import check_weights
from seqloom.store import dropout_reencoder
from seqloom.tokenizer import Tokenizer
from seqloom.training import Budget, Trainer, TrainingPlan, Validation
from seqloom.training.checkpoint import FORMAT, checkpoint_folder, has_checkpoint
from seqloom.training.counters import Counters
from seqloom.training.data_schedule import Phases
from seqloom.training.weights import fill_from

DEFAULT_BUDGET = Budget(minutes=10)

# What a run writes before its first checkpoint; a run that was killed so early is begun anew.
_EARLY_NAMES = {
    "recipe.yaml",
    "tokenizer.json",
    "characters.json",
    "run.json",
    "metrics.jsonl",
    "progress.txt",
    "weights",
    "failure.json",
    "attempt.json",
    "tensorboard",
}


def train(
    recipe: str | Path | Recipe | None = None,
    corpus: CorpusSettings | str | Path | None = None,
    *,
    budget: Budget | None = None,
    out: Path | str | None = None,
    changes: Sequence[str] | Mapping[str, Any] = (),
    start_from: Path | str | None = None,
    resume: bool = False,
    seed: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Trains one recipe on one corpus.

    Args:
        recipe: a named recipe, a YAML file, or a Recipe; transformer-tiny where none is named.
        corpus: a named data set, a file, or settings; the recipe's own where none is named.
        budget: how long to train; the recipe's, or ten minutes.
        out: the run folder; by default one under runs/, named after recipe and corpus.
        changes: settings to change, `["model.dropout=0.1"]` or nested values.
        start_from: a run whose weights and tokenizer to start from.
        resume: go on with the run in `out`; recipe, corpus, budget and seed are the run's own.
        seed: where all randomness comes from; 0 where none is given.

    Returns:
        The trained run, ready to translate.

    Raises:
        SeqloomError: settings, data or the folder are not what they should be.
    """
    begin = time.perf_counter()
    progress = progress or Silent()
    machine.choose_device(device)
    threads = check_threads(threads)
    if seed is not None:
        seed = check_seed(seed)
    check_changes(changes)
    if budget is not None:
        check_type(budget, Budget, "budget", "a Budget, such as seqloom.Budget(steps=1000)")
    out = as_path(out, "out") if out is not None else None
    start_from = as_path(start_from, "start_from") if start_from is not None else None
    if resume:
        if out is None:
            raise ConfigError("--resume: say which run to go on with, by --out RUN")
        if start_from is not None:
            raise ConfigError("--resume goes on with a run as it was begun, --from begins a new one: keep one of them")
        _check_same(out, recipe, budget, changes, seed)
        named = as_corpus_settings(corpus) if corpus is not None else None
        return _resume(out, named, device=device, threads=threads, progress=progress)
    if recipe is None and start_from is not None:
        recipe = read_recipe(start_from)
    chosen = load_recipe("transformer-tiny" if recipe is None else recipe, changes)
    settings = as_corpus_settings(corpus) if corpus is not None else chosen.corpus
    if settings is None:
        raise ConfigError(f"{chosen.name}: there is nothing to train on: name a corpus, by --data NAME or --data FILE")
    chosen = chosen.model_copy(update={"corpus": settings.located()})
    folder = out
    if folder is not None:
        check_free(folder)
    if start_from is not None:
        read_recipe(start_from)
    opened = open_corpus(settings, progress)
    for note in opened.notes:
        progress.say(note)
    folder = folder or Path("runs") / f"{chosen.name}-{_slug(opened.name)}"
    check_free(folder)
    # What was left of a run that ended early is written anew, but its names may be those of data.
    for path in folder.rglob("*") if folder.is_dir() else ():
        check_not_read(path, "--out", settings.paths())
    tokenizer = None
    if start_from is not None:
        tokenizer = Tokenizer.load(start_from / "tokenizer.json", within=start_from)
        if "tokenizer" in _changed_parts(changes) and chosen.tokenizer != tokenizer.settings:
            raise ConfigError(
                "--from brings its own tokenizer, which the changes to tokenizer.… do not fit; leave one of them out"
            )
        chosen = chosen.model_copy(update={"tokenizer": tokenizer.settings})
        # Before the corpus is encoded, and before anything is allocated.
        check_weights(chosen.model, tokenizer.vocab, start_from / WEIGHTS, within=start_from)
    prepared = prepare(opened, chosen, tokenizer=tokenizer, progress=progress)
    return train_prepared(
        chosen,
        prepared,
        budget=budget or chosen.training.budget or DEFAULT_BUDGET,
        folder=folder,
        start_from=start_from,
        seed=check_seed(seed),
        device=device,
        threads=threads,
        progress=progress,
        setup_seconds=time.perf_counter() - begin,
    )


def _check_same(
    folder: Path,
    recipe: str | Path | Recipe | None,
    budget: Budget | None,
    changes: Sequence[str] | Mapping[str, Any],
    seed: int | None,
) -> None:
    """What is named with --resume must be what the run was begun with; the data may lie in another place."""
    saved, info = read_recipe(folder), read_info(folder)
    named = load_recipe(recipe or saved.model_copy(update={"corpus": None}), changes)
    differs = []
    if recipe is not None or changes:
        old, new = (
            dict(leaves(one.model_copy(update={"corpus": None}).model_dump(mode="json"))) for one in (saved, named)
        )
        differs += [
            f"{name} (the run: {old.get(name)}, now: {new.get(name)})"
            for name in dict.fromkeys((*old, *new))
            if old.get(name) != new.get(name)
        ]
    if budget is not None and budget.model_dump(mode="json", exclude_none=True) != info.budget:
        differs.append(f"the budget (the run: {Budget.parse(info.budget)}, now: {budget})")
    if seed is not None and seed != info.seed:
        differs.append(f"--seed (the run: {info.seed}, now: {seed})")
    if differs:
        raise ConfigError(
            f"--resume: {folder} was begun with other settings, which cannot be changed: {'; '.join(differs)}. Name only the run "
            f"({command_line('train', '--resume', '--out', folder)}), or begin a new run from its weights (--from)"
        )


def _resume(folder: Path, named: CorpusSettings | None, *, device: str, threads: int | None, progress: Progress) -> Run:
    check_links(folder)
    info = read_info(folder)
    recipe = read_recipe(folder)
    place, opened = open_run_corpus(folder, recipe.corpus, info.corpus, progress, named=named)
    tokenizer = Tokenizer.load(folder / "tokenizer.json", within=folder)
    if tokenizer.hash != info.tokenizer.hash:
        raise CheckpointError(f"{folder}/tokenizer.json: not the tokenizer that this run was trained with; restore it")
    check_model_settings(info, recipe.model.model_dump(mode="json"), folder)
    if has_checkpoint(folder):
        # Before anything is allocated, and before the corpus is encoded.
        check_weights(recipe.model, tokenizer.vocab, checkpoint_folder(folder) / "model.safetensors", within=folder)
    if place.located() != recipe.corpus:
        # What is made of the run later, such as an evaluation, finds the data there.
        recipe = recipe.model_copy(update={"corpus": place.located()})
        write_text(folder / "recipe.yaml", recipe.to_yaml())
    prepared = prepare(opened, recipe, tokenizer=tokenizer, progress=progress)
    return train_prepared(
        recipe,
        prepared,
        budget=Budget.parse(info.budget, source=str(folder / "run.json")),
        folder=folder,
        seed=info.seed,
        device=device,
        threads=threads or info.environment.num_threads,
        progress=progress,
        # Killed before its first checkpoint, it begins once more.
        resume=has_checkpoint(folder),
        setup_seconds=info.setup_seconds,
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
) -> Run:
    """Trains a recipe on data that lie ready; see `train`."""
    progress = progress or Silent()
    begin = time.perf_counter()
    if recipe.decoding.shortlist and prepared.corpus.kind == "text":
        raise ConfigError(
            f"decoding.shortlist is {recipe.decoding.shortlist}, but {prepared.corpus.name} is plain text, which has no sources to "
            "take shortlists from; set it to 0"
        )
    if recipe.training.bidirectional and prepared.corpus.kind == "text":
        raise ConfigError(
            f"training.bidirectional is {recipe.training.bidirectional:g}, but {prepared.corpus.name} is plain text, which has no "
            "other direction; set it to 0"
        )
    tokenizer = prepared.tokenizer
    place = machine.choose_device(device)
    machine.set_threads(threads)
    arranged = [counted(torch.get_num_threads(), "thread")]
    if place.type == "cpu":
        arranged += [machine.keep_freed_memory(), machine.arrange_matrix_products()]
        arranged += filter(None, [machine.describe_precision(recipe.training.precision)])
    progress.say(f"{place.type}: {', '.join(arranged)}")
    machine.reset_peak_memory(place)
    torch.manual_seed(seed)
    model = make_model(recipe.model, tokenizer.vocab)
    if start_from is not None:
        fill_from(model, start_from / WEIGHTS, within=start_from)
    examples = fitting_examples(prepared.train, model, recipe, "training", progress)

    def batches_of(some: Examples) -> Batches:
        vocab = tokenizer.vocab
        return Batches(
            some,
            batch_tokens=recipe.training.batch_tokens,
            seed=seed,
            pad_id=vocab.pad_id,
            bos_id=vocab.bos_id,
            eos_id=vocab.eos_id,
            reencode=dropout_reencoder(tokenizer, seed, fits=model.fits),
        )

    batches = batches_of(examples)
    if not resume:
        check_free(folder)
        shutil.rmtree(folder / "weights", ignore_errors=True)
        write_text(folder / "recipe.yaml", recipe.to_yaml())
        tokenizer.save(folder / "tokenizer.json")
        if (sides := character_sides(prepared.corpus)) is not None:
            write_json(folder / CHARACTERS, sides)
    decoded = _decoded_in_validation(prepared, recipe)
    if decoded and len(decoded) < len(prepared.val):
        label = find_metric(prepared.corpus.metric).label.format(items=prepared.corpus.item_name)
        progress.say(
            f"validation: the loss is of all {len(prepared.val):,} pairs, {label} of {len(decoded):,} of them "
            "(training.validation_sentences)"
        )
    info = RunInfo(
        format=FORMAT,
        seed=seed,
        budget=budget.model_dump(mode="json", exclude_none=True),
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        started_from=str(start_from) if start_from is not None else None,
        corpus=corpus_info(prepared),
        validation=ValidationInfo(items=len(prepared.val), decoded=len(decoded)),
        tokenizer=TokenizerInfo(description=tokenizer.describe(), hash=tokenizer.hash),
        model=recipe.model.model_dump(mode="json"),
        parameters=model.num_parameters(),
        parameters_without_embeddings=model.num_parameters(embeddings=False),
        environment=EnvironmentInfo(**machine.describe_machine(place)),
        arranged=arranged,
        setup_seconds=round(setup_seconds + time.perf_counter() - begin, 2),
        result=None,
    )
    if resume:
        before = read_info(folder)
        kept = {name: getattr(before, name) for name in ("started", "started_from", "setup_seconds")}
        info = info.model_copy(update=kept)
    write_info(folder, info)
    training = recipe.training
    share = training.bidirectional
    phases = [batches_of(both_directions(examples, model))] if share else []
    trainer = Trainer(
        model,
        Phases(*phases, batches, ends=(share,) if share else ()),
        CrossEntropy(training.label_smoothing, training.precision),
        _validation(prepared, decoded, model, recipe, place, progress),
        TrainingPlan(training, budget, folder, seed, place, title or f"{recipe.name}: training", progress),
    )
    other_work, used, started = core_sharing.OtherWork(), time.process_time(), time.monotonic()
    with core_sharing.share_cores(progress.say) if place.type == "cpu" else nullcontext():
        counters = trainer.train(resume=resume)
    shared = {
        "other_cores": round(other_work.mean_cores(), 2),
        "processor_share": round((time.process_time() - used) / max(1e-9, time.monotonic() - started), 3),
    }
    if recipe.decoding.shortlist:
        save_lexicon(folder, Lexicon.learn(prepared.train, tokenizer.vocab, progress))
    write_info(folder, info.with_result(_result(counters, len(examples), machine.peak_memory_mib(place), **shared)))
    return Run(folder, recipe, tokenizer, trainer.model, place)


def _result(counters: Counters, num_examples: int, peak_memory_mib: float, **shared: float) -> ResultInfo:
    return ResultInfo(
        steps=counters.step,
        tokens=counters.tokens,
        # A pair that was turned round was seen once more.
        epochs=round(counters.examples / num_examples, 3),
        train_seconds=round(counters.seconds, 2),
        validation_seconds=round(counters.validation_seconds, 2),
        tokens_per_second=round(counters.tokens / max(1e-9, counters.seconds), 1),
        padding_share=round(1 - counters.tokens / max(1, counters.positions), 4),
        peak_memory_mib=round(peak_memory_mib, 1),
        best="average of the last validations" if counters.best_is_average else f"step {counters.best_step}",
        curve=[ValidationPoint(**point) for point in counters.curve],
        **shared,
    )


def check_free(folder: Path) -> None:
    """Sees to it that a new run may be begun in a folder, before any work is done for it.

    Raises:
        CheckpointError: there is a run, or something else.
        OutputError: the folder cannot be written.
    """
    check_folder(folder)
    if has_checkpoint(folder):
        raise CheckpointError(
            f"{folder}: there is a run already. Go on with it: "
            f"{command_line('train', '--resume', '--out', folder)}; or choose another --out, or remove it."
        )
    if folder.is_dir():
        check_links(folder)
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    foreign = sorted(name for name in names - _EARLY_NAMES if not name.startswith((".", "checkpoint-")))
    if foreign or (folder.exists() and not folder.is_dir()):
        what = f"something else ({foreign[0]})" if foreign else "a file"
        raise CheckpointError(f"{folder}: there is {what} already; choose another folder by --out")


def _decoded_in_validation(prepared: Prepared, recipe: Recipe) -> list[SentencePair]:
    """The validation pairs that are decoded: as many as the recipe wants, evenly over all of them."""
    corpus = prepared.corpus
    measured = corpus.kind == "pairs" and find_metric(corpus.metric).count is not None
    wanted = recipe.training.validation_sentences if measured else 0
    every = max(1, len(prepared.val) // wanted) if wanted else 1
    return list(islice(corpus.val.pairs(), 0, None, every))[:wanted] if wanted else []


def _validation(
    prepared: Prepared,
    pairs: Sequence[SentencePair],
    model: Model,
    recipe: Recipe,
    device: torch.device,
    progress: Progress,
) -> Callable[[Model], Validation]:
    """Nats a token over the validation data, and the leading metric over `pairs` of them, decoded greedily."""
    corpus = prepared.corpus
    examples = fitting_examples(prepared.val, model, recipe, "validation", progress)
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


def _changed_parts(changes: Sequence[str] | Mapping[str, Any]) -> set[str]:
    names = changes if isinstance(changes, Mapping) else [change.partition("=")[0] for change in changes]
    return {name.strip().split(".")[0] for name in names}


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in text).strip("-") or "corpus"
