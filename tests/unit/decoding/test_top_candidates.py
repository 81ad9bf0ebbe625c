import math

import pytest
import torch

from seqloom.decoding.top_candidates import top_candidates


@pytest.mark.parametrize("vocab", [7, 250, 1300, 3000])
@pytest.mark.parametrize("levels", [3, 1000])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_highest_with_ties_are_those_of_a_stable_sort(vocab: int, levels: int, width: int) -> None:
    random = torch.Generator().manual_seed(vocab)
    logits = torch.randint(0, levels, (6, vocab), generator=random).float()
    logits[0, ::2] = -math.inf
    logits[5] = -math.inf
    offsets = torch.randint(0, 3, (6, 1), generator=random).float()
    expected = (logits + offsets).view(6 // width, -1).sort(descending=True, stable=True, dim=1)
    for count in (1, 2, 5, 7):
        indices = top_candidates(logits, offsets, width, count)
        finite = expected.values[:, :count] > -math.inf
        assert torch.equal(indices[finite], expected.indices[:, :count][finite])
        assert (((logits + offsets).view(6 // width, -1).gather(1, indices) > -math.inf) == finite).all()
