"""A context that slides, against a plain loop that reads the kept half again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.data.batching import Sources
from seqloom.decoding.full_context import kept_positions, num_forgotten
from seqloom.decoding.generator import Generator
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.sliding import SlidingContext
from seqloom.errors import ConfigError, PromptTooLongError
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.models.transformer_lm import TransformerLMSettings
from tests.tiny_models import tiny_settings
from tests.toy_model import make_toy
from tests.unit.decoding.test_generator import Letters

LIMIT = 12
PROMPTS = ["abc", "", "abcdefgabcd"]


def tiny_lm(positions: str, **changes: Any) -> Model:
    torch.manual_seed(1)
    values = tiny_settings("transformer-lm", positions=positions, max_len=LIMIT, **changes)
    model = make_model(TransformerLMSettings.parse(values), Letters().vocab).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


@torch.inference_mode()
def plain(model: Model, prompt: Sequence[int], num_new: int) -> list[int]:
    """Greedy search whose whole context is read anew for each token."""
    context, output = list(prompt), list[int]()
    for _ in range(num_new):
        if len(context) > LIMIT:
            # The newest id is fed after the half that is read again.
            kept = kept_positions(LIMIT)
            context = [context[0], *context[-kept:]]
        state = model.start(Sources.pad([context[:-1]], pad_id=0))
        logits = model.step(torch.tensor([[context[-1]]]), state).logits[0, -1]
        logits[[0, 1]] = -torch.inf
        token = int(logits.argmax())
        if token == 2:
            break
        context.append(token)
        output.append(token)
    return output


def make_generator(model: Model, **values: Any) -> Generator:
    return Generator(model, Letters(), DecodingSettings(full_context="slide", **values))


@pytest.mark.parametrize("positions", ["rotary", "learned", "sinusoidal", "alibi", "none"])
def test_text_beyond_the_context_continues_from_its_last_half(positions: str) -> None:
    model = tiny_lm(positions)
    found = list(make_generator(model, beam=1).continue_text(PROMPTS, max_tokens=24))
    lengths = []
    for prompt, item in zip(PROMPTS, found, strict=True):
        ids = [1, *Letters().encode_tgt([prompt])[0].tolist()]
        assert list(item.hypotheses[0].ids) == plain(model, ids, 24)
        lengths.append(len(ids) + len(item.hypotheses[0].ids))
    assert max(lengths) > 2 * LIMIT


@pytest.mark.parametrize(
    "values",
    [
        {"beam": 1},
        {"beam": 3, "nbest": 2},
        {"method": "sample", "nbest": 2, "repetition_penalty": 1.1},
        {"method": "sample", "no_repeat_ngram": 4, "typical_p": 0.9, "stop_strings": ("fg",)},
    ],
    ids=str,
)
def test_a_text_does_not_depend_on_its_batch(values: dict[str, Any]) -> None:
    model = tiny_lm("rotary")
    together = list(make_generator(model, **values).continue_text(PROMPTS, max_tokens=16))
    for number, prompt in enumerate(PROMPTS):
        generator = make_generator(model, **values)
        # The random numbers of a text follow from its number.
        alone = list(generator.continue_text([*["a"] * number, prompt], max_tokens=16))[number]
        assert alone.texts == together[number].texts
        assert alone.notes == together[number].notes


def test_short_texts_are_those_without_sliding() -> None:
    model = tiny_lm("learned")
    slid = list(make_generator(model, beam=1).continue_text(["abc", ""], max_tokens=8))
    fixed = list(Generator(model, Letters(), DecodingSettings(beam=1)).continue_text(["abc", ""], max_tokens=8))
    assert [item.texts for item in slid] == [item.texts for item in fixed]
    assert all(not item.notes for item in slid)


def test_a_note_says_what_was_forgotten() -> None:
    model = tiny_lm("rotary", output_bias=True)
    with torch.no_grad():
        model.output_weights()[1][2] = -50.0  # type: ignore[index]
    short, long = make_generator(model, beam=1).continue_text(["abc", "abcdefg" * 4], max_tokens=30)
    assert len(short.hypotheses[0].ids) == 30
    assert short.notes == (
        "prompt and output are longer than the context of 12 tokens: their first 24 tokens did not count in the end",
    )
    assert long.num_cut_tokens == 23
    assert long.notes[0] == "the prompt is longer than the context of 12 tokens: its first 23 tokens were not read"


@given(st.integers(2, 12), st.integers(1, 60))
def test_what_is_forgotten_is_what_a_loop_forgets(prompt_len: int, num_new: int) -> None:
    size, forgotten = prompt_len - 1, 0
    for _ in range(num_new):
        if size == LIMIT:
            forgotten += LIMIT - kept_positions(LIMIT)
            size = kept_positions(LIMIT)
        size += 1
    assert num_forgotten(prompt_len, num_new, LIMIT) == forgotten


def test_a_prompt_that_does_not_fit_is_an_error_and_a_full_context_ends_the_text() -> None:
    model = tiny_lm("rotary", output_bias=True)
    with torch.no_grad():
        model.output_weights()[1][2] = -50.0  # type: ignore[index]
    generator = Generator(model, Letters(), DecodingSettings(beam=1))
    with pytest.raises(PromptTooLongError) as caught:
        list(generator.continue_text(["abc", "abcdefgabcde"]))
    assert str(caught.value) == (
        "a prompt of 12 tokens is too long: the context of the model holds 12, of which 1 begins every text; shorten the prompt, "
        "set decoding.full_context (--full-context) to slide, which reads the end of the prompt only, or train with a larger "
        "model.max_len"
    )
    (item,) = generator.continue_text(["abcdefgabcd"])
    assert len(item.hypotheses[0].ids) == 1
    assert item.finish_reason == "length"
    assert item.with_limit_note(200).notes == ("the output reached the length that the model can hold and ended there",)


def test_a_model_without_a_limit_does_not_change() -> None:
    model = make_toy(1, 11, 11, shared=True)
    for settings in ({"full_context": "slide"}, {}):
        generator = Generator(model, Letters(), DecodingSettings(beam=1, **settings))
        (item,) = generator.continue_text(["abcdefg" * 300], max_tokens=5)
        assert not item.notes
        assert item.num_cut_tokens == 0


def test_sources_do_not_slide() -> None:
    for answer in (lambda g: list(g.generate(["abc"])), lambda g: g.answer(["abc"])):
        with pytest.raises(ConfigError, match="only the context of a language model slides"):
            answer(make_generator(make_toy(1, 11, 11, shared=True), beam=1))


@torch.inference_mode()
def test_several_ids_are_fed_across_the_border() -> None:
    model = tiny_lm("rotary")
    slid = SlidingContext(model, LIMIT)
    ids = torch.from_numpy(np.random.default_rng(0).integers(3, 11, (2, 30)))
    start = slid.start(Sources.pad([[1, 3, 4], [1]], pad_id=0))
    together = slid.step(ids, start).logits
    parts, state = [], start
    for column in ids.split(1, dim=1):
        output = slid.step(column, state)
        parts.append(output.logits)
        state = output.state
    hidden, _ = slid.advance(ids, start)
    torch.testing.assert_close(together, torch.cat(parts, dim=1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(slid.project(hidden), together, atol=1e-5, rtol=1e-4)
