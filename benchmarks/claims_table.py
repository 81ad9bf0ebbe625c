"""Writes docs/claims.md and its pictures from the recorded verdicts: each number with the published one and the machine.

    python benchmarks/claims_table.py [DIR]

DIR is a folder of `seqloom claims queue` or `seqloom claims run --effort standard`; its verdicts are recorded first. Quick runs
show the recorded verdicts. Their learning rates are those of standard effort, which stay beside the verdicts of ladders.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from seqloom.claims import claims, read_verdicts
from seqloom.claims.claim import Claim
from seqloom.claims.running import recorded, stored
from seqloom.claims.verdict import Question, Verdict, Verdicts
from seqloom.experiment.audit import Effort
from seqloom.report.claims_pictures import claims_pictures, picture_name

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "src" / "seqloom" / "claims" / "recorded.json"
PAGE = ROOT / "docs" / "claims.md"
PICTURES = ROOT / "docs" / "claims"
_EFFORTS: tuple[Effort, ...] = ("standard", "ladder")


def record(folder: Path) -> None:
    """Writes the live verdicts of a folder into recorded.json, effort by effort; other recorded verdicts stay."""
    verdicts = {(verdict.claim, verdict.effort): verdict for effort in _EFFORTS for verdict in stored(effort)}
    verdicts |= {
        (v.claim, v.effort): v for v in read_verdicts(folder).verdicts if v.origin == "live" and v.effort in _EFFORTS
    }
    # The published figure is taken from the claim: its text may have been corrected since the run.
    kept = [
        verdicts[name, effort].model_copy(update={"published": claim.published})
        for name, claim in claims().items()
        for effort in _EFFORTS
        if (name, effort) in verdicts
    ]
    RECORDED.write_text(Verdicts(verdicts=tuple(kept)).model_dump_json(indent=1) + "\n", encoding="utf-8")


def page(verdicts: Iterable[Verdict]) -> str:
    """docs/claims.md: a table of all verdicts, then a section for each claim."""
    known = claims()
    verdicts = list(verdicts)
    lines = [
        "# Claims about RNNs and Transformers, tested",
        "",
        "Each row is an experiment that `seqloom claims run NAME --effort standard --out DIR` repeats on your machine;",
        "`seqloom claims show NAME` explains it. The effect is that of the claim's first question, with its 95% interval over",
        "seeds (and test sentences). A claim is supported if every question is supported, and contradicted if at least one is.",
        "The false-positive rate is at most 2.5% if the results of seeds are normally distributed. It is higher for tasks that",
        "only some seeds learn. Intervals are those of Student's t and can exceed 0% or 100%.",
        "Budgets are small: minutes on two cores. The verdicts are about small models after little training.",
        "",
        "| | claim | verdict | effect | answers | published |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for verdict in verdicts:
        claim = known[verdict.claim]
        lines.append(
            f"| {verdict.number} | [{claim.statement}](#{verdict.number}-{verdict.claim}) | **{verdict.headline}** | "
            f"{_effect(verdict.questions[0])} | {_answers(verdict)} | {claim.published} ({claim.source}) |"
        )
    missing = [claim for claim in known.values() if claim.name not in {verdict.claim for verdict in verdicts}]
    if missing:
        lines += ["", f"Not recorded yet: {', '.join(f'{claim.number} ({claim.name})' for claim in missing)}."]
    for verdict in verdicts:
        claim = known[verdict.claim]
        lines += [
            "",
            f"## {verdict.number} {verdict.claim}",
            "",
            f"{claim.statement} **{verdict.headline.capitalize()}** on {verdict.environment['date']}, "
            f"{verdict.environment['processor']}, {_took(verdict)}. {_words(claim, verdict)}",
            "",
            "| question | effect | margin | answer |",
            "| --- | --- | --- | --- |",
            *(
                f"| {question.text} | {_effect(question)} | {question.margin:g} | {question.answer} |"
                for question in verdict.questions
            ),
            "",
            *(
                f"![{chart.title}]({PICTURES.name}/{picture_name(verdict, number)})"
                for number, chart in enumerate(verdict.charts, start=1)
            ),
            "",
            *(f"- {chart.description}" for chart in verdict.charts),
            *(f"- {remark}" for remark in (*verdict.caveats, *verdict.audit.remarks)),
            f"- Counter-evidence and caveats: {claim.against}",
            *([f"- Comparison with the published result: {claim.reasons}"] if claim.reasons else []),
        ]
    return "\n".join(lines) + "\n"


def draw(verdicts: Sequence[Verdict]) -> None:
    """Writes the charts of the verdicts into docs/claims and deletes pictures of earlier charts."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    for name, svg in claims_pictures(verdicts):
        (PICTURES / name).write_text(svg, encoding="utf-8")


def _words(claim: Claim, verdict: Verdict) -> str:
    """How the verdict was found."""
    protocol = claim.protocol_at(verdict.effort)
    return protocol.words if protocol is not None else ""


def _took(verdict: Verdict) -> str:
    """How long the claim took; a claim whose models were all trained by other claims takes no time."""
    minutes = verdict.seconds / 60
    return f"{minutes:.1f} minutes" if minutes >= 0.1 else "with reused trained runs"


def _answers(verdict: Verdict) -> str:
    """How the questions were answered: `2 supported, 1 contradicted`."""
    counts = Counter(question.answer for question in verdict.questions)
    return ", ".join(f"{count} {answer}" for answer, count in counts.most_common())


def _effect(question: Question) -> str:
    if question.low is None or question.high is None:
        return f"{question.effect:.3g} {question.unit}"
    return f"{question.effect:.3g} [{question.low:.3g}, {question.high:.3g}] {question.unit}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        record(Path(sys.argv[1]))
    verdicts = recorded().verdicts
    PAGE.write_text(page(verdicts), encoding="utf-8")
    draw(verdicts)
    print(f"wrote {PAGE.relative_to(ROOT)} and its pictures")
