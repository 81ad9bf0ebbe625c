from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.data.batching import Example, Examples, IdArray
from seqloom.decoding import lexicon as lexicon_module
from seqloom.decoding.lexicon import NO_ID, Lexicon
from seqloom.decoding.settings import MOST_TRANSLATIONS
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(src_size=23, tgt_size=31, shared=False)


class Listed:
    """Examples that stand in a list."""

    ends = True

    def __init__(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> None:
        self._pairs = [Example(np.array(src, dtype=np.int32), np.array(tgt, dtype=np.int32)) for src, tgt in pairs]

    @property
    def src_lengths(self) -> IdArray:
        return np.array([len(pair.src_ids) for pair in self._pairs], dtype=np.int32)

    @property
    def tgt_lengths(self) -> IdArray:
        return np.array([len(pair.tgt_ids) for pair in self._pairs], dtype=np.int32)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int, /) -> Example:
        return self._pairs[index]


def dictionary(number: int = 300, seed: int = 0) -> Examples:
    """Pairs in which source id n always becomes n + 5, in another order, after a target id 30 that nothing stands for."""
    rng = np.random.default_rng(seed)
    sources = [rng.choice(np.arange(3, 23), size=rng.integers(1, 7), replace=False) for _ in range(number)]
    return Listed([(source.tolist(), [30, *(source[::-1] + 5).tolist()]) for source in sources])


def simple_model_1(
    examples: Examples, vocab: Vocabulary, rounds: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """IBM Model 1 by its equations, in loops."""
    probs = np.ones((vocab.src_size + 1, vocab.tgt_size))
    for _ in range(rounds):
        counts = np.zeros_like(probs)
        for number in range(len(examples)):
            sources = [*examples[number].src_ids.tolist(), vocab.src_size]
            for target in examples[number].tgt_ids.tolist():
                total = sum(probs[source, target] for source in sources)
                for source in sources:
                    counts[source, target] += probs[source, target] / total
        probs = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return probs[: vocab.src_size]


def test_the_likeliest_are_those_of_model_1(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = dictionary(80)
    # Cut into portions, the same is found.
    monkeypatch.setattr(lexicon_module, "_CELLS_AT_ONCE", 100)
    found = Lexicon.learn(examples, VOCAB)
    wanted = simple_model_1(examples, VOCAB, 3)
    for source, row in enumerate(found.likely):
        ids = row[row != NO_ID]
        assert set(ids.tolist()) == set(np.flatnonzero(wanted[source]).tolist())
        assert (np.diff(wanted[source][ids]) <= 1e-12).all()


def test_it_learns_a_dictionary_and_what_is_frequent() -> None:
    found = Lexicon.learn(dictionary(), VOCAB)
    assert found.likely[3:, 0].tolist() == list(range(8, 28))
    assert found.frequent[0] == 30
    assert not {0, 1, 2} & set(found.frequent.tolist())


def test_a_large_corpus_is_looked_at_in_evenly_spaced_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "_MOST_CELLS", 4)
    pairs = [([3], [8]), ([4], [9]), ([5], [10]), ([6], [11])]
    assert set(Lexicon.learn(Listed(pairs), VOCAB).frequent.tolist()) == {8, 10}


def test_empty_sides_are_no_trouble() -> None:
    found = Lexicon.learn(Listed([([], [8]), ([4], []), ([4], [9])]), VOCAB)
    assert found.likely[4, 0] == 9
    assert Lexicon.learn(Listed([([4], [])]), VOCAB).frequent.size == 0


ROWS = st.lists(st.lists(st.integers(3, 22), max_size=6), max_size=5)


@given(rows=ROWS, size=st.integers(1, MOST_TRANSLATIONS), shared=st.booleans())
def test_a_shortlist_holds_what_it_should_and_depends_on_its_source_alone(
    rows: list[list[int]], size: int, shared: bool
) -> None:
    rng = np.random.default_rng(0)
    likely = np.full((23, MOST_TRANSLATIONS), NO_ID, dtype=np.int32)
    for row in likely:
        row[:9] = rng.choice(np.arange(3, 31), size=9, replace=False)
    lexicon = Lexicon(np.array([30, 29], dtype=np.int32), likely)
    vocab = Vocabulary(23, 31, shared)
    found = lexicon.shortlists(rows, vocab, size)
    for source, row in zip(rows, found, strict=True):
        ids = row[row != NO_ID]
        assert ids[:3].tolist() == [0, 1, 2]
        assert (np.diff(ids) > 0).all()
        wanted = {0, 1, 2, *lexicon.frequent[:size].tolist(), *(source if shared else [])}
        for word in source:
            wanted |= set(likely[word, :size].tolist()) - {NO_ID}
        assert set(ids.tolist()) == wanted
        assert lexicon.shortlists([source], vocab, size)[0].tolist() == ids.tolist()


def test_special_ids_come_first_wherever_they_stand_in_the_vocabulary() -> None:
    vocab = Vocabulary(23, 31, True, pad_id=30, bos_id=4, eos_id=9)
    found = Lexicon.learn(dictionary(), vocab).shortlists([[3, 4]], vocab, 2)[0].tolist()
    assert found[:3] == [30, 4, 9]
    assert found[3:] == sorted(set(found) - {30, 4, 9})
