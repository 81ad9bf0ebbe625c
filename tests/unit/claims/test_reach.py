"""Reach: what is asked of runs for the claims; the gradients themselves are tested where they are made."""

import math

import pytest

from seqloom.claims.reach import gradient_by_distance, loss_by_position, pointing
from seqloom.corpus import CorpusSettings, open_corpus
from tests.explanation_factory import make_run


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_pointing_compares_every_two_of_four(task):
    corpus = open_corpus(CorpusSettings(data=task, size=10))
    found = pointing(make_run("attention-rnn", corpus=task), corpus, sentences=5)
    pairs = [name for name in found if name != "lists"]
    assert len(pairs) == 6
    assert all(0 <= found[name] <= 100 for name in pairs)


def test_no_long_targets_no_gradients():
    corpus = open_corpus(CorpusSettings(data="copy", size=10))
    assert gradient_by_distance(make_run("transformer"), corpus, length=400)["sentences"] == 0


def test_loss_by_position_has_one_value_a_position():
    corpus = open_corpus(CorpusSettings(data="copy", size=20))
    run = make_run("transformer")
    losses = loss_by_position(run, corpus, length=6)
    assert len(losses) == 5
    # An untrained model is about as uncertain as a coin with a face for each word.
    assert all(0 < loss < 2 * math.log(run.tokenizer.vocab.tgt_size) for loss in losses)
    assert loss_by_position(run, corpus, length=400) == []
