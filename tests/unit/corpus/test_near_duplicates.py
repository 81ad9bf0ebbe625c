"""Near-duplicates: those that share half of their passages are together, and others are not."""

import random

import pytest

from seqloom.corpus import near_duplicates
from seqloom.corpus.near_duplicates import NearDuplicates


def document(seed: int, count: int = 200) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choice("abcdefghijklmnop") for _ in range(draw.randint(2, 9))) for _ in range(count)]


def merge(texts: list[str], seed: int = 0) -> dict[int, int]:
    near = NearDuplicates()
    for number, text in enumerate(texts):
        near.add(text, number)
    return near.merged(seed)


def share(a: str, b: str) -> float:
    first, second = ({text[i : i + 50] for i in range(len(text) - 49)} for text in (a, b))
    return len(first & second) / len(first | second)


def test_documents_are_together_by_the_share_of_their_passages() -> None:
    heading = " ".join(document(999, 40))
    originals = [document(seed) for seed in range(150)]
    copies = []
    for number, words in enumerate(originals):
        kept = round(len(words) * (0.3 + 0.7 * number / len(originals)))
        copies.append(words[:kept] + document(1000 + number, len(words) - kept))
    texts = [f"{heading} {' '.join(words)}" for words in (*originals, *copies)]
    merged = merge(texts)
    count = len(originals)
    for number in range(count):
        shared = share(texts[number], texts[count + number])
        together = number in merged and merged[number] == merged.get(count + number)
        if shared > 0.7:
            assert together
        if shared < 0.3:
            assert not together
    # The heading that all have makes no group of all.
    assert len(set(merged.values())) > 20


def test_chains_belong_together_and_the_order_does_not_matter() -> None:
    words = document(1, 400)
    chain = [" ".join(words[start : start + 200]) for start in range(0, 200, 25)]
    merged = merge(chain)
    assert len(set(merged.values())) == 1
    assert sorted(merged) == list(range(len(chain)))
    assert merge(chain, seed=1).keys() == merged.keys()
    assert merge(chain, seed=1) != merged


def test_short_and_different_texts_are_no_near_duplicates() -> None:
    assert merge([]) == {}
    assert merge(["short", "short too", ""]) == {}
    assert merge([" ".join(document(seed)) for seed in range(50)]) == {}


def test_a_text_of_few_passages_equals_itself() -> None:
    text = " ".join(document(5, 12))
    assert set(merge([text, text + "!", " ".join(document(6, 12))])) == {0, 1}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "MOST_DOCUMENTS", 3)
    text = " ".join(document(5))
    near = NearDuplicates()
    for number in range(5):
        near.add(text, number)
    assert set(near.merged(0)) == {0, 1, 2}
    assert near.num_documents == 5
