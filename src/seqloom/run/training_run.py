"""`train_prepared`: a recipe and prepared data become a run folder.

Its steps: set up the machine, make the model and its batches, write what the run is, train, write the result.
"""

import datetime
import shutil
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch

from seqloom import core_sharing, machine
from seqloom.data.batching import Batches, Examples, in_turn
from seqloom.data.store import StoredExamples, Windows, dropout_reencoder
from seqloom.decoding.lexicon import Lexicon
from seqloom.files import write_json, write_text
from seqloom.messages import counted
from seqloom.metrics import find_metric
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.objectives import CrossEntropy
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.counting import fit_by_counting
from seqloom.run.folder import check_free
from seqloom.run.info import (
    EnvironmentInfo,
    ResultInfo,
    RunInfo,
    TokenizerInfo,
    ValidationInfo,
    ValidationPoint,
    read_info,
    write_info,
)
from seqloom.run.lexicon import save_lexicon
from seqloom.run.load import WEIGHTS, Run
from seqloom.run.prepare import CHARACTERS, Prepared, character_sides, corpus_info
from seqloom.tasks.translation import both_directions
from seqloom.training import Budget, Trainer, TrainingPlan
from seqloom.training.checkpoint import FORMAT
from seqloom.training.data_schedule import Phases
from seqloom.training.distributed import World
from seqloom.training.weights import fill_from


@dataclass(frozen=True)
class RunOptions:
    """How one run is trained, besides its recipe and its data.

    Attributes:
        budget: None for a model that is fitted by counting.
        folder: the run folder.
        start_from: a run whose weights to start from.
        resume: continue from the checkpoint in `folder`.
        title: the name under which progress is reported; None: the recipe's.
        setup_seconds: what preparing the data took, for run.json.
        world: the processes that train together; rank 0 alone writes the run folder.
    """

    budget: Budget | None
    folder: Path
    seed: int
    device: str = "auto"
    threads: int | None = None
    start_from: Path | None = None
    resume: bool = False
    title: str | None = None
    setup_seconds: float = 0.0
    progress: Progress = field(default_factory=Silent)
    world: World = field(default_factory=World)


def train_prepared(recipe: Recipe, prepared: Prepared, options: RunOptions) -> Run:
    """Trains a recipe on prepared data; see `seqloom.train`.

    Raises:
        SeqloomError: settings, data or the folder are not what they should be.
    """
    begin = time.perf_counter()
    world = options.world
    world.check_same(
        {
            "settings of the recipe": recipe.model_copy(update={"corpus": None}).to_yaml(),
            "data": prepared.corpus.fingerprint,
            "tokenizer": prepared.tokenizer.hash,
            "budget": str(options.budget),
            "seed": str(options.seed),
            "checkpoint to continue from": str(options.resume),
            "device": world.device(options.device).type,
        }
    )
    device, arranged = _set_up_machine(recipe, options)
    torch.manual_seed(options.seed)
    model = make_model(recipe.model, prepared.tokenizer.vocab)
    if options.start_from is not None:
        fill_from(model, options.start_from / WEIGHTS, within=options.start_from)
    examples = prepared.task.examples(prepared.train, model, recipe, "training", options.progress)
    if world.is_main and not options.resume:
        _write_start(recipe, prepared, options.folder)
    task, corpus = prepared.task, prepared.corpus
    decoded = task.validation_items(corpus, recipe, len(prepared.val))
    if decoded and len(decoded) < len(prepared.val):
        label = find_metric(corpus.metric).label.format(items=corpus.item_name)
        options.progress.say(
            f"validation: the loss is of all {len(prepared.val):,} {task.unit}, {label} of {len(decoded):,} of them "
            "(training.validation_sentences)"
        )
    info = RunInfo(
        format=FORMAT,
        seed=options.seed,
        budget=options.budget.model_dump(mode="json", exclude_none=True) if options.budget is not None else {},
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        started_from=str(options.start_from) if options.start_from is not None else None,
        corpus=corpus_info(prepared),
        validation=ValidationInfo(items=len(prepared.val), decoded=len(decoded)),
        tokenizer=TokenizerInfo(description=prepared.tokenizer.describe(), hash=prepared.tokenizer.hash),
        model=recipe.model.model_dump(mode="json"),
        parameters=model.num_parameters(),
        parameters_without_embeddings=model.num_parameters(embeddings=False),
        environment=EnvironmentInfo(**machine.describe_machine(device)),
        arranged=arranged,
        setup_seconds=round(options.setup_seconds + time.perf_counter() - begin, 2),
        result=None,
    )
    if options.resume:
        before = read_info(options.folder)
        kept = {name: getattr(before, name) for name in ("started", "started_from", "setup_seconds")}
        info = info.model_copy(update=kept)
    if world.is_main:
        write_info(options.folder, info)
    val_examples = task.validation_examples(prepared.val, model, recipe, options.progress)
    validate = task.validator(corpus, decoded, val_examples, recipe, prepared.tokenizer, device)
    training = recipe.training
    title = options.title or f"{recipe.name}: training"
    if model.fitted_by_counting:
        result = fit_by_counting(
            model,
            examples,
            validate,
            folder=options.folder,
            device=device,
            title=title,
            progress=options.progress,
            tensorboard=training.tensorboard,
        )
        sizes = {"parameters": model.num_parameters(), "parameters_without_embeddings": model.num_parameters()}
        info = info.model_copy(update=sizes)
    else:
        assert options.budget is not None
        plan = TrainingPlan(
            training, options.budget, options.folder, options.seed, device, title, options.progress, world
        )
        data = _data_schedule(recipe, prepared, model, examples, options.seed)
        trainer = Trainer(model, data, CrossEntropy(training.label_smoothing, training.precision), validate, plan)
        result = _train(trainer, options, len(examples))
    if world.is_main:
        if recipe.decoding.shortlist:
            save_lexicon(options.folder, Lexicon.learn(prepared.train, prepared.tokenizer.vocab, options.progress))
        write_info(options.folder, info.with_result(result))
    return Run(options.folder, recipe, prepared.tokenizer, model, device)


def _set_up_machine(recipe: Recipe, options: RunOptions) -> tuple[torch.device, list[str]]:
    """Chooses the device and the threads; returns the device, and how the processor was set up in words."""
    world = options.world
    device = world.device(options.device)
    machine.set_threads(world.num_threads(options.threads))
    arranged = [counted(torch.get_num_threads(), "thread")]
    if world.size > 1:
        arranged.append(f"on each of {world.size} processes")
    if device.type == "cpu":
        arranged += [machine.keep_freed_memory(), machine.arrange_matrix_products()]
        arranged += filter(None, [machine.describe_precision(recipe.training.precision)])
    options.progress.say(f"{device.type}: {', '.join(arranged)}")
    machine.reset_peak_memory(device)
    return device, arranged


def _data_schedule(recipe: Recipe, prepared: Prepared, model: Model, examples: StoredExamples, seed: int) -> Phases:
    """The batches of a run: in both directions first, where the recipe says so."""
    vocab = prepared.tokenizer.vocab

    reencode = dropout_reencoder(prepared.tokenizer, seed, fits=model.fits)
    if recipe.training.shift_windows and isinstance(examples, Windows):
        reencode = in_turn(examples.shifter(seed), reencode)

    def batches_of(examples: Examples) -> Batches:
        return Batches(
            examples,
            batch_tokens=recipe.training.batch_tokens,
            seed=seed,
            pad_id=vocab.pad_id,
            bos_id=vocab.bos_id,
            eos_id=vocab.eos_id,
            reencode=reencode,
        )

    share = recipe.training.bidirectional
    if not share:
        return Phases(batches_of(examples))
    return Phases(batches_of(both_directions(examples, model)), batches_of(examples), ends=(share,))


def _write_start(recipe: Recipe, prepared: Prepared, folder: Path) -> None:
    """Writes what a run is, for a new run.

    Raises:
        CheckpointError: there is a run in the folder already.
    """
    check_free(folder)
    shutil.rmtree(folder / "weights", ignore_errors=True)
    write_text(folder / "recipe.yaml", recipe.to_yaml())
    prepared.tokenizer.save(folder / "tokenizer.json")
    if (sides := character_sides(prepared.corpus)) is not None:
        write_json(folder / CHARACTERS, sides)


def _train(trainer: Trainer, options: RunOptions, num_examples: int) -> ResultInfo:
    """Trains, and measures what other programs used meanwhile."""
    device = trainer.plan.device
    other_work, used, started = core_sharing.OtherWork(), time.process_time(), time.monotonic()
    with core_sharing.share_cores(options.progress.say) if device.type == "cpu" else nullcontext():
        counters = trainer.train(resume=options.resume)
    other_cores = other_work.mean_cores()
    processor_share = (time.process_time() - used) / max(1e-9, time.monotonic() - started)
    # The other ranks of this machine are no other programs.
    other_cores = max(0.0, other_cores - options.world.sum_on_machine(processor_share) + processor_share)
    return ResultInfo(
        steps=counters.step,
        tokens=counters.tokens,
        # A pair and its exchanged form count as two examples of one epoch.
        epochs=round(counters.examples / num_examples, 3),
        train_seconds=round(counters.seconds, 2),
        validation_seconds=round(counters.validation_seconds, 2),
        tokens_per_second=round(counters.tokens / max(1e-9, counters.seconds), 1),
        padding_share=round(1 - counters.tokens / max(1, counters.positions), 4),
        peak_memory_mib=round(machine.peak_memory_mib(device), 1),
        best="average of the last validations" if counters.best_is_average else f"step {counters.best_step}",
        curve=[ValidationPoint(**point) for point in counters.curve],
        other_cores=round(other_cores, 2),
        processor_share=round(processor_share, 3),
    )
