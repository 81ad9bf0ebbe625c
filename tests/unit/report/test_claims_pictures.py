"""Charts of verdicts as pictures: one for each chart, with who is who, and all of those that the documentation shows."""

import re
from pathlib import Path
from xml.etree import ElementTree

from seqloom.report.claims_pictures import claims_pictures, picture_name
from tests.claims_factory import make_verdicts

ROOT = Path(__file__).parents[3]


def test_each_chart_becomes_a_picture_that_names_its_arms() -> None:
    verdicts = make_verdicts().verdicts
    pictures = dict(claims_pictures(verdicts))
    expected = {
        picture_name(verdict, number): (chart, verdict)
        for verdict in verdicts
        for number, chart in enumerate(verdict.charts, start=1)
    }
    assert pictures.keys() == expected.keys()
    for name, (chart, verdict) in expected.items():
        root = ElementTree.fromstring(pictures[name])
        said = " ".join(text.strip() for text in root.itertext())
        assert root.tag.endswith("svg")
        assert chart.title.lower() in said.lower()
        labels = {series.label for one in verdict.charts for series in one.series}
        if len(labels) > 1:
            assert all(series.label in said for series in chart.series), name


def test_the_lecture_shows_pictures_that_are_there() -> None:
    page = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"\((claims/[^)]+\.svg)\)", page)
    assert shown
    assert [name for name in shown if not (ROOT / "docs" / name).is_file()] == []


def test_the_documentation_shows_pictures_that_are_there_and_no_others() -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(claims/([^)]+\.svg)\)", page))
    assert shown == {path.name for path in (ROOT / "docs" / "claims").glob("*.svg")}
