import math
from typing import Any

import numpy as np
import pytest
import torch

from seqloom.data.batching import Example, make_batch
from seqloom.decoding import forced
from seqloom.decoding.forced import align_targets, predict_targets, score_targets
from seqloom.errors import DecodingError
from tests.toy_model import ToyModel, make_toy


def examples(number: int = 7) -> list[Example]:
    rng = np.random.default_rng(0)
    return [
        Example(rng.integers(3, 11, size=rng.integers(1, 6)), rng.integers(3, 9, size=rng.integers(0, 7)))
        for _ in range(number)
    ]


def test_scores_are_the_models_log_probs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forced, "_SCORED_ROWS", 5)
    model = make_toy(0).double()
    for example, one in zip(examples(), score_targets(model, examples()), strict=True):
        batch = make_batch([example], pad_id=0, bos_id=1, eos_id=2)
        with torch.no_grad():
            log_probs = model.project(model(batch)).log_softmax(2)[0]
        expected = [log_probs[place, token].item() for place, token in enumerate([*example.tgt_ids, 2])]
        assert one.token_log_probs == pytest.approx(expected)
        assert one.log_prob == one.score == pytest.approx(math.fsum(expected))
        assert one.ids == tuple(example.tgt_ids)
        assert one.finished


def test_windows_of_running_text_have_no_end() -> None:
    texts = [Example(np.zeros(0, dtype=np.int64), example.tgt_ids) for example in examples()]
    for text, one in zip(texts, score_targets(make_toy(0), texts, end=False), strict=True):
        assert len(one.token_log_probs) == len(text.tgt_ids)
        assert not one.finished
    assert score_targets(make_toy(0), []) == []
    empty = [Example(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    assert score_targets(make_toy(0), empty, end=False)[0].log_prob == 0


def test_alignments_point_at_real_source_tokens() -> None:
    model = make_toy(0, alignment=True)
    for example, places in zip(examples(), align_targets(model, examples()), strict=True):
        assert len(places) == len(example.tgt_ids)
        assert all(0 <= place < len(example.src_ids) for place in places)
        assert [places] == align_targets(model, [example])
    assert len(set(align_targets(model, examples()))) > 3


def test_a_model_without_attention_has_no_alignments() -> None:
    with pytest.raises(DecodingError, match="no attention"):
        align_targets(make_toy(0), examples())


class Narrow(ToyModel):
    def max_tgt_len(self, src_len: int) -> int:
        return 12 - src_len

    def advance(self, ids: torch.Tensor, state: Any, hooks: Any = None) -> Any:
        assert state.memory["mask"].shape[1] + ids.shape[1] <= 12
        return super().advance(ids, state, hooks)


def test_pairs_that_do_not_fit_into_one_batch_are_parted() -> None:
    rng = np.random.default_rng(0)
    pairs = [Example(rng.integers(3, 9, size=size), rng.integers(3, 9, size=10 - size)) for size in (1, 9, 5, 2, 2, 8)]
    model, wide = make_toy(0, alignment=True), make_toy(0, alignment=True)
    model.__class__ = Narrow
    for one, other in zip(score_targets(model, pairs), score_targets(wide, pairs), strict=True):
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-4)
    assert align_targets(model, pairs) == align_targets(wide, pairs)


def test_predictions_have_the_scores_of_their_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forced, "_SCORED_ROWS", 5)
    model = make_toy(0).double()
    targets = examples()
    scores = score_targets(model, targets, end=False)
    for example, one, tokens in zip(targets, scores, predict_targets(model, targets, num_top=3), strict=True):
        assert [token.token_id for token in tokens] == example.tgt_ids.tolist()
        assert tuple(token.log_prob for token in tokens) == one.token_log_probs
        for token in tokens:
            best = [log_prob for _, log_prob in token.top]
            assert best == sorted(best, reverse=True)
            assert len(best) == 3
            if token.rank <= 3:
                assert token.top[token.rank - 1] == (token.token_id, token.log_prob)
            else:
                assert token.log_prob < best[-1]
            assert 0 <= token.entropy <= math.log(model.vocab.tgt_size)
    assert predict_targets(model, [], num_top=1) == []
