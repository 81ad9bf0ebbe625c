"""How explanations are put into words."""

import pytest

from seqloom.explain.explanation import Agreement, Agreements, AlignmentAgreement, Token
from seqloom.report import explanation_wording as words
from tests.explanation_factory import make_explanations


@pytest.mark.parametrize(
    ("text", "shown"),
    [("▁sieben", "sieben"), ("und", "…und"), ("</s>", "</s>"), ("▁", "␣"), ("<", "…<"), ("▁a▁b", "a b"), ("", "…")],
)
def test_tokens_are_shown_as_people_read_them(text: str, shown: str) -> None:
    assert words.token_text(Token(text=text, token_id=5)) == shown


def test_the_sentence_of_agreements_gives_its_counts() -> None:
    agreements = Agreements(
        occlusion=Agreement(alike=0.5, rank=-0.25, count=6),
        gradient=Agreement(alike=1, rank=None, count=6),
        truth=AlignmentAgreement(alike=0.75, mass=0.5, chance=0.1, count=4),
    )
    assert words.agreements_sentence(agreements) == (
        "Agrees with the reference alignment for 75% of 4 tokens that have one (chance 10%); 50% of its weight is on it. "
        "Has its maximum at the same token as occlusion for 50% of 6 (rank correlation −0.25) and gradient for 100% of 6 "
        "(rank correlation –)."
    )
    assert words.agreements_short(agreements) == "ref. 75%, occl. 50%, grad. 100%"
    assert (
        words.agreements_sentence(Agreements())
        == "There is no other method and no reference alignment to compare with."
    )
    assert words.agreements_short(Agreements(truth=agreements.truth.model_copy(update={"alike": 0.0}))) == "ref. 0%"


def test_the_sentence_of_a_picture_names_the_maximum_of_each_row() -> None:
    (explanation,) = make_explanations("attention-rnn").explanations
    picture = words.main_picture(explanation)
    sentence = words.picture_sentence(explanation, picture)
    names = words.token_texts(explanation.source)
    for row, token in zip(picture.rows, words.token_texts(explanation.target), strict=True):
        assert f"{token} at {names[row.index(max(row))]}" in sentence


def test_attention_comes_first_and_occlusion_where_there_is_none() -> None:
    explanations = make_explanations("rnn", "transformer").explanations
    assert [words.main_picture(explanation).method for explanation in explanations] == ["occlusion", "attention"]
    assert [picture.method for picture in words.pictures_of(explanations[1])] == ["attention", "occlusion", "gradient"]
