"""Drawings: as many marks as there are numbers, of the right colours, at the right places."""

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from seqloom.report import explanation_svg as svg
from tests.explanation_factory import make_explanations

ROWS = ((0.5, -1.0, 0.0), (0.25, 0.25, 0.5))


def parsed(drawing: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawing))


def test_a_heatmap_shades_by_size_and_colours_by_sign() -> None:
    tree = parsed(svg.heatmap(ROWS, ["a", "b", "c"], ["x", "y"], "two rows", truth=[[2], []], masked=[[], [0, 1]]))
    cells = [rect for rect in tree.iter("rect") if rect.get("class") in ("for", "against")]
    assert [cell.get("class") for cell in cells] == ["for", "against", "for", "for", "for", "for"]
    assert [float(cell.get("fill-opacity")) for cell in cells] == [0.5, 1, 0, 0.25, 0.25, 0.5]
    assert [sum(rect.get("class") == kind for rect in tree.iter("rect")) for kind in ("true", "masked")] == [1, 2]
    assert cells[0].find("title").text == "x ← a: 0.500"
    (true,) = (rect for rect in tree.iter("rect") if rect.get("class") == "true")
    assert float(true.get("x")) == float(cells[2].get("x")) + 1


def test_everything_stays_inside_the_drawing() -> None:
    (explanation,) = make_explanations("rnn").explanations
    tokens = ["a long token", "b", "c"]
    drawings = [
        svg.heatmap(ROWS, tokens, ["x", "y"], "t"),
        svg.lines({"one": [0.0, 1.0, -0.5], "two": [2.0, 2.0, 2.0]}, tokens, "t"),
        svg.beam(explanation.beam, "t"),
        svg.numbers(ROWS, "t"),
    ]
    for drawing in drawings:
        tree = parsed(drawing)
        width, height = (float(tree.get(side)) for side in ("width", "height"))
        for rect in tree.iter("rect"):
            x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
            assert -0.01 <= x <= x + w <= width + 0.5
            assert -0.01 <= y <= y + h <= height + 0.5
        for points in tree.iter("polyline"):
            positions = [tuple(map(float, position.split(","))) for position in points.get("points").split()]
            assert all(0 <= x <= width and 0 <= y <= height for x, y in positions)


def test_a_beam_has_a_box_for_each_node_and_a_line_to_each_parent() -> None:
    (explanation,) = make_explanations("attention-rnn").explanations
    tree = parsed(svg.beam(explanation.beam, "t"))
    assert sum("node" in (group.get("class") or "") for group in tree.iter("g")) == len(explanation.beam.nodes)
    assert len(list(tree.iter("line"))) == len(explanation.beam.nodes) - 1
    best = [group for group in tree.iter("g") if group.get("class") == "node best"]
    assert len(best) == len(explanation.beam.best)


@pytest.mark.parametrize("text", ["<b>", "a & b", '"quoted"', "'"])
def test_texts_are_escaped(text: str) -> None:
    drawing = svg.heatmap(((1.0,),), [text], [text], text)
    assert parsed(drawing).get("aria-label") == text
    assert not re.search(r"<b>", str(drawing))
