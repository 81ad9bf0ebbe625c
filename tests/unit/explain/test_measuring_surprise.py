"""Surprise: equal to `score`, in the same windows; what differs between models adds up."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.data.batching import Sources
from seqloom.errors import ConfigError, CorpusError
from seqloom.explain import Explanations, compare_surprises, measure_surprise
from seqloom.explain.measuring_surprise import MAX_CHARACTERS, group_of, only_surprise, shows_surprise
from tests.explanation_factory import make_run
from tests.text_runs import ARCHITECTURES, TEXT, make_text_run


@pytest.mark.parametrize("kind", ["characters", "bpe"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_surprise_is_the_score_of_the_text(architecture: str, kind: str) -> None:
    run = make_text_run(architecture, kind)
    found = measure_surprise(run, TEXT)
    (score,) = run.score_text([TEXT], are_documents=True)
    assert [token.log_prob for token in found.tokens] == pytest.approx(score.token_log_probs, rel=1e-5)
    assert found.bits == pytest.approx(-score.log_prob / math.log(2))
    lines = run.score_text(TEXT.splitlines())
    assert sum(line.log_prob for line in lines) == pytest.approx(score.log_prob)
    assert "".join(token.text for token in found.tokens) == found.text == TEXT
    assert all(TEXT[token.begin : token.end] == token.text for token in found.tokens)
    assert Explanations.model_validate_json(
        Explanations(text=TEXT, explanations=(), surprises=(found,)).model_dump_json()
    ).surprises == (found,)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_token_is_predicted_from_its_window(architecture: str) -> None:
    run = make_text_run(architecture, window=16)
    found = measure_surprise(run, TEXT, top=4)
    vocab = run.model.vocab
    for position, token in enumerate(found.tokens[:40]):
        ids = [vocab.bos_id, *(one.token.token_id for one in found.tokens[position - token.context : position])]
        nothing = Sources.pad([[]], pad_id=vocab.pad_id, device=torch.device("cpu"))
        with torch.inference_mode():
            logits = run.model.step(torch.tensor([ids]), run.model.start(nothing)).logits[0, -1]
        log_probs = logits.double().log_softmax(0)
        assert token.log_prob == pytest.approx(float(log_probs[token.token.token_id]), abs=1e-4)
        assert token.rank == 1 + int((log_probs > log_probs[token.token.token_id]).sum())
        assert token.entropy == pytest.approx(float(-(log_probs.exp() * log_probs).sum()) / math.log(2), abs=1e-3)
        best = log_probs.sort(descending=True).values[:4].tolist()
        assert [one.log_prob for one in token.alternatives] == pytest.approx(best, abs=1e-4)
        assert token.bits == pytest.approx(-token.log_prob / math.log(2), abs=1e-4)
    if run.model.context_len is None and found.window == 16:
        # The first window is read whole; all later tokens have at least half a window before them.
        assert [token.context for token in found.tokens[:16]] == list(range(16))
        assert {token.context for token in found.tokens[16:]} == set(range(8, 16))
    else:
        assert found.max_context <= (run.model.context_len or found.window)


def test_models_of_different_tokenizers_are_compared_on_the_same_pieces() -> None:
    surprises = [
        measure_surprise(make_text_run("ngram", "characters"), TEXT),
        measure_surprise(make_text_run("transformer-lm", "bpe"), TEXT),
        measure_surprise(make_text_run("rnn-lm", "bpe"), TEXT),
    ]
    found = compare_surprises(surprises)
    assert found is not None
    assert "".join(part.text for part in found.parts) == TEXT
    assert len(found.parts) <= min(len(one.tokens) for one in surprises)
    for number, surprise in enumerate(surprises):
        total = surprise.bits
        assert sum(part.bits[number] for part in found.parts) == pytest.approx(total, rel=1e-4)
        assert sum(group.bits[number] for group in found.groups) == pytest.approx(total, rel=1e-4)
        ends = {token.end for token in surprise.tokens}
        assert all(part.end in ends for part in found.parts)
    assert sum(group.num_parts for group in found.groups) == len(found.parts)
    assert found.runs == ("ngram", "transformer-lm", "rnn-lm")


def test_equal_models_do_not_differ_and_are_told_apart() -> None:
    one = measure_surprise(make_text_run("rnn-lm", label="same"), TEXT)
    assert compare_surprises([one]) is None
    found = compare_surprises([one, one.model_copy(update={"run": one.run.model_copy(update={"folder": "other"})})])
    assert found is not None
    assert found.runs == ("same", "other")
    assert all(part.bits[0] == part.bits[1] for part in found.parts)
    assert compare_surprises([one, one.model_copy(update={"text": TEXT.lower()})]) is None


def test_bits_of_incomplete_characters_count_with_the_character() -> None:
    text = "to be → or\n"
    surprises = [measure_surprise(make_text_run(name, "bpe"), text) for name in ("ngram", "rnn-lm")]
    assert any(not token.text for token in surprises[0].tokens)
    assert "".join(token.text for token in surprises[0].tokens) == text
    found = compare_surprises(surprises)
    assert found is not None
    assert sum(part.bits[0] for part in found.parts) == pytest.approx(surprises[0].bits, rel=1e-4)


@pytest.mark.parametrize(
    ("piece", "group"),
    [
        ("T", "beginning of a word"),
        ("o", "inside a word"),
        (" ", "space"),
        (" be", "beginning of a word"),
        (",", "punctuation"),
        (":\n\n", "line end"),
        ("'", "punctuation"),
        ("uestion", "inside a word"),
    ],
)
def test_pieces_have_groups(piece: str, group: str) -> None:
    begin = TEXT.index(piece)
    assert group_of(TEXT, begin, begin + len(piece)) == group


@given(st.text("ab ,\n", min_size=1), st.data())
def test_every_piece_has_a_group(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(begin + 1, len(text)))
    group = group_of(text, begin, end)
    assert (group == "line end") == ("\n" in text[begin:end])
    assert (group == "space") == (set(text[begin:end]) == {" "})


def test_only_language_models_of_text_are_surprised() -> None:
    assert shows_surprise(make_text_run("rnn-lm"))
    assert not shows_surprise(make_run("transformer"))
    with pytest.raises(ConfigError, match="model of pairs"):
        measure_surprise(make_run("transformer"), TEXT)
    run = make_text_run("rnn-lm")
    with pytest.raises(CorpusError, match="empty"):
        measure_surprise(run, "")
    with pytest.raises(ConfigError, match="at most 10,000"):
        measure_surprise(run, "a" * (MAX_CHARACTERS + 1))


def test_what_is_left_out_has_a_reason() -> None:
    counting, recurrent = make_text_run("ngram"), make_text_run("rnn-lm")
    assert "fitted by counting" in str(only_surprise(counting, measure_surprise(counting, "to be")))
    assert only_surprise(recurrent, measure_surprise(recurrent, "to be")) is None
    assert "154 tokens, more than 128" in str(only_surprise(recurrent, measure_surprise(recurrent, TEXT * 2)))
