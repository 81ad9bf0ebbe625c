"""Loss by context: each point is the loss of the model with so much context, over at least half of the text."""

import math

import numpy as np
import pytest

from seqloom.data.batching import Example
from seqloom.decoding.forced import score_targets
from seqloom.tasks import context_loss
from seqloom.tasks.context_loss import loss_by_context
from seqloom.tasks.passages import EncodedText, Passage
from tests.text_runs import TEXT, make_text_run

PASSAGES = [Passage("", TEXT * 2, first=True), Passage("", TEXT)]


@pytest.mark.parametrize(
    ("architecture", "kind"), [("ngram", "characters"), ("rnn-lm", "bpe"), ("transformer-lm", "bpe")]
)
def test_points_are_the_losses_of_windows(architecture: str, kind: str) -> None:
    run = make_text_run(architecture, kind)
    points = loss_by_context(run.model, run.tokenizer, PASSAGES, window=12)
    ids = EncodedText.of(run.tokenizer, PASSAGES).ids
    text = run.tokenizer.decode_tgt(ids)
    assert [(point.first, point.last) for point in points] == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 11)]
    for point in points:
        length = point.last + 1
        log_prob, num_bytes, count = 0.0, 0, 0
        for begin in range(0, len(ids), length):
            window = ids[begin : begin + length]
            (scored,) = score_targets(run.model, [Example(np.empty(0, dtype=np.int64), window)], end=False)
            log_prob += sum(scored.token_log_probs[point.first :])
            count += len(window[point.first :])
            spans = run.tokenizer.tgt_spans(ids)[begin + point.first : begin + length]
            num_bytes += sum(len(text[start:end].encode()) for start, end in spans)
        assert point.num_tokens == count
        assert count >= len(ids) // 2 - length or point is points[-1]
        assert point.bits_per_byte == pytest.approx(-log_prob / math.log(2) / num_bytes, rel=1e-5)
        assert point.low <= point.bits_per_byte <= point.high
    assert points[0].characters == 0
    lengths = [point.characters for point in points]
    assert lengths == sorted(lengths)


def test_a_model_with_a_short_context_gains_nothing_beyond_it() -> None:
    run = make_text_run("ngram")
    assert run.model.context_len == 2
    points = loss_by_context(run.model, run.tokenizer, PASSAGES, window=1 << 16)
    # From two characters of context on, all predictions are equal; the points differ in the positions that they are over.
    by_context = {point.first: point.bits_per_byte for point in points}
    assert by_context[0] > by_context[1] > by_context[2]
    assert by_context[4] == pytest.approx(by_context[16], rel=0.15)
    assert points[-1].last == len(TEXT) * 3 - 1


def test_documents_apart_begin_windows() -> None:
    run = make_text_run("rnn-lm")
    documents = [Passage("", "to be", first=True), Passage("", "or not", first=True)]
    apart = loss_by_context(run.model, run.tokenizer, documents, window=64, across_documents=False)
    joined = loss_by_context(run.model, run.tokenizer, documents, window=64)
    # "to be" and its end are 6 tokens, "or not" 6; nothing has more than 5 tokens of context.
    assert [(point.first, point.num_tokens) for point in apart] == [(0, 12), (1, 6), (2, 4), (4, 4)]
    assert [(point.first, point.num_tokens) for point in joined] == [(0, 12), (1, 6), (2, 6), (4, 4), (8, 4)]


def test_only_the_beginning_of_a_long_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_loss, "MOST_CHARACTERS", 100)
    run = make_text_run("ngram")
    points = loss_by_context(
        run.model, run.tokenizer, [Passage("", TEXT, first=True)] + [Passage("", TEXT)] * 50, window=4
    )
    assert points[0].num_tokens == 2 * len(TEXT)
