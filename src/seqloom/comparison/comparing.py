"""One corpus, several recipes, one declared budget -> Comparison.

Every arm gets the same data, tokenizer, budget and decoding; finished arms are not trained again. What the numbers mean together
is worked out in `findings`; how they look is the business of `report`.
"""

import datetime
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from seqloom import machine
from seqloom.checkpoint import has_checkpoint
from seqloom.comparison.comparison import Comparison, TuningTrial
from seqloom.comparison.findings import ArmRuns, Outside, gather
from seqloom.comparison.standing import Standing
from seqloom.config import merge
from seqloom.core_sharing import MOST_OTHER_CORES
from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus, read_lines
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError, CorpusError
from seqloom.evaluation import TestOutputs, generate_outputs, read_outputs
from seqloom.files import check_folder, check_not_read, model_json, write_json
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.run import DEFAULT_BUDGET, Prepared, Run, load, prepare, train_prepared
from seqloom.run.facts import read_facts
from seqloom.training import Budget
from seqloom.untrusted import read_text
from seqloom.yaml_text import MAX_YAML_BYTES

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
    names = [recipe.name if isinstance(recipe, Recipe) else str(recipe) for recipe in recipes or DEFAULT_RECIPES]
    arms = [load_recipe(recipe, changes) for recipe in recipes or DEFAULT_RECIPES]
    _check_names([arm.name for arm in arms], list(also or {}))
    settings = (
        corpus if isinstance(corpus, CorpusSettings) else CorpusSettings(data=str(corpus)) if corpus else arms[0].corpus
    )
    if settings is None:
        raise ConfigError("there is nothing to compare on: name a corpus, by --data NAME or --data FILE")
    budget = budget or DEFAULT_BUDGET
    if budget.like is not None:
        raise ConfigError("a comparison gives every arm the same budget; give steps, tokens or minutes")
    folder = Path(out) if out is not None else default_folder(settings)
    check_folder(folder)
    for name in ("comparison.json", "report.html"):
        check_not_read(folder / name, "--out", [*settings.paths(), *map(Path, (also or {}).values())])
    begin = time.perf_counter()
    opened = open_corpus(settings, progress)
    if opened.kind != "pairs":
        raise ConfigError(
            f"{opened.name} is plain text; comparisons need pairs. Train language models on it: seqloom train"
        )
    for note in opened.notes:
        progress.say(note)
    outside = {name: _read_outside(name, Path(path), opened) for name, path in (also or {}).items()}
    decoding = DecodingSettings.parse(
        merge(arms[0].decoding.model_dump(exclude_unset=True), {"beam": beam} if beam else {}), source="--beam"
    )
    arms = [arm.model_copy(update={"corpus": settings.located(), "decoding": decoding}) for arm in arms]
    prepared = prepare(opened, arms[0], progress=progress)
    others = {
        arm.name: prepare(opened, arm, progress=progress) for arm in arms[1:] if arm.tokenizer != arms[0].tokenizer
    }
    shared_setup = time.perf_counter() - begin
    work = _Work(folder, budget, decoding.beam, device, threads, progress, shared_setup)
    tests = {name: list(split.pairs()) for name, split in opened.tests.items()}
    results: dict[str, ArmRuns] = {}
    tuned = {arm.name: work.tune(arm, others.get(arm.name, prepared)) if tune == "quick" else (arm, ()) for arm in arms}
    titles = {(arm.name, seed): _title(arm.label, seed, seeds) for arm in arms for seed in range(seeds)}
    standing = Standing(opened, list(titles.values()), list(tests))
    share = 1 - TUNING_SHARE * len(TUNING_RATES) if tune == "quick" else 1.0
    for seed in range(seeds):
        for arm in arms:
            recipe, trials = tuned[arm.name]
            run = work.train(recipe, others.get(arm.name, prepared), seed, budget.share(share) if share < 1 else budget)
            outputs = work.outputs(run, tests)
            for line in standing.lines(titles[arm.name, seed], outputs, run.facts["result"]["train_seconds"]):
                progress.say(line)
            arm_runs = results.setdefault(arm.name, ArmRuns(recipe, [], tuple(trials)))
            arm_runs.runs.append((run.facts, outputs, run.folder.relative_to(folder)))
    caveats = _caveats(arms, others, results, seeds, opened)
    comparison = gather(
        opened,
        prepared,
        tests,
        results,
        outside,
        budget=f"{budget} an arm" + (", three learning rates included" if tune == "quick" else ""),
        beam=work.beam,
        caveats=caveats,
        environment={
            **machine.describe_machine(machine.choose_device(device)),
            "date": datetime.date.today().isoformat(),
        },
        command=command or _command(names, settings, budget, seeds, tune, also or {}, changes, beam, results),
    )
    write_json(folder / "comparison.json", json.loads(model_json(comparison, indent=1)))
    return comparison


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
        folder = place or self.folder / "runs" / f"{recipe.name}-seed{seed}"
        title = f"{recipe.label}, seed {seed}"
        resume = False
        if (folder / "run.json").exists():
            self._check_same(folder, recipe, prepared, seed, budget)
            if read_facts(folder)["result"] is not None:
                self.progress.say(f"{title}: already trained, in {folder}")
                return load(folder, device=self.device, threads=self.threads)
            resume = has_checkpoint(folder)
        try:
            return train_prepared(
                recipe,
                prepared,
                budget=budget,
                folder=folder,
                seed=seed,
                device=self.device,
                threads=self.threads,
                resume=resume,
                progress=self.progress,
                title=title,
                setup_seconds=self.setup_seconds,
            )
        except KeyboardInterrupt:
            self.progress.say(
                f"Run the same command again to go on; finished arms in {self.folder} are not trained again."
            )
            raise

    def _check_same(self, folder: Path, recipe: Recipe, prepared: Prepared, seed: int, budget: Budget) -> None:
        facts = read_facts(folder)
        recipe_there = read_text(folder / "recipe.yaml", max_bytes=MAX_YAML_BYTES, within=folder)
        differs = [
            what
            for what, there, here in (
                ("recipe", recipe_there, recipe.to_yaml()),
                ("budget", facts["budget"], budget.model_dump(mode="json", exclude_none=True)),
                ("corpus", facts["corpus"]["fingerprint"], prepared.corpus.fingerprint),
                ("tokenizer", facts["tokenizer"]["hash"], prepared.tokenizer.hash),
                ("seed", facts["seed"], seed),
            )
            if there != here
        ]
        if differs:
            raise CheckpointError(
                f"{folder}: a run with another {' and another '.join(differs)} lies there; choose another --out, or remove it"
            )

    def tune(self, recipe: Recipe, prepared: Prepared) -> tuple[Recipe, tuple[TuningTrial, ...]]:
        """Tries the learning rates for a tenth of the budget each; the best validation loss wins."""
        found: list[tuple[float, Recipe]] = []
        for rate in TUNING_RATES:
            trial = Recipe.parse(
                merge(recipe.model_dump(mode="json"), {"training": {"learning_rate": rate, "validations": 1}}),
                source="--tune",
            )
            place = self.folder / "tuning" / f"{recipe.name}-{rate:g}"
            run = self.train(trial, prepared, 0, self.budget.share(TUNING_SHARE), place)
            loss = run.facts["result"]["curve"][-1]["val_loss"]
            chosen = Recipe.parse(
                merge(recipe.model_dump(mode="json"), {"training": {"learning_rate": rate}}), source="--tune"
            )
            found.append((loss, chosen))
        best = min(range(len(found)), key=lambda index: found[index][0])
        trials = tuple(
            TuningTrial(learning_rate=rate, val_loss=loss, chosen=index == best)
            for index, (rate, (loss, _)) in enumerate(zip(TUNING_RATES, found, strict=True))
        )
        self.progress.say(
            f"{recipe.label}: learning rate {TUNING_RATES[best]:g} (validation losses: "
            + ", ".join(f"{t.learning_rate:g}: {t.val_loss:.3f}" for t in trials)
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
            task = f"{run.recipe.label}, seed {run.facts['seed']}: decoding {name}"
            with torch.inference_mode():
                found[name] = generate_outputs(run.generator(beam=self.beam), pairs, progress=self.progress, task=task)
            write_json(path, asdict(found[name]))
        return found


def _check_names(names: list[str], outside: list[str]) -> None:
    for name in names + outside:
        if (names + outside).count(name) > 1:
            raise ConfigError(f"two arms are named {name!r}; give a recipe file another `name:`")


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
    sizes = {name: arm.runs[0][0]["parameters"] for name, arm in results.items()}
    smallest, largest = min(sizes.values()), max(sizes.values())
    if largest > 1.05 * smallest:
        listed = ", ".join(f"{results[name].recipe.label} {size:,}" for name, size in sizes.items())
        caveats.append(f"The arms differ in size by {100 * (largest / smallest - 1):.0f}%: {listed} parameters.")
    if others:
        caveats.append(f"Not all arms have the same tokenizer: {', '.join(others)} differ from {arms[0].name}.")
    if corpus.synthetic:
        caveats.append("The corpus is synthetic: a grammar made it. Results on it say little about natural text.")
    for arm in results.values():
        for facts, outputs, _ in arm.runs:
            other_cores = facts["result"].get("other_cores", 0.0)
            if other_cores > MOST_OTHER_CORES:
                caveats.append(
                    f"{arm.recipe.label}, seed {facts['seed']}: other programs used {other_cores:.1f} cores while it was trained, "
                    "so its speed, and its quality where minutes were equal, are not those of an idle machine."
                )
            for test, found in outputs.items():
                caveats += [f"{arm.recipe.label}, seed {facts['seed']}, {test}: {note}." for note in found.notes]
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
    words = ["seqloom", "compare", *recipes]
    for name, value in corpus.model_dump(exclude_defaults=True, exclude_none=True, exclude={"data_dir"}).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    steps = {facts["result"]["steps"] for arm in results.values() for facts, _, _ in arm.runs}
    if tune == "none" and len(steps) == 1:
        words += ["--steps", str(steps.pop())]
    else:
        for name, value in budget.model_dump(exclude_none=True).items():
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
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
        f"{name} {', '.join(format(facts['result']['steps'], ',') for facts, _, _ in arm.runs)}"
        for name, arm in results.items()
    )
    return f"{shlex.join(words)}   # steps reached: {reached}"


def _assignments(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Nested changes as --set writes them."""
    found = []
    for name, value in changes.items():
        if isinstance(value, Mapping):
            found += _assignments(value, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}={json.dumps(value)}")
    return found
