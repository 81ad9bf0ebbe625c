"""Differences are marked where they are, and nothing of the output is lost."""

from hypothesis import given
from hypothesis import strategies as st

from seqloom.report.worddiff import MAX_WORDS, Piece, compare_words, same

texts = st.text() | st.lists(st.sampled_from(["take", "lamp", ";", "oak", " ", "東", "京"]), max_size=12).map(" ".join)


@given(texts, texts)
def test_the_output_can_be_put_together_again(output: str, reference: str) -> None:
    pieces = compare_words(output, reference)
    assert pieces is not None
    assert "".join(text for kind, text in pieces if kind != "missing") == output
    marked = [piece for piece in pieces if piece.kind != "same"]
    assert all(text.strip() for _, text in marked)


@given(texts)
def test_equal_texts_have_no_marks(text: str) -> None:
    assert all(kind == "same" for kind, _ in compare_words(text, text) or [])
    assert same(f"  {text} ", text)


@given(texts)
def test_an_empty_output_lacks_everything(text: str) -> None:
    pieces = compare_words("", text)
    assert pieces == ([Piece("missing", text.lstrip())] if text.strip() else [])


def test_white_space_alone_is_no_difference() -> None:
    assert {kind for kind, _ in compare_words("take lamp", " take  lamp") or []} == {"same"}


def test_a_changed_phrase_is_one_mark() -> None:
    pieces = compare_words("take brass key", "take iron lamp")
    assert pieces == [Piece("same", "take "), Piece("missing", "iron lamp"), Piece("added", "brass key")]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert compare_words("東京都", "東京") == [Piece("same", "東京"), Piece("added", "都")]


def test_too_long_is_said_and_not_computed() -> None:
    assert compare_words("a " * (MAX_WORDS + 1), "b") is None
    assert compare_words("a " * MAX_WORDS, "b") is not None
