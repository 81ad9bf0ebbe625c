"""Figures and samples of language models: of every arm, with tables, and nothing where a file has no such details."""

import pytest

from seqloom.report import theme
from seqloom.report.page import comparison_html
from seqloom.report.text_charts import HELD_OUT, continuations, details_by_test, gain_ends_at, text_charts
from seqloom.tasks.text_details import ContextPoint
from tests.comparison_factory import make, make_text_corpus, make_text_details
from tests.html_page import Page


def test_older_comparisons_have_no_such_figures_and_their_samples_stay() -> None:
    for comparison in (make_text_corpus(), make()):
        assert text_charts(comparison, theme.BY_CSS) == ([], {})
        assert continuations(comparison) == []
    html = comparison_html(make_text_corpus())
    assert "Context and words" not in html


def test_every_arm_is_in_every_figure_and_table() -> None:
    comparison = make_text_details()
    figures, datasets = text_charts(comparison, theme.BY_CSS)
    labels = [arm.label for arm in comparison.arms]
    assert [figure.name for figure in figures] == ["context-0", "words-0"]
    assert {row["arm"] for row in datasets["context-0"]} == set(labels)
    assert {row["arm"] for row in datasets["words-0"]} == {*labels, HELD_OUT}
    context, words = (figure.table for figure in figures)
    assert context is not None
    assert words is not None
    assert len(context.rows) == 12
    assert [row[0] for row in words.rows] == [*labels, HELD_OUT]
    assert words.rows[0][3] == "8.3% [4.0, 12.0]"
    assert words.rows[0][4] == "0.5%"
    for figure in figures:
        assert figure.spec["description"] == figure.sentence
        assert all(label in figure.sentence for label in labels)


def test_the_chart_of_words_keeps_the_first_and_the_last_rank() -> None:
    _, datasets = text_charts(make_text_details(), theme.BY_CSS)
    rows = [row for row in datasets["words-0"] if row["arm"] == HELD_OUT]
    assert rows[0]["rank"] == 1
    assert rows[0]["frequency"] == pytest.approx(200)
    assert rows[-1]["rank"] == 34


def point(loss: float, low: float | None = None) -> ContextPoint:
    high = None if low is None else loss + 0.1
    return ContextPoint(first=0, last=0, characters=1, num_tokens=9, bits_per_byte=loss, low=low, high=high)


def test_a_gain_ends_where_no_later_loss_is_below_the_interval() -> None:
    points = [point(5, 4.9), point(3, 2.9), point(2.1, 2.0), point(2.15, 2.05), point(2.01, 1.9)]
    assert gain_ends_at(points) is points[2]
    assert gain_ends_at(points[:2]) is points[1]
    assert gain_ends_at([point(2), point(2.5)]).bits_per_byte == 2


def test_samples_stand_beside_the_held_out_text() -> None:
    comparison = make_text_details()
    (first, second) = continuations(comparison)
    assert first["outputs"] == {arm.name: f" a hill {k}, <i>they</i> said." for k, arm in enumerate(comparison.arms)}
    html = comparison_html(comparison)
    page = Page(html)
    assert [text for _, text in page.all("h2")].count("Samples") == 1
    assert html.count("(empty)") == len(comparison.arms)
    assert "✗ differs" not in html
    assert "<i>they" not in html
    assert second["human"] == " it ended."


def test_details_of_other_prompts_are_not_shown_as_if_they_were_the_same() -> None:
    comparison = make_text_details()
    name = comparison.arms[1].name
    changed = comparison.details[name]["test"] | {
        "continuations": [
            {"prompt": "Other", "human": "", "text": "x"},
            *comparison.details[name]["test"]["continuations"][1:],
        ]
    }
    other = comparison.model_copy(update={"details": {**comparison.details, name: {"test": changed}}})
    assert list(continuations(other)[0]["outputs"]) == [comparison.arms[0].name]
    assert len(details_by_test(other)["test"]) == 2
