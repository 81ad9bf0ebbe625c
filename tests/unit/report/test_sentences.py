"""The sentences beside the charts say what the numbers say."""

from seqloom.report import sentences
from tests.comparison_factory import make, make_many, make_text_corpus


def test_quality_goes_from_best_to_worst() -> None:
    assert sentences.about_quality(make(), "beyond") == (
        "Beyond the trained range, share of right commands (higher is better): Hand-written rules 64.2% [62.6, 65.8], "
        "RNN with attention 60.2% [58.9, 61.5], Transformer 51.3% [50.0, 52.6] and "
        "RNN encoder-decoder 13.7% [12.4, 15.0]."
    )
    text = sentences.about_quality(make_text_corpus(), "test")
    assert "lower is better" in text
    assert text.index("1.873") < text.index("1.921")


def test_length_says_by_how_much() -> None:
    text = sentences.about_length(make(), "test")
    assert text.startswith("Within the trained range, from 3–6 to 21–28 source words: ")
    assert "RNN encoder-decoder 67.3% to 28.5% (−38.8)" in text


def test_differences_name_what_may_be_chance() -> None:
    text = sentences.about_differences(make_text_corpus(), "test")
    assert text == (
        "Test, 0 of 1 difference between these runs is significant; "
        "transformer-lm-tiny over transformer-lm-wide may be chance."
    )
    assert "6 of 6 differences between architectures are significant." in sentences.about_differences(make(), "test")
    assert "the table holds all" in sentences.about_differences(make_many(20), "test")


def test_what_was_not_measured_is_said() -> None:
    assert sentences.about_cost(make_text_corpus(), "latency") == "Latency of one passage, ms: not measured."
    assert "RNN with attention 12,518" in sentences.about_cost(make(), "train_rate")


def test_curves_say_where_they_end() -> None:
    text = sentences.about_curve(make_text_corpus(), "loss")
    assert text.startswith("Validation loss (nats a token, lower is better) ends")
    assert "minutes and 2.57M target tokens" in text
