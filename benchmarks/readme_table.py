"""Writes the table of a comparison into a Markdown page, from its comparison.json.

    python benchmarks/readme_table.py benchmarks/results/demo.json docs/demo.md docs/demo.svg
    python benchmarks/readme_table.py benchmarks/results/multi30k-en-de.json benchmarks/README.md

The script replaces the text between two marks: the table, and a line about the measurement. It draws the picture from the same
file.
"""

import argparse
import sys
from pathlib import Path

from seqloom.comparison.comparison import ArmResult, Comparison
from seqloom.report import wording
from seqloom.report.picture import comparison_picture

BEGIN, END = "<!-- table: written by benchmarks/readme_table.py -->", "<!-- end of table -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", type=Path)
    parser.add_argument("readme", type=Path)
    parser.add_argument("picture", type=Path, nargs="?")
    arguments = parser.parse_args()
    comparison = Comparison.model_validate_json(arguments.comparison.read_text(encoding="utf-8"))
    text = filled(arguments.readme.read_text(encoding="utf-8"), comparison)
    arguments.readme.write_text(text, encoding="utf-8")
    if arguments.picture is not None:
        comparison_picture(comparison, arguments.picture)
    return 0


def filled(readme: str, comparison: Comparison) -> str:
    """The README with the table of the comparison."""
    before, mark, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise SystemExit(f"the page lacks the marks of the table: expected the lines\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n{table(comparison)}\n\n{measured_how(comparison)}\n{END}{after}"


def table(comparison: Comparison) -> str:
    """A row for each arm, the best first: scores, size, training time and speeds."""
    tests = list(comparison.test_labels)
    head = ["", *(f"{comparison.metric_label}, {comparison.test_labels[test]}" for test in tests)]
    beam = next(run.decoding.beam for arm in comparison.arms for run in arm.runs)
    decoding = "greedy" if beam == 1 else f"beam {beam}"
    head += ["parameters", "training", "target tokens/s", f"sentences/s, {decoding}"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    rows += [row(arm, tests, comparison.metric) for arm in comparison.arms if arm.runs]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def row(arm: ArmResult, tests: list[str], metric: str) -> list[str]:
    """The cells of an arm; times and speeds are means over its runs."""
    run = arm.runs[0]
    return [
        arm.label,
        *(wording.score_with_interval(wording.leading(arm.tests.get(test, ()), metric)) for test in tests),
        wording.compact(run.parameters),
        f"{wording.number(wording.mean(each.train_seconds for each in arm.runs))} s",
        wording.number(wording.mean(each.tokens_per_second for each in arm.runs)),
        wording.number(wording.mean(each.decoding.sentences_per_second for each in arm.runs)),
    ]


def measured_how(comparison: Comparison) -> str:
    """Budget, seeds, intervals, signature and machine of the measurement."""
    tests = list(comparison.test_labels)
    scores = [
        quality
        for arm in comparison.arms
        for test in tests
        if (quality := wording.leading(arm.tests.get(test, ()), comparison.metric)) is not None
    ]
    methods = sorted({quality.interval.method for quality in scores if quality.interval is not None})
    intervals = f" In brackets: 95% intervals ({'; '.join(methods)})." if methods else ""
    signatures = ", ".join(f"`{signature}`" for signature in sorted({quality.signature for quality in scores}))
    seeds = wording.plural(len(comparison.seeds), "seed")
    machine = ", ".join(f"{key} {value}" for key, value in comparison.environment.items() if key != "date")
    kind = "Synthetic data. " if comparison.corpus.synthetic else ""
    return f"{kind}{comparison.budget}, {seeds}.{intervals} Signature: {signatures}. Measured on: {machine}."


if __name__ == "__main__":
    sys.exit(main())
