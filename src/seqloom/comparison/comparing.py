"""One corpus, several recipes, one declared budget -> Comparison.

Every arm gets the same data, tokenizer, budget and decoding. Finished arms are not trained again. `findings` turns the numbers into
a verdict; `report` draws it.
"""

import datetime
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqloom import machine
from seqloom.arguments import as_path
from seqloom.comparison.arm_results import ArmRuns, FinishedRun, Outside
from seqloom.comparison.arm_trainer import TUNING_RATES, TUNING_SHARE, ArmTrainer
from seqloom.comparison.caveats import find_caveats
from seqloom.comparison.comparison import Comparison
from seqloom.comparison.data_scaling import PartResult, part_of, part_sizes, with_scaling
from seqloom.comparison.failures import Failures
from seqloom.comparison.findings import gather
from seqloom.comparison.request import CompareRequest, Tune
from seqloom.comparison.standing import Standing
from seqloom.config import merge
from seqloom.corpus import Corpus, CorpusSettings, open_corpus, read_lines
from seqloom.corpus.settings import as_corpus_settings
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import ConfigError, CorpusError
from seqloom.experiment.tuning import Trial
from seqloom.files import check_folder, check_not_read, model_json, write_json
from seqloom.messages import listed
from seqloom.models import model_class
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipes
from seqloom.run.prepare import Prepared, prepare
from seqloom.tasks import Task, task_of
from seqloom.training import Budget


def default_folder(corpus: CorpusSettings) -> Path:
    """The folder of a comparison if `out` is None: under comparisons/, named after the corpus."""
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
    curve: bool = False,
    device: str = "auto",
    threads: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Trains recipes on one corpus under one budget, and says which is better, by how much and at what cost.

    Its many parameters are the options of `seqloom compare`, each with a default.

    Args:
        recipes: by default those of the task (`Task.default_recipes`).
        corpus: a named data set, a file, or settings.
        budget: for each arm and seed; ten minutes by default.
        seeds: runs of each arm; with one, the verdict is about these runs and not about architectures.
        tune: "quick" tries three learning rates for each arm on validation data, counted in its budget.
        also: other systems: by name, a file with the outputs for the test split, one per line.
        out: the comparison's folder; runs lie in runs/ below it, and finished ones are used again.
        changes: settings to change in every recipe that has them; a note says which recipes do not.
        beam: the same for all arms; the first recipe's by default.
        curve: also train each arm (seed 0) on an eighth, a quarter and half of the training data, with the same budget each, and
            say how much more data would help.
        command: the command line that reproduces this, for the report; by default the equivalent of this call.

    Raises:
        SeqloomError: settings, data or folders are not what they should be.
    """
    progress = progress or Silent()
    request = CompareRequest(recipes, budget, seeds, tune, also, changes, beam, threads, curve)
    arms, notes = load_recipes(request.chosen_recipes, changes)
    check_names([arm.name for arm in arms], list(request.outside_files))
    settings = as_corpus_settings(corpus) if corpus is not None else arms[0].corpus
    if settings is None:
        raise ConfigError("there is nothing to compare on: name a corpus, by --data NAME or --data FILE")
    settings = arms[0].reading(settings)
    budget = request.arm_budget
    machine.choose_device(device)
    folder = as_path(out, "out") if out is not None else default_folder(settings)
    check_folder(folder)
    for name in ("comparison.json", "report.html"):
        check_not_read(folder / name, "--out", [*settings.paths(), *request.outside_files.values()])
    begin = time.perf_counter()
    opened = open_corpus(settings, progress)
    task = task_of(opened.kind)
    if recipes is None:
        request = replace(request, recipes=task.default_recipes)
        arms, notes = load_recipes(request.chosen_recipes, changes)
    _check_any_fits(task, arms, opened)
    if request.outside_files and not task.has_sources:
        raise ConfigError(
            f"--also: {opened.name} is {task.description}, for which no output of another system can be scored; leave --also out"
        )
    for note in (*notes, *opened.notes):
        progress.say(note)
    outside = {name: _read_outside(name, path, opened) for name, path in request.outside_files.items()}
    decoding = DecodingSettings.parse(
        merge(arms[0].decoding.model_dump(exclude_unset=True), {"beam": beam} if beam else {}), source="--beam"
    )
    arms = [arm.model_copy(update={"corpus": settings.located(), "decoding": decoding}) for arm in arms]
    failures = Failures(folder, progress)
    prepared = _prepare(opened, arms, failures, progress)
    first = next((prepared[arm.name] for arm in arms if arm.name in prepared), None)
    if first is None:
        raise failures.all_failed()
    trainer = ArmTrainer(folder, budget, decoding.beam, device, threads, progress, time.perf_counter() - begin)
    sizes = part_sizes(len(first.train)) if curve else ()
    share = 1 - TUNING_SHARE * len(TUNING_RATES) if tune == "quick" else 1.0
    of_run = budget.share(share) if share < 1 else budget
    if tune != "quick":
        # Runs of other commands in the folder are an error; it is raised before hours of training, not after them.
        for arm in (arm for arm in arms if arm.name in prepared):
            for seed in range(seeds):
                trainer.check_same(trainer.run_folder(arm, seed), arm, prepared[arm.name], seed, of_run)
    tests = {name: task.test_items(split) for name, split in opened.tests.items()}
    results: dict[str, ArmRuns] = {}
    titles = {(arm.name, seed): _title(arm.label, seed, seeds) for arm in arms for seed in range(seeds)}
    standing = Standing(opened, list(titles.values()), list(tests))
    tuned: dict[str, tuple[Recipe, tuple[Trial, ...]]] = {}
    for arm in sorted(
        (arm for arm in arms if arm.name in prepared), key=lambda arm: failures.was_killed(trainer.tuning_folder(arm))
    ):
        tuned[arm.name] = (arm, ())
        position = trainer.tuning_folder(arm)
        if tune == "quick" and not failures.given_up(arm, None, position):
            with failures.kept(arm, None, position):
                tuned[arm.name] = trainer.tune(arm, prepared[arm.name])
    # A run that was killed in an earlier command may be killed again, so all other runs are trained before it.
    todo = sorted(
        ((seed, arm) for seed in range(seeds) for arm in arms if arm.name in tuned),
        key=lambda item: failures.was_killed(trainer.run_folder(item[1], item[0])),
    )
    for seed, arm in todo:
        position = trainer.run_folder(arm, seed)
        if failures.before_training(arm) or failures.given_up(arm, seed, position):
            continue
        recipe, trials = tuned[arm.name]
        with failures.kept(arm, seed, position):
            run = trainer.train(recipe, prepared[arm.name], seed, of_run)
            outputs = trainer.outputs(run, tests)
            if seed == 0:
                # A report shows the details of the first seed.
                outputs = trainer.with_details(run, outputs, opened, tests)
            for line in standing.lines(titles[arm.name, seed], outputs, run.info.finished.train_seconds):
                progress.say(line)
            arm_runs = results.setdefault(arm.name, ArmRuns(recipe, [], tuple(trials)))
            arm_runs.runs.append(FinishedRun(run.info, outputs, run.folder.relative_to(folder)))
    if not results:
        raise failures.all_failed()
    results = {arm.name: results[arm.name] for arm in arms if arm.name in results}
    for arm_runs in results.values():
        arm_runs.runs.sort(key=lambda run: run.info.seed)
    parts = _train_parts(sizes, opened, results, prepared, trainer, of_run, failures) if curve else {}
    base = next(prepared[arm.name] for arm in arms if arm.name in results)
    others = {name: prepared[name] for name in results if prepared[name].tokenizer.hash != base.tokenizer.hash}
    caveats = (*failures.caveats(), *find_caveats(arms, others, results, seeds, opened))
    comparison = gather(
        opened,
        base,
        tests,
        results,
        outside,
        budget=_budget_words(budget, tune, [arm.recipe for arm in results.values()]),
        beam=trainer.beam,
        caveats=caveats,
        failures=tuple(failures.failed),
        environment={
            **machine.describe_machine(machine.choose_device(device)),
            "date": datetime.date.today().isoformat(),
        },
        command=command or request.command(settings, results),
    )
    if parts:
        comparison = with_scaling(comparison, opened, parts)
    write_json(folder / "comparison.json", json.loads(model_json(comparison, indent=1)))
    return comparison


def _train_parts(
    sizes: Sequence[int],
    corpus: Corpus,
    results: Mapping[str, ArmRuns],
    prepared: Mapping[str, Prepared],
    trainer: ArmTrainer,
    budget: Budget,
    failures: Failures,
) -> dict[str, list[PartResult]]:
    """Trains each arm on parts of the training data; by arm the results, the smallest part first, then that of all data.

    An arm of which one part fails has no curve. All parts use the tokenizer of the whole, so that losses differ by the data alone.
    """
    test = next(iter(corpus.tests))
    results_of: dict[str, list[PartResult]] = {name: [] for name in results}
    for size in sizes:
        encoded: dict[str, Prepared] = {}
        for name, arm in results.items():
            folder = trainer.part_folder(arm.recipe, size)
            if len(results_of[name]) < sizes.index(size) or failures.given_up(arm.recipe, 0, folder):
                continue
            with failures.kept(arm.recipe, 0, folder):
                whole = prepared[name]
                if whole.tokenizer.hash not in encoded:
                    part = part_of(corpus, len(whole.train), size)
                    encoded[whole.tokenizer.hash] = prepare(
                        part, arm.recipe, tokenizer=whole.tokenizer, progress=trainer.progress
                    )
                title = f"{arm.recipe.label}, {size:,} {corpus.train.unit}"
                run = trainer.train(arm.recipe, encoded[whole.tokenizer.hash], 0, budget, folder, title)
                outputs = trainer.outputs(run, {test: task_of(corpus.kind).test_items(corpus.tests[test])})
                results_of[name].append(PartResult(size, run.info.finished.steps, outputs[test]))
    for name, arm in results.items():
        info, outputs, _ = arm.runs[0]
        results_of[name].append(PartResult(len(prepared[name].train), info.finished.steps, outputs[test]))
    return {name: done for name, done in results_of.items() if len(done) == len(sizes) + 1}


def _prepare(corpus: Corpus, arms: Sequence[Recipe], failures: "Failures", progress: Progress) -> dict[str, Prepared]:
    """The prepared data by arm; arms with the same tokenizer share them. Arms whose tokenizer cannot be trained are left out."""
    results: dict[str, Prepared] = {}
    made: list[tuple[Recipe, Prepared]] = []
    for arm in arms:
        with failures.kept(arm, None):
            same = next((ready for recipe, ready in made if recipe.tokenizer == arm.tokenizer), None)
            if same is None:
                same = prepare(corpus, arm, progress=progress)
                made.append((arm, same))
            results[arm.name] = same
    return results


def _check_any_fits(task: Task, arms: Sequence[Recipe], corpus: Corpus) -> None:
    """Checks that at least one recipe can be trained on this kind of data; other recipes later become failed arms.

    Raises:
        ConfigError: no recipe can.
    """
    errors = []
    for arm in arms:
        try:
            task.check(arm, corpus.name)
        except ConfigError as error:
            errors.append(error)
    if errors and len(errors) == len(arms):
        raise errors[0]


def _budget_words(budget: Budget, tune: Tune, arms: Sequence[Recipe]) -> str:
    """The budget in words, and the arms that have none."""
    words = f"{budget} per model" + (", three learning rates included" if tune == "quick" else "")
    counting = [arm.label for arm in arms if model_class(arm.model).fitted_by_counting]
    if counting:
        words += f"; {listed(counting)} {'are' if len(counting) > 1 else 'is'} fitted by counting, in one pass without a budget"
    return words


def _title(label: str, seed: int, seeds: int) -> str:
    return label if seeds == 1 else f"{label}, seed {seed}"


def check_names(names: list[str], outside: list[str]) -> None:
    """Checks that each arm has a name of its own, also where upper and lower case are the same.

    Args:
        names: of the recipes, which name folders too.
        outside: names of other systems.

    Raises:
        ConfigError: two have the same name.
    """
    for name in names + outside:
        if (names + outside).count(name) > 1:
            raise ConfigError(f"two arms are named {name!r}; give a recipe file another `name:`")
    folded = [name.casefold() for name in names]
    for name, key in zip(names, folded, strict=True):
        if folded.count(key) > 1:
            raise ConfigError(
                f"two arms are named {name!r} if upper and lower case are ignored, as folders on Windows and macOS do; give "
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
