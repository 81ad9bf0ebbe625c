import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import SentencePair
from seqloom.interop.huggingface_tokenizer import make_backend, reason_unsupported
from seqloom.tokenizer import Tokenizer, TokenizerSettings

PAIRS = [
    SentencePair("Ein Mann läuft über die Straße, ok? Ña ġ Ã", "A man walks (2) times ä ö ü 123"),
    SentencePair("die Häuser sind groß hier!", "the houses are big here"),
] * 5

CASES: list[dict[str, Any]] = [
    {"kind": "bpe"},
    {"kind": "bpe", "unicode": "nfkc"},
    {"kind": "bpe", "lowercase": True},
    {"kind": "unigram"},
    {"kind": "unigram", "collapse_whitespace": False, "unicode": "none"},
    {"kind": "characters"},
]


def made(values: dict[str, Any]) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer.train(PAIRS, TokenizerSettings(vocab_size=120, **values))
    assert not reason_unsupported(tokenizer)
    return tokenizer, make_backend(tokenizer, "$A </s>")


MADE = [made(values) for values in CASES]

TEXTS = [
    *("", "   ", "A man, 3.5 km!  x", "\u00e9e\u0301 straße 日本語 \U0001f600", "▁ a▁b \ue003\ue004"),
    *("</s> <s> <pad>", "tab\tnl\nx\x0b\x1c\x85\u2028y", "Ġ Ã¤ ©", "q\x00\x07\x7f", "\ufffd", "İ", "\U0010ffff"),
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", range(len(CASES)), ids=lambda place: str(CASES[place]))
def test_strange_texts_become_the_same_ids_and_come_back(place: int, text: str) -> None:
    check(place, text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(CASES) - 1), st.text(st.characters(exclude_categories=["Cs", "Cn", "Lu"]), max_size=40))
def test_any_text_becomes_the_same_ids_and_comes_back(place: int, text: str) -> None:
    check(place, text)


def check(place: int, text: str) -> None:
    tokenizer, backend = MADE[place]
    (ids,) = tokenizer.encode_src([text])
    assert backend.encode(text).ids == [*ids.tolist(), 2]
    assert backend.decode([*ids.tolist(), 2], skip_special_tokens=True) == tokenizer.decode_src(ids)


def test_any_whole_bytes_are_written_as_by_us() -> None:
    tokenizer, backend = MADE[0]
    draw = random.Random(0)
    for _ in range(100):
        # Pieces, and bytes (two nibbles each) that need not be UTF-8.
        ids: list[int] = []
        for _ in range(8):
            nibbles = [draw.randrange(3, 19), draw.randrange(3, 19)]
            ids += nibbles if draw.random() < 0.4 else [draw.randrange(19, len(tokenizer.source))]
        assert backend.decode(ids, skip_special_tokens=True) == tokenizer.decode_src(ids)


def test_words_are_refused_with_a_reason() -> None:
    assert "words" in reason_unsupported(Tokenizer.train(PAIRS, TokenizerSettings(kind="words", vocab_size=64)))
