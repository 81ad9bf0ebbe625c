"""The offline page of a text coloured by surprise, in a real Chromium: by pointer and keyboard, light and dark, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqloom.explain import Explanations, compare_surprises, measure_surprise
from seqloom.report.explanation_page import write_explanation_page
from tests.browsing import chromium, serious
from tests.text_runs import TEXT, make_text_run


@pytest.fixture(scope="module")
def explanations() -> Explanations:
    runs = [make_text_run("ngram"), make_text_run("transformer-lm", "bpe")]
    surprises = tuple(measure_surprise(run, TEXT) for run in runs)
    return Explanations(
        text=TEXT, explanations=(), surprises=surprises, surprise_comparison=compare_surprises(surprises)
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as it:
        yield it


@pytest.fixture
def open_page(browser: Any, explanations: Explanations, tmp_path: Path) -> Iterator[Any]:
    """Opens the page in a colour scheme and a width; at the end nothing may have gone wrong in it."""
    write_explanation_page(explanations, tmp_path / "page.html")
    errors: list[str] = []
    contexts = []

    def show(scheme: str = "light", width: int = 1280) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert errors == []


def test_pointing_at_a_token_shows_its_numbers(open_page: Any, explanations: Explanations) -> None:
    page = open_page()
    text = page.locator("[data-surprise='1']")
    token = explanations.surprises[1].tokens[5]
    text.locator(".piece").nth(5).hover()
    tip = text.locator(".tip")
    said = tip.inner_text()
    assert f"{token.bits:.2f} bits" in said
    assert f"rank {token.rank:,}, {token.context} tokens of context" in said
    assert tip.locator("tbody tr").count() == len(token.alternatives) == 5
    page.mouse.move(2, 2)
    assert not tip.is_visible()


def test_the_arrow_keys_move_through_the_text(open_page: Any, explanations: Explanations) -> None:
    page = open_page()
    text = page.locator("[data-surprise='0']")
    text.locator(".piece").first.focus()
    index = "document.activeElement.dataset.index"
    for key, expected in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", len(TEXT) - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(index) == str(expected)
        token = explanations.surprises[0].tokens[expected]
        assert f"{token.bits:.2f} bits" in text.locator(".tip").inner_text()
    page.keyboard.press("ArrowDown")
    # The second line begins after "To be, or not to be,\n".
    assert page.evaluate(index) == str(TEXT.index("that"))
    page.keyboard.press("ArrowUp")
    assert page.evaluate(index) == "0"
    shown = page.evaluate("document.activeElement.getAttribute('aria-describedby')")
    assert text.locator(f"#{shown}").get_attribute("role") == "tooltip"
    page.keyboard.press("Escape")
    assert not text.locator(".tip").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.pieces')") is None


def test_pieces_of_the_difference_name_both_models(open_page: Any, explanations: Explanations) -> None:
    page = open_page()
    assert explanations.surprise_comparison is not None
    part = explanations.surprise_comparison.parts[3]
    text = page.locator("[data-difference]")
    text.locator(".piece").nth(3).hover()
    said = text.locator(".tip").inner_text()
    for name, bits in zip(explanations.surprise_comparison.runs, part.bits, strict=True):
        assert name in said
        assert f"{bits:.2f} bits" in said
    assert part.group in said


def test_numbers_stand_under_the_tokens_on_demand(open_page: Any) -> None:
    page = open_page()
    pieces = page.locator("[data-surprise='0'] .piece")
    content = "element => getComputedStyle(element, '::after').content"
    assert pieces.first.evaluate(content) == "none"
    page.get_by_label("Bits under each token").check()
    assert pieces.first.evaluate(content) == f'"{pieces.first.get_attribute("data-bits")}"'


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380)])
def test_the_page_is_accessible_and_fits(open_page: Any, scheme: str, width: int) -> None:
    page = open_page(scheme, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("[data-surprise='1'] .piece").nth(4).focus()
    box = page.locator("[data-surprise='1'] .tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    # axe adds itself by a script, which the page's own policy forbids; a page without the policy has the same elements.
    bare = page.content().replace("Content-Security-Policy", "x-policy")
    page.set_content(bare)
    page.get_by_label("Bits under each token").check()
    assert serious(page) == {}
