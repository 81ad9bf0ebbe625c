"""The page of claims: one offline HTML file with every verdict and the measurements behind it.

Input: verdicts; the texts of the claims come from the catalogue. Escaping, content security policy and scripts are those of `page`.
Only the charts need a script: CSS alone hides the verdicts behind "What do you predict?".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqloom.claims.claim import Claim, claims
from seqloom.claims.verdict import Question, Verdict, Verdicts
from seqloom.messages import listed
from seqloom.report import claims_charts, claims_forest, claims_tables, claims_wording, theme, wording
from seqloom.report.encodings import Palette
from seqloom.report.figures import Figure
from seqloom.report.page import asset, environment, json_for_script, script_hash, vega_bundle, write_page
from seqloom.report.tables import Table
from seqloom.report.theme import ArmStyle

TITLE = "Recurrent networks and Transformers: claims, tested"


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question with its picture and its table."""

    question: Question
    forest: claims_forest.Forest
    table: Table


@dataclass(frozen=True, slots=True)
class Section:
    """What the page shows of a verdict.

    Attributes:
        key: the id of the HTML element; unique in the page.
        claim: the entry of the catalogue; None if this version of seqloom does not have the claim.
        protocol: the experiment in words; empty if it is unknown.
    """

    key: str
    verdict: Verdict
    claim: Claim | None
    protocol: str
    styles: Mapping[str, ArmStyle]
    questions: Sequence[QuestionView]
    figures: Sequence[Figure]
    ladder: Table | None
    audit: Table | None
    trials: Table | None

    @property
    def statement(self) -> str:
        """The statement of the claim, or its name if the catalogue does not have it."""
        return self.claim.statement if self.claim is not None else self.verdict.claim

    @property
    def source(self) -> str:
        """The publication that makes the claim; empty if it is unknown."""
        return self.claim.source if self.claim is not None else ""


def write_claims_report(verdicts: Verdicts, path: Path, *, predict: bool = False) -> None:
    """Writes the page, and the folders it needs; an existing file is replaced.

    Args:
        predict: whether the page opens with hidden verdicts, so that readers predict first.

    Raises:
        SeqloomError: the file cannot be written.
    """
    write_page(claims_html(verdicts, predict=predict), path)


def claims_html(verdicts: Verdicts, *, predict: bool = False) -> str:
    """The HTML of the page with all verdicts; `predict` hides them at first."""
    ordered = sorted(verdicts.verdicts, key=lambda verdict: (verdict.number, verdict.claim))
    sections = sections_of(ordered)
    store = {
        "config": theme.chart_config(theme.BY_CSS),
        "datasets": {},
        "charts": {figure.name: figure.spec for section in sections for figure in section.figures},
    }
    own = (asset("save.js"), asset("page.js"))
    scripts = (vega_bundle(), *own) if store["charts"] else own
    text = (
        environment()
        .get_template("claims.html")
        .render(
            title=TITLE,
            sections=sections,
            failures=verdicts.failures,
            tally=claims_wording.tally(ordered),
            made_where=claims_wording.made_where(ordered),
            environments=environments_of(ordered),
            predict=predict,
            wording=wording,
            listed=listed,
            words=claims_wording,
            variables=theme.css_variables(),
            css=asset("page.css") + asset("claims.css"),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            store=json_for_script(store),
            machine=json_for_script(verdicts.model_dump(mode="json")),
        )
    )
    # A lone surrogate, which a JSON file can contain, cannot be encoded as UTF-8.
    return text.encode("utf-8", "replace").decode()


def sections_of(verdicts: Sequence[Verdict], palette: Palette = theme.BY_CSS) -> list[Section]:
    """A section for each verdict; an arm has the same style in all sections."""
    known = claims()
    preferred = list(
        dict.fromkeys(series.label for item in verdicts for chart in item.charts for series in chart.series)
    )
    sections = []
    for index, verdict in enumerate(verdicts):
        claim = known.get(verdict.claim)
        protocol = claim.protocol_at(verdict.effort) if claim is not None else None
        styles = _styles(verdict, preferred)
        sections.append(
            Section(
                key=f"claim-{index}",
                verdict=verdict,
                claim=claim,
                protocol=protocol.description if protocol is not None else "",
                styles=styles,
                questions=[
                    QuestionView(question, claims_forest.forest(question), claims_tables.contrast_table(question))
                    for question in verdict.questions
                ],
                figures=_figures(verdict, index, styles, palette),
                ladder=claims_tables.ladder_table(verdict),
                audit=claims_tables.audit_table(verdict) if verdict.audit.arms else None,
                trials=claims_tables.trials_table(verdict),
            )
        )
    return sections


def environments_of(verdicts: Sequence[Verdict]) -> list[tuple[str, Mapping[str, str]]]:
    """The machines with their versions, each with the numbers of the claims that were tested on it."""
    results: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for verdict in verdicts:
        facts = tuple((name, value) for name, value in verdict.environment.items() if name != "date")
        results.setdefault(facts, []).append(str(verdict.number))
    return [
        (f"{'Claim' if len(members) == 1 else 'Claims'} {listed(members)}", dict(facts))
        for facts, members in results.items()
    ]


def _styles(verdict: Verdict, preferred: Sequence[str]) -> dict[str, ArmStyle]:
    """The styles of the series of a section: an arm has the style that it has in the whole page, others the next free style."""
    labels = list(dict.fromkeys(series.label for chart in verdict.charts for series in chart.series))
    styles: dict[str, int] = {}
    for label in sorted(labels, key=preferred.index):
        # The first six styles differ in colour.
        position = preferred.index(label) % 6
        while position in styles.values():
            position = (position + 1) % 6 if len(styles) < 6 else position + 1
        styles[label] = position
    return {label: theme.style_at(label, styles[label]) for label in labels}


def _figures(verdict: Verdict, index: int, styles: Mapping[str, ArmStyle], palette: Palette) -> list[Figure]:
    figures = []
    for turn, chart in enumerate(verdict.charts):
        name = f"chart-{index}-{turn}"
        drawn, remarks = claims_charts.draw(chart, [styles[series.label] for series in chart.series], name, palette)
        sentence = wording.capital(" ".join([chart.description, *remarks]))
        figures.append(Figure(name, wording.capital(chart.title), sentence, drawn, claims_tables.chart_table(chart)))
    return figures
