"""The tables of the page of a comparison, as texts: all values of the charts, and more.

This module does not know HTML.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.comparison.comparison import Comparison
from seqloom.report import wording
from seqloom.report.rows import bin_sizes
from seqloom.report.wording import MISSING, measured, number


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts. The first column names the rows.

    Attributes:
        caption: the title of the table.
        columns: the headings.
        rows: a text for each column.
        words: the columns, except the first, that hold words instead of numbers.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset()


def quality_table(comparison: Comparison, test: str) -> Table:
    """Every metric of every arm on a test split, with its interval and the score of each seed."""
    labels = wording.arm_labels(comparison)
    rows = []
    for arm in comparison.arms:
        for quality in arm.tests.get(test, ()):
            seeds = [
                f"{wording.score(quality.metric, of_seed.value)} (seed {run.seed})"
                for run in arm.runs
                for of_seed in run.tests.get(test, ())
                if of_seed.metric == quality.metric
            ]
            span = wording.bounds(quality.metric, quality.interval)
            level = f"{wording.level(quality.interval)} {span}" if quality.interval else MISSING
            value = wording.score(quality.metric, quality.value)
            rows.append((labels[arm.name], quality.label, value, level, ", ".join(seeds) or MISSING))
    return Table(
        f"Scores {comparison.test_labels[test]}",
        ("Arm", "Metric", "Score", "Interval", "By seed"),
        tuple(rows),
        frozenset({1}),
    )


def length_table(comparison: Comparison, test: str) -> Table:
    """The leading metric by source length: a row for each length, a column for each arm."""
    labels = wording.arm_labels(comparison)
    arms = [arm for arm in comparison.arms if arm.by_length.get(test)]
    rows = []
    for (low, high), size in bin_sizes(comparison, test).items():
        results = [
            next((bin_ for bin_ in arm.by_length[test] if (bin_.low, bin_.high) == (low, high)), None) for arm in arms
        ]
        named = next(bin_ for bin_ in results if bin_ is not None)
        cells = [wording.score_with_interval(bin_.quality) if bin_ else MISSING for bin_ in results]
        rows.append((wording.words_of(named), number(size), *cells))
    return Table(
        f"{comparison.metric_label} by source length, {comparison.test_labels[test]}",
        ("Source words", "Sentences", *(labels[arm.name] for arm in arms)),
        tuple(rows),
    )


def curve_table(comparison: Comparison) -> Table:
    """All validations of all runs."""
    labels = wording.arm_labels(comparison)
    rows = [
        (
            labels[arm.name],
            str(run.seed),
            number(point.step),
            number(point.tokens),
            number(point.seconds, 1),
            number(point.train_loss, 4),
            number(point.val_loss, 4),
            wording.score(comparison.val_metric or comparison.metric, point.val_quality),
        )
        for arm in comparison.arms
        for run in arm.runs
        for point in run.curve
    ]
    return Table(
        "Every validation during training",
        (
            "Arm",
            "Seed",
            "Step",
            "Target tokens",
            "Seconds",
            "Training loss",
            "Validation loss",
            comparison.metric_label,
        ),
        tuple(rows),
    )


def run_table(comparison: Comparison) -> Table:
    """The runs with their steps, tokens, times, speeds and memory."""
    labels = wording.arm_labels(comparison)
    rows = [
        (
            labels[arm.name],
            str(run.seed),
            number(run.steps),
            number(run.tokens),
            number(run.epochs, 2),
            f"{run.learning_rate:g}" if run.steps else wording.MISSING,
            number(run.train_seconds, 1),
            number(run.validation_seconds, 1),
            number(run.setup_seconds, 1),
            number(run.tokens_per_second),
            f"{run.padding_share * 100:.1f}%",
            measured(run.peak_memory_mib),
            number(run.parameters),
            number(run.parameters_without_embeddings),
            str(run.decoding.beam),
            measured(run.decoding.sentences_per_second, 1),
            measured(run.decoding.latency_ms, 1),
            run.folder,
        )
        for arm in comparison.arms
        for run in arm.runs
    ]
    columns = (
        "Arm",
        "Seed",
        "Steps",
        "Target tokens",
        "Epochs",
        "Learning rate",
        "Seconds of updates",
        "of validation",
        "of set-up",
        "Tokens/s",
        "Padding",
        "Peak MiB",
        "Parameters",
        "without embeddings",
        "Beam",
        f"{wording.capital(wording.test_item(comparison))}s/s",
        "Latency, ms",
        "Folder",
    )
    return Table("Every run", columns, tuple(rows), frozenset({len(columns) - 1}))


def difference_table(comparison: Comparison, test: str) -> Table:
    """The differences of all pairs of arms on a test split, with intervals and p-values."""
    labels = wording.arm_labels(comparison)
    rows = [
        (
            f"{labels[difference.better]} over {labels[difference.worse]}{wording.judged_by(comparison, difference)}",
            wording.difference_value(difference, comparison.metric),
            f"{wording.level(difference.interval)} {wording.difference_bounds(difference, comparison.metric)}",
            wording.p_value(difference.p_value),
            "yes" if difference.significant else "no",
            difference.scope,
        )
        for difference in comparison.differences
        if difference.test == test
    ]
    return Table(
        f"Differences in {comparison.metric_label}, {comparison.test_labels[test]}; positive favours the arm named first",
        ("Pair", "Difference", "Interval", "p", "Significant", "Scope"),
        tuple(rows),
        frozenset({4, 5}),
    )


def tuning_table(comparison: Comparison) -> Table | None:
    """The learning rates that were tried with their validation loss; None if there was no tuning."""
    labels = wording.arm_labels(comparison)
    rows = tuple(
        (labels[arm.name], f"{trial.learning_rate:g}", number(trial.val_loss, 4), "chosen" if trial.chosen else "")
        for arm in comparison.arms
        for trial in arm.tuning
    )
    if not rows:
        return None
    columns = ("Arm", "Learning rate", "Validation loss", "Choice")
    return Table("Learning rates tried, charged to each arm's budget", columns, rows, frozenset({3}))


def signature_table(comparison: Comparison) -> Table:
    """The signature of each metric and the method of its intervals."""
    result: dict[tuple[str, str], set[str]] = defaultdict(set)
    for arm in comparison.arms:
        results = [*arm.tests.values(), *(qualities for run in arm.runs for qualities in run.tests.values())]
        for quality in (quality for qualities in results for quality in qualities):
            methods = result[quality.label, quality.signature]
            if quality.interval is not None:
                methods.add(f"{wording.level(quality.interval)}: {quality.interval.method}")
    rows = [(label, signature, "; ".join(sorted(methods)) or MISSING) for (label, signature), methods in result.items()]
    tests = sorted({f"{wording.level(d.interval)}: {d.interval.method}" for d in comparison.differences})
    if tests:
        rows.append(("differences", MISSING, "; ".join(tests)))
    return Table("How the scores were computed", ("Metric", "Signature", "Intervals"), tuple(rows), frozenset({1, 2}))


def fact_rows(comparison: Comparison) -> Sequence[tuple[str, str]]:
    """Facts about the corpus: label and text of each row."""
    corpus = comparison.corpus
    languages = {"Source": corpus.src_lang, "Target": corpus.tgt_lang}
    return (
        ("Corpus", corpus.name),
        ("Kind", f"{corpus.kind}{', synthetic: made by a generator' if corpus.synthetic else ''}"),
        *((f"{side} language", code) for side, code in languages.items() if code),
        ("Sizes", ", ".join(f"{name} {number(size)}" for name, size in corpus.sizes.items())),
        ("Licence", corpus.licence or "not stated"),
        ("Tokenizer", corpus.tokenizer),
        ("Tokenizer hash", corpus.tokenizer_hash),
        ("Fingerprint", corpus.fingerprint),
    )
