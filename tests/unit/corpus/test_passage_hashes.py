"""Hashes of passages: equal for equal passages, wherever they stand and however texts are batched."""

import random

import numpy as np
import pytest

from seqloom.corpus import passage_hashes
from seqloom.corpus.passage_hashes import PASSAGE, PassageHasher
from seqloom.corpus.split import split_key


def hashes_of(texts: list[str]) -> dict[int, list[int]]:
    hasher = PassageHasher()
    batches = [batch for number, text in enumerate(texts) for batch in hasher.add(number, text)]
    batches += hasher.rest()
    collected: dict[int, list[int]] = {}
    for hashes, owners in batches:
        for value, owner in zip(hashes.tolist(), owners.tolist(), strict=True):
            collected.setdefault(owner, []).append(value)
    return collected


@pytest.mark.parametrize("batch", [64, 1000, 1 << 15])
def test_each_passage_has_its_hash(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage_hashes, "_BATCH", batch)
    draw = random.Random(0)
    texts = ["".join(draw.choice("abcdé ♞") for _ in range(length)) for length in (0, 49, 300, 60, 1000)]
    texts.append(texts[2] + texts[4])
    names: dict[int, str] = {}
    for owner, hashes in hashes_of(texts).items():
        key = split_key(texts[owner])
        passages = [key[start : start + PASSAGE] for start in range(len(key) - PASSAGE + 1)]
        assert len(hashes) == len(passages)
        for value, passage in zip(hashes, passages, strict=True):
            assert names.setdefault(value, passage) == passage
    assert len(names) == len(set(names.values()))


def test_hashes_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    hashes = np.array(hashes_of(["".join(draw.choice("abcdefgh ") for _ in range(20_000))])[0], dtype=np.uint64)
    for shift in (0, 20, 58):
        counts = np.bincount((hashes >> np.uint64(shift)).astype(np.int64) & 63, minlength=64)
        assert counts.min() > 0.7 * counts.mean()
