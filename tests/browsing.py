"""A real Chromium, and pages in it that may reach one server and nothing else: whatever else they try is noted and refused."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = "SEQLOOM_REQUIRE_BROWSER"
"""Where this is set, tests fail instead of being skipped."""


def _lacking(what: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, but {what}")
    pytest.skip(f"needs a browser, but {what}")


@contextmanager
def chromium() -> Iterator[Any]:
    """The system's Chromium (SEQLOOM_CHROMIUM names another), without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _lacking("playwright is not installed")
    path = os.environ.get("SEQLOOM_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _lacking("no Chromium was found; on Debian: apt install chromium")
    # Without names nobody else can be reached; a sandbox in a container needs rights that tests do not have.
    arguments = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def serious(page: Any, *, colours_only: bool = False) -> dict[str, list[str]]:
    """What axe-core finds that is serious or critical: its rule, and the elements.

    Args:
        colours_only: what is dark has other colours, and nothing else.
    """
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ModuleNotFoundError:
        _lacking("axe-playwright-python is not installed")
    options = {"runOnly": {"type": "rule", "values": ["color-contrast"]}} if colours_only else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    wrong = [one for one in found if one["impact"] in ("serious", "critical")]
    return {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in wrong}


@dataclass
class Visit:
    """A page, and what went wrong in it.

    Attributes:
        strangers: addresses that were asked for and are not the server's.
        errors: what the page threw, or the browser refused (its content security policy among them).
    """

    page: Any
    url: str
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, state: str = "") -> "Visit":
        """Opens the app, or a link to a state of it."""
        self.page.goto(f"{self.url}/{state}")
        # Never by wait_for_function: it evaluates text, which the page's policy forbids.
        self.page.wait_for_selector("#runs input")
        return self

    def write(self, text: str) -> None:
        """Asks for a text and waits for all runs."""
        self.page.fill("#text", text)
        self.page.click("#go")
        self.settle()

    def settle(self) -> None:
        """Waits until all runs have answered for what is shown."""
        self.page.wait_for_selector("#results:not([hidden]) #panel[aria-busy=false]")

    def view(self, name: str) -> None:
        """Chooses a view by its tab."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.settle()

    def columns(self) -> Any:
        """The columns of the runs."""
        return self.page.locator("#panel article")


@contextmanager
def visit(browser: Any, url: str, *, dark: bool = False, width: int = 1280) -> Iterator[Visit]:
    """A page of its own; at its end nothing but the server may have been asked, and nothing may have gone wrong."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", service_workers="block"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    found = Visit(page, url)
    own = urlsplit(url).netloc

    def watch(route: Any) -> None:
        if urlsplit(route.request.url).netloc == own:
            route.continue_()
        else:
            found.strangers.append(route.request.url)
            route.abort()

    context.route("**/*", watch)
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("console", lambda message: found.errors.append(message.text) if message.type == "error" else None)
    try:
        yield found
    finally:
        context.close()
    assert found.strangers == []
    assert found.errors == []
