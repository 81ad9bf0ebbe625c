"""Truth: links between texts, by the rules of the corpora that made them."""

import re

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.explain.reference_alignment import alignment_rule_of, reference_sources


def linked(corpus: str, src: str, tgt: str) -> dict[str, set[str]]:
    """The stretches of text that are linked, as words."""
    found: dict[str, set[str]] = {}
    rule = alignment_rule_of(corpus)
    assert rule is not None
    for link in rule.links(src, tgt):
        found.setdefault(tgt[slice(*link.target)].strip(), set()).update(src[slice(*s)].strip() for s in link.sources)
    return found


def test_tens_and_units_cross() -> None:
    found = linked("numbers-en-de", "ninety-seven", "siebenundneunzig")
    assert found == {"sieben": {"seven"}, "neunzig": {"ninety"}}


def test_every_digit_has_its_place() -> None:
    src, tgt = (
        "four thousand, one hundred and fifty-one ; twelve ; one",
        "viertausendeinhunderteinundfünfzig ; zwölf ; eins",
    )
    links = [
        (tgt[slice(*one.target)], src[slice(*one.sources[0])])
        for one in alignment_rule_of("numbers-en-de").links(src, tgt)
    ]
    assert links == [
        *[("vier", "four"), ("tausend", "thousand"), ("ein", "one"), ("hundert", "hundred"), ("ein", "one")],
        *[("fünfzig", "fifty"), ("zwölf", "twelve"), ("eins", "one"), (";", ";"), (";", ";")],
    ]
    # Alike words are told apart by where they stand.
    places = [one.sources[0][0] for one in alignment_rule_of("numbers-en-de").links(src, tgt)]
    assert len(set(places)) == len(places)


def test_every_number_of_the_corpus_is_understood() -> None:
    pytest.importorskip("num2words")
    rule = alignment_rule_of("numbers-en-de")
    for pair in open_corpus(CorpusSettings(data="numbers-en-de", size=40)).train.pairs():
        covered = "".join(pair.tgt[slice(*link.target)] for link in rule.links(pair.src, pair.tgt))
        rest = re.sub(r"(?<!h)und| ", "", pair.tgt)
        assert sorted(covered) == sorted(rest)


def test_a_wrong_digit_has_no_source() -> None:
    assert linked("numbers-en-de", "ninety-seven", "achtundneunzig") == {"neunzig": {"ninety"}}
    assert linked("numbers-en-de", "ninety-seven", "siebenundund") == {}
    assert linked("numbers-en-de", "one ; two", "eins") == {}


def test_other_languages_are_linked_number_by_number() -> None:
    found = linked("numbers-en-fr", "ninety ; two", "quatre-vingt-dix ; deux")
    assert found == {"quatre-vingt-dix": {"ninety"}, "deux": {"two"}, ";": {";"}}


@pytest.mark.parametrize("task", ["copy", "reverse", "duplicate", "copy-long", "sort"])
def test_lists_are_linked_word_by_word(task: str) -> None:
    for pair in open_corpus(CorpusSettings(data=task, size=20)).train.pairs():
        links = list(alignment_rule_of(task).links(pair.src, pair.tgt))
        if task != "sort":
            assert len(links) == len(pair.tgt.split())
        for link in links:
            assert pair.tgt[slice(*link.target)] == pair.src[slice(*link.sources[0])]


def test_reversal_links_mirrored_places_even_of_equal_words() -> None:
    (first, second) = alignment_rule_of("reverse").links("a a", "a a")
    assert (first.target, first.sources) == ((0, 1), ((2, 3),))
    assert (second.target, second.sources) == ((2, 3), ((0, 1),))


def test_commands_are_linked_by_words_typed_once() -> None:
    found = linked("player-commands", "pick the brass lamp up and light it", "take brass lamp ; light brass lamp")
    assert found == {"brass": {"brass"}, "lamp": {"lamp"}, "light": {"light"}}


def test_unknown_corpora_have_no_truth() -> None:
    assert alignment_rule_of("multi30k") is None


def test_tokens_are_linked_where_they_meet() -> None:
    src, tgt = "ninety-seven", "siebenundneunzig"
    src_spans = [(0, 6), (6, 7), (7, 12), (12, 12)]
    tgt_spans = [(0, 6), (6, 16), (16, 16)]
    assert reference_sources(alignment_rule_of("numbers-en-de"), src, tgt, src_spans, tgt_spans) == ((2,), (0,), ())
