"""ArmTrainer: trains, tunes and decodes each arm of a comparison; finished runs and outputs are used again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqloom.config import merge
from seqloom.corpus import Corpus, SentencePair
from seqloom.errors import CheckpointError, TrainingError
from seqloom.evaluation import TestOutputs, read_outputs
from seqloom.experiment.tuning import Trial, choose_rate
from seqloom.files import write_json
from seqloom.models import model_class
from seqloom.progress import Progress
from seqloom.recipes import Recipe
from seqloom.run.differences import Wanted, find_differences
from seqloom.run.info import read_info
from seqloom.run.load import Run, load
from seqloom.run.prepare import Prepared
from seqloom.run.training_run import RunOptions, train_prepared
from seqloom.tasks import task_of
from seqloom.training import Budget
from seqloom.training.checkpoint import has_checkpoint, read_json

# --tune quick: every arm tries the same learning rates; each trial takes a tenth of the arm's budget, the run has the other 70%.
TUNING_RATES = (1e-3, 2e-3, 4e-3)
TUNING_SHARE = 0.1


@dataclass
class ArmTrainer:
    """Trains, tunes and decodes the arms of a comparison.

    Attributes:
        folder: the comparison's folder; runs are in runs/.
        budget: the budget of each arm and seed.
        beam: the beam size, the same for all arms.
        setup_seconds: time that all arms share: reading and encoding the corpus.
    """

    folder: Path
    budget: Budget
    beam: int
    device: str
    threads: int | None
    progress: Progress
    setup_seconds: float

    def train(
        self,
        recipe: Recipe,
        prepared: Prepared,
        seed: int,
        budget: Budget,
        folder: Path | None = None,
        title: str | None = None,
    ) -> Run:
        """Returns the finished run in the folder, resumes an unfinished one, or trains a new one."""
        folder = folder or self.run_folder(recipe, seed)
        title = title or f"{recipe.label}, seed {seed}"
        resume = False
        if (folder / "run.json").exists():
            self.check_same(folder, recipe, prepared, seed, budget)
            if read_info(folder).result is not None:
                self.progress.say(f"{title}: already trained, in {folder}")
                return load(folder, device=self.device, threads=self.threads)
            resume = has_checkpoint(folder)
        try:
            options = RunOptions(
                None if model_class(recipe.model).fitted_by_counting else budget,
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

    def tuning_folder(self, recipe: Recipe) -> Path:
        """The folder with the notes on an arm's tuning."""
        return self.folder / "tuning" / recipe.name

    def run_folder(self, recipe: Recipe, seed: int) -> Path:
        """The folder of a run."""
        return self.folder / "runs" / f"{recipe.name}-seed{seed}"

    def part_folder(self, recipe: Recipe, size: int) -> Path:
        """The folder of a run on a part of the training data, with the number of its items."""
        return self.folder / "curve" / f"{recipe.name}-{size}"

    def check_same(self, folder: Path, recipe: Recipe, prepared: Prepared, seed: int, budget: Budget) -> None:
        """Checks that a run that is already in the folder has the settings and data of the run that would be trained there.

        Raises:
            CheckpointError: the run was begun with other settings or data.
        """
        if not (folder / "run.json").exists():
            return
        wanted_budget = None if model_class(recipe.model).fitted_by_counting else budget
        wanted = Wanted(recipe, wanted_budget, prepared.corpus.fingerprint, prepared.tokenizer.hash, seed)
        parts = dict.fromkeys(difference.part for difference in find_differences(folder, wanted))
        if parts:
            raise CheckpointError(
                f"{folder}: a run with another {' and another '.join(parts)} lies there; choose another --out, or remove it"
            )

    def tune(self, recipe: Recipe, prepared: Prepared) -> tuple[Recipe, tuple[Trial, ...]]:
        """Tries the learning rates for a tenth of the budget each; the best validation loss wins.

        A model that is fitted by counting has no learning rate.
        """
        if model_class(recipe.model).fitted_by_counting:
            return recipe, ()
        losses: list[float | None] = []
        for rate in TUNING_RATES:
            folder = self.folder / "tuning" / f"{recipe.name}-{rate:g}"
            loss: float | None = None
            try:
                trial = _at_rate(recipe, rate, validations=1)
                run = self.train(trial, prepared, 0, self.budget.share(TUNING_SHARE), folder)
                loss = run.info.finished.curve[-1].val_loss
            except TrainingError as error:
                self.progress.say(f"{recipe.label}: learning rate {rate:g} failed: {error}")
            losses.append(loss)
        if all(loss is None for loss in losses):
            raise TrainingError("training failed at each of the learning rates that --tune tried")
        best, trials = choose_rate(TUNING_RATES, losses)
        self.progress.say(
            f"{recipe.label}: learning rate {TUNING_RATES[best]:g} (validation losses: "
            + ", ".join(
                f"{t.learning_rate:g}: {'failed' if t.val_loss is None else f'{t.val_loss:.3f}'}" for t in trials
            )
            + ")"
        )
        return _at_rate(recipe, TUNING_RATES[best]), trials

    def outputs(self, run: Run, tests: Mapping[str, Sequence[SentencePair]]) -> dict[str, TestOutputs]:
        """The outputs of a run for the test splits; cached in its folder for each beam."""
        outputs: dict[str, TestOutputs] = {}
        for name, pairs in tests.items():
            path = run.folder / "outputs" / f"{name}-beam{self.beam}.json"
            if path.exists():
                kept = read_outputs(path, within=run.folder)
                if tuple(pair.src for pair in pairs) == kept.sources:
                    outputs[name] = kept
                    continue
            title = f"{run.recipe.label}, seed {run.info.seed}: decoding {name}"
            task = task_of(run.info.corpus.kind)
            with torch.inference_mode():
                outputs[name] = task.outputs(run, pairs, beam=self.beam, progress=self.progress, title=title)
            write_json(path, asdict(outputs[name]))
        return outputs

    def with_details(
        self,
        run: Run,
        outputs: Mapping[str, TestOutputs],
        corpus: Corpus,
        tests: Mapping[str, Sequence[SentencePair]],
    ) -> dict[str, TestOutputs]:
        """The outputs with what the task tells of a run in a report; stored in its folder. A run that has diverged has none."""
        results: dict[str, TestOutputs] = {}
        task = task_of(run.info.corpus.kind)
        for name, test_outputs in outputs.items():
            path = run.folder / "outputs" / f"{name}-details-{task.details_version}.json"
            if not np.isfinite(test_outputs.log_probs).all():
                details = {}
            elif path.exists():
                details = read_json(path, within=run.folder)
            else:
                with torch.inference_mode():
                    details = task.report_details(run, corpus, tests[name], self.progress)
                if details:
                    write_json(path, details)
            results[name] = replace(test_outputs, details={**test_outputs.details, **details})
        return results


def _at_rate(recipe: Recipe, rate: float, **training: Any) -> Recipe:
    changes = {"training": {"learning_rate": rate, **training}}
    return Recipe.parse(merge(recipe.model_dump(mode="json"), changes), source="--tune")
