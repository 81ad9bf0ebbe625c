"""The page of claims: complete, alone in the world, safe whatever the texts, and readable without scripts."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqloom.claims import claims
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries, Contrast, Point, Term, Verdict, Verdicts
from seqloom.errors import SeqloomError
from seqloom.report import claims_charts, claims_forest, claims_wording, theme
from seqloom.report.claims_page import claims_html, sections_of, write_claims_report
from tests.claims_factory import audited, make_rung, make_verdicts, verdict
from tests.html_page import HOSTILE, Page, utf8


@pytest.fixture(scope="module")
def text() -> str:
    return claims_html(make_verdicts())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def store(page: Page) -> dict[str, Any]:
    found = json.loads(page.one("script", id="store")[1])
    assert isinstance(found, dict)
    return found


def test_tags_are_balanced_and_links_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"][1:] for attributes, _ in page.all("a")}
    assert len(targets) > len(make_verdicts().verdicts)
    assert targets <= set(ids)
    for _, attributes, _ in page.elements:
        assert attributes.get("aria-labelledby", ids[0]) in ids


def test_the_page_is_small_and_asks_for_nothing(text: str, page: Page) -> None:
    assert len(text.encode()) < 3_000_000
    for tag, attributes, _ in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "video", "audio", "form"}
        for name in ("src", "srcset", "action", "data", "poster", "background", "formaction", "xlink:href"):
            assert name not in attributes, (tag, name)
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    style = page.one("style")[1]
    assert "url(" not in style
    assert "@import" not in style
    ours = "".join(script for _, script in list(page.all("script"))[-2:])
    assert not re.search(r"fetch|XMLHttpRequest|import\s*\(|https?:|WebSocket|sendBeacon|new Image", ours)
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|'self'|script-src[^;]*'unsafe-|connect-src", policy)


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(name[1]) for name, _, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_what_helps_people_who_do_not_see(page: Page) -> None:
    tables = sum(name == "table" for name, _, _ in page.elements)
    assert tables == sum(name == "caption" for name, _, _ in page.elements) > 0
    assert all(attributes.get("scope") in ("col", "row") for attributes, _ in page.all("th"))
    for attributes, _ in page.all("svg"):
        assert (
            attributes.get("aria-label")
            if attributes.get("role") == "img"
            else "aria-hidden" in attributes or (attributes["class"] in ("end", "mark"))
        )
    css = page.one("style")[1]
    for rule in (":focus-visible", "prefers-reduced-motion", "prefers-color-scheme", "@media print"):
        assert rule in css


def test_every_chart_has_a_text_alternative_and_a_table(page: Page) -> None:
    found = store(page)
    charts = {attributes["data-chart"]: attributes["aria-label"] for attributes, _ in page.all("div", role="img")}
    assert charts.keys() == found["charts"].keys()
    captions = [words for _, words in page.all("figcaption")]
    described = [drawn.description for one in make_verdicts().verdicts for drawn in one.charts]
    assert len(charts) == len(described)
    for name, sentence in charts.items():
        assert sentence in captions
        assert found["charts"][name]["description"].lower() == sentence.lower()
        assert any(sentence.lower().startswith(description.lower()) for description in described)
    table_captions = [words for _, words in page.all("caption")]
    for one in make_verdicts().verdicts:
        for drawn in one.charts:
            assert any(drawn.title.lower() in caption.lower() for caption in table_captions)


def test_every_question_has_a_picture_that_says_what_it_shows(page: Page) -> None:
    pictures = [a["aria-label"] for a, _ in page.all("svg") if a.get("class", "").startswith("forest")]
    questions = [question for one in make_verdicts().verdicts for question in one.questions]
    assert len(pictures) == len(questions)
    for question in questions:
        estimate = claims_wording.estimate(question)
        assert any(estimate in sentence and question.unit in sentence for sentence in pictures)


def test_cards_come_first_and_show_verdict_effect_and_published_figure(page: Page) -> None:
    words = page.words()
    cards = [found for attributes, found in page.all("li") if attributes.get("class") == "card"]
    verdicts = sorted(make_verdicts().verdicts, key=lambda one: one.number)
    assert len(cards) == len(verdicts)
    for one, card in zip(verdicts, cards, strict=True):
        for wanted in (
            one.verdict.capitalize(),
            claims_wording.leading_estimate(one),
            one.unit,
            one.published,
            one.origin,
            one.effort,
            str(one.number),
        ):
            assert wanted in card, (one.claim, wanted)
        if one.claim in claims():
            assert claims()[one.claim].statement in card
            assert claims()[one.claim].source in card
    commands = [words.index(one.command) for one in verdicts]
    assert words.index("6 claims: 4 supported, 1 contradicted and 1 inconclusive") < min(commands)
    assert commands == sorted(commands)


def test_every_word_can_be_read(page: Page) -> None:
    words = page.words()
    for one in make_verdicts().verdicts:
        claim = claims().get(one.claim)
        wanted = [one.published, one.command, *one.caveats, *one.audit.remarks, *one.environment.values()]
        wanted += [question.text for question in one.questions] + [question.method for question in one.questions]
        wanted += [re.sub(r"\s+", " ", arm.recipe).strip() for arm in one.audit.arms]
        if claim is not None:
            wanted += [claim.statement, claim.source, claim.against, claim.supports, claim.contradicts]
            protocol = claim.protocols.get(one.effort)
            wanted += [] if protocol is None else [protocol.description]
        for found in wanted:
            assert found in words, (one.claim, found)


def test_a_claim_of_a_newer_version_is_shown_and_says_so(page: Page) -> None:
    assert "claim-of-a-newer-version" not in claims()
    words = page.words()
    assert "does not have the claim claim-of-a-newer-version" in words
    assert "Are both arms alike?" in words


NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?(?:e[−+]?\d+)?")


def numbers_in(value: Any) -> Iterator[float]:
    """All numbers of the data, also those in its texts."""
    if isinstance(value, str):
        yield from (read(token) for token in NUMBER.findall(value.replace("-", "−")))
        yield from (read(token) for token in NUMBER.findall(value))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield float(value)
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(item)


def read(token: str) -> float:
    return float(token.replace("−", "-").replace(",", ""))


def derived(one: Verdict) -> Iterator[float]:
    """What the tables work out from the data: means, intervals of an arm's scores, how many rates were tried."""
    from statistics import fmean

    from seqloom.claims.rule import interval_of

    for question in one.questions:
        yield from (fmean(term.values) for term in question.contrast.terms)
    for arm in one.audit.arms:
        yield fmean(arm.scores)
        yield from interval_of(Contrast(terms=(Term(arm="", weight=1, values=arm.scores),)), one.level) or ()
        yield float(len(arm.trials))


def test_every_number_in_a_table_comes_from_the_data(page: Page) -> None:
    known = [float("nan")]
    for one in make_verdicts().verdicts:
        known += [*numbers_in(one.model_dump(mode="json")), *derived(one)]
    cells = [words for tag in ("td", "th") for _, words in page.all(tag)]
    checked = 0
    for cell in cells:
        for token in NUMBER.findall(cell):
            decimals = len(token.partition(".")[2]) if "e" not in token else 12
            shown = read(token)
            assert any(abs(value - shown) <= 0.5001 * 10.0**-decimals for value in known), (cell, token)
            checked += 1
    assert checked > 100


def test_the_tables_hold_every_point_with_its_interval(page: Page) -> None:
    cells = {words for _, words in page.all("td")}
    for one in make_verdicts().verdicts:
        for drawn in one.charts:
            for series in drawn.series:
                for point in series.points:
                    assert claims_wording.measured(point.y, point.low, point.high) in cells


def test_arms_that_share_a_label_are_told_apart(page: Page) -> None:
    rows = [words for _, words in page.all("th", scope="row")]
    for label in ("RNN (copy)", "RNN (reverse)", "Transformer (reverse)"):
        assert label in rows


def test_the_page_carries_the_verdicts(page: Page) -> None:
    carried = Verdicts.model_validate_json(page.one("script", id="machine")[1])
    assert carried == Verdicts.model_validate_json(make_verdicts().model_dump_json())


def test_without_scripts_everything_is_shown(text: str, page: Page) -> None:
    # Only controls that need a script are hidden, and only by their own attribute.
    for tag, attributes, _ in page.elements:
        assert "hidden" not in attributes or tag == "button", (tag, attributes)
    # The switch folds by the style sheet alone, and is off.
    assert "checked" not in page.one("input", id="predict")[0]
    css = page.one("style")[1]
    for rule in re.findall(r"([^{}]*\.secret[^{}]*)\{([^}]*)\}", css):
        if "display" in rule[1]:
            assert "#predict:checked" in rule[0]
    assert "<noscript>" in text


def test_verdicts_fold_behind_a_prediction() -> None:
    page = Page(claims_html(make_verdicts(), predict=True))
    assert "checked" in page.one("input", id="predict")[0]
    verdicts = make_verdicts().verdicts
    guesses = [a for a, _ in page.all("input", type="radio")]
    assert len(guesses) == 3 * len(verdicts)
    assert {a["value"] for a in guesses} == {"supported", "contradicted", "inconclusive"}
    # What gives a verdict away stands within what is folded.
    folded = " ".join(words for a, words in page.all("div") if a.get("class") == "secret")
    folded += " ".join(words for a, words in page.all("p") if "secret" in a.get("class", ""))
    for one in verdicts:
        estimate = claims_wording.leading_estimate(one)
        assert page.words().count(estimate) == re.sub(r"\s+", " ", folded).count(estimate) > 0
    css = page.one("style")[1]
    for index in range(len(verdicts)):
        assert f"#card-claim-{index} .secret" in css


def test_arms_look_the_same_in_all_sections_and_unlike_each_other() -> None:
    sections = sections_of(make_verdicts().verdicts)
    looks: dict[str, set[tuple[str, str]]] = {}
    for section in sections:
        styles = list(section.styles.values())
        assert len({(style.colour, style.shape) for style in styles}) == len(styles)
        for label, style in section.styles.items():
            looks.setdefault(label, set()).add((style.colour, style.shape))
    for label in ("RNN", "RNN with attention", "Transformer"):
        assert len(looks[label]) == 1


def test_many_series_in_one_chart_can_be_told_apart() -> None:
    series = tuple(ChartSeries(label=f"arm {index}", points=(Point(x="a", y=1.0 + index),)) for index in range(25))
    one = make_verdicts().verdicts[0].model_copy(update={"charts": (chart("Many", "x", "y", series),)})
    (section,) = sections_of([one])
    assert len({(style.colour, style.shape) for style in section.styles.values()}) == 25


def test_hostile_texts_are_texts() -> None:
    everything = " ".join(HOSTILE)
    base = make_verdicts().verdicts[0]
    labels = [text or "empty" for text in HOSTILE]
    scores = dict.fromkeys(labels, (1.0, 2.0))
    question = ask(
        everything,
        Contrast(terms=tuple(Term(arm=text, weight=1, values=(1.0, 2.0)) for text in HOSTILE)),
        unit=everything,
    )
    drawn = chart(
        everything,
        everything,
        everything,
        tuple(ChartSeries(label=text, points=(Point(x=everything, y=1.0), Point(x=text, y=2.0))) for text in labels),
    )
    hostile = verdict(
        1,
        everything,
        [question],
        [drawn],
        published=everything,
        caveats=HOSTILE,
        command=everything,
        environment={text: text for text in HOSTILE},
        audit=audited(scores).model_copy(update={"remarks": HOSTILE}),
        arms=HOSTILE,
    )
    written = claims_html(Verdicts(verdicts=(base, hostile)))
    written.encode()
    page = Page(written)
    known = {name for name, _, _ in Page(claims_html(make_verdicts())).elements}
    assert {name for name, _, _ in page.elements} <= known
    assert sum(name == "script" for name, _, _ in page.elements) == 5
    assert not any(name.startswith("on") for _, attributes, _ in page.elements for name in attributes)
    assert page.one("code", id="command-claim-0")[1] == utf8(everything)
    assert {utf8(text) for text in labels} <= {words for _, words in page.all("bdi")}


def test_a_chart_drops_nothing_in_silence() -> None:
    series = (ChartSeries(label="a", points=(Point(x=1.0, y=0.0), Point(x=2.0, y=3.0, low=-1.0, high=7.0))),)
    drawn = chart("Costs", "size", "seconds", series, log=True)
    spec, remarks = claims_charts.draw(drawn, [theme.style_at("a", 0)], "rows", theme.LIGHT)
    assert [row["x"] for row in spec["datasets"]["rows"]] == [2.0]
    assert len(remarks) == 2
    assert "1 of 2 points" in remarks[0]
    assert "cut" in remarks[1]
    assert all(remark in spec["description"] for remark in remarks)


@pytest.mark.parametrize(
    "places", [("one",), ("short", "words"), tuple("a very long name of a bin " + c for c in "xyz")]
)
def test_charts_of_words_hold_every_point(places: tuple[str, ...]) -> None:
    series = tuple(
        ChartSeries(label=label, points=tuple(Point(x=place, y=50.0 + turn) for turn, place in enumerate(places)))
        for label in ("a", "b")
    )
    drawn = chart("Bars", "bin", "%", series)
    styles = [theme.style_at(label, turn) for turn, label in enumerate("ab")]
    spec, remarks = claims_charts.draw(drawn, styles, "rows", theme.LIGHT)
    assert not remarks
    assert [(row["arm"], row["x"]) for row in spec["datasets"]["rows"]] == [
        (a, place) for a in "ab" for place in places
    ]


@pytest.mark.parametrize("factor", [1.3, 4.0, 1e2, 1e6])
def test_a_logarithmic_axis_has_few_lines_and_enough(factor: float) -> None:
    series = (ChartSeries(label="a", points=(Point(x=1.0, y=0.04), Point(x=2.0, y=0.04 * factor))),)
    drawn = chart("Costs", "size", "seconds", series, log=True)
    spec, _ = claims_charts.draw(drawn, [theme.style_at("a", 0)], "rows", theme.LIGHT)
    (values,) = {
        tuple(layer["encoding"]["y"]["axis"]["values"]) for layer in spec["layer"] if "axis" in layer["encoding"]["y"]
    }
    assert 1 <= len(values) <= 10


def test_values_that_are_not_numbers_do_not_stop_the_page() -> None:
    series = (ChartSeries(label="a", points=(Point(x=1.0, y=math.nan), Point(x=2.0, y=math.inf))),)
    one = make_verdicts().verdicts[0]
    broken = one.model_copy(update={"charts": (chart("Nothing", "x", "y", series),)})
    page = Page(claims_html(Verdicts(verdicts=(broken,))))
    assert store(page)["charts"]["chart-0-0"]["datasets"]["chart-0-0"] == []
    assert "2 of 2 points" in page.words()


@pytest.mark.parametrize("asks", ["more", "alike"])
@pytest.mark.parametrize("values", [(3.0, 5.0), (0.001, 0.002), (-900.0, 4000.0), (0.0, 0.0), (7.0,)])
def test_forests_keep_to_their_width_and_their_order(asks: Any, values: tuple[float, ...]) -> None:
    question = ask("?", Contrast(terms=(Term(arm="a", weight=1, values=values),)), unit="u", margin=2.0, asks=asks)
    places = claims_forest.forest(question)
    assert places.effect is not None
    shown = [places.zero, places.effect, *places.zone, *(margin.at for margin in places.margins)]
    assert all(0 <= place <= 100 for place in shown)
    assert places.zone[0] < places.zone[1]
    assert (places.low is None) == (len(values) == 1)
    if places.low is not None and places.high is not None and question.low is not None and question.high is not None:
        assert 0 <= places.low <= places.effect <= places.high <= 100
        # The picture gives the same answer as the rule.
        inside = places.zone[0] < places.low and (asks == "more" or places.high < places.zone[1])
        assert inside == (question.answer == "supported")
        assert places.cut_low == (places.low == 0.0)


def test_a_page_of_no_verdicts_is_a_page() -> None:
    page = Page(claims_html(Verdicts(verdicts=())))
    assert "No claims" in page.words()


def test_writing_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "claims.html"
    write_claims_report(Verdicts(verdicts=()), path)
    first = path.read_text(encoding="utf-8")
    write_claims_report(make_verdicts(), path)
    assert path.read_text(encoding="utf-8") not in ("", first)
    assert [file.name for file in path.parent.iterdir()] == ["claims.html"]
    with pytest.raises(SeqloomError, match=r"cannot be written: .*choose another path"):
        write_claims_report(make_verdicts(), path / "claims.html")


def test_a_claim_that_is_still_learning_shows_its_arms_along_training() -> None:
    made = make_verdicts().verdicts[0]
    changes: dict[str, Any] = {
        "verdict": "inconclusive",
        "status": "still learning",
        "reasons": ("Still improving at 800 updates: RNN.",),
        "ladder": (make_rung(200, improving=True), make_rung(800, improving=True)),
    }
    text = claims_html(Verdicts(verdicts=(made.model_copy(update=changes),)))
    assert "Still learning" in text
    assert "Still improving at 800 updates: RNN." in text
    assert text.count("still improving") >= 2
    assert "The arms at each budget" in text
