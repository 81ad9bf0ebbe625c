"""Generation through a prefix cache against generation without one."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import config

from seqloom.data.batching import Sources
from seqloom.decoding.generator import Generator
from seqloom.decoding.prefix_cache import CachedPrompts, PrefixCache
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import DecodingError
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.models.prompt_state import PromptState
from seqloom.models.transformer_lm import TransformerLMSettings
from tests.tiny_models import tiny_settings
from tests.toy_model import make_toy
from tests.unit.decoding.test_generator import Letters

LARGE = 1 << 30


@pytest.fixture(autouse=True)
def _shapes_unchecked() -> Any:
    # Hundreds of generations; the shapes are checked by the tests of the models.
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def tiny_lm(**changes: Any) -> Model:
    torch.manual_seed(2)
    values = tiny_settings("transformer-lm", **{"max_len": 64, "positions": "rotary", **changes})
    model = make_model(TransformerLMSettings.parse(values), Letters().vocab).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def prompts_with_common_beginnings(number: int) -> list[str]:
    rng = np.random.default_rng(0)

    def letters(length: int) -> str:
        return "".join(rng.choice(list("abcdefg "), length))

    beginnings = ["", *(letters(length) for length in (5, 9, 14, 20))]
    beginnings += [beginnings[2] + letters(6), beginnings[4] + letters(3)]
    return [beginnings[rng.integers(len(beginnings))] + letters(int(rng.integers(0, 8))) for _ in range(number)]


@pytest.mark.parametrize(("inference", "number"), [(False, 10), (True, 50)], ids=["model", "inference model"])
def test_200_of_200_texts_are_those_without_the_cache(inference: bool, number: int) -> None:
    """Greedy and with seeds, alone and in batches, over 50 prompts: 200 comparisons; fewer with the other layout."""
    model = tiny_lm().inference_model() if inference else tiny_lm()
    prompts = prompts_with_common_beginnings(number)
    cache = PrefixCache(LARGE)
    compared = equal = 0
    for values in ({"beam": 1}, {"method": "sample", "temperature": 0.9, "top_p": 0.95}):
        settings = DecodingSettings(**values)
        keys = [(7, number, 0) for number in range(len(prompts))] if settings.method == "sample" else None
        plain = Generator(model, Letters(), settings).answer(prompts, max_tokens=12, draw_keys=keys)
        cached = Generator(model, Letters(), settings, prefix_cache=cache)
        together = cached.answer(prompts, max_tokens=12, draw_keys=keys)
        alone = [
            cached.answer([prompt], max_tokens=12, draw_keys=None if keys is None else [keys[index]])[0]
            for index, prompt in enumerate(prompts)
        ]
        for expected, *results in zip(plain, together, alone, strict=True):
            for result in results:
                compared += 1
                equal += result.texts == expected.texts and result.finish_reasons == expected.finish_reasons
                log_probs = expected.hypotheses[0].token_log_probs
                assert result.hypotheses[0].token_log_probs == pytest.approx(log_probs, abs=1e-4)
    assert (equal, compared) == (4 * number, 4 * number)
    statistics = cache.statistics
    assert statistics.hits > 2 * number
    assert statistics.num_reused > statistics.num_read


@pytest.mark.parametrize("changes", [{"positions": "learned"}, {"positions": "alibi"}, {"num_kv_heads": 1}], ids=str)
def test_states_are_those_of_the_whole_prompt(changes: dict[str, Any]) -> None:
    model = tiny_lm(**changes).double()
    rows = [[1, 5, 6, 7, 8, 9, 4], [1, 5, 6, 7, 8], [1, 5, 6, 7, 8, 9, 4, 3, 3], [1], [1, 5, 6, 7, 8]]
    sources = Sources.pad(rows, pad_id=0)
    fed = torch.tensor([[3, 4, 5]] * len(rows))
    cached = CachedPrompts(model.inference_model(), PrefixCache(LARGE))
    with torch.inference_mode():
        expected = model.step(fed, model.start(sources)).logits
        for _ in range(2):
            state = cached.start(sources)
            torch.testing.assert_close(cached.step(fed, state).logits, expected, atol=1e-9, rtol=1e-7)
            hidden, _ = cached.advance(fed, state)
            torch.testing.assert_close(cached.project(hidden), expected, atol=1e-9, rtol=1e-7)
    assert cached.max_tgt_len(3) == model.max_tgt_len(3)


def test_generation_does_not_change_a_stored_state() -> None:
    generator = Generator(
        tiny_lm().inference_model(), Letters(), DecodingSettings(beam=1), prefix_cache=PrefixCache(LARGE)
    )
    prompt = "abcdefgabc"
    first = generator.answer([prompt], max_tokens=20)[0].texts
    assert all(generator.answer([prompt] * n, max_tokens=20)[-1].texts == first for n in (1, 2, 3))


@given(st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=14), max_size=12), st.integers(0, 6000))
def test_the_cache_is_bounded_and_finds_the_longest_common_beginning(rows: list[list[int]], max_bytes: int) -> None:
    cache = PrefixCache(max_bytes)
    stored: list[list[int]] = []
    for row in rows:
        ids = np.array(row, dtype=np.int64)
        match = cache.longest(ids)
        common = max((_common(row, other) for other in stored), default=0)
        if match is not None:
            length, state = match
            assert length <= common
            assert state.row(0, length).memory["length"].tolist() == [length]
        elif max_bytes >= 6000:
            assert common < 4
        tensor = torch.zeros(1, 1, len(row), 2)
        mask = torch.ones(1, len(row), dtype=torch.bool)
        state = PromptState(
            {"mask": mask, "length": mask.sum(dim=1)}, {"0.key": tensor, "0.value": tensor}, torch.zeros(1)
        )
        cache.add(ids, state)
        stored.append(row)
        statistics = cache.statistics
        assert 0 <= statistics.num_bytes <= max_bytes
        assert statistics.num_states <= len(stored)
        assert bool(statistics.num_states) == bool(statistics.num_bytes)


def _common(row: list[int], other: list[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(row, other, strict=False)) if a != b), min(len(row), len(other)))


def test_what_was_not_used_for_the_longest_time_is_dropped() -> None:
    def state(length: int) -> PromptState:
        mask = torch.ones(1, length, dtype=torch.bool)
        tensor = torch.zeros(1, 1, length, 16)
        return PromptState({"mask": mask, "length": mask.sum(dim=1)}, {"0.key": tensor}, torch.zeros(1))

    rows = [np.array([token] * 8, dtype=np.int64) for token in (3, 4, 5)]
    cache = PrefixCache(2 * (state(8).num_bytes + rows[0].nbytes))
    cache.add(rows[0], state(8))
    cache.add(rows[1], state(8))
    assert cache.longest(rows[0]) is not None
    cache.add(rows[2], state(8))
    assert [cache.longest(row) is not None for row in rows] == [True, False, True]


def test_samples_of_a_prompt_read_it_once() -> None:
    model = tiny_lm().inference_model()
    rows: list[int] = []
    start = model.start

    def counted(sources: Sources, hooks: Any = None) -> Any:
        rows.append(len(sources))
        return start(sources, hooks)

    model.start = counted  # type: ignore[method-assign]
    generator = Generator(model, Letters(), DecodingSettings(method="sample", nbest=8))
    (item,) = generator.continue_text(["abcdefg"], max_tokens=5)
    assert len(item.texts) == 8
    assert rows == [1]


def test_a_model_that_cannot_store_prompts_reads_them() -> None:
    cache = PrefixCache(LARGE)
    for model in (make_toy(1, 11, 11, shared=True), tiny_lm(reverse_source=True)):
        plain = Generator(model, Letters(), DecodingSettings(beam=1)).answer(["abcdef"], max_tokens=8)
        cached = Generator(model, Letters(), DecodingSettings(beam=1), prefix_cache=cache).answer(
            ["abcdef"], max_tokens=8
        )
        assert plain == cached
    assert cache.statistics.num_states == 0
    with pytest.raises(DecodingError, match="ToyModel does not store the states of prompts; use start"):
        make_toy().read_prompts(Sources.pad([[1]], pad_id=0))
