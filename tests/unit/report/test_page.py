"""The page: complete, safe whatever the texts, alone in the world, and readable without charts."""

import base64
import hashlib
import html
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.comparison.comparison import Comparison, Quality
from seqloom.errors import SeqloomError
from seqloom.report import wording
from seqloom.report.page import comparison_html, json_for_script, write_report
from tests.comparison_factory import make, make_many, make_text_corpus, make_text_details, with_sample
from tests.html_page import HOSTILE, Page, utf8

CASES: dict[str, Callable[[], Comparison]] = {
    "lifelike": make,
    "one arm, one seed, one test": lambda: make(seeds=(0,), tests=("test",), names=("transformer-tiny",)),
    "text corpus": make_text_corpus,
    "text corpus with details": make_text_details,
    "twenty arms": make_many,
    "very long texts": lambda: with_sample(make(), "word " * 3000, "reference " * 3000, "output " * 3000),
}


@pytest.fixture(scope="module")
def lifelike() -> tuple[Comparison, Page]:
    comparison = make()
    return comparison, Page(comparison_html(comparison))


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Comparison, str, Page]:
    comparison = CASES[request.param]()
    text = comparison_html(comparison)
    return comparison, text, Page(text)


def store(page: Page) -> dict[str, Any]:
    found = json.loads(page.one("script", id="store")[1])
    assert isinstance(found, dict)
    return found


def test_tags_are_balanced_and_ids_unique(case: tuple[Comparison, str, Page]) -> None:
    ids = [attributes["id"] for _, attributes, _ in case[2].elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a, _ in case[2].all("a")]
    assert targets
    assert set(targets) <= set(ids)
    for _, attributes, _ in case[2].elements:
        assert attributes.get("aria-labelledby", ids[0]) in ids


def test_the_page_is_small(case: tuple[Comparison, str, Page]) -> None:
    assert len(case[1].encode()) < 3_000_000


def test_nothing_is_loaded_from_elsewhere(case: tuple[Comparison, str, Page]) -> None:
    _, text, page = case
    for tag, attributes, _ in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "video", "audio"}
        for name in ("src", "srcset", "action", "data", "poster", "background", "formaction"):
            assert name not in attributes, (tag, name)
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    for _, style in page.all("style"):
        assert "url(" not in style
        assert "@import" not in style
    ours = "".join(script for _, script in list(page.all("script"))[-2:])
    assert not re.search(r"fetch|XMLHttpRequest|import\s*\(|https?:|WebSocket|sendBeacon|new Image", ours)
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|'self'|script-src[^;]*'unsafe-|connect-src", policy)
    assert re.search("</script>", text)


def test_the_policy_allows_just_the_scripts_of_the_page(lifelike: tuple[Comparison, Page]) -> None:
    page = lifelike[1]
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    scripts = [text for attributes, text in page.all("script") if attributes.get("type") != "application/json"]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    assert len(scripts) == 3
    assert hashes == set(re.findall(r"'sha256-[^']+'", policy))


def test_vega_comes_once(case: tuple[Comparison, str, Page]) -> None:
    assert case[1].count("window.vegaEmbed=") == 1


def test_the_order_is_verdict_table_charts(lifelike: tuple[Comparison, Page]) -> None:
    comparison, page = lifelike
    text = page.words()
    places = [text.index(html.unescape(sentence)) for sentence in comparison.verdict]
    places += [text.index("with 95% intervals"), text.index("One line for each run"), text.index("Samples Compared")]
    places += [
        text.index(comparison.caveats[0]),
        text.index(comparison.command),
        text.index("How the scores were computed"),
    ]
    assert places == sorted(places)


def test_headings_go_down_one_step_at_a_time(case: tuple[Comparison, str, Page]) -> None:
    levels = [int(name[1]) for name, _, _ in case[2].elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_what_helps_people_who_do_not_see(case: tuple[Comparison, str, Page]) -> None:
    _, _, page = case
    assert page.one("html")[0]["lang"] == "en"
    assert page.one("a", class_="skip")[0]["href"] == "#main"
    tables = sum(name == "table" for name, _, _ in page.elements)
    assert tables == sum(name == "caption" for name, _, _ in page.elements) > 0
    assert all(attributes.get("scope") in ("col", "row") for attributes, _ in page.all("th"))
    css = page.one("style")[1]
    for rule in (":focus-visible", "prefers-reduced-motion", "prefers-color-scheme", "@media print"):
        assert rule in css


def test_every_chart_has_a_sentence_that_names_its_arms(case: tuple[Comparison, str, Page]) -> None:
    _, _, page = case
    found = store(page)
    charts = {a["data-chart"]: a for a, _ in page.all("div", role="img")}
    assert charts.keys() == found["charts"].keys()
    captions = [text for _, text in page.all("figcaption")]
    for name, attributes in charts.items():
        sentence = attributes["aria-label"]
        assert sentence in captions
        assert found["charts"][name]["description"] == sentence
        assert re.search(r"\d", sentence), name
    quality = charts["quality-0"]["aria-label"]
    for row in found["datasets"]["quality"]:
        if row["test"] == "test" and row["what"] == "mean":
            assert f"{row['arm']} {row['text']}" in quality


def test_charts_draw_only_rows_that_are_there(case: tuple[Comparison, str, Page]) -> None:
    found = store(case[2])

    def names(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("data"), dict):
                yield value["data"]["name"]
            for item in value.values():
                yield from names(item)
        elif isinstance(value, list):
            for item in value:
                yield from names(item)

    for chart in found["charts"].values():
        present = found["datasets"].keys() | chart.get("datasets", {}).keys()
        assert set(names(chart)) <= present
        assert set(names(chart)) & found["datasets"].keys()


def test_every_number_can_be_read(lifelike: tuple[Comparison, Page]) -> None:
    comparison, page = lifelike
    text = page.words()

    def read(quality: Quality) -> None:
        assert wording.score(quality.metric, quality.value) in text, quality
        if quality.interval is not None:
            assert wording.bounds(quality.metric, quality.interval) in text, quality
        assert quality.signature in text

    for arm in comparison.arms:
        for qualities in arm.tests.values():
            for quality in qualities:
                read(quality)
        for bins in arm.by_length.values():
            for found in bins:
                read(found.quality)
                assert f"{found.num_sentences:,}" in text
        for trial in arm.tuning:
            assert f"{trial.learning_rate:g}" in text
            assert f"{trial.val_loss:.4f}" in text
        for run in arm.runs:
            for qualities in run.tests.values():
                for quality in qualities:
                    assert f"{wording.score(quality.metric, quality.value)} (seed {run.seed})" in text
            for count in (run.steps, run.tokens, run.parameters, run.parameters_without_embeddings):
                assert f"{count:,}" in text
            for value in (run.train_seconds, run.validation_seconds, run.decoding.sentences_per_second):
                assert f"{value:,.1f}" in text
            assert f"{run.tokens_per_second:,.0f}" in text
            assert f"{run.peak_memory_mib:,.0f}" in text
            assert run.folder in text
            for point in run.curve:
                assert f"{point.val_loss:.4f}" in text
                assert f"{point.train_loss:.4f}" in text
                assert wording.score(comparison.metric, point.val_quality) in text
    for difference in comparison.differences:
        assert f"+{difference.difference:.1f}" in text
        assert wording.p_value(difference.p_value) in text
        assert difference.scope in text
    for size in comparison.corpus.sizes.values():
        assert f"{size:,}" in text


def test_every_word_can_be_read(lifelike: tuple[Comparison, Page]) -> None:
    comparison, page = lifelike
    text = page.words()
    corpus = comparison.corpus
    wanted = [comparison.title, comparison.budget, comparison.command, *comparison.verdict, *comparison.caveats]
    wanted += [*comparison.environment, *comparison.environment.values(), *corpus.notes, corpus.licence or ""]
    wanted += [corpus.fingerprint, corpus.tokenizer, corpus.tokenizer_hash, "Synthetic corpus", "outside system"]
    wanted += [sample.src for sample in comparison.samples] + [sample.ref for sample in comparison.samples]
    wanted += [re.sub(r"\s+", " ", arm.recipe).strip() for arm in comparison.arms if arm.recipe]
    for words in wanted:
        assert words in text


def test_the_page_carries_the_comparison(case: tuple[Comparison, str, Page]) -> None:
    assert Comparison.model_validate_json(case[2].one("script", id="machine")[1]) == case[0]


def test_one_seed_speaks_of_runs_only() -> None:
    text = Page(comparison_html(make(seeds=(0,)))).words()
    assert "between these runs, not between architectures" in text
    assert "differences between architectures" not in text


def test_what_is_absent_makes_no_section() -> None:
    page = Page(comparison_html(make_text_corpus()))
    ids = {attributes.get("id") for _, attributes, _ in page.elements}
    assert not ids & {"length", "samples", "caveats"}
    assert {"quality", "learning", "cost", "differences"} <= ids
    assert "lower is better" in page.words()
    assert "Synthetic" not in page.words()
    assert not {"cost-decode-rate", "cost-latency", "curve-quality-time"} & store(page)["charts"].keys()


def test_fewer_bits_are_marked_as_best() -> None:
    comparison = make_text_corpus()
    best = [text for _, text in Page(comparison_html(comparison)).all("span", class_="score best")]
    assert best == ["1.873"]


def test_hostile_texts_are_texts() -> None:
    names = [f"arm-{index}" for index in range(len(HOSTILE))]
    base = make(seeds=(0,), names=names)
    everything = " ".join(HOSTILE)
    hostile = base
    for text in HOSTILE:
        hostile = with_sample(hostile, text, text, f"{text} {text}")
    labels = [*HOSTILE, everything]
    hostile = hostile.model_copy(
        update={
            "title": everything,
            "verdict": HOSTILE,
            "caveats": HOSTILE,
            "command": everything,
            "metric_label": everything,
            "environment": {text: text for text in HOSTILE},
            "test_labels": {"test": everything, "beyond": f"{everything}."},
            "arms": tuple(
                arm.model_copy(update={"label": label, "recipe": arm.recipe and label})
                for arm, label in zip(base.arms, labels, strict=True)
            ),
            "corpus": base.corpus.model_copy(update={"name": everything, "notes": HOSTILE, "licence": everything}),
        }
    )
    written = comparison_html(hostile)
    written.encode()
    page = Page(written)
    known = {name for name, _, _ in Page(comparison_html(with_sample(base, "a", "a", ""))).elements}
    assert sum(name == "script" for name, _, _ in page.elements) == 5
    assert {name for name, _, _ in page.elements} <= known
    assert not any(name.startswith("on") for _, attributes, _ in page.elements for name in attributes)
    assert page.one("code", id="command")[1] == utf8(everything)
    shown = [found for attributes, found in page.all("dd") if attributes.get("dir") == "auto"]
    assert {utf8(text) for text in HOSTILE if text} <= set(shown)
    assert json.loads(page.one("script", id="machine")[1])["verdict"] == list(HOSTILE)


@given(
    st.recursive(
        st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
    )
)
def test_json_for_scripts_is_the_same_value(value: Any) -> None:
    text = json_for_script(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    text.encode()

    def finite(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: finite(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [finite(inner) for inner in item]
        return None if isinstance(item, float) and not math.isfinite(item) else item

    assert json.loads(text) == finite(value)


@settings(max_examples=3, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=10, max_size=30))
def test_any_sample_can_be_shown(samples: list[tuple[str, str, str]]) -> None:
    comparison = make(seeds=(0,), tests=("test",)).model_copy(update={"samples": ()})
    for src, ref, output in samples:
        comparison = with_sample(comparison, src, ref, output)
    page = Page(comparison_html(comparison))
    assert sum(name == "article" for name, _, _ in page.elements) == len(samples)


def test_samples_say_who_is_right(lifelike: tuple[Comparison, Page]) -> None:
    comparison, page = lifelike
    articles = [attributes for attributes, _ in page.all("article")]
    names = [arm.name for arm in comparison.arms]
    for sample, attributes in zip(comparison.samples, articles, strict=True):
        right = {names[int(index)] for index in attributes["data-right"].split()}
        assert right == {name for name, output in sample.outputs.items() if output == sample.ref}
        assert attributes["data-test"] == sample.test
        wrong = {names[int(index)] for index in attributes["data-wrong"].split()}
        assert right | wrong == sample.outputs.keys()


def test_not_a_number_is_a_dash() -> None:
    comparison = make(seeds=(0,), tests=("test",))
    arm = comparison.arms[-1]
    broken = tuple(quality.model_copy(update={"value": math.nan, "interval": None}) for quality in arm.tests["test"])
    arms = (*comparison.arms[:-1], arm.model_copy(update={"tests": {"test": broken}}))
    page = Page(comparison_html(comparison.model_copy(update={"arms": arms})))
    assert "nan" not in page.words().lower()
    assert all(row["arm"] != arm.label for row in store(page)["datasets"]["quality"])


def test_writing_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_report(make_text_corpus(), path)
    first = path.read_text(encoding="utf-8")
    write_report(make(), path)
    assert path.read_text(encoding="utf-8") not in ("", first)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SeqloomError, match=r"file: cannot be written: .*choose another path"):
        write_report(make_text_corpus(), tmp_path / "file" / "report.html")
