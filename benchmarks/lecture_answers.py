"""Writes the answers to the exercises in docs/lecture.md from the files of results.

python -m benchmarks.lecture_answers
"""

import sys
from collections import Counter
from pathlib import Path

from benchmarks.marked import filled
from seqloom.claims.running import recorded
from seqloom.comparison.comparison import ArmResult, Comparison
from seqloom.report import wording
from seqloom.report.sentences import mean_cost

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lecture.md"
RESULTS = ROOT / "benchmarks" / "results"


def main() -> int:
    PAGE.write_text(with_answers(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def with_answers(page: str) -> str:
    """The page with the answers that follow from the stored results."""
    demo, longer = (
        Comparison.model_validate_json((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("demo", "multi30k-en-de")
    )
    return filled(page, "answers", "\n".join([*_demo(demo), "", *_longer(longer), *_claims()]))


def _demo(demo: Comparison) -> list[str]:
    head = ["model", "1: within", "1: beyond", "1: falls by", "2: half right after", "3: exact match"]
    head += ["4: training, tokens/s", "4: decoding, sentences/s"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for arm in demo.arms:
        within, beyond = (_value(arm, test, demo.metric) for test in ("test", "beyond"))
        half = next((point.step for point in arm.runs[0].curve if (point.val_quality or 0.0) >= 50), None)
        rows.append(
            [
                arm.label,
                f"{within:.1f}%",
                f"{beyond:.1f}%",
                f"{within - beyond:.1f}",
                "later" if half is None else f"{half:,} updates",
                f"{_value(arm, 'test', 'exact_match'):.1f}%",
                wording.number(mean_cost(arm, "train_rate")),
                wording.number(mean_cost(arm, "decode_rate")),
            ]
        )
    text = [f"| {' | '.join(row)} |" for row in rows]
    best = demo.arms[0]
    share = _value(best, "test", demo.metric) / 100
    text += [
        "",
        "Validation happens eight times, so the answer to 2 is the first validation at or above 50%.",
        "",
        f"3: if errors were independent, three commands of the {best.label} would all be right in {100 * share**3:.1f}% of "
        "outputs. But errors occur together in hard sentences, outputs have one to five commands, and a missing command is "
        "an error too.",
    ]
    return text


def _longer(longer: Comparison) -> list[str]:
    return [f"5: {longer.verdict[0]} {longer.verdict[1]} ({longer.budget}, {longer.corpus.name})", ""]


def _claims() -> list[str]:
    verdicts = recorded().verdicts
    words = {
        verdict.claim: "still learning" if verdict.status == "still learning" else verdict.verdict
        for verdict in verdicts
    }
    counts = Counter(words.values())
    groups = [
        f"{count} {word} ({', '.join(f'`{name}`' for name, of_claim in words.items() if of_claim == word)})"
        for word, count in counts.most_common()
    ]
    return [f"6: of {len(verdicts)} claims, {'; '.join(groups)}."]


def _value(arm: ArmResult, test: str, metric: str) -> float:
    quality = wording.leading(arm.tests.get(test, ()), metric)
    assert quality is not None
    return quality.value


if __name__ == "__main__":
    sys.exit(main())
