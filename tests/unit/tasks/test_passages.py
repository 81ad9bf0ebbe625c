"""Passages: joined they are the documents, and their likelihoods add up to that of the whole text."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.corpus.corpus import Document, SentencePair
from seqloom.data.batching import Example
from seqloom.decoding.forced import score_targets
from seqloom.errors import ConfigError
from seqloom.models.ngram import NGram, NGramSettings
from seqloom.tasks.passages import (
    EncodedText,
    Passage,
    passage_outputs,
    passages_of,
    score_passages,
    text_statistics,
)
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from tests.toy_model import make_toy

DOCUMENTS = [Document("to be or not to be\n" * 9), Document("that is the question\n" * 5), Document("whether")]


@given(st.lists(st.text("ab \n", min_size=1, max_size=80), max_size=4), st.integers(1, 20))
def test_passages_joined_are_the_documents(texts: list[str], length: int) -> None:
    found = list(passages_of(map(Document, texts), length=length))
    assert "".join(passage.tgt for passage in found) == "".join(texts)
    assert sum(passage.first for passage in found) == len(texts)
    assert all(len(passage.tgt) <= 2.5 * length + 1 for passage in found)
    assert all(passage.src in " ".join(passage.tgt.split()) for passage in found)


@pytest.mark.parametrize("window", [7, 1000])
def test_likelihoods_of_passages_add_up_to_that_of_the_text(window: int) -> None:
    passages = list(passages_of(DOCUMENTS, length=30))
    tokenizer = Tokenizer.train(DOCUMENTS, TokenizerSettings(kind="characters", collapse_whitespace=False))
    model = make_toy(1, tokenizer.vocab.src_size, tokenizer.vocab.tgt_size, shared=True)
    scored = score_passages(model, tokenizer, passages, window=window, stride=window)
    parts = tokenizer.encode_tgt([document.text for document in DOCUMENTS])
    ids = np.concatenate([parts[0], [2], parts[1], [2], parts[2]])
    empty = np.empty(0, dtype=np.int64)
    windows = [Example(empty, ids[begin : begin + window]) for begin in range(0, len(ids), window)]
    assert sum(map(len, scored)) == len(ids)
    expected = sum(one.log_prob for one in score_targets(model, windows, end=False))
    assert sum(map(sum, scored)) == pytest.approx(expected)
    assert len(passages) > len(DOCUMENTS)
    apart = score_passages(model, tokenizer, passages, window=window, stride=window, across_documents=False)
    alone = [
        Example(empty, part[begin : begin + window])
        for part in (*(np.append(p, 2) for p in parts[:2]), parts[2])
        for begin in range(0, len(part), window)
    ]
    expected = sum(one.log_prob for one in score_targets(model, alone, end=False))
    assert sum(map(sum, apart)) == pytest.approx(expected)


@pytest.mark.parametrize("stride", [1, 3, 8])
def test_each_token_is_scored_with_the_context_of_its_window(stride: int) -> None:
    window = 8
    passages = list(passages_of(DOCUMENTS[1:2], length=30))
    tokenizer = Tokenizer.train(DOCUMENTS, TokenizerSettings(kind="characters", collapse_whitespace=False))
    model = make_toy(1, tokenizer.vocab.src_size, tokenizer.vocab.tgt_size, shared=True)
    scored = [
        value for tokens in score_passages(model, tokenizer, passages, window=window, stride=stride) for value in tokens
    ]
    (ids,) = tokenizer.encode_tgt([DOCUMENTS[1].text])
    empty = np.empty(0, dtype=np.int64)
    for position, value in enumerate(scored):
        # The first window that reaches the position, in steps of the stride.
        begin = max(0, -(-(position - window + 1) // stride) * stride)
        (alone,) = score_targets(model, [Example(empty, np.asarray(ids[begin : position + 1]))], end=False)
        assert value == pytest.approx(alone.token_log_probs[-1], abs=1e-5)
    assert len(scored) == len(ids)


def test_counts_are_of_documents_where_there_are_enough() -> None:
    documents = [Document(f"text {number}\n" * 3) for number in range(10)]
    passages = list(passages_of(documents, length=10))
    log_probs = [(-1.0, -2.0)] * len(passages)
    by_document, unit = text_statistics(passages, log_probs, are_documents=True)
    by_passage, other = text_statistics(passages, log_probs, are_documents=False)
    assert (unit, len(by_document)) == ("documents", 10)
    assert (other, len(by_passage)) == ("passages", len(passages))
    assert by_document.sum(axis=0) == pytest.approx(by_passage.sum(axis=0))
    texts = "".join(document.text for document in documents)
    assert by_passage.sum(axis=0).tolist() == [-3.0 * len(passages), 2 * len(passages), len(texts), len(texts), 60]


def test_a_passage_is_scored_in_the_context_of_the_one_before_it() -> None:
    tokenizer = Tokenizer.train(DOCUMENTS, TokenizerSettings(kind="characters", collapse_whitespace=False))
    model = NGram(NGramSettings(order=4), tokenizer.vocab)
    (ids,) = tokenizer.encode_tgt([DOCUMENTS[0].text])
    model.fit([Example(np.empty(0, dtype=np.int64), ids)], end=False)
    passages = [Passage("to", "to be or", first=True), Passage("not", " not to be")]
    together = score_passages(model.eval(), tokenizer, passages, window=100)
    (alone,) = score_passages(model, tokenizer, [Passage("not", " not to be", first=True)], window=100)
    assert len(alone) == len(" not to be")
    assert sum(together[1]) > sum(alone)


def test_only_passages_are_compared() -> None:
    class Run:
        device = torch.device("cpu")

    with pytest.raises(ConfigError, match="passages of running text"):
        passage_outputs(Run(), [SentencePair("a", "b")], window=9, progress=None, title="")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["bpe", "words", "characters"])
def test_passages_are_encoded_as_their_documents_are(kind: str) -> None:
    """A passage that is encoded alone would begin with the mark that begins a text."""
    settings = TokenizerSettings.parse({"kind": kind, "vocab_size": 80, "collapse_whitespace": False})
    tokenizer = Tokenizer.train(DOCUMENTS, settings)
    passages = list(passages_of(DOCUMENTS, length=30))
    encoded = EncodedText.of(tokenizer, passages)
    parts = tokenizer.encode_tgt([document.text for document in DOCUMENTS])
    eos = [tokenizer.vocab.eos_id]
    assert encoded.ids.tolist() == [*parts[0], *eos, *parts[1], *eos, *parts[2]]
    assert len(passages) == len(encoded.counts) > len(DOCUMENTS)
    assert sum(encoded.counts) == len(encoded.ids)
    assert encoded.begins == (0,)
    ends = np.cumsum(encoded.counts)
    for passage, end, count in zip(passages, ends, encoded.counts, strict=True):
        own = tokenizer.decode_tgt(encoded.ids[end - count : end])
        # A decoder takes the space before a first word for the mark of the beginning.
        assert own.strip() == passage.tgt.strip()
    apart = EncodedText.of(tokenizer, passages, across_documents=False)
    assert apart.begins == (0, len(parts[0]) + 1, len(parts[0]) + len(parts[1]) + 2)


def test_an_id_on_both_sides_of_a_cut_belongs_to_the_passage_in_which_it_begins() -> None:
    document = Document("be\n\n" * 20)
    tokenizer = Tokenizer.train([document], TokenizerSettings.parse({"vocab_size": 64, "collapse_whitespace": False}))
    lines = [Passage("", f"{line}\n", first=not number) for number, line in enumerate(["be", "", "be"])]
    encoded = EncodedText.of(tokenizer, lines)
    assert "\n\n" in tokenizer.tgt_tokens(encoded.ids)
    assert encoded.counts[1] == 0
    assert tokenizer.decode_tgt(encoded.ids) == "be\n\nbe\n"
