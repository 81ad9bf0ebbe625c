"""Findings: the runs of all arms become qualities with intervals, differences, samples and a verdict.

Facts of runs and their outputs enter, a Comparison leaves. Nothing here trains or decodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from seqloom.comparison.comparison import (
    Arm,
    Comparison,
    CorpusFacts,
    CurvePoint,
    Decoding,
    Difference,
    Interval,
    LengthBin,
    Quality,
    RunResult,
    Sample,
    TuningTrial,
)
from seqloom.corpus import Corpus, SentencePair
from seqloom.evaluation import TestOutputs, metrics_for
from seqloom.metrics import Stats, aggregate, by_length, choose_bins, difference, find_metric, interval, statistics
from seqloom.recipes import Recipe
from seqloom.run import Prepared

NUM_SAMPLES = 12


@dataclass
class ArmRuns:
    """An arm: its recipe, and for each seed the run's facts, its outputs by test split, and its folder."""

    recipe: Recipe
    runs: list[tuple[dict[str, Any], dict[str, TestOutputs], Path]]
    trials: tuple[TuningTrial, ...]


@dataclass(frozen=True)
class Outside:
    """What an outside system made of a test split."""

    test: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class _Measure:
    """How everything is measured: the corpus's leading metric and its items."""

    corpus: Corpus

    def label(self, metric: str) -> str:
        return find_metric(metric).label.format(items=self.corpus.item_name)

    def quality(self, metric: str, runs: Sequence[Stats]) -> Quality:
        """The mean over runs, with an interval where there are sentences enough."""
        found = find_metric(metric)
        signature = found.sign(self.corpus.item_separator)
        if len(runs[0]) < 2:
            value = float(np.mean([aggregate(metric, stats.sum(axis=0)) for stats in runs]))
            bounds = None
        else:
            estimate = interval(metric, runs)
            value = estimate.value
            bounds = Interval(low=estimate.low, high=estimate.high, level=estimate.level, method=estimate.method)
        return Quality(
            metric=metric,
            label=self.label(metric),
            value=value,
            higher_is_better=found.higher_is_better,
            interval=bounds,
            signature=signature,
        )

    def length_bins(self, sources: Sequence[str], runs: Sequence[Stats]) -> tuple[LengthBin, ...]:
        metric = self.corpus.metric
        found = find_metric(metric)
        return tuple(
            LengthBin(
                low=one.low,
                high=one.high,
                num_sentences=one.num_sentences,
                quality=Quality(
                    metric=metric,
                    label=self.label(metric),
                    value=one.estimate.value,
                    higher_is_better=found.higher_is_better,
                    interval=Interval(
                        low=one.estimate.low,
                        high=one.estimate.high,
                        level=one.estimate.level,
                        method=one.estimate.method,
                    ),
                    signature=found.sign(self.corpus.item_separator),
                ),
            )
            for one in by_length(metric, sources, runs, bins=choose_bins(sources))
        )


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
) -> Comparison:
    """Everything that the runs say together."""
    measure = _Measure(corpus)
    leading = corpus.metric
    first_test = next(iter(tests))
    stats = {
        name: {
            test: [outputs[test].statistics(leading, corpus.item_separator) for _, outputs, _ in arm.runs]
            for test in tests
        }
        for name, arm in results.items()
    }
    for name, system in outside.items():
        references = [pair.tgt for pair in tests[system.test]]
        stats[name] = {
            system.test: [statistics(leading, system.outputs, references, item_separator=corpus.item_separator)]
        }
    arms = [_trained_arm(name, arm, measure, tests, stats[name], beam) for name, arm in results.items()]
    arms += [_outside_arm(name, system, measure, tests, stats[name]) for name, system in outside.items()]
    higher = find_metric(leading).higher_is_better
    arms.sort(key=lambda arm: arm.tests[first_test][0].value, reverse=higher)
    seeds = [facts["seed"] for facts, _, _ in next(iter(results.values())).runs]
    differences = _differences(
        [arm.name for arm in arms], stats, list(tests), leading, num_seeds=len(seeds), outside=set(outside)
    )
    test_labels = _test_labels(list(tests), corpus)
    sizes = {
        "train": len(prepared.train),
        "val": len(prepared.val),
        **{name: len(pairs) for name, pairs in tests.items()},
    }
    return Comparison(
        title=f"{' against '.join(arm.recipe.label for arm in results.values())} on {corpus.name}",
        verdict=_verdict(arms, differences, first_test, test_labels, measure.label(leading)),
        corpus=CorpusFacts(
            name=corpus.name,
            kind=corpus.kind,
            synthetic=corpus.synthetic,
            src_lang=corpus.src_lang,
            tgt_lang=corpus.tgt_lang,
            licence=corpus.licence,
            sizes=sizes,
            notes=corpus.notes,
            fingerprint=corpus.fingerprint,
            tokenizer=prepared.tokenizer.describe(),
            tokenizer_hash=prepared.tokenizer.hash,
        ),
        budget=budget,
        seeds=tuple(seeds),
        metric=leading,
        metric_label=measure.label(leading),
        test_labels=test_labels,
        arms=tuple(arms),
        differences=differences,
        samples=_samples(tests, results, outside, corpus),
        caveats=caveats,
        environment=environment,
        command=command,
    )


def _test_labels(tests: Sequence[str], corpus: Corpus) -> dict[str, str]:
    labels = {name: name for name in tests}
    if "beyond" in labels:
        labels |= {tests[0]: "within the trained range", "beyond": "beyond it"}
    return labels


def _trained_arm(
    name: str,
    arm: ArmRuns,
    measure: _Measure,
    tests: Mapping[str, Sequence[SentencePair]],
    stats: Mapping[str, Sequence[Stats]],
    beam: int,
) -> Arm:
    corpus = measure.corpus
    metrics = metrics_for(corpus.metric, corpus.item_separator)
    by_metric = {
        test: {
            metric: [outputs[test].statistics(metric, corpus.item_separator) for _, outputs, _ in arm.runs]
            for metric in metrics
        }
        for test in tests
    }
    sources = {test: [pair.src for pair in pairs] for test, pairs in tests.items()}
    runs = []
    for index, (facts, outputs, folder) in enumerate(arm.runs):
        result = facts["result"]
        first = next(iter(outputs.values()))
        runs.append(
            RunResult(
                arm=name,
                seed=facts["seed"],
                folder=folder.as_posix(),
                steps=result["steps"],
                tokens=result["tokens"],
                epochs=result["epochs"],
                learning_rate=arm.recipe.training.learning_rate,
                train_seconds=result["train_seconds"],
                validation_seconds=result["validation_seconds"],
                setup_seconds=facts["setup_seconds"],
                tokens_per_second=result["tokens_per_second"],
                padding_share=result["padding_share"],
                peak_memory_mib=result["peak_memory_mib"],
                parameters=facts["parameters"],
                parameters_without_embeddings=facts["parameters_without_embeddings"],
                decoding=Decoding(
                    beam=beam, sentences_per_second=first.sentences_per_second, latency_ms=first.latency_ms
                ),
                curve=tuple(CurvePoint(**point) for point in result["curve"]),
                tests={
                    test: tuple(measure.quality(metric, [by_metric[test][metric][index]]) for metric in metrics)
                    for test in tests
                },
                by_length={test: measure.length_bins(sources[test], [stats[test][index]]) for test in tests},
            )
        )
    return Arm(
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
    measure: _Measure,
    tests: Mapping[str, Sequence[SentencePair]],
    stats: Mapping[str, Sequence[Stats]],
) -> Arm:
    corpus = measure.corpus
    pairs = tests[system.test]
    metrics = [m for m in metrics_for(corpus.metric, corpus.item_separator) if find_metric(m).count is not None]
    qualities = []
    for metric in metrics:
        counts = statistics(metric, system.outputs, [pair.tgt for pair in pairs], item_separator=corpus.item_separator)
        qualities.append(measure.quality(metric, [counts]))
    return Arm(
        name=name,
        label=name,
        recipe=None,
        runs=(),
        tests={system.test: tuple(qualities)},
        by_length={system.test: measure.length_bins([pair.src for pair in pairs], stats[system.test])},
    )


def _differences(
    names: Sequence[str],
    stats: Mapping[str, Mapping[str, Sequence[Stats]]],
    tests: Sequence[str],
    metric: str,
    *,
    num_seeds: int,
    outside: set[str],
) -> tuple[Difference, ...]:
    found = []
    higher = find_metric(metric).higher_is_better
    for test in tests:
        for one, other in combinations(names, 2):
            if test not in stats[one] or test not in stats[other] or len(stats[one][test][0]) < 2:
                continue
            result = difference(metric, stats[one][test], stats[other][test])
            ahead = result.difference >= 0 if higher else result.difference <= 0
            # Written so that a positive difference favours `better`, whichever way the metric runs.
            sign = 1 if ahead == higher else -1
            low, high = sorted((sign * result.low, sign * result.high))
            found.append(
                Difference(
                    test=test,
                    better=one if ahead else other,
                    worse=other if ahead else one,
                    difference=abs(result.difference),
                    interval=Interval(low=low, high=high, level=result.level, method=result.method),
                    p_value=result.p_value,
                    significant=result.significant,
                    scope="between architectures"
                    if num_seeds > 1 and not {one, other} & outside
                    else "between these runs",
                )
            )
    return tuple(found)


def _verdict(
    arms: Sequence[Arm], differences: Sequence[Difference], test: str, test_labels: Mapping[str, str], label: str
) -> tuple[str, ...]:
    """Who is better, by how much, how surely, and at what cost."""
    labels = {arm.name: arm.label for arm in arms}
    sentences = []
    for name in test_labels:
        there = [arm for arm in arms if name in arm.tests]
        there.sort(key=lambda arm: arm.tests[name][0].value, reverse=there[0].tests[name][0].higher_is_better)
        values = "; ".join(f"{arm.label} {_with_interval(arm.tests[name][0])}" for arm in there)
        where = f" ({test_labels[name]})" if len(test_labels) > 1 else ""
        sentences.append(f"{_capital(label)}{where}: {values}.")
        for ahead, behind in pairwise(there):
            found = next(
                (d for d in differences if d.test == name and {d.better, d.worse} == {ahead.name, behind.name}), None
            )
            if found is not None:
                sentences.append(_difference_in_words(found, labels))
    cost = _cost(arms)
    return (*sentences, cost) if cost else tuple(sentences)


def _difference_in_words(found: Difference, labels: Mapping[str, str]) -> str:
    size = f"{found.difference:.1f} [{found.interval.low:.1f}, {found.interval.high:.1f}]"
    if found.significant:
        return f"{labels[found.better]} is ahead of {labels[found.worse]} by {size} {found.scope}."
    return f"{labels[found.better]} and {labels[found.worse]} cannot be told apart {found.scope}: the difference is {size}."


def _with_interval(quality: Quality) -> str:
    if quality.interval is None:
        return f"{quality.value:.1f}"
    return f"{quality.value:.1f} [{quality.interval.low:.1f}, {quality.interval.high:.1f}]"


def _cost(arms: Sequence[Arm]) -> str:
    trained = [arm for arm in arms if arm.runs]
    if not trained:
        return ""
    parts = [
        f"{arm.label} trained {mean(run.train_seconds for run in arm.runs) / 60:.1f} min at "
        f"{mean(run.tokens_per_second for run in arm.runs):,.0f} target tokens/s and decodes "
        f"{mean(run.decoding.sentences_per_second for run in arm.runs):,.0f} sentences/s"
        for arm in trained
    ]
    return f"The cost: {'; '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _samples(
    tests: Mapping[str, Sequence[SentencePair]],
    results: Mapping[str, ArmRuns],
    outside: Mapping[str, Outside],
    corpus: Corpus,
) -> tuple[Sample, ...]:
    """Sentences evenly over each test split, by their source's length, so that short and long ones are seen."""
    samples = []
    for test, pairs in tests.items():
        order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i].src.split()), i))
        wanted = min(len(order), NUM_SAMPLES if len(tests) == 1 else NUM_SAMPLES // 2)
        for k in range(wanted):
            index = order[(2 * k + 1) * len(order) // (2 * wanted)]
            outputs = {name: arm.runs[0][1][test].outputs[index] for name, arm in results.items()}
            outputs |= {name: system.outputs[index] for name, system in outside.items() if system.test == test}
            samples.append(Sample(test=test, src=pairs[index].src, ref=pairs[index].tgt, outputs=outputs))
    return tuple(samples)
