"""Numbers read the same everywhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.report import wording
from seqloom.report.rows import cost_title
from seqloom.report.tables import run_table
from tests.comparison_factory import make, make_text_corpus


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(0, 4))
def test_numbers_can_be_read_back(value: float, digits: int) -> None:
    text = wording.number(value, digits)
    assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(value, abs=0.5 * 10**-digits + 1e-7)
    assert not text.startswith("−0") or float(text.replace("−", "-")) != 0


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_compact_numbers_keep_three_digits(value: float) -> None:
    text = wording.compact(value)
    scale = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1.0)
    read = float(text.rstrip("kMG").replace(",", "")) * scale
    assert read == pytest.approx(value, rel=0.0051, abs=0.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (-0.0001, "0.0"),
        (-2.34, "−2.3"),
        (1234.56, "1,234.6"),
    ],
)
def test_odd_numbers(value: float | None, text: str) -> None:
    assert wording.number(value, 1) == text


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("items", "92.5%"),
        ("exact_match", "92.5%"),
        ("bleu", "92.5"),
        ("perplexity", "92.46"),
        ("bits_per_byte", "92.457"),
    ],
)
def test_each_metric_has_its_digits(metric: str, text: str) -> None:
    assert wording.score(metric, 92.4567) == text


def test_labels_are_unique() -> None:
    comparison = make()
    alike = comparison.model_copy(
        update={"arms": tuple(arm.model_copy(update={"label": "RNN"}) for arm in comparison.arms)}
    )
    labels = wording.arm_labels(alike)
    assert len(set(labels.values())) == len(alike.arms)
    assert wording.arm_labels(comparison)["rnn-tiny"] == "RNN encoder-decoder"


def test_direction() -> None:
    assert wording.higher_is_better(make())
    assert not wording.higher_is_better(make_text_corpus())


def test_the_speed_of_decoding_counts_the_items_of_the_task() -> None:
    assert cost_title(make(), "decode_rate") == "Decoding, sentences a second"
    assert cost_title(make_text_corpus(), "decode_rate") == "Decoding, passages a second"
    assert cost_title(make_text_corpus(), "latency") == "Latency of one passage, ms"
    assert "Passages/s" in run_table(make_text_corpus()).columns
