from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqloom.data.example import Example
from seqloom.decoding.generator import Generator
from seqloom.decoding.hypothesis import Generation
from seqloom.decoding.settings import DecodingSettings
from seqloom.interop.parity import ParityData, measure
from tests.toy_model import make_toy
from tests.unit.decoding.test_generator import Letters

SOURCES = ("abc", "ge", "", "d d")


class Other:
    """A peer that is another toy, whose scores are off by a constant a token."""

    def __init__(self, seed: int, gap: float) -> None:
        self.model, self.gap = make_toy(seed, 11, 11, shared=True), gap

    def generator(self, beam: int) -> Generator:
        return Generator(self.model, Letters(), DecodingSettings(beam=beam, max_len_offset=8))

    def outputs(self, texts: Sequence[str], beam: int) -> list[Generation]:
        return list(self.generator(beam).generate(texts))

    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        from seqloom.decoding.forced import score_targets

        scores = [one.token_log_probs for one in score_targets(self.model, examples, end=end)]
        return [tuple(np.array(one) + self.gap) for one in scores]

    def search_difference(self, beam: int) -> str:
        return f"beam {beam}"


def run_of(peer: Other) -> Any:
    def generator(*, beam: int, nbest: int, stop: str, shortlist: int) -> Generator:
        # Parity is of the model: nothing may make the search stop early or leave tokens out.
        assert (nbest, stop, shortlist) == (1, "certain", 0)
        return peer.generator(beam)

    decoding = DecodingSettings(max_len_offset=8)
    return SimpleNamespace(
        model=peer.model.eval(), tokenizer=Letters(), generator=generator, recipe=SimpleNamespace(decoding=decoding)
    )


def test_the_same_model_agrees_in_all() -> None:
    peer = Other(1, 0.0)
    found = measure(run_of(peer), peer, ParityData("here", SOURCES, ("abc", "g", "a", "d")), beam=3)
    assert [(one.beam, one.identical, one.token_agreement) for one in found.searches] == [(1, 1.0, 1.0), (3, 1.0, 1.0)]
    assert all(one.bleu is not None and one.bleu["difference"] == 0 for one in found.searches)
    # Sums of some ten log-probabilities in fp32, in another order.
    assert found.forced.max_difference < 1e-5
    assert found.forced.of == "the references"
    # An empty source is not scored.
    assert (found.sentences, found.forced.sentences) == (4, 3)


def test_a_gap_in_the_scores_shows_a_sentence_and_a_token() -> None:
    peer = Other(1, 0.25)
    found = measure(run_of(peer), peer, ParityData("here", ("abc",), ("abc",)), beam=1).forced
    assert found.tokens == 4
    assert found.max_token_difference == pytest.approx(0.25)
    assert found.mean_difference == found.max_difference == pytest.approx(1.0)


def test_another_model_does_not_agree() -> None:
    found = measure(run_of(Other(1, 0.0)), Other(2, 0.0), ParityData("here", SOURCES), beam=1)
    (greedy,) = found.searches
    assert greedy.bleu is None
    assert greedy.identical < 1
    assert greedy.token_agreement < 1
    assert found.forced.max_difference > 0.01
    assert found.forced.of == "the greedy outputs of seqloom"
