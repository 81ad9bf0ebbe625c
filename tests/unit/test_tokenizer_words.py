"""WordTable: looking words up gives the ids that encoding the text gives, whatever the text."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import SentencePair, Split
from seqloom.tokenizer import Tokenizer, TokenizerSettings, WordTable, word_table

PAIRS = [
    SentencePair("take the brass lamp, then light it!", "take lamp ; light lamp"),
    SentencePair("open 12 doors (don't ask) über_all", "nimm die Lampe — jetzt"),
] * 3
KINDS = {
    kind: Tokenizer.train(PAIRS, TokenizerSettings(kind=kind, vocab_size=120, min_frequency=1))  # type: ignore[arg-type]
    for kind in ("bpe", "unigram", "words", "characters")
}
# Text as people write it, and anything at all: other white space, the marker itself, combining marks, nothing.
WORDS = st.sampled_from(["the", "lamp,", "12", "don't", "über", "▁x", "e\u0301", "日本語", "♞", "\ue003", "--", "_"])
TEXTS = st.one_of(
    st.lists(WORDS, max_size=6).map(" ".join), st.text(max_size=12), st.sampled_from([" a", "a  b", "a\nb"])
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(chunks=st.lists(st.lists(TEXTS, max_size=6), max_size=4))
def test_the_ids_are_those_of_the_codec(kind: str, chunks: list[list[str]]) -> None:
    tokenizer = KINDS[kind]
    table = WordTable(tokenizer.source)
    for texts in chunks:
        for form in (texts, [tokenizer.normalise(text) for text in texts]):
            ids, lengths = table.encode(form)
            expected = tokenizer.source.encode(form)
            assert lengths.tolist() == [len(row) for row in expected]
            assert ids.tolist() == [i for row in expected for i in row.tolist()]
            assert ids.dtype == np.int32


@pytest.mark.parametrize("limit", ["_MAX_WORDS", "_MAX_CHARS"])
def test_memory_is_bounded_by_emptying_the_table(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_table, limit, 40)
    codec = KINDS["bpe"].source
    table = WordTable(codec)
    for start in range(0, 400, 8):
        texts = [f"w{number} lamp" for number in range(start, start + 8)]
        ids, _ = table.encode(texts)
        assert ids.tolist() == [i for row in codec.encode(texts) for i in row.tolist()]
        assert len(table._known) <= 40
    # One chunk may hold more than is remembered; it is encoded all the same.
    texts = [f"v{number}" for number in range(100)]
    assert table.encode(texts)[1].tolist() == [len(row) for row in codec.encode(texts)]


def test_words_met_before_are_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = KINDS["bpe"].source
    table = WordTable(codec)
    first = table.encode(["take the lamp", "light the lamp"])

    def encode(self: object, texts: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(type(codec), "encode", encode)
    again = table.encode(["take the lamp", "light the lamp"])
    assert [a.tolist() for a in first] == [a.tolist() for a in again]


def test_a_split_that_can_draws_the_sample_itself() -> None:
    def nobody() -> Iterator[SentencePair]:
        raise AssertionError("all pairs were read")

    def sample(count: int) -> Iterator[SentencePair]:
        return iter([SentencePair("take the lamp", "take lamp")] * count)

    split = Split("train", "a test", "f", nobody, size=1000, sample=sample)
    tokenizer = Tokenizer.train(split, TokenizerSettings(max_training_pairs=50))
    seen = tokenizer.trained_on
    assert (seen.num_items, seen.num_sampled) == (1000, 50)
    assert seen.num_characters == (13 * 1000, 9 * 1000)


def test_of_more_pairs_than_are_used_each_may_be_drawn() -> None:
    pairs = [SentencePair(f"w{number}", "") for number in range(2000)]
    tokenizer = Tokenizer.train(
        pairs, TokenizerSettings(kind="words", min_frequency=1, max_training_pairs=100, vocab_size=8000)
    )
    drawn = [int(piece[2:]) for piece in tokenizer.source.pieces if piece[2:].isdigit()]
    assert len(drawn) == 100
    assert min(drawn) < 300
    assert max(drawn) > 1700
    assert tokenizer.trained_on.num_items == 2000
