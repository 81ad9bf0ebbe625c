from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seqloom.decoding.generator import Heard
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.serve.live import Live, TokenReport, cut_at
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


def write(live: Live, ids: Sequence[int], texts: Sequence[str] | None = None) -> Generation:
    """Feeds ids, each with the text so far, until the output stops."""
    written: list[int] = []
    for place, number in enumerate(ids):
        if number != 2:
            written.append(number)
        text = texts[min(place, len(texts) - 1)] if texts else Pieces().decode_tgt(written)
        if not live(Heard(0, number, -0.5, lambda text=text: text, lambda count: [(4, -0.1), (5, -2.0)][:count])):
            break
    final = texts[len(written) - 1] if texts else Pieces().decode_tgt(written)
    return Generation("", (final,), (Hypothesis(tuple(written), 0.0, 0.0, ids[-1] == 2 and not live.stopped, ()),))


@pytest.mark.parametrize("stop", [(), ("cd",), ("e",), ("cd e", "zz"), ("never",), ("bc",), ("abcd ab",)])
def test_what_is_shown_adds_up_to_the_text_and_ends_before_a_stop(stop: tuple[str, ...]) -> None:
    shown: list[str] = []
    live = Live(Pieces(), stop=stop, emit=lambda text, reports: shown.append(text))
    ids = [3, 4, 5, 3, 4, 6, 2]
    generation = write(live, ids)
    whole = Pieces().decode_tgt(ids[:-1])
    text = live.finish(generation)
    assert text == cut_at(whole, stop)
    assert "".join([*shown, live.rest()[0]]) == text
    assert live.reason(generation) == "stop"
    assert all(shown)


def test_a_limit_is_no_stop() -> None:
    live = Live(Pieces())
    generation = write(live, [3, 4])
    assert live.finish(generation) == "abc"
    assert live.reason(generation) == "length"
    assert live.num_tokens == 2


def test_half_a_character_is_not_shown() -> None:
    shown: list[str] = []
    live = Live(Pieces(), emit=lambda text, reports: shown.append(text))
    generation = write(live, [3, 4, 5, 2], ["a\ufffd", "aé", "aé!"])
    assert shown == ["a", "é", "!"]
    assert live.finish(generation) == "aé!"


def test_reports_say_which_token_added_what() -> None:
    told: list[TokenReport] = []
    live = Live(Pieces(), stop=("d",), likeliest=1, emit=lambda text, reports: told.extend(reports))
    generation = write(live, [3, 4, 5, 6, 2])
    live.finish(generation)
    told += live.rest()[1]
    assert told == live.reports
    assert [one.text for one in told] == ["ab", "c"]
    assert [one.offset for one in told] == [0, 2]
    # The chosen token stands among them, whether it is one of the likeliest or not.
    assert [one.likeliest for one in told] == [(("c", -0.1), ("ab", -0.5)), (("c", -0.5),)]
    assert live.num_tokens == 3


def test_without_listening_the_stop_still_holds() -> None:
    live = Live(Pieces(), stop=("c",))
    generation = Generation("", ("abcd",), (Hypothesis((3, 4, 5), 0.0, 0.0, False, ()),))
    assert live.finish(generation) == "ab"
    assert live.reason(generation) == "stop"
    assert live.num_tokens == 3
