"""Saliency: gradients and occlusion with respect to embeddings, for every architecture by the same code."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from seqloom.data.batching import PairBatch, make_batch
from seqloom.data.example import Example
from seqloom.explain.explained_run import ExplainedRun
from seqloom.explain.saliency import (
    SOURCE_EMBEDDINGS,
    TARGET_EMBEDDINGS,
    gradient_norms,
    gradient_saliency,
    memory_saliency,
    occlusion_saliency,
)
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks
from tests.explanation_factory import VARIANTS, make_run

TEXT, TARGET = "alpha bravo charlie delta", "golf echo alpha"


def case(variant: str) -> tuple[Model, Sentence]:
    run = make_run(variant)
    explained_run = ExplainedRun(run)
    return run.model, explained_run.force(explained_run.encode(TEXT)[0], TARGET)


def batch_of(model: Model, *targets: Sequence[int], src: Sequence[int] = (20, 21, 22)) -> PairBatch:
    examples = [Example(np.array(src), np.array(target)) for target in targets]
    vocab = model.vocab
    return make_batch(examples, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_gradient_comes_from_the_future(name: str) -> None:
    model = make_run(name).model
    norms = gradient_norms(model, batch_of(model, [20, 21, 22, 23, 24]), of="target", position=2)
    assert norms.shape == (1, 6)
    assert (norms[0, :3] > 0).all()
    assert (norms[0, 3:] == 0).all()
    _, within = gradient_saliency(*case(name))
    assert_close(within, within.tril())


@pytest.mark.parametrize("name", VARIANTS)
def test_a_sentence_alone_has_the_gradient_that_it_has_in_a_batch(name: str) -> None:
    model = make_run(name).model
    together = gradient_norms(model, batch_of(model, [20, 21, 22], [23, 24, 25]), of="source", position=2)
    alone = gradient_norms(model, batch_of(model, [23, 24, 25]), of="source", position=2)
    assert_close(together[1], alone[0])


@pytest.mark.parametrize("name", VARIANTS)
def test_gradients_are_what_small_changes_do(name: str) -> None:
    """Against finite differences along every feature of one source word's embedding: their length is the gradient's."""
    model, sentence = case(name)
    found, _ = gradient_saliency(model, sentence)
    plain = ActivationHooks()
    with torch.no_grad():
        log_probs(model, sentence.batch(model), plain)
    order = plain.tensors.get("source.order", [torch.arange(len(sentence.src_ids))[None]])[0][0]
    word = 1
    place = int((order == word).nonzero())
    batch = sentence.batch(model, 16)
    said = []
    for sign in (1, -1):

        def move(value: torch.Tensor, sign: int = sign) -> torch.Tensor:
            moved = value.clone()
            moved[:, place] += sign * 1e-6 * torch.eye(16, dtype=torch.float64)
            return moved

        with torch.no_grad():
            said.append(log_probs(model, batch, ActivationHooks(dict.fromkeys(SOURCE_EMBEDDINGS, move))))
    slopes = (said[0] - said[1]) / 2e-6
    assert_close(slopes.norm(dim=0), found[:, word], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", VARIANTS)
def test_one_step_at_a_time_gives_the_same_gradients(name: str) -> None:
    model, sentence = case(name)
    found, within = gradient_saliency(model, sentence)
    for step in range(len(sentence.tgt_ids)):
        assert_close(gradient_norms(model, sentence.batch(model), of="source", position=step)[0], found[step])
        assert_close(gradient_norms(model, sentence.batch(model), of="target", position=step)[0], within[step])


@pytest.mark.parametrize("name", VARIANTS)
def test_occlusion_is_what_is_lost_without_a_word(name: str) -> None:
    model, sentence = case(name)
    found = occlusion_saliency(model, sentence, of="source")
    assert found.shape == (len(sentence.tgt_ids), len(sentence.src_ids))
    # By hand: the word's own row of the embedding matrix is zero. It occurs once in the source, not at all in the target.
    word, table = 1, (model.embeddings.src_table or model.embeddings.tgt_table)
    assert sentence.src_ids.count(sentence.src_ids[word]) == 1
    with torch.no_grad():
        before = log_probs(model, sentence.batch(model))
        hidden_row = table.weight[sentence.src_ids[word]].clone()
        hooks = ActivationHooks({name: lambda value: value for name in SOURCE_EMBEDDINGS})
        log_probs(model, sentence.batch(model), hooks)
        embedded = next(hooks.tensors[name][0] for name in SOURCE_EMBEDDINGS if name in hooks.tensors)
        place = (embedded[0] - hidden_row * model.embeddings.scale).abs().sum(dim=1).argmin()

        def blank(value: torch.Tensor) -> torch.Tensor:
            changed = value.clone()
            changed[:, place] = 0
            return changed

        after = log_probs(model, sentence.batch(model), ActivationHooks(dict.fromkeys(SOURCE_EMBEDDINGS, blank)))
    assert_close(found[:, word], (before - after)[0])


@pytest.mark.parametrize("name", VARIANTS)
def test_occlusion_of_what_was_said_acts_on_what_comes_after(name: str) -> None:
    model, sentence = case(name)
    found = occlusion_saliency(model, sentence, of="target")
    assert_close(found, found.tril(), rtol=0, atol=1e-9)
    assert (found.diagonal().abs() > 0).all()
    assert set(TARGET_EMBEDDINGS) == {"decoder.tokens"}


@pytest.mark.parametrize("name", VARIANTS)
def test_memory_moves_where_its_own_word_goes(name: str) -> None:
    model, sentence = case(name)
    moved = memory_saliency(model, sentence)
    if moved is None:
        assert name.startswith("rnn")
        return
    assert moved.shape == (len(sentence.src_ids),) * 2
    assert (moved.diagonal() > 0).all()
    if name in ("lm alibi", "transformer-lm"):
        # A prompt is read forwards: what comes later moves nothing before it.
        assert_close(moved, moved.tril(), rtol=0, atol=1e-9)


def test_many_steps_are_computed_in_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sentence = case("transformer")
    whole = gradient_saliency(model, sentence), occlusion_saliency(model, sentence, of="source")
    monkeypatch.setattr("seqloom.explain.saliency._ROWS", 2)
    parts = gradient_saliency(model, sentence), occlusion_saliency(model, sentence, of="source")
    assert_close(whole, parts)


def test_a_prompt_may_be_empty() -> None:
    run = make_run("transformer-lm", kind="text")
    sentence = Sentence((), (1,), ()).with_target((20, 21, 2))
    source, within = gradient_saliency(run.model, sentence)
    assert source.shape == (3, 0)
    assert within.shape == (3, 3)
    assert occlusion_saliency(run.model, sentence, of="source").shape == (3, 0)
