"""The app in a real Chromium that reaches nothing but the server: what people do with it, by mouse, keyboard and link."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from tests.browsing import Visit, chromium, serious, visit
from tests.integration.conftest import train
from tests.serving import Running, running

Trained = Callable[[str], Path]
TEXT = "rot Hund klein Haus"
VIEWS = ("Outputs", "Step by step", "Where words come from", "Heads", "Beam", "What if", "Surprise")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    browser: Any, trained: Trained, corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    out = tmp_path_factory.mktemp("lm") / "lm"
    language_model = train(corpus_folder / "text.txt", "transformer-lm-tiny", out)
    with running(
        [trained("rnn-tiny"), trained("attention-rnn-tiny"), trained("transformer-tiny"), language_model]
    ) as it:
        yield it


@pytest.fixture
def app(browser: Any, server: Running) -> Iterator[Visit]:
    with visit(browser, server.url) as found:
        yield found.open()


def explained(server: Running, run: str, **body: Any) -> Any:
    return server.ask("/explain", {"text": TEXT, "runs": [run], **body}).json["explanations"][0]


def best(server: Running, run: str) -> str:
    found = server.ask("/generate", {"run": run, "texts": [TEXT], "method": "beam", "nbest": 3}).json
    return str(found["generations"][0]["outputs"][0]["text"])


def test_runs_translate_and_go_on_side_by_side(app: Visit, server: Running) -> None:
    app.write(TEXT)
    names = ["rnn-tiny", "attention-rnn-tiny", "transformer-tiny", "lm"]
    assert app.columns().locator("h2").all_text_contents() == names
    shown = app.columns().locator(".best").all_text_contents()
    assert [text.strip() for text in shown] == [best(server, name).strip() or "(nothing)" for name in names]


def test_a_prompt_is_drawn_and_its_state_is_a_link(app: Visit, browser: Any, server: Running) -> None:
    app.page.locator("summary", has_text="Decoding settings").click()
    app.page.select_option("#method", "sample")
    app.page.fill("#seed", "4")
    app.page.fill("#max_tokens", "7")
    app.write("rot")
    text = app.columns().last.locator(".best").text_content()
    with visit(browser, server.url) as other:
        other.open(app.page.evaluate("location.hash"))
        other.settle()
        assert other.columns().last.locator(".best").text_content() == text
        # What was drawn is explained, too; it has no beam.
        other.view("Step by step")
        assert other.columns().last.locator(".best").text_content() == text
        other.view("Beam")
        assert "no beam" in other.columns().last.inner_text()


def test_all_runs_step_together_and_tell_the_real_numbers(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("Step by step")
    known = {name: explained(server, name) for name in ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")}
    app.page.locator("#panel .help").click()
    for step in (0, 1, 2):
        for name, found in known.items():
            column = app.columns().filter(has=app.page.get_by_role("heading", name=name, exact=True))
            at = min(step, len(found["steps"]) - 1)
            one = found["steps"][at]
            assert f"rank {one['rank']}, entropy {one['entropy']:.2f} nats" in column.locator(".fact").inner_text()
            shown = column.locator(".candidates tbody tr").all()
            assert len(shown) == len(one["candidates"])
            assert column.locator("[aria-current=step]").get_attribute("aria-label").startswith(f"step {at + 1}: ")
            picture = found["alignment"] or next(s["source"] for s in found["saliency"] if s["method"] == "occlusion")
            numbers = column.locator(".chips").last.locator("small").all_text_contents()
            assert numbers == [f"{value:.2f}".replace("-", "−") for value in picture[at]]
        app.page.keyboard.press("ArrowRight")
    assert "4 of" in app.page.locator(".stepper output").text_content()
    app.page.keyboard.press("ArrowLeft")
    assert "step=3" in app.page.evaluate("location.hash")


def test_pointing_at_a_token_shows_its_sources_by_the_chosen_method(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("Step by step")
    found = explained(server, "transformer-tiny")
    column = app.columns().filter(has=app.page.get_by_role("heading", name="transformer-tiny", exact=True))
    numbers = column.locator(".chips").last.locator("small")
    for method, rows in (
        ("attention", found["alignment"]),
        *((one["method"], one["source"]) for one in found["saliency"]),
    ):
        app.page.get_by_role("radio", name=method).check()
        assert f"look={method}" in app.page.evaluate("location.hash") or method == "attention"
        tokens = column.get_by_role("group", name="output tokens").get_by_role("button")
        tokens.nth(1).hover()
        assert numbers.all_text_contents() == [f"{value:.2f}".replace("-", "−") for value in rows[1]]
        tokens.nth(1).focus()
        app.page.mouse.move(0, 0)
        assert numbers.all_text_contents() == [f"{value:.2f}".replace("-", "−") for value in rows[1]]
        tokens.nth(1).blur()
        assert numbers.all_text_contents() == [f"{value:.2f}".replace("-", "−") for value in rows[0]]
        assert "Has its maximum at the same token as" in column.locator(".agreements").inner_text()
    rnn = app.columns().first
    app.page.get_by_role("radio", name="attention").check()
    assert "This run has no attention" in rnn.locator(".agreements").inner_text()


def test_every_head_is_there_and_one_is_enlarged_and_silenced(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("Heads")
    attention = explained(server, "transformer-tiny")["attention"]
    column = app.columns().filter(has=app.page.get_by_role("heading", name="transformer-tiny", exact=True))
    assert column.locator(".head").count() == sum(len(one["heads"]) + 1 for one in attention)
    assert "no attention" in app.columns().first.inner_text()
    last = attention[-1]
    column.locator(".head").nth(-3).click()
    wanted = f"{last['name']}.{len(last['heads']) - 2}"
    assert f"head={wanted}" in app.page.evaluate("location.hash")
    assert column.locator(".head").nth(-3).get_attribute("aria-pressed") == "true"
    assert column.locator(".drawing .row").count() == len(last["mean"])
    column.get_by_role("button", name="What if this head were set to zero?").click()
    app.settle()
    assert f"{wanted} is set to zero" in app.page.locator(".changes").inner_text()
    silent = explained(server, "transformer-tiny", change={"silence": [wanted]})["what_if"]
    assert column.locator(".answer").last.text_content() == (silent["output"] or "(nothing)")
    assert f"This run has no {wanted}" in app.columns().first.inner_text()


def test_the_beam_is_a_tree_and_hypotheses_go_back_through_their_own_parents(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("Beam")
    nodes = explained(server, "transformer-tiny")["beam"]["nodes"]
    column = app.columns().filter(has=app.page.get_by_role("heading", name="transformer-tiny", exact=True))
    assert column.locator("svg.beam .node").count() == len(nodes)
    assert column.locator("svg.beam .edge").count() == len(nodes) - 1
    assert column.locator("svg.beam .node.pruned").count() == sum(one["status"] == "pruned" for one in nodes)
    pruned = max(place for place, one in enumerate(nodes) if one["status"] == "pruned")
    column.locator("svg.beam .node").nth(pruned).click()
    depth = nodes[pruned]["depth"]
    assert column.locator("svg.beam .node.traced").count() == depth + 1
    parents = [pruned]
    while nodes[parents[-1]]["parent"] is not None:
        parents.append(nodes[parents[-1]]["parent"])
    traced = column.locator("svg.beam .node").evaluate_all(
        "all => all.flatMap((one, place) => one.classList.contains('traced') ? [place] : [])"
    )
    assert traced == sorted(parents)
    column.locator("summary").click()
    column.get_by_role("button", name="trace").first.click()
    assert column.locator("details").get_attribute("open") is not None


def test_what_if_by_word_by_token_and_by_beginning(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("What if")
    app.page.get_by_role("button", name="replace Hund").click()
    app.page.keyboard.type("Katze")
    app.page.keyboard.press("Enter")
    app.settle()
    column = app.columns().filter(has=app.page.get_by_role("heading", name="transformer-tiny", exact=True))
    expected = explained(server, "transformer-tiny", change={"words": {"2": "Katze"}})["what_if"]
    assert column.locator(".answer").all_text_contents()[1] == (expected["output"] or "(nothing)")
    rows = column.locator("table tbody tr").count()
    assert rows == len(expected["log_probs"])
    app.page.get_by_role("button", name="undo").click()
    assert "Nothing is changed" in app.page.locator(".editor").inner_text()
    # Another candidate is forced in one run; the others are as they were.
    app.view("Step by step")
    name = column.get_by_role("button", name="What if transformer-tiny said").first
    token = name.get_attribute("aria-label").removeprefix("What if transformer-tiny said ").removesuffix(" here?")
    name.click()
    app.settle()
    assert column.locator("ins, .tokens span").all_text_contents()
    assert column.locator("dd").last.locator(".tokens > *").first.text_content() == token.removeprefix("…")
    assert "does not apply to this run" in app.columns().first.inner_text()
    app.page.go_back()
    app.settle()
    assert app.page.get_by_role("tab", selected=True).text_content() == "Step by step"


def test_a_link_shows_the_same_state_and_back_goes_back(app: Visit, browser: Any, server: Running) -> None:
    app.write(TEXT)
    app.view("Heads")
    app.view("Where words come from")
    app.page.get_by_role("radio", name="gradient").check()
    app.page.locator("#step").focus()
    app.page.keyboard.press("ArrowRight")
    shown = app.page.locator("#panel").inner_text()
    with visit(browser, server.url) as other:
        other.open(app.page.evaluate("location.hash"))
        other.settle()
        assert other.page.locator("#panel").inner_text() == shown
        assert other.page.locator("#text").input_value() == TEXT
    back = []
    for _ in range(4):
        app.page.go_back()
        back.append(app.page.evaluate("document.querySelector('[aria-selected=true]').textContent"))
    assert back[:3] == ["Where words come from", "Heads", "Outputs"]
    assert app.page.locator("#results").is_hidden()


def test_everything_by_the_keyboard_alone(app: Visit) -> None:
    page = app.page

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                # What has the focus shows it.
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
        raise AssertionError(f"the tab key does not come to {selector}")

    tab_to(".skip")
    page.keyboard.press("Enter")
    tab_to("#text")
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+Enter")
    app.settle()
    tab_to("[role=tab]")
    page.keyboard.press("ArrowRight")
    app.settle()
    assert page.evaluate("document.activeElement.textContent") == "Step by step"
    tab_to("button.chip")
    page.keyboard.press("ArrowRight")
    assert "step=2" in page.evaluate("location.hash")
    # The focus went along, and the tab key leaves the tokens at once.
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "step"
    tab_to(".candidates button")
    page.keyboard.press("Enter")
    app.settle()
    assert "force=" in page.evaluate("location.hash")
    page.keyboard.press("Shift+Tab")
    for view in VIEWS:
        page.get_by_role("tab", name=view, exact=True).click()
        app.settle()
        # No trap: enough tabs leave the page at its end.
        for _ in range(400):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
        else:
            raise AssertionError(f"the tab key does not come through {view}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, server: Running, dark: bool) -> None:
    with visit(browser, server.url, dark=dark) as app:
        app.open()
        for name in ("attention-rnn-tiny", "lm"):
            app.page.get_by_role("checkbox", name=name).first.uncheck()
        for view in ("", *VIEWS):
            if view == "Outputs":
                app.write(TEXT)
            elif view:
                app.view(view)
            if view == "What if":
                app.page.get_by_role("button", name="replace Hund").click()
                app.page.keyboard.press("Delete")
                app.page.keyboard.press("Enter")
                app.settle()
            assert not serious(app.page, colours_only=dark), view


def test_a_narrow_screen_scrolls_down_only(browser: Any, server: Running) -> None:
    with visit(browser, server.url, width=400) as app:
        app.open().write(TEXT)
        for view in VIEWS:
            app.view(view)
            assert app.page.evaluate("document.documentElement.scrollWidth") <= 400, view


def test_a_text_is_coloured_by_the_surprise_of_language_models(app: Visit, server: Running) -> None:
    app.write(TEXT)
    app.view("Surprise")
    found = server.ask("/surprise", {"text": TEXT, "runs": ["lm"]}).json["surprises"][0]
    column = app.columns().filter(has=app.page.get_by_role("heading", name="lm", exact=True))
    pieces = column.locator(".piece")
    assert pieces.count() == len(found["tokens"])
    assert f"{found['bits']:,.1f} bits" in column.locator(".fact").inner_text()
    token = found["tokens"][2]
    pieces.nth(2).hover()
    assert f"{token['bits']:.2f} bits" in column.locator(".tip").inner_text()
    pieces.first.focus()
    app.page.keyboard.press("ArrowRight")
    assert app.page.evaluate("document.activeElement.dataset.index") == "1"
    assert f"rank {found['tokens'][1]['rank']:,}" in column.locator(".tip").inner_text()
    column.locator("summary").click()
    assert column.locator("tbody tr").count() >= len(found["tokens"])
    assert "only language models" in app.columns().first.inner_text()


def test_refusals_are_told_where_they_belong(app: Visit) -> None:
    app.write("rot Hund " * 40)
    app.view("Step by step")
    assert "at most 64 are explained" in app.columns().first.inner_text()
    # The browser itself notes that an answer was a refusal.
    app.errors[:] = [one for one in app.errors if "400" not in one]
