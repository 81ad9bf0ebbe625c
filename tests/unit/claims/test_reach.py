"""Reach: the probes of the claims; tests of the gradients are with the code that computes them."""

import math

import pytest

from seqloom.claims.reach import gradient_by_distance, loss_by_position, pointing
from seqloom.corpus import CorpusSettings, open_corpus
from tests.explanation_factory import make_run


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_pointing_compares_every_two_of_four_methods(task: str) -> None:
    corpus = open_corpus(CorpusSettings(data=task, size=10))
    agreements = pointing(make_run("attention-rnn", corpus=task), corpus, sentences=5)
    pairs = [name for name in agreements if name != "lists"]
    assert len(pairs) == 6
    assert all(0 <= agreements[name] <= 100 for name in pairs)


def test_without_targets_that_are_long_enough_no_sentence_is_measured() -> None:
    corpus = open_corpus(CorpusSettings(data="copy", size=10))
    assert gradient_by_distance(make_run("transformer"), corpus, length=400)["sentences"] == 0


def test_loss_by_position_has_one_value_a_position() -> None:
    corpus = open_corpus(CorpusSettings(data="copy", size=20))
    run = make_run("transformer")
    losses = loss_by_position(run, corpus, length=6)
    assert len(losses) == 5
    # An untrained model is about as uncertain as a coin with a face for each word.
    assert all(0 < loss < 2 * math.log(run.tokenizer.vocab.tgt_size) for loss in losses)
    assert loss_by_position(run, corpus, length=400) == []
