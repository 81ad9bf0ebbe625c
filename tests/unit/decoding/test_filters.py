import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.decoding import filters

rows = st.integers(0, 2**31).map(lambda seed: torch.randn(3, 12, generator=torch.Generator().manual_seed(seed)) * 3)
# Rounded values hold ties.
tied_rows = rows.map(torch.round)


def kept(logits: torch.Tensor) -> torch.Tensor:
    return logits > -math.inf


@given(tied_rows, st.integers(1, 14))
def test_top_k_keeps_exactly_the_k_highest(logits: torch.Tensor, k: int) -> None:
    filtered = filters.top_k(logits, k)
    assert (kept(filtered).sum(dim=1) == min(k, 12)).all()
    assert torch.equal(filtered[kept(filtered)], logits[kept(filtered)])
    lowest_kept = filtered.masked_fill(~kept(filtered), math.inf).amin(dim=1, keepdim=True)
    assert (logits.masked_fill(kept(filtered), -math.inf) <= lowest_kept).all()


@given(tied_rows, st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits: torch.Tensor, p: float) -> None:
    logits = logits.double()
    probs = logits.softmax(dim=1)
    keep = kept(filters.top_p(logits, p))
    for row in range(len(logits)):
        chosen = probs[row][keep[row]]
        assert chosen.sum() >= p - 1e-9
        assert chosen.sum() - chosen.min() < p + 1e-9, "one fewer would have been enough"
        assert len(chosen) == 12 or chosen.min() >= probs[row][~keep[row]].max()


@given(tied_rows, st.floats(0.01, 0.99), st.integers(1, 2))
def test_sets_are_the_same_whether_all_ids_are_sorted_or_few_are_tried(
    logits: torch.Tensor, p: float, few: int
) -> None:
    for filtered in (filters.top_p, filters.typical_p):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(filters, "_FEW_IDS", few)
            fast = kept(filtered(logits, p))
        assert torch.equal(fast, kept(filtered(logits, p)))


def test_top_p_leaves_the_likeliest_even_where_p_is_tiny() -> None:
    filtered = filters.top_p(torch.tensor([[0.0, 1.0, 0.5]]), 1e-9)
    assert kept(filtered).tolist() == [[False, True, False]]


@given(rows, st.floats(0.01, 1.0))
def test_min_p_keeps_what_is_likely_enough_beside_the_likeliest(logits: torch.Tensor, p: float) -> None:
    logits = logits.double()
    probs = logits.softmax(dim=1)
    share = probs / probs.amax(dim=1, keepdim=True)
    keep = kept(filters.min_p(logits, p))
    assert keep[share > p + 1e-9].all()
    assert not keep[share < p - 1e-9].any()
    assert keep.any(dim=1).all()


@given(rows, st.floats(0.01, 0.99))
def test_typical_p_keeps_the_ids_whose_information_is_nearest_to_the_entropy(logits: torch.Tensor, p: float) -> None:
    logits = logits.double()
    for row, keep in zip(logits, kept(filters.typical_p(logits, p)), strict=True):
        probs = row.softmax(dim=0).tolist()
        entropy = -sum(prob * math.log(prob) for prob in probs)
        order = sorted(range(len(probs)), key=lambda i: abs(-math.log(probs[i]) - entropy))
        expected, total = set[int](), 0.0
        for token_id in order:
            expected.add(token_id)
            total += probs[token_id]
            if total >= p:
                break
        assert set(keep.nonzero()[:, 0].tolist()) == expected


def test_typical_p_ignores_ids_that_may_not_come() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.5, -math.inf]])
    filtered = filters.typical_p(logits, 0.999)
    assert torch.equal(filtered, logits)
    assert torch.equal(filters.typical_p(logits, 1.0), logits)


@given(rows)
def test_neutral_values_change_nothing(logits: torch.Tensor) -> None:
    for filtered in (
        filters.temperature(logits, 1.0),
        filters.top_k(logits, 12),
        filters.top_p(logits, 1.0),
        filters.min_p(logits, 0.0),
    ):
        assert torch.equal(filtered, logits)


@given(rows)
def test_filters_change_nothing_in_place(logits: torch.Tensor) -> None:
    before = logits.clone()
    filters.temperature(logits, 0.5)
    filters.top_k(logits, 2)
    filters.top_p(logits, 0.5)
    filters.min_p(logits, 0.5)
    assert torch.equal(logits, before)


def test_temperature_sharpens_and_evens_out() -> None:
    logits = torch.tensor([[0.0, 1.0]])
    cold, warm = filters.temperature(logits, 0.5).softmax(1), filters.temperature(logits, 2.0).softmax(1)
    assert cold[0, 1] > logits.softmax(1)[0, 1] > warm[0, 1] > 0.5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_precise_never_lowers_precision(dtype: torch.dtype) -> None:
    precise = filters.precise(torch.zeros(1, 1, dtype=dtype))
    assert precise.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
