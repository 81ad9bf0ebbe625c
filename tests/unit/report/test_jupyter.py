"""Notebooks: IPython is told how to show a comparison, and nothing happens elsewhere."""

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from seqloom.comparison.comparison import Comparison
from seqloom.report.jupyter import notebook_html, register
from tests.comparison_factory import make, make_text_corpus, with_sample


def test_ipython_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[tuple[str, str], Callable[[Comparison], str]] = {}

    def for_type_by_name(module: str, name: str, show: Callable[[Comparison], str]) -> None:
        told[module, name] = show

    formatter = SimpleNamespace(for_type_by_name=for_type_by_name)
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert register()
    assert "RNN with attention" in told[Comparison.__module__, Comparison.__qualname__](make())


def test_without_a_shell_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not register()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not register()


def test_registering_imports_nothing_heavy() -> None:
    code = (
        "import sys; from seqloom.report.jupyter import register; register();"
        "print(*sorted({'altair', 'jinja2', 'pydantic', 'torch', 'IPython'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("comparison", [make(), make_text_corpus()], ids=["lifelike", "text"])
def test_the_piece_is_small_and_complete(comparison: Comparison) -> None:
    text = notebook_html(comparison)
    assert len(text) < 200_000
    assert "<script" not in text
    assert "<style" not in text
    root = ET.fromstring(text.replace("<img", "<img ").replace('background:#fff">', 'background:#fff"/>'))
    words = "".join(root.itertext())
    for sentence in (*comparison.verdict, *comparison.caveats):
        assert sentence in words
    (image,) = root.iter("img")
    assert image.attrib["src"].startswith("data:image/svg+xml;base64,")
    for arm in comparison.arms:
        assert arm.label in words
        assert arm.label in image.attrib["alt"]


def test_texts_are_escaped() -> None:
    comparison = with_sample(make(), "", "", "").model_copy(update={"title": "<script>alert(1)</script>"})
    assert "<script" not in notebook_html(comparison)
