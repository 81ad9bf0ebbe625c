"""The catalogue: that every claim has the one shape, and that small arms are equally large."""

import pytest

from seqloom.claims.claim import claims, find_claim
from seqloom.errors import ConfigError
from seqloom.experiment.arms import FIXED, LABELS, THREE, arm
from seqloom.models import make_model
from seqloom.vocabulary import Vocabulary

SPEECH = ("statement", "source", "published", "against", "supports", "contradicts")
DECIDED_IN_MINUTES = {2, 4, 6, 11, 12, 13, 17}


def test_numbers_are_places_in_the_catalogue():
    assert [claim.number for claim in claims().values()] == list(range(1, len(claims()) + 1))


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)
def test_every_claim_says_what_would_settle_it(claim):
    assert all(getattr(claim, field).strip() for field in SPEECH)
    assert claim.statement.endswith(".")
    assert {"standard", "thorough"} <= claim.protocols.keys()
    assert all(protocol.words.endswith(".") and protocol.seeds >= 2 for protocol in claim.protocols.values())
    assert ("quick" in claim.protocols) == (claim.number in DECIDED_IN_MINUTES)


def test_a_claim_is_found_by_name_and_by_number():
    assert find_claim("copying") is find_claim("4")
    with pytest.raises(ConfigError, match="Did you mean 'copying'"):
        find_claim("copyng")


@pytest.mark.parametrize(("small", "vocab_size"), [(True, 30), (True, 260), (False, 4000)])
def test_arms_that_are_compared_are_equally_large(small, vocab_size):
    vocab = Vocabulary(vocab_size, vocab_size, shared=True)
    sizes = {
        recipe: make_model(arm(recipe, "copy", 1, small=small).recipe.model, vocab).num_parameters()
        for recipe in (*THREE, FIXED)
    }
    assert max(sizes.values()) < 1.05 * min(sizes.values()), sizes
    assert set(sizes) == set(LABELS)


def test_arms_that_say_the_same_are_trained_once():
    one, other = arm(THREE[0], "copy", 5, small=True), arm(THREE[0], "copy", 5, small=True, variant="by another name")
    assert one.key == other.key
    assert one.key != arm(THREE[0], "copy", 6, small=True).key
    assert one.key != one.at_rate(0.5).key
    assert one.key != arm(THREE[0], "reverse", 5, small=True).key
