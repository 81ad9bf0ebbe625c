"""ArmResult of each arm: counts and costs of its runs become qualities with intervals.

The input are facts of runs and their outputs. Nothing here trains or decodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqloom.comparison.comparison import ArmResult, CurvePoint, Decoding, RunResult
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.corpus import Corpus, SentencePair
from seqloom.evaluation import TestOutputs
from seqloom.experiment.tuning import Trial
from seqloom.metrics import Stats, find_metric, statistics
from seqloom.recipes import Recipe
from seqloom.run.info import RunInfo
from seqloom.tasks import task_of


class FinishedRun(NamedTuple):
    """A run of an arm: the content of its run.json, its outputs by test split, and its folder in the comparison's folder."""

    info: RunInfo
    outputs: dict[str, TestOutputs]
    folder: Path


@dataclass
class ArmRuns:
    """The finished runs of an arm, one for each seed, with the recipe that was trained and the learning rates that were tried.

    `experiment.arms.Arm` is something else: what a claim trains, with a corpus, a number of steps and tests of its own. The arms of
    a comparison share their corpus, tests and budget, and the budget may be a time.
    """

    recipe: Recipe
    runs: list[FinishedRun]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Outside:
    """The outputs of another system for a test split."""

    test: str
    outputs: tuple[str, ...]


Counted = Mapping[str, Mapping[str, Mapping[str, Sequence[Stats]]]]
"""The counts of each run, by metric, arm and test split."""


def count_metrics(
    corpus: Corpus,
    tests: Mapping[str, Sequence[SentencePair]],
    results: Mapping[str, ArmRuns],
    outside: Mapping[str, Outside],
) -> dict[str, dict[str, dict[str, Sequence[Stats]]]]:
    """The counts of each run, the leading metric first; metrics that an arm does not have are left out.

    Other systems have no likelihoods, and those of a model that has diverged are not finite.
    """
    counted: dict[str, dict[str, dict[str, Sequence[Stats]]]] = {}
    diverged = set(diverged_arms(results))
    for metric in task_of(corpus.kind).metrics(corpus):
        of_texts = find_metric(metric).count is not None
        counted[metric] = {
            name: {
                test: [outputs[test].statistics(metric, corpus.item_separator) for _, outputs, _ in arm.runs]
                for test in tests
            }
            for name, arm in results.items()
            if of_texts or name not in diverged
        }
        for name, system in outside.items() if of_texts else ():
            references = [pair.tgt for pair in tests[system.test]]
            counts = statistics(metric, system.outputs, references, item_separator=corpus.item_separator)
            counted[metric][name] = {system.test: [counts]}
    return counted


def diverged_arms(results: Mapping[str, ArmRuns]) -> list[str]:
    """The arms with log-probabilities that are not finite numbers."""
    return [
        name
        for name, arm in results.items()
        if not all(np.isfinite(test.log_probs).all() for _, outputs, _ in arm.runs for test in outputs.values())
    ]


def outputs_of(
    results: Mapping[str, ArmRuns], outside: Mapping[str, Outside]
) -> dict[str, dict[str, list[Sequence[str]]]]:
    """The outputs of each arm, by test split, for each of its runs."""
    result: dict[str, dict[str, list[Sequence[str]]]] = {}
    for name, arm in results.items():
        tests = arm.runs[0].outputs
        result[name] = {test: [outputs[test].outputs for _, outputs, _ in arm.runs] for test in tests}
    return result | {name: {system.test: [system.outputs]} for name, system in outside.items()}


def trained_arm(
    name: str,
    arm: ArmRuns,
    measure: QualityMeasure,
    tests: Mapping[str, Sequence[SentencePair]],
    counted: Counted,
    beam: int,
) -> ArmResult:
    """The result of an arm that was trained: its qualities over all runs, and each run with its costs.

    Args:
        tests: the pairs of each test split.
        counted: what `count_metrics` returned.
        beam: the beam size of the outputs.
    """
    metrics = _measured(counted, measure, name)
    by_metric = {test: {metric: counted[metric][name][test] for metric in metrics} for test in tests}
    stats = counted[measure.corpus.metric][name]
    sources = {test: [pair.src for pair in pairs] for test, pairs in tests.items()}
    runs = []
    for index, (info, outputs, folder) in enumerate(arm.runs):
        result = info.finished
        first = next(iter(outputs.values()))
        runs.append(
            RunResult(
                arm=name,
                seed=info.seed,
                folder=folder.as_posix(),
                steps=result.steps,
                tokens=result.tokens,
                epochs=result.epochs,
                learning_rate=arm.recipe.training.learning_rate,
                train_seconds=result.train_seconds,
                validation_seconds=result.validation_seconds,
                setup_seconds=info.setup_seconds,
                tokens_per_second=result.tokens_per_second,
                padding_share=result.padding_share,
                peak_memory_mib=result.peak_memory_mib,
                parameters=info.parameters,
                parameters_without_embeddings=info.parameters_without_embeddings,
                decoding=Decoding(
                    beam=beam, sentences_per_second=first.sentences_per_second, latency_ms=first.latency_ms
                ),
                curve=tuple(CurvePoint(**point.to_json()) for point in result.curve),
                tests={
                    test: tuple(measure.quality(metric, [by_metric[test][metric][index]]) for metric in metrics)
                    for test in tests
                },
                by_length={test: measure.length_bins(sources[test], [stats[test][index]]) for test in tests},
            )
        )
    return ArmResult(
        name=name,
        label=arm.recipe.label,
        recipe=arm.recipe.to_yaml(),
        runs=tuple(runs),
        tests={test: tuple(measure.quality(metric, by_metric[test][metric]) for metric in metrics) for test in tests},
        by_length={test: measure.length_bins(sources[test], stats[test]) for test in tests},
        tuning=arm.trials,
    )


def outside_arm(
    name: str,
    system: Outside,
    measure: QualityMeasure,
    tests: Mapping[str, Sequence[SentencePair]],
    counted: Counted,
) -> ArmResult:
    """The result of another system: its qualities on its test split; it has no runs and no costs."""
    pairs = tests[system.test]
    metrics = _measured(counted, measure, name)
    qualities = [measure.quality(metric, counted[metric][name][system.test]) for metric in metrics]
    stats = counted[measure.corpus.metric][name]
    return ArmResult(
        name=name,
        label=name,
        recipe=None,
        runs=(),
        tests={system.test: tuple(qualities)},
        by_length={system.test: measure.length_bins([pair.src for pair in pairs], stats[system.test])},
    )


def _measured(counted: Counted, measure: QualityMeasure, name: str) -> list[str]:
    """The metrics of an arm, the leading one first."""
    leading = measure.corpus.metric
    return [leading, *(metric for metric in counted if metric != leading and name in counted[metric])]
