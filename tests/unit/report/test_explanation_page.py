"""The page of explanations: complete, safe whatever the texts, alone in the world, and readable without seeing."""

import html
import json
import re
from pathlib import Path

import pytest

from seqloom.errors import SeqloomError
from seqloom.explain import Change, Explanations, explain
from seqloom.report.explanation_page import explanation_html, write_explanation_page
from seqloom.training.weights import save_weights
from tests.explanation_factory import make_explanations, make_run
from tests.unit.report.test_page import Page

ALL = ("rnn", "attention-rnn", "transformer", "transformer-lm", "fixed-mixer")


@pytest.fixture(scope="module")
def explanations() -> Explanations:
    return make_explanations(*ALL, change=Change(words={1: "golf"}))


@pytest.fixture(scope="module")
def page(explanations: Explanations) -> Page:
    return Page(explanation_html(explanations))


def test_every_run_is_in_every_part(explanations: Explanations, page: Page) -> None:
    assert [name for name, attributes, _ in page.elements if "data-has" in attributes] == ["div"] * 5
    has = [attributes["data-has"].split() for _, attributes, _ in page.elements if "data-has" in attributes]
    assert has[0] == ["occlusion", "gradient"]
    assert all(methods == ["attention", "occlusion", "gradient"] for methods in has[1:])
    texts = " ".join("".join(text) for _, _, text in page.elements)
    for explanation in explanations.explanations:
        assert explanation.run.label in texts
        assert explanation.what_if.output in texts


def test_drawings_say_what_they_show(explanations: Explanations, page: Page) -> None:
    drawings = [
        attributes for name, attributes, _ in page.elements if name == "svg" and "aria-hidden" not in attributes
    ]
    assert len(drawings) > 60
    assert all(drawing.get("role") == "img" and len(drawing["aria-label"]) > 10 for drawing in drawings)
    regions = [a for _, a, _ in page.elements if a.get("role") == "region"]
    assert all(region.get("tabindex") == "0" and region.get("aria-label") for region in regions)


def test_the_main_picture_has_a_cell_for_each_pair_of_tokens(explanations: Explanations, page: Page) -> None:
    explanation = explanations.explanations[2]
    text = explanation_html(Explanations(text="x", explanations=(explanation,)))
    start = text.index('data-method="attention"')
    figure = text[start : text.index("</svg>", start)]
    assert len(re.findall('class="(?:for|against)"', figure)) == len(explanation.source) * len(explanation.target)
    assert figure.count('class="true"') == sum(len(indexes) for indexes in explanation.truth.sources)


def test_ids_are_unique_and_links_lead_to_them(page: Page) -> None:
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes, _ in page.elements if tag == "a"}
    assert links <= {f"#{name}" for name in ids}
    labelled = {attributes["aria-labelledby"] for _, attributes, _ in page.elements if "aria-labelledby" in attributes}
    assert labelled <= set(ids)


def test_nothing_is_loaded_from_other_computers(explanations: Explanations) -> None:
    text = explanation_html(explanations)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text.split("<script", 1)[0])
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    assert "'unsafe-eval'" not in text


def test_the_page_contains_the_explanations_as_json(explanations: Explanations) -> None:
    text = explanation_html(explanations)
    data = re.search(r'<script type="application/json" id="machine">(.*?)</script>', text, re.DOTALL)[1]
    assert Explanations.model_validate(json.loads(data)) == explanations


def test_hostile_texts_stay_texts() -> None:
    hostile = "</script><script>alert(1)</script> <img src=x onerror=alert(1)> {{ 7 * 7 }} '\" \ud800"
    explanation = make_explanations("rnn").explanations[0]
    token = explanation.source[0].model_copy(update={"text": hostile})
    update = {"text": hostile, "output": hostile, "source": (token, *explanation.source[1:]), "notes": (hostile,)}
    text = explanation_html(Explanations(text=hostile, explanations=(explanation.model_copy(update=update),)))
    text.encode()
    parsed = Page(text)
    assert {name for name, _, _ in parsed.elements}.isdisjoint({"img", "iframe", "link"})
    assert sum(name == "script" for name, _, _ in parsed.elements) == 4
    assert "49" not in re.sub(r"[0-9.]+[0-9]", "", html.unescape(text.split("</h1>")[0]))


def test_checkpoints_are_under_a_slider(tmp_path: Path) -> None:
    run = make_run("attention-rnn", folder=tmp_path)
    for step in (3, 9):
        state = {name: tensor.float() for name, tensor in run.model.state_dict().items()}
        save_weights(tmp_path / "weights" / f"step-{step}.safetensors", state)
    results = Explanations(text="alpha", explanations=(explain(run, "alpha bravo", history=True),))
    page = Page(explanation_html(results))
    assert [a["data-step"] for _, a, _ in page.elements if "data-checkpoint" in a] == ["3", "9"]
    assert [a["max"] for _, a, _ in page.elements if a.get("type") == "range"] == ["1"]


def test_a_prompt_without_words_has_a_page() -> None:
    run = make_run("transformer-lm", kind="text")
    text = explanation_html(Explanations(text="", explanations=(explain(run, ""),)))
    assert "This run has no source, so there is no picture." in text
    Page(text)


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SeqloomError, match="cannot be written"):
        write_explanation_page(make_explanations("rnn"), tmp_path / "file" / "page.html")
