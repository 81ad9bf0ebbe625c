"""The page on language models: its numbers are those of the stored results."""

import pytest

from benchmarks.language_models import COMMAND, PAGE, RECIPES, read_results, with_numbers
from seqloom.comparison.comparison import Comparison


def test_the_tables_are_those_of_the_results() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_numbers(text, read_results()) == text


def test_the_page_quotes_the_command_of_the_results() -> None:
    comparison = Comparison.model_validate(read_results()["comparison"])
    assert {arm.name for arm in comparison.arms} == set(RECIPES)
    text = PAGE.read_text(encoding="utf-8")
    assert COMMAND in text
    budget = COMMAND[COMMAND.index("--minutes") :].split()[1]
    assert comparison.budget.startswith(f"{budget} minutes")


def test_what_the_page_says_in_words_is_true_of_the_results() -> None:
    results = read_results()
    comparison = Comparison.model_validate(results["comparison"])
    quality = {arm.name: arm.tests["test"][0] for arm in comparison.arms}
    recurrent, counting = quality["rnn-lm-tiny"], quality["ngram"]
    assert recurrent.interval is not None
    # "Level": neither is better than the other by more than chance.
    (difference,) = [d for d in comparison.differences if {d.better, d.worse} == {"rnn-lm-tiny", "ngram"}]
    assert not difference.significant
    assert recurrent.value < min(quality[name].value for name in ("gpt2-tiny", "transformer-lm-tiny"))
    assert counting.value < min(quality[name].value for name in ("gpt2-tiny", "transformer-lm-tiny"))
    steps = {arm.name: arm.runs[0].steps for arm in comparison.arms}
    assert 2 * steps["transformer-lm-tiny"] < min(steps["rnn-lm-tiny"], steps["gpt2-tiny"])
    mixture = results["mixture"]
    assert mixture["bits_per_byte"] < min(quality[name].value for name in mixture["runs"])
    assert sum(mixture["weights"]) == pytest.approx(1)
