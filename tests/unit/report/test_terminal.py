"""The terminal's table: all numbers, at any width, with no wrapped columns."""

import io
import re

import pytest
from rich.console import Console

from seqloom.comparison.comparison import Comparison
from seqloom.report import wording
from seqloom.report.terminal import comparison_table
from tests.comparison_factory import make, make_many, make_text_corpus


def printed(comparison: Comparison, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(comparison_table(comparison))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize("width", [30, 60, 80, 100, 140, 220])
@pytest.mark.parametrize("comparison", [make(), make_text_corpus(), make_many(20)], ids=["lifelike", "text", "many"])
def test_every_width_shows_every_number_whole(comparison: Comparison, width: int) -> None:
    text = printed(comparison, width)
    assert max(map(len, text.splitlines())) <= width
    words = re.sub(r"\s+", " ", text)
    for arm in comparison.arms:
        for qualities in arm.tests.values():
            assert wording.score_with_interval(qualities[0]) in words
            for quality in qualities[1:]:
                assert wording.score(quality.metric, quality.value) in words
        for run in arm.runs:
            assert wording.compact(run.parameters) in words
    assert "…" not in text


def test_the_verdict_comes_first() -> None:
    comparison = make()
    text = re.sub(r"\s+", " ", printed(comparison, 80))
    assert text.index(comparison.title) < text.index(comparison.verdict[0]) < text.index("97.9%")
    assert text.index("97.9%") < text.index(comparison.caveats[0])
    assert "synthetic" in text


def test_one_line_an_arm_where_there_is_room() -> None:
    comparison = make()
    lines = printed(comparison, 200).splitlines()
    (line,) = [line for line in lines if line.startswith("Transformer ")]
    assert "92.4%" in line
    assert "51.3%" in line
    assert "1.04M" in line


def test_eighty_columns_put_within_and_beyond_side_by_side() -> None:
    lines = [line for line in printed(make(), 80).splitlines() if line.startswith("RNN with attention  ")]
    assert "97.9% [96.6, 99.2]" in lines[0]
    assert "60.2% [58.9, 61.5]" in lines[0]
    assert len(lines) == 3


def test_labels_are_no_markup() -> None:
    comparison = make()
    arms = tuple(arm.model_copy(update={"label": f"[red]{arm.label}[/nope]"}) for arm in comparison.arms)
    assert "[red]Transformer[/nope]" in printed(comparison.model_copy(update={"arms": arms}), 220)


def test_what_was_not_measured_is_a_dash() -> None:
    (line,) = [line for line in printed(make(), 200).splitlines() if line.startswith("Hand-written rules (outside)")]
    assert line.split()[-6:] == ["–"] * 6
