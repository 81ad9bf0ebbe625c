"""What holds for all generators, and for the small ones in particular."""

import sys
from itertools import islice

import pytest

from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.generators.generator import Draw, bucket
from seqloom.corpus.generators.numbers import spell
from seqloom.errors import CorpusError

SEQUENCES = {"copy", "reverse", "sort", "duplicate"}


@pytest.fixture(params=sorted(GENERATORS))
def generator(request):
    if request.param.startswith("numbers"):
        pytest.importorskip("num2words")
    return GENERATORS[request.param]


def test_a_corpus_says_what_it_is(generator):
    corpus = generator.open(seed=3, size=50)
    assert corpus.name == generator.name
    assert corpus.synthetic
    assert corpus.kind == "pairs"
    assert list(corpus.tests) == ["test", "beyond"]
    assert corpus.item_separator
    assert "seed 3" in corpus.train.origin
    assert generator.description.endswith(".")
    assert len(list(corpus.train)) == 50


def test_the_same_seed_gives_the_same_and_another_seed_another(generator):
    first, same, other = (list(generator.open(seed=seed, size=40).train) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_reading_begins_anew_each_time(generator):
    split = generator.open(size=20).train
    assert list(split) == list(split.pairs())


def test_fingerprints_tell_corpora_apart(generator):
    corpora = [generator.open(), generator.open(seed=1), generator.open(size=7)]
    assert len({corpus.fingerprint for corpus in corpora}) == 3
    assert generator.open().fingerprint == corpora[0].fingerprint
    splits = [corpora[0].train, corpora[0].val, *corpora[0].tests.values()]
    assert len({split.fingerprint for split in splits}) == 4


def test_splits_are_apart(generator):
    corpus = generator.open(size=3000)
    seen = {}
    for name, split in {"train": corpus.train, "val": corpus.val, **corpus.tests}.items():
        sources = [pair.src for pair in islice(split, 400 if name != "train" else 3000)]
        if name != "train":
            assert len(sources) == len(set(sources))
        for source in sources:
            assert seen.setdefault(source, name) == name


def test_sizes_of_evaluation_splits_do_not_follow_the_training_size():
    corpus = GENERATORS["copy"].open(size=5)
    assert [sum(1 for _ in split) for split in (corpus.val, *corpus.tests.values())] == [1000, 1000, 500]


@pytest.mark.parametrize("size", [0, -4])
def test_a_size_below_one_is_refused(size):
    with pytest.raises(CorpusError, match=f"copy: a training size of {size} was asked for; expected 1 or more"):
        GENERATORS["copy"].open(size=size)


@pytest.mark.parametrize("name", sorted(SEQUENCES))
def test_sequences(name):
    change = {
        "copy": list,
        "reverse": lambda words: list(reversed(words)),
        "sort": sorted,
        "duplicate": lambda words: [word for word in words for _ in (1, 2)],
    }[name]
    corpus = GENERATORS[name].open(size=500)
    lengths = set()
    for pair in corpus.train:
        assert pair.tgt.split() == change(pair.src.split())
        lengths.add(len(pair.src.split()))
    assert lengths == set(range(1, 21))
    assert {len(pair.src.split()) for pair in corpus.tests["beyond"]} == set(range(21, 41))


def test_numbers_say_the_same_in_both_languages():
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


def test_without_num2words_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(
        CorpusError, match=r"numbers-en-fr: needs the num2words library.*pip install 'seqloom\[numbers\]'"
    ):
        GENERATORS["numbers-en-fr"].open()


def test_draws_are_fair_and_depend_on_the_key_alone():
    draw = Draw("a key")
    counts = [0] * 5
    for _ in range(5000):
        counts[draw.between(0, 4)] += 1
    assert min(counts) > 850
    assert [Draw("x").below(1000) for _ in range(3)] == [Draw("x").below(1000)] * 3
    assert {bucket(str(i), 4) for i in range(50)} == {0, 1, 2, 3}
    # Should these ever differ, corpora of the same seed would too.
    assert [Draw("seqloom").below(1000), bucket("seqloom", 1000)] == [75, 22]
