"""Findings: computes qualities with intervals, differences, samples and a verdict from the runs of all arms.

The input are facts of runs and their outputs, the result is a Comparison. Nothing here trains or decodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seqloom.comparison.arm_results import (
    ArmRuns,
    Outside,
    count_metrics,
    diverged_arms,
    outputs_of,
    outside_arm,
    trained_arm,
)
from seqloom.comparison.comparison import Comparison, CorpusFacts, Failure, Sample
from seqloom.comparison.differences import differences_of
from seqloom.comparison.judging import Judge
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.comparison.verdict_sentences import capital, verdict_sentences
from seqloom.corpus import Corpus, SentencePair
from seqloom.messages import listed
from seqloom.metrics import find_metric
from seqloom.run.prepare import Prepared
from seqloom.segments import num_segments
from seqloom.tasks import task_of

NUM_SAMPLES = 12


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
    counted = count_metrics(corpus, tests, results, outside)
    judge = Judge(
        list(counted),
        {test: [pair.tgt for pair in pairs] for test, pairs in tests.items()},
        counted,
        outputs_of(results, outside),
        corpus.item_separator,
    )
    caveats = (
        *caveats,
        *(
            f"{results[name].recipe.label} has diverged: its perplexity is not finite."
            for name in diverged_arms(results)
        ),
    )
    said = QualityMeasure(corpus).label(corpus.metric)
    judged = judge.judge(list(outputs_of(results, outside)), first_test)
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
    arms = [trained_arm(name, arm, measure, tests, counted, beam) for name, arm in results.items()]
    arms += [outside_arm(name, system, measure, tests, counted) for name, system in outside.items()]
    higher = find_metric(leading).higher_is_better
    arms.sort(key=lambda arm: arm.tests[first_test][0].value, reverse=higher)
    seeds = sorted({run.info.seed for arm in results.values() for run in arm.runs})
    differences = differences_of(
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
        verdict=verdict_sentences(
            arms, differences, tests, test_labels, measure.label(leading), task_of(corpus.kind).test_item
        ),
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
        name: {test: dict(outputs.details) for test, outputs in arm.runs[0].outputs.items() if outputs.details}
        for name, arm in results.items()
    }
    return {name: tests for name, tests in details.items() if tests}


def _val_decoded(results: Mapping[str, ArmRuns]) -> int | None:
    """How many validation items are decoded for the quality in the training curves."""
    info = next(iter(results.values())).runs[0].info
    return info.validation.decoded if info.validation is not None else None


def _test_labels(tests: Sequence[str], corpus: Corpus) -> dict[str, str]:
    labels = {name: name for name in tests}
    if "beyond" in labels:
        labels |= {tests[0]: "within the trained range", "beyond": "beyond it"}
    return labels


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
            outputs = {name: arm.runs[0].outputs[test].outputs[index] for name, arm in results.items()}
            outputs |= {name: system.outputs[index] for name, system in outside.items() if system.test == test}
            src, ref = shown_texts(pairs[index])
            samples.append(Sample(test=test, src=src, ref=ref, outputs=outputs))
    return tuple(samples)
