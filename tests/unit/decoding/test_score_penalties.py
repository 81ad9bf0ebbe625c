"""Repetition and frequency penalty against plain loops over single tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.data.batching import Sources
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.score_penalties import ScorePenalties, count_ids
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.settings import DecodingSettings
from seqloom.models.base import Model
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

ROWS = [[3, 4, 5, 2], [6, 2], [7, 7, 2]]
PROMPTS = [[3, 4], [8], [9, 9, 10]]
SHORTLISTS = np.array([[0, 1, 2, 3, 4, 5, 6, 8], [0, 1, 2, 4, 6, 7, 9, -1], [0, 1, 2, 3, 4, 6, -1, -1]])


class LogProbsOnly(ToyModel):
    """A model without an output matrix: its scores are log-probabilities."""

    has_output_matrix = False

    def log_probs(self, hidden: torch.Tensor) -> torch.Tensor:
        return (hidden @ self.tgt_embedding.weight.T + self.bias).log_softmax(dim=-1)

    @property
    def hidden_width(self) -> int:
        return self.tgt_embedding.embedding_dim


def toy(seed: int) -> ToyModel:
    return make_toy(seed, tgt_size=11, eos_bias=-2.0)


def without_matrix(seed: int) -> Model:
    model = toy(seed)
    model.__class__ = LogProbsOnly
    return model


def ensemble(seed: int) -> Model:
    return Ensemble([toy(seed), without_matrix(seed + 1)])


def penalised(logits: Sequence[float], output: Sequence[int], prompt: Sequence[int], **penalties: float) -> list[float]:
    """The definitions of both penalties, id by id."""
    theta, alpha = penalties.get("repetition_penalty", 1.0), penalties.get("frequency_penalty", 0.0)
    scores = []
    for token_id, logit in enumerate(logits):
        score = logit
        if token_id in output or token_id in prompt:
            score = score / theta if score > 0 else score * theta
        scores.append(score - alpha * list(output).count(token_id))
    return scores


def plain_greedy(model: Model, source: list[int], prompt: list[int], length: int, **penalties: float) -> list[int]:
    """Greedy search of one source, id by id."""
    state, fed, output = model.start(Sources.pad([source], pad_id=0)), 1, list[int]()
    with torch.inference_mode():
        while len(output) < length:
            step = model.step(torch.tensor([[fed]]), state)
            state = step.state
            scores = penalised(step.logits[0, -1].tolist(), output, prompt, **penalties)
            fed = max((i for i in range(len(scores)) if i not in (0, 1)), key=lambda i: scores[i])
            if fed == 2:
                break
            output.append(fed)
    return output


PENALTIES = [
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 0.6},
    {"frequency_penalty": 1.5},
    {"frequency_penalty": -0.8},
    {"repetition_penalty": 1.3, "frequency_penalty": 0.7},
]


@given(
    st.lists(st.floats(-9, 9), min_size=6, max_size=6),
    st.lists(st.integers(0, 5), max_size=9),
    st.lists(st.integers(0, 5), max_size=5),
    st.floats(0.2, 5),
    st.floats(-2, 2),
)
def test_penalties_follow_their_definitions(
    logits: list[float], output: list[int], prompt: list[int], theta: float, alpha: float
) -> None:
    before = torch.tensor([logits], dtype=torch.float64)
    counts, in_prompt = (count_ids([ids], 6, torch.device("cpu")) for ids in (output, prompt))
    after = ScorePenalties(theta, alpha).apply(before, counts, in_prompt)
    expected = penalised(logits, output, prompt, repetition_penalty=theta, frequency_penalty=alpha)
    assert after[0].tolist() == pytest.approx(expected)
    assert before[0].tolist() == logits


@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
@pytest.mark.parametrize("make", [toy, without_matrix, ensemble])
def test_greedy_search_with_penalties_is_that_of_a_plain_loop(make: Any, penalties: dict[str, float]) -> None:
    changed = False
    for seed in range(3):
        model = make(seed)
        results = search_with(
            model,
            Sources.pad(ROWS, pad_id=0),
            beam=1,
            max_len_ratio=0,
            max_len_offset=12,
            penalised_context=PROMPTS,
            **penalties,
        )
        plain = search_with(model, Sources.pad(ROWS, pad_id=0), beam=1, max_len_ratio=0, max_len_offset=12)
        for row, prompt, (item,), (other,) in zip(ROWS, PROMPTS, results, plain, strict=True):
            assert list(item.ids) == plain_greedy(model, row, prompt, 12, **penalties)
            changed |= item.ids != other.ids
    assert changed


@pytest.mark.parametrize(
    "options", [{"beam": 1}, {"method": "sample", "nbest": 2}, {"method": "sample", "temperature": 0}]
)
@pytest.mark.parametrize("make", [toy, without_matrix, ensemble])
def test_log_probabilities_stay_the_models_own(make: Any, options: dict[str, Any]) -> None:
    model = make(1)
    results = search_with(model, Sources.pad(ROWS, pad_id=0), max_len_offset=8, repetition_penalty=1.5, **options)
    for row, hypotheses in zip(ROWS, results, strict=True):
        for item in hypotheses:
            fed = [1, *item.ids]
            with torch.inference_mode():
                logits = model.step(torch.tensor([fed]), model.start(Sources.pad([row], pad_id=0))).logits[0]
            log_probs = logits.log_softmax(dim=1)
            ids = [*item.ids, *([2] if item.finished else [])]
            expected = [float(log_probs[position, token_id]) for position, token_id in enumerate(ids)]
            assert list(item.token_log_probs) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("options", [{"beam": 1}, {"method": "sample", "nbest": 3, "top_p": 0.9}])
def test_penalties_with_shortlists_are_those_of_vocabulary_ids(options: dict[str, Any]) -> None:
    sources, penalties = Sources.pad(ROWS, pad_id=0), {"repetition_penalty": 1.7, "frequency_penalty": 1.1}
    everything = np.tile(np.arange(11), (3, 1))
    model = toy(3)
    whole = search_with(model, sources, penalised_context=PROMPTS, **options, **penalties)
    listed = search_with(model, sources, penalised_context=PROMPTS, shortlists=everything, **options, **penalties)
    assert [[item.ids for item in row] for row in whole] == [[item.ids for item in row] for row in listed]
    few = search_with(model, sources, penalised_context=PROMPTS, shortlists=SHORTLISTS, **options, **penalties)
    for shortlist, hypotheses in zip(SHORTLISTS.tolist(), few, strict=True):
        assert all(set(item.ids) <= set(shortlist) for item in hypotheses)


def test_a_hypothesis_does_not_depend_on_its_batch() -> None:
    settings = {"method": "sample", "repetition_penalty": 1.5, "frequency_penalty": 0.5, "max_len_offset": 20}
    model = toy(2)
    together = search_with(model, Sources.pad(ROWS, pad_id=0), penalised_context=PROMPTS, **settings)
    for number, row in enumerate(ROWS):
        (alone,) = search_with(
            model,
            Sources.pad([row], pad_id=0),
            penalised_context=[PROMPTS[number]],
            draw_keys=[(0, number, 0)],
            **settings,
        )
        assert alone[0].ids == together[number][0].ids


def test_without_penalties_nothing_is_counted() -> None:
    space = SearchSpace.make(toy(0), Sources.pad(ROWS, pad_id=0), DecodingSettings(), penalised_context=PROMPTS)
    assert space.context_counts is None
    logits = torch.randn(3, 11)
    copy = space.penalised(logits, np.zeros((3, 2), dtype=np.int64))
    assert torch.equal(copy, logits)
    assert copy.data_ptr() != logits.data_ptr()
