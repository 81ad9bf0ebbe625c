"""A text coloured by surprise: every number of the data is on the page, and colour is not the only sign."""

import json
import re

import pytest

from seqloom.explain import Explanations, compare_surprises, explain, measure_surprise
from seqloom.report.explanation_page import explanation_html
from seqloom.report.surprise_tables import surprise_tables
from seqloom.report.surprise_view import percent, shade, shown, spoken, surprise_view, token_name
from tests.html_page import HOSTILE, Page, utf8
from tests.text_runs import TEXT, make_text_run


def make(text: str = TEXT, *, names: tuple[str, ...] = ("ngram", "rnn-lm", "transformer-lm")) -> Explanations:
    kinds = {"ngram": "characters"}
    surprises = tuple(measure_surprise(make_text_run(name, kinds.get(name, "bpe")), text) for name in names)
    return Explanations(
        text=text, explanations=(), surprises=surprises, surprise_comparison=compare_surprises(surprises)
    )


@pytest.fixture(scope="module")
def explanations() -> Explanations:
    return make()


@pytest.fixture(scope="module")
def page(explanations: Explanations) -> Page:
    return Page(explanation_html(explanations))


def test_every_token_has_a_shade_a_name_and_a_row(explanations: Explanations, page: Page) -> None:
    assert explanations.surprise_comparison is not None
    pieces = [(a, text) for a, text in page.all("span") if a.get("role") == "button"]
    tokens = [token for surprise in explanations.surprises for token in surprise.tokens]
    assert len(pieces) == len(tokens) + 2 * len(explanations.surprise_comparison.parts)
    for (attributes, text), token in zip(pieces, tokens, strict=False):
        assert attributes["style"] == f"--w:{shade(token.bits)}"
        assert attributes["data-bits"] == f"{token.bits:.1f}"
        assert f"{token.bits:.2f} bits" in attributes["aria-label"]
        assert f"rank {token.rank:,}" in attributes["aria-label"]
        assert text == (shown(token.text) or token_name(token.token))
    # The tab key reaches one piece of each text.
    assert [a["tabindex"] for a, _ in pieces].count("0") == 5
    rows = [row for surprise in explanations.surprises for row in surprise.tokens]
    assert sum(text.count("%,") >= 1 for _, text in page.all("td")) >= len(rows)


def test_a_page_of_surprise_alone_has_no_empty_parts(page: Page) -> None:
    headings = [text for _, text in page.all("h2")]
    assert headings == ["Surprise", "Where each model's loss comes from", "Data"]
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a, _ in page.all("a")} <= set(ids)


def test_a_language_model_that_is_explained_has_both() -> None:
    run = make_text_run("transformer-lm")
    found = Explanations(
        text="To be", explanations=(explain(run, "To be"),), surprises=(measure_surprise(run, "To be"),)
    )
    headings = [text for _, text in Page(explanation_html(found)).all("h2")]
    assert headings[:3] == ["Outputs of the runs", "Surprise", "Where words come from"]


def test_the_sums_of_the_table_are_those_of_the_models(explanations: Explanations) -> None:
    view = surprise_view(explanations)
    assert view is not None
    last = view["comparison"]["rows"][-1]
    assert last["name"] == "all"
    assert last["bits"] == [f"{surprise.bits:,.1f}" for surprise in explanations.surprises]
    first, *others = explanations.surprises
    for other, difference, drawn in zip(others, last["differences"], view["comparison"]["others"], strict=True):
        value = other.bits - first.bits
        assert difference == f"{value:+,.1f}".replace("-", "−")
        assert f"{abs(value):,.1f} bits {'fewer' if value < 0 else 'more'}" in drawn["sentence"]
        assert "".join(part["text"] for part in drawn["parts"]) == shown(TEXT)


def test_a_side_is_named_by_sign_and_by_class(explanations: Explanations) -> None:
    view = surprise_view(explanations)
    assert view is not None
    assert explanations.surprise_comparison is not None
    for part, piece in zip(
        explanations.surprise_comparison.parts, view["comparison"]["others"][0]["parts"], strict=True
    ):
        difference = part.bits[1] - part.bits[0]
        assert piece["side"] == ("first" if difference > 0 else "other")
        if abs(difference) > 0.1:
            assert piece["bits"].startswith("+" if difference > 0 else "−")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    found = make(f"{text} x", names=("rnn-lm", "ngram"))
    html = explanation_html(found)
    page = Page(html)
    shown_text = utf8("".join(piece for a, piece in page.all("span") if a.get("role") == "button"))
    assert shown(found.surprises[0].tokens[-1].text) in shown_text
    data = re.search(r'<script type="application/json" id="machine">(.*?)</script>', html, re.DOTALL)
    assert data is not None
    assert len(json.loads(data[1])["surprises"]) == 2
    assert not [a for _, a, _ in page.elements if any(name.startswith("on") for name in a)]


def test_runs_that_change_the_text_differently_are_not_compared(explanations: Explanations) -> None:
    one, other, _ = explanations.surprises
    apart = (one, other.model_copy(update={"text": TEXT.lower()}))
    found = Explanations(text=TEXT, explanations=(), surprises=apart, surprise_comparison=compare_surprises(apart))
    html = explanation_html(found)
    assert "cannot be compared part by part" in html
    assert "Where each model" not in html


def test_the_terminal_has_the_same_numbers(explanations: Explanations) -> None:
    tables = list(surprise_tables(explanations))
    assert len(tables) == 4
    for table, surprise in zip(tables, explanations.surprises, strict=False):
        assert table.row_count == len(surprise.tokens)
        assert f"{surprise.bits:,.1f} bits for {len(surprise.tokens):,} tokens" in str(table.title)
    assert tables[-1].row_count == len(explanations.surprise_comparison.groups) + 1


def test_short_texts_for_numbers_and_tokens() -> None:
    assert [percent(p) for p in (0.98, 0.5, 0.012, 0.00047, 1e-9)] == ["98%", "50%", "1.2%", "0.047%", "below 0.0001%"]
    assert [shade(bits) for bits in (-1.0, 0, 5, 99)] == [0, 0, 0.5, 1]
    assert [spoken(text) for text in ("\n", " ", "", " the", ":\n")] == [
        "line end",
        "space",
        "no character of its own",
        "the",
        ": line end",
    ]
