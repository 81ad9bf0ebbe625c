from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.output_stream import OutputStream, TokenReport
from seqloom.decoding.stop_strings import cut_at
from seqloom.decoding.streaming import GeneratedToken
from seqloom.vocabulary import Vocabulary

PIECES = ["<pad>", "<s>", "</s>", "ab", "c", "d ", "e"]


class Pieces:
    """Ids from 3 are pieces of text."""

    vocab = Vocabulary(len(PIECES), len(PIECES), True)

    def encode_src(self, texts: Sequence[str]) -> list[Any]:
        return [np.array([3]) for _ in texts]

    encode_tgt = encode_src

    def decode_tgt(self, ids: Sequence[int]) -> str:
        return "".join(PIECES[number] for number in ids)

    def tgt_tokens(self, ids: Sequence[int]) -> list[str]:
        return [PIECES[number] for number in ids]


def write(stream: OutputStream, ids: Sequence[int], texts: Sequence[str] | None = None) -> Generation:
    """Feeds ids, each with the text so far, until the output stops."""
    written: list[int] = []
    for place, number in enumerate(ids):
        if number != 2:
            written.append(number)
        text = texts[min(place, len(texts) - 1)] if texts else Pieces().decode_tgt(written)
        if not stream(
            GeneratedToken(0, number, -0.5, lambda text=text: text, lambda count: [(4, -0.1), (5, -2.0)][:count])
        ):
            break
    final = texts[len(written) - 1] if texts else Pieces().decode_tgt(written)
    return Generation("", (final,), (Hypothesis(tuple(written), 0.0, 0.0, ids[-1] == 2 and not stream.stopped, ()),))


@pytest.mark.parametrize("stop", [(), ("cd",), ("e",), ("cd e", "zz"), ("never",), ("bc",), ("abcd ab",)])
def test_what_is_shown_adds_up_to_the_text_and_ends_before_a_stop(stop: tuple[str, ...]) -> None:
    shown: list[str] = []
    stream = OutputStream(Pieces(), stop=stop, emit=lambda text, reports: shown.append(text))
    ids = [3, 4, 5, 3, 4, 6, 2]
    generation = write(stream, ids)
    whole = Pieces().decode_tgt(ids[:-1])
    text = stream.finish(generation)
    assert text == cut_at(whole, stop)[0]
    assert "".join([*shown, stream.remaining()[0]]) == text
    assert stream.finish_reason(generation) == "stop"
    assert all(shown)


def test_a_limit_is_no_stop() -> None:
    stream = OutputStream(Pieces())
    generation = write(stream, [3, 4])
    assert stream.finish(generation) == "abc"
    assert stream.finish_reason(generation) == "length"
    assert stream.num_tokens == 2


def test_half_a_character_is_not_shown() -> None:
    shown: list[str] = []
    stream = OutputStream(Pieces(), emit=lambda text, reports: shown.append(text))
    generation = write(stream, [3, 4, 5, 2], ["a\ufffd", "aé", "aé!"])
    assert shown == ["a", "é", "!"]
    assert stream.finish(generation) == "aé!"


def test_reports_say_which_token_added_what() -> None:
    told: list[TokenReport] = []
    stream = OutputStream(Pieces(), stop=("d",), num_top_tokens=1, emit=lambda text, reports: told.extend(reports))
    generation = write(stream, [3, 4, 5, 6, 2])
    stream.finish(generation)
    told += stream.remaining()[1]
    assert told == stream.reports
    assert [one.text for one in told] == ["ab", "c"]
    assert [one.offset for one in told] == [0, 2]
    # The chosen token stands among them, whether it is one of the likeliest or not.
    assert [report.top_tokens for report in told] == [(("c", -0.1), ("ab", -0.5)), (("c", -0.5),)]
    assert stream.num_tokens == 3


def test_without_listening_the_stop_still_holds() -> None:
    stream = OutputStream(Pieces(), stop=("c",))
    generation = Generation("", ("abcd",), (Hypothesis((3, 4, 5), 0.0, 0.0, False, ()),))
    assert stream.finish(generation) == "ab"
    assert stream.finish_reason(generation) == "stop"
    assert stream.num_tokens == 3
