"""Stop strings, also across the borders of tokens and within characters that take several tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.decoding.constraints import Histories
from seqloom.decoding.generator import Generator
from seqloom.decoding.output_stream import OutputStream
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.stop_strings import StopStrings, cut_at
from seqloom.vocabulary import Vocabulary
from tests.toy_model import make_toy

PIECES = ["<pad>", "<s>", "</s>", "a", "b", "ab", "ba", "aab", " b", "c\n", "abcab", "\n"]
# Spelled byte by byte, and each byte by two halves, as a tokenizer does with characters that it does not know.
BYTES = [f"{value:x}" for value in range(16)]
VOCAB = Vocabulary(len(PIECES) + 16, len(PIECES) + 16, True)


class Pieces:
    """Ids from 3 are pieces of text, the last 16 are halves of bytes; a text does not begin with a space."""

    vocab = VOCAB

    def encode_src(self, texts: Sequence[str]) -> list[Any]:
        return [
            np.array([3 + "ab".index(letter) for letter in text if letter in "ab"], dtype=np.int64) for text in texts
        ]

    encode_tgt = encode_src

    def decode_tgt(self, ids: Sequence[int]) -> str:
        data, half = b"", ""
        for number in ids:
            if number < len(PIECES):
                data += bytes.fromhex(half + "0") if half else b""
                half = ""
                data += PIECES[number].encode()
            else:
                half += BYTES[number - len(PIECES)]
                if len(half) == 2:
                    data, half = data + bytes.fromhex(half), ""
        return data.decode("utf-8", "replace").removeprefix(" ")

    def tgt_tokens(self, ids: Sequence[int]) -> list[str]:
        return [PIECES[number] for number in ids]


def spell(character: str) -> list[int]:
    return [len(PIECES) + int(digit, 16) for digit in character.encode().hex()]


token_groups = st.one_of(st.integers(3, len(PIECES) - 1).map(lambda token: [token]), st.sampled_from("é€𝄞a").map(spell))
outputs = st.lists(token_groups, max_size=30).map(lambda groups: [token for group in groups for token in group])
stops = st.lists(st.text("ab c\né€𝄞", min_size=1, max_size=5), min_size=1, max_size=3)


@given(outputs, stops)
def test_a_text_ends_with_the_token_that_completes_a_stop_string(ids: list[int], stop_strings: list[str]) -> None:
    tokenizer = Pieces()

    def decode(source: int, part: Sequence[int]) -> str:
        return tokenizer.decode_tgt(part)

    rule = StopStrings(stop_strings, decode, decode)
    for length in range(len(ids) + 1):
        history = np.array([ids[:length]], dtype=np.int64).reshape(1, -1)
        mask = rule.allowed(Histories(history, np.zeros(1, dtype=np.int64), VOCAB, torch.device("cpu")))
        contains = any(stop in tokenizer.decode_tgt(ids[:length]) for stop in stop_strings)
        assert (mask is None) == (not contains)
        if contains:
            assert mask is not None
            assert not mask.any()
            break


@given(st.text("abc", max_size=12), st.lists(st.text("abc", min_size=1, max_size=3), max_size=3))
def test_the_text_before_the_first_stop_string_stays(text: str, stop_strings: list[str]) -> None:
    cut, stop = cut_at(text, stop_strings)
    assert text.startswith(cut)
    assert not any(other in cut for other in stop_strings)
    if stop is None:
        assert cut == text
    else:
        assert text[len(cut) :].startswith(stop)


def make_generator(seed: int, **values: Any) -> Generator:
    size = VOCAB.tgt_size
    model = make_toy(seed, size, size, shared=True, eos_bias=-6.0)
    with torch.no_grad():
        model.bias[len(PIECES) :] -= 4.0
    return Generator(model, Pieces(), DecodingSettings(method="sample", **values))


def ended(prompt: str, ids: Sequence[int], stop_strings: Sequence[str]) -> tuple[str, str | None]:
    """The text and its stop string where it ends with the token that completes one."""
    tokenizer = Pieces()
    prompt_ids = tokenizer.encode_tgt([prompt])[0].tolist()
    for length in range(len(ids) + 1):
        text = tokenizer.decode_tgt([*prompt_ids, *ids[:length]]).removeprefix(tokenizer.decode_tgt(prompt_ids))
        if any(stop in text for stop in stop_strings):
            break
    return cut_at(text, stop_strings)


PROMPTS = ["ab", "", "ba a", "bb"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("values", [{}, {"temperature": 0}, {"nbest": 3}, {"repetition_penalty": 1.2}], ids=str)
def test_generated_texts_end_before_stop_strings(seed: int, values: dict[str, Any]) -> None:
    free = list(make_generator(seed, **values).continue_text(PROMPTS, max_tokens=40))
    text = max((text for item in free for text in item.texts), key=len)
    assert len(text) > 20
    for stop_strings in ([text[9:11]], [text[15:20], text[3:5]], ["never"], [text[7], "b\n"]):
        found = make_generator(seed, stop_strings=stop_strings, **values).continue_text(PROMPTS, max_tokens=40)
        for before, after in zip(free, found, strict=True):
            # The best sample is the most probable, so stop strings may change the order of samples.
            expected = sorted(ended(before.source, item.ids, stop_strings) for item in before.hypotheses)
            assert sorted(zip(after.texts, after.stops, strict=True)) == expected
            for stop, reason, hypothesis in zip(after.stops, after.finish_reasons, after.hypotheses, strict=True):
                assert reason == ("stop" if stop is not None or hypothesis.finished else "length")


@pytest.mark.parametrize("seed", range(4))
def test_a_stream_holds_back_what_may_be_a_stop_string(seed: int) -> None:
    (free,) = make_generator(seed).continue_text(["ab"], max_tokens=60)
    stop_strings = [free.text[20:24], free.text[12:18] + "never"]
    (whole,) = make_generator(seed, stop_strings=stop_strings).continue_text(["ab"], max_tokens=60)
    pieces: list[str] = []
    stream = OutputStream(Pieces(), stop=stop_strings, emit=lambda piece, _: pieces.append(piece))
    (streamed,) = make_generator(seed, stop_strings=stop_strings).answer(["ab"], max_tokens=60, on_token=stream)
    stream.finish(streamed)
    assert "".join([*pieces, stream.remaining()[0]]) == whole.text == streamed.text
    assert stream.stop == whole.stops[0]
    assert len(pieces) > 3


def test_a_limit_note_speaks_of_texts_that_were_cut_by_the_limit_only() -> None:
    (item,) = make_generator(0, stop_strings=["a", "b", "c", "\n"]).continue_text(["ab"], max_tokens=40)
    assert item.finish_reason == "stop"
    assert item.with_limit_note(40).notes == ()
