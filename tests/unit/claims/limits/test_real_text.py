"""Real test sentences: a score that falls with length is found, one that does not is not, and what is not known is said."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from seqloom.claims.limits.real_text import SentenceSearch
from seqloom.claims.limits.result import About, LimitSettings, LimitsResult
from seqloom.corpus.corpus import SentencePair
from seqloom.errors import ConfigError, CorpusError
from seqloom.progress import Silent

from .engines import KnownEngine

ABOUT = About(
    run="runs/x",
    recipe="known",
    corpus="pairs",
    size_measure="length",
    unit="word",
    units="words",
    description="test sentences",
    measure="BLEU",
    trained=None,
)


def sentences(num: int = 600, longest: int = 40) -> list[SentencePair]:
    draw = Random(0)
    words = [f"w{number}" for number in range(200)]
    texts = {" ".join(draw.choices(words, k=draw.randint(4, longest))) for _ in range(num)}
    return [SentencePair(text, text.upper()) for text in sorted(texts)]


def garbled(text: str) -> str:
    return " ".join("X" if number % 2 else word for number, word in enumerate(text.upper().split()))


def search(
    says: Callable[[str], str], metric: str = "bleu", pairs: list[SentencePair] | None = None, **settings: Any
) -> LimitsResult:
    engine = KnownEngine(says)
    chosen = sentences() if pairs is None else pairs
    found = SentenceSearch(engine, chosen, ABOUT, LimitSettings(**settings), metric=metric, item_separator=None)
    found.run(Silent())
    return found.result()


@pytest.mark.parametrize("metric", ["bleu", "chrf", "exact_match"])
def test_a_score_that_falls_with_length_is_found(metric: str) -> None:
    found = search(lambda text: text.upper() if len(text.split()) <= 18 else garbled(text), metric)
    failing = [one for one in found.sizes if one.state == "fails"]
    if metric == "chrf":
        # Half of the words are right, which chrF sees.
        assert found.sizes[0].value > found.sizes[-1].value
    else:
        assert found.limit == failing[0].first
        assert 15 <= found.limit <= 22
        assert all(one.state == "fails" for one in found.sizes if one.first > 18)
        assert found.verdict.startswith(f"Fails from {found.limit} words on: ")
    assert found.smallest_failing is not None
    assert found.smallest_failing.size >= 18 or metric != "exact_match"
    assert (found.sizes[0].right is not None) == (metric == "exact_match")


def test_a_score_that_does_not_fall_has_no_limit() -> None:
    found = search(lambda text: text.upper())
    assert found.limit is None
    assert {one.state for one in found.sizes} == {"passes"}
    assert found.smallest_failing is None
    assert found.sizes[-1].last == found.most == 40
    assert search(garbled, "chrf").limit is None


def test_where_a_model_has_hardly_learnt_anything_that_is_said() -> None:
    assert any("hardly learnt" in note for note in search(garbled).notes)
    assert not any("hardly learnt" in note for note in search(lambda text: text.upper()).notes)


def test_a_model_that_knows_nothing_at_any_length_is_undecided() -> None:
    found = search(lambda text: "", "exact_match")
    assert {one.state for one in found.sizes} == {"undecided"}
    assert "undecided at" in found.verdict


def test_groups_follow_each_other_and_hold_what_they_say() -> None:
    found = search(lambda text: text.upper(), samples=40)
    assert all(one.last + 1 == other.first for one, other in zip(found.sizes, found.sizes[1:], strict=False))
    assert all(one.tried == 40 for one in found.sizes)
    assert any("further test sentences were not tried" in note for note in found.notes)
    assert any("one reference" in note for note in found.notes)
    assert not any("one reference" in note for note in search(lambda text: text.upper(), "exact_match").notes)
    assert max(one.last for one in search(lambda text: text.upper(), most=12).sizes) <= 12


def test_the_same_seed_takes_the_same_sentences() -> None:
    first, again, other = (search(garbled, samples=30, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert [one.value for one in first.sizes] != [one.value for one in other.sizes]


def test_interrupted_it_has_what_it_found() -> None:
    engine = KnownEngine(str.upper, most=200)
    found = SentenceSearch(engine, sentences(), ABOUT, LimitSettings(), metric="bleu", item_separator=None)
    with pytest.raises(KeyboardInterrupt):
        found.run(Silent())
    assert not found.result().finished
    assert 1 <= len(found.result().sizes) < 10


def test_what_cannot_be_tried_is_refused() -> None:
    with pytest.raises(CorpusError, match="raise --most"):
        search(str.upper, most=2)
    with pytest.raises(CorpusError, match="no test sentences"):
        search(str.upper, pairs=[])
    with pytest.raises(ConfigError, match="--samples 5: the score of so few sentences says little; give 30 or more"):
        search(str.upper, samples=5)


def test_where_bleu_is_not_defined_chrf_is_measured_and_it_is_said() -> None:
    words = [f"w{number}" for number in range(200)]
    short = [SentencePair(" ".join(words[i : i + 1 + i % 3]), words[i]) for i in range(190)]
    found = search(lambda text: text, pairs=short)
    assert found.measure == "chrF"
    assert "no four words in a row; chrF is measured instead" in " ".join(found.notes)
    assert any("190 test sentences were chosen to be tried, of 190." in note for note in found.notes)
