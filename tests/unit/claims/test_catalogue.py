"""The catalogue: every claim has all fields and protocols, and compared arms have equal numbers of parameters."""

import pytest

from seqloom.claims.claim import Claim, claims, find_claim
from seqloom.errors import ConfigError
from seqloom.experiment.arms import FIXED, LABELS, MAIN_RECIPES, arm
from seqloom.models import make_model
from seqloom.vocabulary import Vocabulary

TEXT_FIELDS = ("statement", "source", "published", "against", "supports", "contradicts")
DECIDED_IN_MINUTES = {4, 11, 12, 13, 17}


def test_numbers_follow_the_order_of_the_catalogue() -> None:
    assert [claim.number for claim in claims().values()] == list(range(1, len(claims()) + 1))


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)
def test_every_claim_has_texts_and_protocols(claim: Claim) -> None:
    assert all(getattr(claim, field).strip() for field in TEXT_FIELDS)
    assert claim.statement.endswith(".")
    assert {"standard", "thorough"} <= claim.protocols.keys()
    assert all(protocol.description.endswith(".") and protocol.seeds >= 2 for protocol in claim.protocols.values())
    assert ("quick" in claim.protocols) == (claim.number in DECIDED_IN_MINUTES)


def test_a_claim_is_found_by_name_and_by_number() -> None:
    assert find_claim("copying") is find_claim("4")
    with pytest.raises(ConfigError, match="Did you mean 'copying'"):
        find_claim("copyng")


@pytest.mark.parametrize(("small", "vocab_size"), [(True, 30), (True, 260), (False, 4000)])
def test_compared_arms_have_equal_numbers_of_parameters(small: bool, vocab_size: int) -> None:
    vocab = Vocabulary(vocab_size, vocab_size, shared=True)
    sizes = {
        recipe: make_model(arm(recipe, "copy", 1, small=small).recipe.model, vocab).num_parameters()
        for recipe in (*MAIN_RECIPES, FIXED)
    }
    assert max(sizes.values()) < 1.05 * min(sizes.values()), sizes
    assert set(sizes) == set(LABELS)


def test_equal_arms_have_the_same_key() -> None:
    first, same = (
        arm(MAIN_RECIPES[0], "copy", 5, small=True),
        arm(MAIN_RECIPES[0], "copy", 5, small=True, variant="by another name"),
    )
    assert first.key == same.key
    assert first.key != arm(MAIN_RECIPES[0], "copy", 6, small=True).key
    assert first.key != first.at_rate(0.5).key
    assert first.key != arm(MAIN_RECIPES[0], "reverse", 5, small=True).key
