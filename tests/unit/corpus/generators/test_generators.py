"""What holds for all generators, and for the small ones in particular."""

import hashlib
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice

import pytest

from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw, bucket
from seqloom.corpus.generators.finite import FiniteGenerator
from seqloom.corpus.generators.numbers import spell
from seqloom.errors import CorpusError

SEQUENCES = {"copy", "reverse", "sort", "duplicate"}


@pytest.fixture(params=sorted(GENERATORS))
def generator(request: pytest.FixtureRequest) -> CorpusGenerator | FiniteGenerator:
    if request.param.startswith("numbers"):
        pytest.importorskip("num2words")
    return GENERATORS[request.param]


def test_a_corpus_says_what_it_is(generator: CorpusGenerator | FiniteGenerator) -> None:
    corpus = generator.open(seed=3, size=50)
    assert corpus.name == generator.name
    assert corpus.synthetic
    assert corpus.kind == "pairs"
    assert next(iter(corpus.tests)) == "test"
    assert corpus.item_separator or corpus.metric == "exact_match"
    assert "seed 3" in corpus.train.origin
    assert generator.description.endswith(".")
    assert len(list(corpus.train)) == 50


def test_the_same_seed_gives_the_same_and_another_seed_another(generator: CorpusGenerator | FiniteGenerator) -> None:
    first, same, other = (list(generator.open(seed=seed, size=40).train) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_reading_begins_anew_each_time(generator: CorpusGenerator | FiniteGenerator) -> None:
    split = generator.open(size=20).train
    assert list(split) == list(split.pairs())


def test_different_corpora_have_different_fingerprints(generator: CorpusGenerator | FiniteGenerator) -> None:
    corpora = [generator.open(), generator.open(seed=1), generator.open(size=7)]
    assert len({corpus.fingerprint for corpus in corpora}) == 3
    assert generator.open().fingerprint == corpora[0].fingerprint
    splits = [corpora[0].train, corpora[0].val, *corpora[0].tests.values()]
    assert len({split.fingerprint for split in splits}) == len(splits)


def test_splits_share_no_source(generator: CorpusGenerator | FiniteGenerator) -> None:
    corpus, other = generator.open(size=3000), generator.open(seed=1, size=1000)
    seen = dict.fromkeys((pair.src for pair in (*corpus.train, *other.train)), "train")
    for name, split in {"val": corpus.val, **corpus.tests}.items():
        sources = [pair.src for pair in islice(split, 400)]
        assert len(sources) == len(set(sources))
        for source in sources:
            assert seen.setdefault(source, name) == name


def test_evaluation_splits_have_the_size_that_they_say(generator: CorpusGenerator | FiniteGenerator) -> None:
    corpus = generator.open(seed=5, size=5)
    for split in (corpus.val, *corpus.tests.values()):
        assert sum(1 for _ in split) == split.size


def test_a_sample_is_of_the_training_split(generator: CorpusGenerator | FiniteGenerator) -> None:
    train = generator.open(size=60).train
    sampled = list(train.sample(20))
    assert len(sampled) == 20
    assert set(sampled) <= set(train)


def test_sizes_of_evaluation_splits_do_not_follow_the_training_size() -> None:
    corpus = GENERATORS["copy"].open(size=5)
    assert [sum(1 for _ in split) for split in (corpus.val, *corpus.tests.values())] == [1000, 1000, 500]


@pytest.mark.parametrize("size", [0, -4])
def test_a_size_below_one_is_an_error(size: int) -> None:
    with pytest.raises(CorpusError, match=f"copy: a training size of {size} was asked for; expected 1 or more"):
        GENERATORS["copy"].open(size=size)


@pytest.mark.parametrize("name", sorted(SEQUENCES))
@pytest.mark.parametrize("ending", ["", "-long"])
def test_targets_of_sequences_are_right_and_lengths_follow_the_split(name: str, ending: str) -> None:
    changes: dict[str, Callable[[list[str]], list[str]]] = {
        "copy": list,
        "reverse": lambda words: list(reversed(words)),
        "sort": sorted,
        "duplicate": lambda words: [word for word in words for _ in (1, 2)],
    }
    change = changes[name]
    corpus = GENERATORS[name + ending].open(size=500)
    splits = {"train": corpus.train, "val": corpus.val, **corpus.tests}
    lengths: dict[str, set[int]] = {}
    for split, pairs in splits.items():
        assert all(pair.tgt.split() == change(pair.src.split()) for pair in pairs)
        lengths[split] = {len(pair.src.split()) for pair in pairs}
    assert lengths["train"] == set(range(1, 21))
    assert lengths["beyond"] == set(range(21, 41))
    if ending:
        assert list(corpus.tests) == ["test", "beyond", "to-60", "to-100"]
        assert (min(lengths["to-60"]), max(lengths["to-60"])) == (41, 60)
        assert min(lengths["to-100"]) >= 61
        assert 96 <= max(lengths["to-100"]) <= 100
    else:
        assert list(corpus.tests) == ["test", "beyond"]


def test_numbers_say_the_same_in_both_languages() -> None:
    pytest.importorskip("num2words")
    corpus = GENERATORS["numbers-en-de"].open(size=200)
    value = {spell(number, "en"): number for number in range(10_000)}
    counts = set()
    for pair in corpus.train:
        numbers = [value[words] for words in pair.src.split(" ; ")]
        assert pair.tgt == " ; ".join(spell(number, "de") for number in numbers)
        counts.add(len(numbers))
    assert counts == {1, 2, 3, 4, 5}
    assert {pair.src.count(";") + 1 for pair in corpus.tests["beyond"]} == {6, 7, 8}
    assert (corpus.src_lang, corpus.tgt_lang) == ("en", "de")
    # German says units before tens.
    assert spell(97, "de") == "siebenundneunzig"


def test_without_num2words_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(
        CorpusError, match=r"numbers-en-fr: needs the num2words library.*pip install 'seqloom\[numbers\]'"
    ):
        GENERATORS["numbers-en-fr"].open()


def test_draws_are_fair_and_depend_on_the_key_alone() -> None:
    draw = Draw("a key")
    counts = [0] * 5
    for _ in range(5000):
        counts[draw.between(0, 4)] += 1
    assert min(counts) > 850
    assert [Draw("x").below(1000) for _ in range(3)] == [Draw("x").below(1000)] * 3
    assert {bucket(str(i), 4) for i in range(50)} == {0, 1, 2, 3}
    samples = [draw.sample("abc", 2) for _ in range(3000)]
    counts = Counter(map(tuple, samples))
    assert len(counts) == 6
    assert min(counts.values()) > 400
    # Should these ever differ, corpora of the same seed would too.
    assert [Draw("seqloom").below(1000), bucket("seqloom", 1000)] == [75, 22]


# Should one of these fail after a change on purpose: raise the generator's version, and put the new hash here.
TEXTS = {
    "agreement": (1, "537de50f143eb18c"),
    "copy": (1, "55c49e9d7ebc0f94"),
    "copy-long": (1, "cf3fcf783d6342f8"),
    "duplicate": (1, "c83854a83a305877"),
    "duplicate-long": (1, "7a941b57c202eec4"),
    "even-pairs": (1, "fe3799c8109b1695"),
    "parity": (1, "0650e75b233903f1"),
    "recall-16": (2, "f7de05f4c29d733b"),
    "recall-4": (2, "902540cedc9f6c50"),
    "recall-8": (2, "9075d095e2e5ba65"),
    "reverse": (1, "0666e1cd3fec56d4"),
    "reverse-long": (1, "92cf2738e5d9bebd"),
    "scan-add-jump": (1, "bd56e53e79220e13"),
    "scan-length": (1, "9cbb08ed534f9f43"),
    "scan-simple": (1, "013acc74cd9a273c"),
    "sort": (1, "62cbd8f22d8c1d6d"),
    "sort-long": (1, "8de99b2de53eaebf"),
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_the_same_seed_gives_the_same_text_everywhere(name: str) -> None:
    corpus = GENERATORS[name].open(size=200)
    pairs = [pair for split in (corpus.train, corpus.val, *corpus.tests.values()) for pair in islice(split, 200)]
    text = "\n".join(f"{pair.src}\t{pair.tgt}" for pair in pairs)
    assert (GENERATORS[name].version, hashlib.sha256(text.encode()).hexdigest()[:16]) == TEXTS[name]


def test_every_generator_without_a_library_has_a_hash() -> None:
    assert {name for name in GENERATORS if not name.startswith("numbers")} == {*TEXTS, "player-commands"}
