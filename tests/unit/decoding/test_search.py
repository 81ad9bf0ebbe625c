import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from seqloom.data.batching import Example, Sources
from seqloom.decoding.forced import score_targets
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.sampling import numbered_draw_keys
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import DecodingError
from seqloom.models.base import Model
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

METHODS: list[dict[str, Any]] = [
    {"beam": 1},
    {"beam": 4, "nbest": 4},
    {"beam": 3, "nbest": 2, "length_penalty": 1.0, "length_penalty_form": "power"},
    {"method": "sample", "nbest": 3, "temperature": 0.8, "top_k": 5},
    {"method": "sample", "top_p": 0.8, "min_p": 0.05, "seed": 3},
]


def pad(rows: list[list[int]]) -> Sources:
    return Sources.pad(rows, pad_id=0)


def ragged(number: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [[*rng.integers(3, 11, size=rng.integers(1, 9)).tolist(), 2] for _ in range(number)]


def ids_of(found: list[list[Hypothesis]]) -> list[list[tuple[int, ...]]]:
    return [[one.ids for one in hypotheses] for hypotheses in found]


def keyed(numbers: Sequence[int], options: dict[str, Any]) -> dict[str, Any]:
    """The options with the draw keys of sources of these numbers."""
    settings = DecodingSettings(**{name: value for name, value in options.items() if name != "decoder_prompts"})
    return {**options, "draw_keys": numbered_draw_keys(settings, numbers)}


@pytest.mark.parametrize("options", METHODS)
@pytest.mark.parametrize("seed", range(2))
def test_results_do_not_depend_on_the_batch(options: dict[str, Any], seed: int) -> None:
    model = make_toy(seed, eos_bias=-0.5)
    sources = ragged(13, seed)
    options = {"max_len_offset": 20, **options}
    together = search_with(model, pad(sources), **options)
    alone = [search_with(model, pad([source]), **keyed([row], options))[0] for row, source in enumerate(sources)]
    backwards = search_with(model, pad(sources[::-1]), **keyed(range(12, -1, -1), options))[::-1]
    assert ids_of(together) == ids_of(alone) == ids_of(backwards)
    for one, other in zip(itertools.chain(*together), itertools.chain(*alone), strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert one.finished == other.finished
    lengths = {len(one.ids) for hypotheses in together for one in hypotheses}
    assert len(lengths) > 2, "hypotheses must be ragged for this to be a test"


@pytest.mark.parametrize("options", METHODS)
def test_scores_are_those_of_forced_decoding(options: dict[str, Any]) -> None:
    model = make_toy(1).double()
    sources = ragged(6)
    for source, hypotheses in zip(sources, search_with(model, pad(sources), max_len_offset=5, **options), strict=True):
        for one in hypotheses:
            example = Example(np.array(source[:-1]), np.array(one.ids, dtype=np.int64))
            (forced,) = score_targets(model, [example])
            count = len(one.token_log_probs)
            assert count == len(one.ids) + one.finished
            assert one.token_log_probs == pytest.approx(forced.token_log_probs[:count], abs=1e-9)
            assert one.log_prob == pytest.approx(math.fsum(one.token_log_probs))


@pytest.mark.parametrize("seed", range(4))
def test_nbest_is_sorted_and_distinct(seed: int) -> None:
    for hypotheses in search_with(make_toy(seed), pad(ragged(5, seed)), beam=6, nbest=6, max_len_offset=10):
        ended = [one.score for one in hypotheses if one.finished]
        cut = [one.score for one in hypotheses if not one.finished]
        assert [one.finished for one in hypotheses] == [True] * len(ended) + [False] * len(cut)
        assert ended == sorted(ended, reverse=True)
        assert cut == sorted(cut, reverse=True)
        assert len({one.ids for one in hypotheses if one.finished}) == len(ended)


@pytest.mark.parametrize("options", METHODS)
def test_limits_hold_and_who_meets_them_is_not_finished(options: dict[str, Any]) -> None:
    model = make_toy(0, eos_bias=-100.0)
    sources = ragged(5)
    for source, hypotheses in zip(
        sources, search_with(model, pad(sources), max_len_ratio=1.5, max_len_offset=2, **options), strict=True
    ):
        assert {len(one.ids) for one in hypotheses} == {int(1.5 * len(source)) + 2}
        assert not any(one.finished for one in hypotheses)


class Narrow(ToyModel):
    """Holds source and target together, as decoder-only models do."""

    def max_tgt_len(self, src_len: int) -> int:
        return 12 - src_len

    def advance(self, ids: torch.Tensor, state: Any, hooks: Any = None) -> Any:
        longest = int(state.memory["mask"][state.source_index].sum(1).max())
        assert longest + state.length + ids.shape[1] <= 12, "fed more than the model holds"
        return super().advance(ids, state, hooks)


@pytest.mark.parametrize("options", METHODS)
def test_the_models_own_maximum_is_kept_for_each_source(options: dict[str, Any]) -> None:
    model = make_toy(0, eos_bias=-100.0)
    model.__class__ = Narrow
    sources = ragged(9)
    for source, hypotheses in zip(sources, search_with(model, pad(sources), **options), strict=True):
        assert {len(one.ids) for one in hypotheses} == {12 - len(source)}
    model = make_toy(0, eos_bias=-100.0, max_len=6)
    assert {len(one.ids) for one in search_with(model, pad([[3, 2], [4, 4, 2]]), **options)[1]} == {6}
    with pytest.raises(DecodingError, match=r"source of 3 tokens leaves room for 6 .* but 8 are needed"):
        search_with(model, pad([[3, 4, 2]]), decoder_prompts=[[1] + [4] * 7])


@pytest.mark.parametrize("options", METHODS)
def test_special_ids_never_come_out(options: dict[str, Any]) -> None:
    model = make_toy(0)
    with torch.no_grad():
        model.bias[[0, 1]] = 20.0
    found = search_with(model, pad(ragged(5)), **options)
    assert not {0, 1, 2} & {id_ for hypotheses in found for one in hypotheses for id_ in one.ids}


@pytest.mark.parametrize("options", METHODS)
def test_min_len_and_no_repeat_ngram(options: dict[str, Any]) -> None:
    model = make_toy(2, eos_bias=2.0)
    sources = pad(ragged(6))
    free = [one for hypotheses in search_with(model, sources, **options) for one in hypotheses]
    assert min(len(one.ids) for one in free) < 5
    for hypotheses in search_with(model, sources, min_len=5, no_repeat_ngram=2, **options):
        for one in hypotheses:
            assert len(one.ids) >= 5
            pairs = list(itertools.pairwise(one.ids))
            assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("options", METHODS)
def test_rules_that_leave_nothing_cut_the_hypothesis(options: dict[str, Any]) -> None:
    # Six ids, none of them twice, cannot make eight tokens.
    for hypotheses in search_with(make_toy(0), pad(ragged(4)), min_len=8, no_repeat_ngram=1, **options):
        assert hypotheses
        for one in hypotheses:
            assert len(one.ids) == len(set(one.ids)) == 6
            assert not one.finished
            assert math.isfinite(one.score)


@pytest.mark.parametrize("options", METHODS)
def test_ragged_prefixes_are_kept_and_scored(options: dict[str, Any]) -> None:
    model = make_toy(3).double()
    sources = ragged(4)
    prefixes = [[4, 5], [6, 7, 8, 3, 3], [4, 4, 4], [5, 3]]
    prompts = [[1, *prefix] for prefix in prefixes]
    found = search_with(model, pad(sources), decoder_prompts=prompts, **options)
    alone = [
        search_with(model, pad([source]), decoder_prompts=[prompt], **keyed([row], options))[0]
        for row, (source, prompt) in enumerate(zip(sources, prompts, strict=True))
    ]
    assert ids_of(found) == ids_of(alone)
    for source, prefix, hypotheses in zip(sources, prefixes, found, strict=True):
        assert len({one.ids for one in hypotheses}) == len(hypotheses) or options.get("method") == "sample"
        for one in hypotheses:
            assert list(one.ids[: len(prefix)]) == prefix
            example = Example(np.array(source[:-1]), np.array(one.ids, dtype=np.int64))
            count = len(one.token_log_probs)
            assert one.token_log_probs == pytest.approx(score_targets(model, [example])[0].token_log_probs[:count])


def test_a_prefix_that_holds_eos_is_refused() -> None:
    with pytest.raises(DecodingError, match="end-of-sentence"):
        search_with(make_toy(0), pad([[3]]), decoder_prompts=[[1, 4, 2, 5]])


def test_the_first_id_of_a_decoder_prompt_replaces_bos() -> None:
    model = make_toy(0)
    assert search_with(model, pad([[3]]), decoder_prompts=[[1]]) == search_with(model, pad([[3]]))
    assert search_with(model, pad([[3]]), decoder_prompts=[[5]]) != search_with(model, pad([[3]]))


@pytest.mark.parametrize("prompts", [[], [[]], [[1], [1]]])
def test_each_source_needs_a_decoder_prompt(prompts: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="1 sources need as many decoder prompts"):
        search_with(make_toy(0), pad([[3]]), decoder_prompts=prompts)


@pytest.mark.parametrize("options", METHODS)
def test_scores_that_are_no_numbers_are_an_error(options: dict[str, Any]) -> None:
    model = make_toy(0)
    with torch.no_grad():
        model.bias[4] = math.nan
    with pytest.raises(DecodingError, match="not numbers"):
        search_with(model, pad([[3], [4]]), **options)


@pytest.mark.parametrize("options", METHODS)
def test_no_sources_no_hypotheses(options: dict[str, Any]) -> None:
    assert search_with(make_toy(0), pad([]), **options) == []


def next_probs(model: Model, source: list[int]) -> torch.Tensor:
    with torch.no_grad():
        logits = model.step(torch.tensor([[1]]), model.start(pad([source]))).logits[0, 0]
    logits[[0, 1]] = -math.inf
    return logits.softmax(0)


def first_draws(count: int, **options: Any) -> Counter[int]:
    model = make_toy(7)
    found = search_with(
        model, pad([[5, 3, 2]] * count), method="sample", max_len_ratio=0.0, max_len_offset=1, **options
    )
    return Counter(one.ids[0] if one.ids else 2 for (one,) in found)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_models_distribution(temperature: float) -> None:
    count = 4000
    counts = first_draws(count, temperature=temperature, seed=11)
    probs = (next_probs(make_toy(7), [5, 3, 2]).log() / temperature).softmax(0).tolist()
    expected = {token: p * count for token, p in enumerate(probs) if p > 0}
    chi_square = sum((counts[token] - e) ** 2 / e for token, e in expected.items())
    # 6 degrees of freedom; a right sampler exceeds 22.5 in one of a thousand seeds.
    assert set(counts) <= set(expected)
    assert chi_square < 22.5


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"top_k": 2}, lambda probs: {t for t, p in enumerate(probs) if p >= sorted(probs)[-2]}),
        ({"min_p": 0.3}, lambda probs: {t for t, p in enumerate(probs) if p >= 0.3 * max(probs)}),
        ({"top_k": 1}, lambda probs: {probs.index(max(probs))}),
        ({"top_p": 0.01}, lambda probs: {probs.index(max(probs))}),
    ],
)
def test_filters_bound_what_is_drawn(options: dict[str, Any], allowed: Any) -> None:
    assert set(first_draws(500, **options)) == allowed(next_probs(make_toy(7), [5, 3, 2]).tolist())


def test_a_sample_depends_on_seed_and_number_only() -> None:
    model, sources = make_toy(0), pad([[4, 2]] * 8)

    def draw(**options: Any) -> list[list[tuple[int, ...]]]:
        return ids_of(search_with(model, sources, method="sample", nbest=2, **options))

    assert draw(seed=1) == draw(seed=1)
    assert draw(seed=1) != draw(seed=2)
    settings = DecodingSettings(method="sample", nbest=2, seed=1)
    assert draw(draw_keys=numbered_draw_keys(settings, range(8))) == draw(seed=1)
    assert draw(draw_keys=numbered_draw_keys(settings, range(8, 16))) != draw(seed=1)
    assert len({ids for hypotheses in draw(seed=1) for ids in hypotheses}) > 8


def test_temperature_zero_is_greedy() -> None:
    model, sources = make_toy(0), pad(ragged(4))
    drawn = search_with(model, sources, method="sample", temperature=0.0)
    assert ids_of(drawn) == ids_of(search_with(model, sources, beam=1))


def test_sampling_reports_the_models_own_log_probs() -> None:
    model = make_toy(0).double()
    sources = pad(ragged(3))
    for (one,) in search_with(model, sources, method="sample", temperature=0.3, top_k=1, max_len_offset=5):
        assert one.log_prob < 0, "with one id left its filtered probability would be 1"
