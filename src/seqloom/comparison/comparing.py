"""One corpus, several recipes, one declared budget -> Comparison.

Every arm gets the same data, tokenizer, budget and decoding; finished arms are not trained again. What the numbers mean together
is worked out in `findings`; how they look is the business of `report`.
"""

import datetime
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from seqloom import machine
from seqloom.arguments import MAX_BEAM, as_path, check_changes, check_threads, check_type, shown, whole_number
from seqloom.comparison.comparison import Comparison, TuningTrial
from seqloom.comparison.failures import Failures
from seqloom.comparison.findings import ArmRuns, Outside, gather
from seqloom.comparison.standing import Standing
from seqloom.config import merge
from seqloom.core_sharing import MOST_OTHER_CORES
from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus, read_lines
from seqloom.corpus.settings import as_corpus_settings
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError, CorpusError, TrainingError
from seqloom.evaluation import TestOutputs, read_outputs
from seqloom.files import check_folder, check_not_read, model_json, write_json
from seqloom.messages import command_line, option
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.run.info import read_info
from seqloom.run.load import Run, load, read_recipe
from seqloom.run.prepare import Prepared, prepare
from seqloom.run.train import DEFAULT_BUDGET
from seqloom.run.training_run import RunOptions, train_prepared
from seqloom.tasks import task_of
from seqloom.training import Budget
from seqloom.training.checkpoint import has_checkpoint

DEFAULT_RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")
# --tune quick: the same learning rates for every arm; each trial costs a tenth of the arm's budget, the run gets the rest.
TUNING_RATES = (1e-3, 2e-3, 4e-3)
TUNING_SHARE = 0.1

Tune = Literal["none", "quick"]


def default_folder(corpus: CorpusSettings) -> Path:
    """Where a comparison goes that is not told where to go."""
    name = Path(corpus.data or corpus.src or "corpus").name.split(".")[0]
    direction = f"-{corpus.from_lang}-{corpus.to_lang}" if corpus.from_lang and corpus.to_lang else ""
    return Path("comparisons") / f"{name}{direction}"


def compare(
    recipes: Sequence[str | Path | Recipe] | None = None,
    corpus: CorpusSettings | str | Path | None = None,
    *,
    budget: Budget | None = None,
    seeds: int = 1,
    tune: Tune = "none",
    also: Mapping[str, Path] | None = None,
    out: Path | str | None = None,
    changes: Sequence[str] | Mapping[str, Any] = (),
    beam: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Trains recipes on one corpus under one budget, and says which is better, by how much, how surely, and at what cost.

    Args:
        recipes: by default the three small ones: RNN, RNN with attention, Transformer.
        corpus: a named data set, a file, or settings.
        budget: for each arm and seed; ten minutes by default.
        seeds: runs of each arm; with one, the verdict is about these runs and not about architectures.
        tune: "quick" tries three learning rates for each arm on validation data, charged to its budget.
        also: outside systems: a name and a file with their outputs for the test split, one a line.
        out: the comparison's folder; runs lie in runs/ below it, and finished ones are used again.
        changes: settings to change in every recipe.
        beam: the same for all arms; the first recipe's by default.
        command: what to say reproduces this; by default the equivalent command line.

    Raises:
        SeqloomError: settings, data or folders are not what they should be.
    """
    progress = progress or Silent()
    chosen = list(_check(recipes, budget, seeds, tune, also, changes, beam, threads) or DEFAULT_RECIPES)
    names = [recipe.name if isinstance(recipe, Recipe) else str(recipe) for recipe in chosen]
    arms = [load_recipe(recipe, changes) for recipe in chosen]
    _check_names([arm.name for arm in arms], list(also or {}))
    settings = as_corpus_settings(corpus) if corpus is not None else arms[0].corpus
    if settings is None:
        raise ConfigError("there is nothing to compare on: name a corpus, by --data NAME or --data FILE")
    settings = arms[0].reading(settings)
    budget = budget or DEFAULT_BUDGET
    if budget.like is not None:
        raise ConfigError("a comparison gives every arm the same budget; give steps, tokens or minutes")
    machine.choose_device(device)
    folder = as_path(out, "out") if out is not None else default_folder(settings)
    check_folder(folder)
    for name in ("comparison.json", "report.html"):
        check_not_read(folder / name, "--out", [*settings.paths(), *map(Path, (also or {}).values())])
    begin = time.perf_counter()
    opened = open_corpus(settings, progress)
    task = task_of(opened.kind)
    if not task.has_sources:
        raise ConfigError(
            f"{opened.name} is {task.description}, but a comparison needs pairs; train a language model on it: "
            + command_line("train", "transformer-lm-tiny", "--data", settings.data or "FILE")
        )
    for note in opened.notes:
        progress.say(note)
    outside = {name: _read_outside(name, Path(path), opened) for name, path in (also or {}).items()}
    decoding = DecodingSettings.parse(
        merge(arms[0].decoding.model_dump(exclude_unset=True), {"beam": beam} if beam else {}), source="--beam"
    )
    arms = [arm.model_copy(update={"corpus": settings.located(), "decoding": decoding}) for arm in arms]
    failures = Failures(folder, progress)
    prepared = _prepare(opened, arms, failures, progress)
    first = next((prepared[arm.name] for arm in arms if arm.name in prepared), None)
    if first is None:
        raise failures.all_failed()
    work = _Work(folder, budget, decoding.beam, device, threads, progress, time.perf_counter() - begin)
    share = 1 - TUNING_SHARE * len(TUNING_RATES) if tune == "quick" else 1.0
    of_run = budget.share(share) if share < 1 else budget
    if tune != "quick":
        # What another command left in the folder should be known before hours of training, not after.
        for arm in (arm for arm in arms if arm.name in prepared):
            for seed in range(seeds):
                work.check_same(work.place(arm, seed), arm, prepared[arm.name], seed, of_run)
    tests = {name: list(split.pairs()) for name, split in opened.tests.items()}
    results: dict[str, ArmRuns] = {}
    titles = {(arm.name, seed): _title(arm.label, seed, seeds) for arm in arms for seed in range(seeds)}
    standing = Standing(opened, list(titles.values()), list(tests))
    tuned: dict[str, tuple[Recipe, tuple[TuningTrial, ...]]] = {}
    for arm in sorted(
        (arm for arm in arms if arm.name in prepared), key=lambda arm: failures.was_killed(work.tuning_place(arm))
    ):
        tuned[arm.name] = (arm, ())
        place = work.tuning_place(arm)
        if tune == "quick" and not failures.given_up(arm, None, place):
            with failures.kept(arm, None, place):
                tuned[arm.name] = work.tune(arm, prepared[arm.name])
    # What killed an earlier command may kill this one too: the others are trained before it.
    todo = sorted(
        ((seed, arm) for seed in range(seeds) for arm in arms if arm.name in tuned),
        key=lambda item: failures.was_killed(work.place(item[1], item[0])),
    )
    for seed, arm in todo:
        place = work.place(arm, seed)
        if failures.before_training(arm) or failures.given_up(arm, seed, place):
            continue
        recipe, trials = tuned[arm.name]
        with failures.kept(arm, seed, place):
            run = work.train(recipe, prepared[arm.name], seed, of_run)
            outputs = work.outputs(run, tests)
            for line in standing.lines(titles[arm.name, seed], outputs, run.info.finished.train_seconds):
                progress.say(line)
            arm_runs = results.setdefault(arm.name, ArmRuns(recipe, [], tuple(trials)))
            arm_runs.runs.append((run.info, outputs, run.folder.relative_to(folder)))
    if not results:
        raise failures.all_failed()
    results = {arm.name: results[arm.name] for arm in arms if arm.name in results}
    for arm_runs in results.values():
        arm_runs.runs.sort(key=lambda run: run[0].seed)
    base = next(prepared[arm.name] for arm in arms if arm.name in results)
    others = {name: prepared[name] for name in results if prepared[name].tokenizer.hash != base.tokenizer.hash}
    caveats = (*failures.caveats(), *_caveats(arms, others, results, seeds, opened))
    comparison = gather(
        opened,
        base,
        tests,
        results,
        outside,
        budget=f"{budget} an arm" + (", three learning rates included" if tune == "quick" else ""),
        beam=work.beam,
        caveats=caveats,
        failures=tuple(failures.found),
        environment={
            **machine.describe_machine(machine.choose_device(device)),
            "date": datetime.date.today().isoformat(),
        },
        command=command or _command(names, settings, budget, seeds, tune, also or {}, changes, beam, results),
    )
    write_json(folder / "comparison.json", json.loads(model_json(comparison, indent=1)))
    return comparison


def _check(
    recipes: object,
    budget: object,
    seeds: object,
    tune: object,
    also: object,
    changes: object,
    beam: object,
    threads: object,
) -> Sequence[str | Path | Recipe]:
    """Checks the types and limits of what Python callers pass; returns the recipes."""
    if recipes is not None and (isinstance(recipes, str) or not isinstance(recipes, Sequence)):
        raise ConfigError(f"recipes is {shown(recipes)}: expected a list of recipes, such as ['rnn-tiny', 'my.yaml']")
    if budget is not None:
        check_type(budget, Budget, "budget", "a Budget, such as seqloom.Budget(steps=1000)")
    whole_number(seeds, "seeds", least=1)
    if tune not in get_args(Tune):
        raise ConfigError(f"tune is {shown(tune)}: expected 'none' or 'quick'")
    if also is not None:
        check_type(also, Mapping, "also", "a mapping of names to files")
    check_changes(changes)
    if beam is not None:
        whole_number(beam, "beam", least=1, most=MAX_BEAM)
    check_threads(threads)
    return recipes or ()


def _prepare(corpus: Corpus, arms: Sequence[Recipe], failures: "Failures", progress: Progress) -> dict[str, Prepared]:
    """The data of each arm, by its name; arms that share a tokenizer share them. Arms whose tokenizer fails are left out."""
    found: dict[str, Prepared] = {}
    made: list[tuple[Recipe, Prepared]] = []
    for arm in arms:
        with failures.kept(arm, None):
            same = next((ready for recipe, ready in made if recipe.tokenizer == arm.tokenizer), None)
            if same is None:
                same = prepare(corpus, arm, progress=progress)
                made.append((arm, same))
            found[arm.name] = same
    return found


def _title(label: str, seed: int, seeds: int) -> str:
    return label if seeds == 1 else f"{label}, seed {seed}"


@dataclass
class _Work:
    """What all arms of a comparison share."""

    folder: Path
    budget: Budget
    beam: int
    device: str
    threads: int | None
    progress: Progress
    setup_seconds: float

    def train(self, recipe: Recipe, prepared: Prepared, seed: int, budget: Budget, place: Path | None = None) -> Run:
        """A run of an arm: the finished one that lies there, the unfinished one gone on with, or a new one."""
        folder = place or self.place(recipe, seed)
        title = f"{recipe.label}, seed {seed}"
        resume = False
        if (folder / "run.json").exists():
            self.check_same(folder, recipe, prepared, seed, budget)
            if read_info(folder).result is not None:
                self.progress.say(f"{title}: already trained, in {folder}")
                return load(folder, device=self.device, threads=self.threads)
            resume = has_checkpoint(folder)
        try:
            options = RunOptions(
                budget,
                folder,
                seed,
                device=self.device,
                threads=self.threads,
                resume=resume,
                title=title,
                setup_seconds=self.setup_seconds,
                progress=self.progress,
            )
            return train_prepared(recipe, prepared, options)
        except KeyboardInterrupt:
            self.progress.say(
                f"Run the same command again to go on; finished arms in {self.folder} are not trained again."
            )
            raise

    def tuning_place(self, recipe: Recipe) -> Path:
        """Where it is noted that an arm's learning rate is being chosen."""
        return self.folder / "tuning" / recipe.name

    def place(self, recipe: Recipe, seed: int) -> Path:
        """The folder of a run."""
        return self.folder / "runs" / f"{recipe.name}-seed{seed}"

    def check_same(self, folder: Path, recipe: Recipe, prepared: Prepared, seed: int, budget: Budget) -> None:
        """Checks that a run that lies in the folder, if any, is the one that would be trained there."""
        if not (folder / "run.json").exists():
            return
        info = read_info(folder)
        recipe_there = read_recipe(folder)
        differs: list[str] = [
            what
            for what, there, here in (
                # Where the data lie does not matter; that they are the same shows by the fingerprint.
                ("recipe", _without_corpus(recipe_there), _without_corpus(recipe)),
                ("budget", info.budget, budget.model_dump(mode="json", exclude_none=True)),
                ("corpus", info.corpus.fingerprint, prepared.corpus.fingerprint),
                ("tokenizer", info.tokenizer.hash, prepared.tokenizer.hash),
                ("seed", info.seed, seed),
            )
            if there != here
        ]
        if differs:
            raise CheckpointError(
                f"{folder}: a run with another {' and another '.join(differs)} lies there; choose another --out, or remove it"
            )

    def tune(self, recipe: Recipe, prepared: Prepared) -> tuple[Recipe, tuple[TuningTrial, ...]]:
        """Tries the learning rates for a tenth of the budget each; the best validation loss wins."""
        found: list[tuple[float | None, Recipe]] = []
        for rate in TUNING_RATES:
            trial = Recipe.parse(
                merge(recipe.model_dump(mode="json"), {"training": {"learning_rate": rate, "validations": 1}}),
                source="--tune",
            )
            place = self.folder / "tuning" / f"{recipe.name}-{rate:g}"
            loss: float | None = None
            try:
                tried = self.train(trial, prepared, 0, self.budget.share(TUNING_SHARE), place)
                loss = tried.info.finished.curve[-1].val_loss
            except TrainingError as error:
                self.progress.say(f"{recipe.label}: learning rate {rate:g} failed: {error}")
            chosen = Recipe.parse(
                merge(recipe.model_dump(mode="json"), {"training": {"learning_rate": rate}}), source="--tune"
            )
            found.append((loss, chosen))
        if all(loss is None for loss, _ in found):
            raise TrainingError("training failed at each of the learning rates that --tune tried")
        best = min(range(len(found)), key=lambda index: math.inf if (loss := found[index][0]) is None else loss)
        trials = tuple(
            TuningTrial(learning_rate=rate, val_loss=loss, chosen=index == best)
            for index, (rate, (loss, _)) in enumerate(zip(TUNING_RATES, found, strict=True))
        )
        self.progress.say(
            f"{recipe.label}: learning rate {TUNING_RATES[best]:g} (validation losses: "
            + ", ".join(
                f"{t.learning_rate:g}: {'failed' if t.val_loss is None else f'{t.val_loss:.3f}'}" for t in trials
            )
            + ")"
        )
        return found[best][1], trials

    def outputs(self, run: Run, tests: Mapping[str, Sequence[SentencePair]]) -> dict[str, TestOutputs]:
        """What a run makes of the test splits; kept in its folder, with the beam that made it."""
        found = {}
        for name, pairs in tests.items():
            path = run.folder / "outputs" / f"{name}-beam{self.beam}.json"
            if path.exists():
                kept = read_outputs(path, within=run.folder)
                if tuple(pair.src for pair in pairs) == kept.sources:
                    found[name] = kept
                    continue
            title = f"{run.recipe.label}, seed {run.info.seed}: decoding {name}"
            with torch.inference_mode():
                found[name] = task_of(run.info.corpus.kind).outputs(
                    run, pairs, beam=self.beam, progress=self.progress, title=title
                )
            write_json(path, asdict(found[name]))
        return found


def _without_corpus(recipe: Recipe) -> str:
    return recipe.model_copy(update={"corpus": None}).to_yaml()


def _check_names(names: list[str], outside: list[str]) -> None:
    for name in names + outside:
        if (names + outside).count(name) > 1:
            raise ConfigError(f"two arms are named {name!r}; give a recipe file another `name:`")
    folded = [name.casefold() for name in names]
    for name, key in zip(names, folded, strict=True):
        if folded.count(key) > 1:
            raise ConfigError(
                f"two arms are named {name!r} but for capital letters, which folders on Windows and macOS do not tell apart; give "
                "a recipe file another `name:`"
            )


def _read_outside(name: str, path: Path, corpus: Corpus) -> Outside:
    test_name, split = next(iter(corpus.tests.items()))
    outputs = list(read_lines(path))
    count = sum(1 for _ in split.pairs())
    if len(outputs) != count:
        raise CorpusError(
            f"--also {name}={path}: {len(outputs):,} lines, but the test split {test_name!r} has {count:,} sentences; expected the "
            "system's output for each of them, one a line, in order"
        )
    return Outside(test_name, tuple(outputs))


def _caveats(
    arms: Sequence[Recipe], others: Mapping[str, Prepared], results: Mapping[str, ArmRuns], seeds: int, corpus: Corpus
) -> tuple[str, ...]:
    caveats = []
    if seeds == 1:
        caveats.append(
            "One seed an arm: the intervals are over test sentences, and say how sure the difference between these runs is, not "
            "the difference between architectures. --seeds 3 or more says that."
        )
    sizes = {name: arm.runs[0][0].parameters for name, arm in results.items()}
    smallest, largest = min(sizes.values()), max(sizes.values())
    if largest > 1.05 * smallest:
        listed = ", ".join(f"{results[name].recipe.label} {size:,}" for name, size in sizes.items())
        caveats.append(f"The arms differ in size by {100 * (largest / smallest - 1):.0f}%: {listed} parameters.")
    if others:
        caveats.append(f"Not all arms have the same tokenizer: {', '.join(others)} differ from {arms[0].name}.")
    if corpus.synthetic:
        caveats.append("The corpus is synthetic: a grammar made it. Results on it say little about natural text.")
    for arm in results.values():
        for info, outputs, _ in arm.runs:
            other_cores = info.finished.other_cores
            if other_cores > MOST_OTHER_CORES:
                caveats.append(
                    f"{arm.recipe.label}, seed {info.seed}: other programs used {other_cores:.1f} cores while it was trained, "
                    "so its speed, and its quality where minutes were equal, are not those of an idle machine."
                )
            for test, found in outputs.items():
                caveats += [f"{arm.recipe.label}, seed {info.seed}, {test}: {note}." for note in found.notes]
    return tuple(caveats)


def _command(
    recipes: Sequence[str],
    corpus: CorpusSettings,
    budget: Budget,
    seeds: int,
    tune: Tune,
    also: Mapping[str, Path],
    changes: Sequence[str] | Mapping[str, Any],
    beam: int | None,
    results: Mapping[str, ArmRuns],
) -> str:
    """The command line that does it again; by steps where all arms made equally many, so that speed does not matter."""
    words: list[str | Path] = ["compare", *recipes]
    for name, value in corpus.command_options().items():
        words += option(name.replace("_", "-"), value)
    steps = {info.finished.steps for arm in results.values() for info, _, _ in arm.runs}
    if tune == "none" and len(steps) == 1:
        words += ["--steps", str(steps.pop())]
    else:
        for name, value in budget.model_dump(exclude_none=True).items():
            words += option(name, value)
    if seeds > 1:
        words += ["--seeds", str(seeds)]
    if tune != "none":
        words += ["--tune", tune]
    if beam:
        words += ["--beam", str(beam)]
    if also:
        words += ["--also", *(f"{name}={path}" for name, path in also.items())]
    listed = _assignments(changes) if isinstance(changes, Mapping) else list(changes)
    if listed:
        words += ["--set", *listed]
    reached = "; ".join(
        f"{name} {', '.join(format(info.finished.steps, ',') for info, _, _ in arm.runs)}"
        for name, arm in results.items()
    )
    return f"{command_line(*words)}   # steps reached: {reached}"


def _assignments(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Nested changes as --set writes them."""
    found = []
    for name, value in changes.items():
        if isinstance(value, Mapping):
            found += _assignments(value, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}={json.dumps(value)}")
    return found
