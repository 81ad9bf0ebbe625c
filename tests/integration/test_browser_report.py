"""The report of language models in a real Chromium: charts are drawn, and it is accessible in light and dark, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqloom.report.page import write_report
from tests.browsing import chromium, serious
from tests.comparison_factory import make_text_details


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as it:
        yield it


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380)])
def test_charts_are_drawn_and_the_page_is_accessible(browser: Any, tmp_path: Path, scheme: str, width: int) -> None:
    write_report(make_text_details(), tmp_path / "report.html")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "report.html").as_uri())
        for name in ("context-0", "words-0"):
            page.locator(f"[data-chart='{name}'] svg").wait_for()
            assert page.locator(f"[data-chart='{name}'] .mark-line path").count() >= 2
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert errors == []
        # axe adds itself by a script, which the page's own policy forbids; a page without the policy has the same elements.
        page.set_content(page.content().replace("Content-Security-Policy", "x-policy"))
        assert serious(page) == {}
    finally:
        context.close()
