import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.corpus.characters import CharacterCounts, count_sides, likelihoods
from seqloom.corpus.corpus import SentencePair

DE = CharacterCounts.of(["der kleine Hund läuft über die Straße", "ein Haus steht auf dem Berg", "die Katze schläft"])
EN = CharacterCounts.of(["the little dog runs across the street", "a house stands on the hill", "the cat sleeps"])


@pytest.mark.parametrize(
    ("text", "code"), [("der Hund schläft", "de"), ("the dog sleeps", "en"), ("DIE STRASSE", "de")]
)
def test_a_text_is_likeliest_in_its_own_language(text: str, code: str) -> None:
    found = likelihoods(text, {"de": DE, "en": EN})
    assert max(found, key=lambda name: found[name]) == code
    assert found[code] > 0.8


@given(st.text(max_size=50))
def test_probabilities_sum_to_one_whatever_the_text(text: str) -> None:
    found = likelihoods(text, {"de": DE, "en": EN, "none": CharacterCounts({})})
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["", "   ", "日本語", "☃"])
def test_where_nothing_is_known_all_are_equal(text: str) -> None:
    assert likelihoods(text, {"de": DE, "en": EN}) == {"de": 0.5, "en": 0.5}


def test_counts_survive_being_written_and_add_up() -> None:
    assert CharacterCounts.from_json(json.loads(json.dumps(DE.to_json()))) == DE
    both = DE + EN
    assert both.counts["die"] == DE.counts["die"]
    assert sum(both.counts.values()) == sum(DE.counts.values()) + sum(EN.counts.values())
    src, tgt = count_sides([SentencePair("der Hund", "the dog")])
    assert "der" in src.counts
    assert "der" not in tgt.counts
