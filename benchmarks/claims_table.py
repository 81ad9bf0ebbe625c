"""Writes docs/claims.md and its pictures from the recorded verdicts: each number with the published one and the machine.

    python benchmarks/claims_table.py [DIR]

DIR is a folder of `seqloom claims queue` or `seqloom claims run --effort standard`; its verdicts are recorded first. Quick runs
show the recorded verdicts. Their learning rates are those of standard effort, which stay beside the verdicts of ladders.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from seqloom.claims import claims, read_verdicts
from seqloom.claims.claim import Claim
from seqloom.claims.rule import together
from seqloom.claims.running import UNLEARNED, fairness_remarks, recorded, settlement_of, stored
from seqloom.claims.series import chart
from seqloom.claims.verdict import Question, Verdict, Verdicts
from seqloom.experiment.audit import Effort
from seqloom.report.claims_pictures import claims_pictures, picture_name

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "src" / "seqloom" / "claims" / "recorded.json"
PAGE = ROOT / "docs" / "claims.md"
PICTURES = ROOT / "docs" / "claims"
_EFFORTS: tuple[Effort, ...] = ("standard", "ladder")


def record(folder: Path | None) -> None:
    """Writes the live verdicts of a folder into recorded.json, effort by effort; other recorded verdicts stay.

    Texts that follow from the claim or from numbers are written anew in all verdicts.
    """
    verdicts = {(verdict.claim, verdict.effort): verdict for effort in _EFFORTS for verdict in stored(effort)}
    live = read_verdicts(folder).verdicts if folder is not None else ()
    verdicts |= {(v.claim, v.effort): v for v in live if v.origin == "live" and v.effort in _EFFORTS}
    kept = [
        _with_new_texts(verdicts[name, effort], claim)
        for name, claim in claims().items()
        for effort in _EFFORTS
        if (name, effort) in verdicts
    ]
    RECORDED.write_text(Verdicts(verdicts=tuple(kept)).model_dump_json(indent=1) + "\n", encoding="utf-8")


def _with_new_texts(verdict: Verdict, claim: Claim) -> Verdict:
    """The verdict with the texts of today: they may have been corrected since the run."""
    charts = tuple(
        chart(item.title, item.x_title, item.y_title, item.series, log_x=item.log_x, log_y=item.log_y)
        for item in verdict.charts
    )
    unlearned = tuple(remark for remark in verdict.audit.remarks if remark.startswith(UNLEARNED))
    audit = verdict.audit.model_copy(update={"remarks": (*fairness_remarks(verdict.audit.arms), *unlearned)})
    texts = {"published": claim.published, "charts": charts, "audit": audit}
    protocol = claim.protocol_at(verdict.effort)
    if not verdict.ladder and protocol is not None:
        settlement = settlement_of(claim, protocol, together([question.answer for question in verdict.questions]))
        texts |= {
            "verdict": settlement.answer,
            "status": settlement.status,
            "updates": protocol.steps or None,
            "reasons": settlement.reasons,
        }
    return verdict.model_copy(update=texts)


def page(verdicts: Iterable[Verdict]) -> str:
    """docs/claims.md: a table of all verdicts, then a section for each claim."""
    known = claims()
    verdicts = list(verdicts)
    lines = [
        "# Claims about RNNs and Transformers, tested",
        "",
        "Each claim is an experiment that `seqloom claims run NAME --effort standard --out DIR` repeats on your machine;",
        "`seqloom claims show NAME` explains it. A claim has one or more questions, each with a measured effect. A positive effect",
        "speaks for the claim; its section says what is compared. The tables show the effect of the first question with its 95%",
        "interval over seeds, for some claims also over test sentences. A nat is a unit of loss: 1.44 bits. What to say in",
        "class is meant for teachers.",
        "",
        *_groups(verdicts),
        "## How to read the verdicts",
        "",
        "- The margin is the smallest effect that counts, in the unit of the effect. The answer to a question is supported if the",
        "  whole interval is above the margin, contradicted if it is below, and else inconclusive. A question whether two models",
        "  are alike is supported if the whole interval is between the negative margin and the margin.",
        "- If the training was long enough, the verdict follows from the answers: supported if all are supported, contradicted if",
        "  at least one is contradicted, and else inconclusive. It is long enough where all models have stopped improving:",
        "  `seqloom claims queue --out DIR` trains them at growing budgets up to there, and then the claim is settled or open.",
        "- After a short training there are only two verdicts: *supported after N updates* if all answers are supported, and else",
        "  *still learning*, even if an answer is contradicted, because the models may still improve.",
        "- If there is no effect in truth, an experiment still says *supported* in at most 2.5 of 100 cases. If a claim is true",
        "  and has k questions, it says *contradicted* in at most k times 2.5 of 100 cases. Both hold if the results of seeds are",
        "  normally distributed; errors are more frequent for tasks that only some seeds learn.",
        "- Intervals are those of Student's t and can exceed 0% or 100%.",
    ]
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
            f"{verdict.environment['processor']}{_took(verdict)}. {_words(claim, verdict)}",
            "",
            "| question | effect | margin | answer |",
            "| --- | --- | --- | --- |",
            *(
                f"| {question.text} | {_effect(question)} | {question.margin:g} | {question.answer} |"
                for question in verdict.questions
            ),
            "",
            *(
                f"![{item.title}]({PICTURES.name}/{picture_name(verdict, number)})"
                for number, item in enumerate(verdict.charts, start=1)
            ),
            "",
            *(f"- {reason}" for reason in verdict.reasons),
            *(f"- {item.description}" for item in verdict.charts),
            *(f"- {remark}" for remark in (*verdict.caveats, *verdict.audit.remarks)),
            f"- Counter-evidence and caveats: {claim.against}",
            *([f"- Comparison with the published result: {claim.reasons}"] if claim.reasons else []),
        ]
    return "\n".join(lines) + "\n"


def _groups(verdicts: Sequence[Verdict]) -> list[str]:
    """A table for each kind of status: what a teacher may say in class, and the claims."""
    known = claims()
    lines: list[str] = []
    for title, advice, belongs in _STATUSES:
        members = [verdict for verdict in verdicts if belongs(verdict)]
        if not members:
            continue
        lines += [
            f"## {title}",
            "",
            advice,
            "",
            "| | claim | verdict | effect | answers to its questions | published |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for verdict in members:
            claim = known[verdict.claim]
            lines.append(
                f"| {verdict.number} | [{claim.statement}](#{verdict.number}-{verdict.claim}) | **{verdict.headline}** | "
                f"{_effect(verdict.questions[0])} | {_answers(verdict)} | {claim.published} ({claim.source}) |"
            )
        lines.append("")
    return lines


_STATUSES: tuple[tuple[str, str, Callable[[Verdict], bool]], ...] = (
    (
        "Settled, or measured",
        "All models have stopped improving, or the claim is about time and memory. In class you may state these results, for "
        "models of this size and on these data.",
        lambda verdict: verdict.status == "settled" or (verdict.status is None and verdict.updates is None),
    ),
    (
        "Supported after a short budget",
        "The effect is there after the stated number of updates. In class, say the budget too: longer training may make the effect "
        "smaller or larger.",
        lambda verdict: verdict.status is None and verdict.updates is not None,
    ),
    (
        "Open",
        "All models have stopped improving, and the interval decides nothing. In class, say that this experiment cannot tell.",
        lambda verdict: verdict.status == "open",
    ),
    (
        "Still learning",
        "The models were trained too briefly for an answer. In class, do not use these numbers for or against a paper. "
        "`seqloom claims queue NAME --out DIR` goes on until the models have converged; `--plan` says how long that takes.",
        lambda verdict: verdict.status == "still learning",
    ),
)


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
    return protocol.description if protocol is not None else ""


def _took(verdict: Verdict) -> str:
    """How long the claim took; a claim whose models were all trained by other claims takes no time."""
    minutes = verdict.seconds / 60
    return f", {minutes:.1f} minutes" if minutes >= 0.1 else " (the models were trained earlier, for another claim)"


def _answers(verdict: Verdict) -> str:
    """How the questions were answered: `2 supported, 1 contradicted`."""
    counts = Counter(question.answer for question in verdict.questions)
    return ", ".join(f"{count} {answer}" for answer, count in counts.most_common())


def _effect(question: Question) -> str:
    if question.low is None or question.high is None:
        return f"{question.effect:.3g} {question.unit}"
    return f"{question.effect:.3g} [{question.low:.3g}, {question.high:.3g}] {question.unit}"


if __name__ == "__main__":
    record(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    verdicts = recorded().verdicts
    PAGE.write_text(page(verdicts), encoding="utf-8")
    draw(verdicts)
    print(f"wrote {PAGE.relative_to(ROOT)} and its pictures")
