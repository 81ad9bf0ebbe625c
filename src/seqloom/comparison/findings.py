"""Findings: computes qualities with intervals, differences, samples and a verdict from the runs of all arms.

The input are facts of runs and their outputs, the result is a Comparison. Nothing here trains or decodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from seqloom.comparison.comparison import (
    ArmResult,
    Comparison,
    CorpusFacts,
    CurvePoint,
    Decoding,
    Difference,
    Failure,
    Interval,
    RunResult,
    Sample,
)
from seqloom.comparison.judging import Judge, Judged
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.comparison.verdict_sentences import capital, verdict_sentences
from seqloom.corpus import Corpus, SentencePair
from seqloom.evaluation import TestOutputs
from seqloom.experiment.tuning import Trial
from seqloom.messages import listed
from seqloom.metrics import Stats, difference, find_metric, statistics
from seqloom.recipes import Recipe
from seqloom.run.info import RunInfo
from seqloom.run.prepare import Prepared
from seqloom.segments import num_segments
from seqloom.tasks import task_of

NUM_SAMPLES = 12


@dataclass
class ArmRuns:
    """An arm: its recipe, and for each seed the run's info, its outputs by test split, and its folder."""

    recipe: Recipe
    runs: list[tuple[RunInfo, dict[str, TestOutputs], Path]]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Outside:
    """The outputs of another system for a test split."""

    test: str
    outputs: tuple[str, ...]


Counted = Mapping[str, Mapping[str, Mapping[str, Sequence[Stats]]]]
"""The counts of each run, by metric, arm and test split."""


def gather(
    corpus: Corpus,
    prepared: Prepared,
    tests: Mapping[str, Sequence[SentencePair]],
    results: Mapping[str, ArmRuns],
    outside: Mapping[str, Outside],
    *,
    budget: str,
    beam: int,
    caveats: tuple[str, ...],
    environment: dict[str, str],
    command: str,
    failures: tuple[Failure, ...] = (),
) -> Comparison:
    """Computes the comparison from the runs: scores, differences, the verdict, costs and caveats.

    It has one parameter for each fact of the report that is not stored in the runs.

    Args:
        tests: the pairs of each test split.
        results, outside: the runs of each trained arm, and the outputs of other systems, by name.
        budget: in words, for the report.
        caveats: sentences that the report shows with the verdict.
        environment: the machine and the versions.
        command: the command line that reproduces the comparison.
        failures: the runs that failed; no score includes them.
    """
    first_test = next(iter(tests))
    counted = _count(corpus, tests, results, outside)
    judge = Judge(
        list(counted),
        {test: [pair.tgt for pair in pairs] for test, pairs in tests.items()},
        counted,
        _outputs(results, outside),
        corpus.item_separator,
    )
    caveats = (
        *caveats,
        *(f"{results[name].recipe.label} has diverged: its perplexity is not finite." for name in _diverged(results)),
    )
    said = QualityMeasure(corpus).label(corpus.metric)
    judged = judge.judge(list(_outputs(results, outside)), first_test)
    validated = corpus.metric
    if judged.metric is not None and judged.metric != corpus.metric:
        corpus = replace(corpus, metric=judged.metric)
        instead = QualityMeasure(corpus).label(judged.metric)
        caveats = (
            *caveats,
            f"{capital(said)} says nothing here, since {judged.why}: {instead} leads.",
        )
    measure = QualityMeasure(corpus)
    leading = corpus.metric
    arms = [_trained_arm(name, arm, measure, tests, counted, beam) for name, arm in results.items()]
    arms += [_outside_arm(name, system, measure, tests, counted) for name, system in outside.items()]
    higher = find_metric(leading).higher_is_better
    arms.sort(key=lambda arm: arm.tests[first_test][0].value, reverse=higher)
    seeds = sorted({info.seed for arm in results.values() for info, _, _ in arm.runs})
    differences = _differences(
        [arm.name for arm in arms],
        counted,
        list(tests),
        measure,
        judge.led_by(leading),
        num_seeds=len(seeds),
        outside=set(outside),
    )
    test_labels = _test_labels(list(tests), corpus)
    sizes = {
        "train": len(prepared.train),
        "val": len(prepared.val),
        **{name: len(pairs) for name, pairs in tests.items()},
    }
    return Comparison(
        title=f"{listed([arm.recipe.label for arm in results.values()])} on {corpus.name}",
        verdict=verdict_sentences(arms, differences, tests, test_labels, measure.label(leading)),
        corpus=CorpusFacts(
            name=corpus.name,
            kind=corpus.kind,
            synthetic=corpus.synthetic,
            src_lang=corpus.src_lang,
            tgt_lang=corpus.tgt_lang,
            licence=corpus.licence,
            sizes=sizes,
            val_decoded=_val_decoded(results),
            notes=(*corpus.layout, *corpus.notes),
            fingerprint=corpus.fingerprint,
            tokenizer=prepared.tokenizer.describe(),
            tokenizer_hash=prepared.tokenizer.hash,
        ),
        budget=budget,
        seeds=tuple(seeds),
        metric=leading,
        metric_label=measure.label(leading),
        val_metric=validated,
        val_metric_label=said,
        test_labels=test_labels,
        arms=tuple(arms),
        differences=differences,
        samples=_samples(tests, results, outside, corpus),
        caveats=caveats,
        failures=failures,
        environment=environment,
        command=command,
        details=_details(results),
    )


def _details(results: Mapping[str, ArmRuns]) -> dict[str, dict[str, dict[str, Any]]]:
    """The task's additional results for each arm's first run, by arm and test split; arms without such results are left out."""
    details = {
        name: {test: dict(outputs.details) for test, outputs in arm.runs[0][1].items() if outputs.details}
        for name, arm in results.items()
    }
    return {name: tests for name, tests in details.items() if tests}


def _count(
    corpus: Corpus,
    tests: Mapping[str, Sequence[SentencePair]],
    results: Mapping[str, ArmRuns],
    outside: Mapping[str, Outside],
) -> dict[str, dict[str, dict[str, Sequence[Stats]]]]:
    """The counts of each run, the leading metric first; metrics that an arm does not have are left out.

    Other systems have no likelihoods, and those of a model that has diverged are not finite.
    """
    counted: dict[str, dict[str, dict[str, Sequence[Stats]]]] = {}
    diverged = set(_diverged(results))
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


def _diverged(results: Mapping[str, ArmRuns]) -> list[str]:
    """The arms with log-probabilities that are not finite numbers."""
    return [
        name
        for name, arm in results.items()
        if not all(np.isfinite(test.log_probs).all() for _, outputs, _ in arm.runs for test in outputs.values())
    ]


def _measured(counted: Counted, measure: QualityMeasure, name: str) -> list[str]:
    """The metrics of an arm, the leading one first."""
    leading = measure.corpus.metric
    return [leading, *(metric for metric in counted if metric != leading and name in counted[metric])]


def _outputs(
    results: Mapping[str, ArmRuns], outside: Mapping[str, Outside]
) -> dict[str, dict[str, list[Sequence[str]]]]:
    """The outputs of each arm, by test split, for each of its runs."""
    result: dict[str, dict[str, list[Sequence[str]]]] = {}
    for name, arm in results.items():
        tests = arm.runs[0][1]
        result[name] = {test: [outputs[test].outputs for _, outputs, _ in arm.runs] for test in tests}
    return result | {name: {system.test: [system.outputs]} for name, system in outside.items()}


def _val_decoded(results: Mapping[str, ArmRuns]) -> int | None:
    """How many validation items are decoded for the quality in the training curves."""
    info, _, _ = next(iter(results.values())).runs[0]
    return info.validation.decoded if info.validation is not None else None


def _test_labels(tests: Sequence[str], corpus: Corpus) -> dict[str, str]:
    labels = {name: name for name in tests}
    if "beyond" in labels:
        labels |= {tests[0]: "within the trained range", "beyond": "beyond it"}
    return labels


def _trained_arm(
    name: str,
    arm: ArmRuns,
    measure: QualityMeasure,
    tests: Mapping[str, Sequence[SentencePair]],
    counted: Counted,
    beam: int,
) -> ArmResult:
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


def _outside_arm(
    name: str,
    system: Outside,
    measure: QualityMeasure,
    tests: Mapping[str, Sequence[SentencePair]],
    counted: Counted,
) -> ArmResult:
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


def _differences(
    names: Sequence[str],
    counted: Counted,
    tests: Sequence[str],
    measure: QualityMeasure,
    judge: Judge,
    *,
    num_seeds: int,
    outside: set[str],
) -> tuple[Difference, ...]:
    differences = []
    leading = measure.corpus.metric
    for test in tests:
        for item, other in combinations(names, 2):
            stats = counted[leading]
            if test not in stats[item] or test not in stats[other] or len(stats[item][test][0]) < 2:
                continue
            judged = judge.judge([item, other], test)
            metric = judged.metric or leading
            stats = counted[metric]
            higher = find_metric(metric).higher_is_better
            result = difference(metric, stats[item][test], stats[other][test])
            ahead = result.difference >= 0 if higher else result.difference <= 0
            # The sign is such that a positive difference favours `better`, also if a lower value of the metric is better.
            sign = 1 if ahead == higher else -1
            low, high = sorted((sign * result.low, sign * result.high))
            differences.append(
                Difference(
                    test=test,
                    better=item if ahead else other,
                    worse=other if ahead else item,
                    difference=abs(result.difference),
                    interval=Interval(low=low, high=high, level=result.level, method=result.method),
                    p_value=result.p_value,
                    # If no metric distinguishes two arms, no number shows that one of them is better.
                    significant=result.significant and judged.metric is not None,
                    scope="between architectures"
                    if num_seeds > 1
                    and not {item, other} & outside
                    and all(len(stats[x][test]) > 1 for x in (item, other))
                    else "between these runs",
                    metric=metric,
                    metric_label=measure.label(metric),
                    note=_why_not(judged, measure.label(leading), same=judge.same_outputs([item, other], test)),
                )
            )
    return tuple(differences)


def _why_not(judged: Judged, label: str, *, same: bool) -> str:
    if same:
        return "their outputs are the same"
    if not judged.why:
        return ""
    return f"{label} says nothing about them, since {judged.why}" + (
        "" if judged.metric else ", nor does any other metric"
    )


def _samples(
    tests: Mapping[str, Sequence[SentencePair]],
    results: Mapping[str, ArmRuns],
    outside: Mapping[str, Outside],
    corpus: Corpus,
) -> tuple[Sample, ...]:
    """Sample sentences of each test split, chosen evenly over the lengths of the sources, so that short and long ones are shown."""
    shown_texts, samples = task_of(corpus.kind).shown_texts, []
    for test, pairs in tests.items():
        order = sorted(range(len(pairs)), key=lambda i: (num_segments(pairs[i].src), i))
        wanted = min(len(order), NUM_SAMPLES if len(tests) == 1 else NUM_SAMPLES // 2)
        for k in range(wanted):
            index = order[(2 * k + 1) * len(order) // (2 * wanted)]
            outputs = {name: arm.runs[0][1][test].outputs[index] for name, arm in results.items()}
            outputs |= {name: system.outputs[index] for name, system in outside.items() if system.test == test}
            src, ref = shown_texts(pairs[index])
            samples.append(Sample(test=test, src=src, ref=ref, outputs=outputs))
    return tuple(samples)
