"""The picture for a README."""

import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from seqloom.errors import SeqloomError
from seqloom.report.picture import comparison_picture, comparison_svg
from tests.comparison_factory import make, make_text_corpus


def test_svg_shows_arms_scores_and_lengths() -> None:
    svg = comparison_svg(make())
    root = ET.fromstring(svg)
    texts = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")}
    assert {"RNN with attention", "97.9% [96.6, 99.2]", "60.2% [58.9, 61.5]", "By source length"} <= texts
    assert any("synthetic corpus" in text for text in texts)
    assert 700 <= float(root.attrib["width"]) <= 950
    # CSS variables of the page would have no meaning here.
    assert "var(" not in svg
    assert not re.search(r'(?:href|src)="(?!#)', svg)


def test_png_is_drawn_for_sharp_screens(tmp_path: Path) -> None:
    path = tmp_path / "pictures" / "quality.png"
    comparison_picture(make(), path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert 1400 <= width <= 1900
    assert height > 600


def test_a_corpus_without_lengths_has_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "quality.svg"
    comparison_picture(make_text_corpus(), path)
    assert "1.873" in path.read_text(encoding="utf-8")
    assert "By source length" not in path.read_text(encoding="utf-8")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqloomError, match=r"quality\.gif: a picture ends with \.svg or \.png; name it quality\.svg"):
        comparison_picture(make(), tmp_path / "quality.gif")
