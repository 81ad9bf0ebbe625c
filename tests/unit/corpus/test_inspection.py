from pathlib import Path

import pytest

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.corpus.inspection import HashSample, Inspection, inspect
from seqloom.corpus.quality_checks import has_mojibake
from seqloom.corpus.split import hash_key

GOOD = [
    (f"The small bird number {i} sings a song in the tree.", f"Le petit oiseau {i} chante dans l'arbre.")
    for i in range(300)
]
ODD = {
    "identical sides": ("Please leave this as it is.", "Please leave this as it is."),
    "mostly untranslated": ("please click on the big button", "please click on the big bouton"),
    "target much longer than usual": ("No.", "Non, et voici une très longue explication qui ne finit pas."),
    "target much shorter than usual": ("Here is a very long explanation that never ends.", "Oui."),
    "unexpected script": ("This is fine.", "Это нехорошо."),
    "markup or entities": ("It is <b>bold</b> now.", "C'est gras maintenant."),
    "control or invisible characters": ("A zero\u200bwidth space here.", "Une espace sans chasse."),
    "broken encoding (UTF-8 read as Latin-1)": ("The cat was there.", "Le chat Ã©tait lÃ -bas."),
    "a side without letters": ("What is this line?", "------ 12345 ------"),
}


def read(tmp_path: Path, pairs: list[tuple[str, str]]) -> Corpus:
    path = tmp_path / "x.en-fr.tsv"
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in pairs), encoding="utf-8")
    return open_corpus(CorpusSettings(data=path))


def test_each_oddity_is_named_with_an_example(tmp_path: Path) -> None:
    inspection = inspect(read(tmp_path, [*GOOD, *ODD.values()]))
    found = {entry.reason: entry for entry in inspection.suspicious}
    assert set(found) == set(ODD)
    for reason, (src, tgt) in ODD.items():
        assert found[reason].count == 1
        assert found[reason].examples[0][1:] == (src, tgt)


def test_good_pairs_are_not_suspected(tmp_path: Path) -> None:
    assert inspect(read(tmp_path, GOOD)).suspicious == ()


@pytest.mark.parametrize("text", ["Ã©tÃ©", "itâ€™s", "Ã¼ber", "ÐŸÑ€Ð¸Ð²ÐµÑ‚"])
def test_mojibake(text: str) -> None:
    assert has_mojibake(text)


@pytest.mark.parametrize("text", ["été", "São Paulo", "Â", "NÃO", "Привет", "œuvre", "Ñandú"])
def test_no_mojibake(text: str) -> None:
    assert not has_mojibake(text)


def test_duplicates_overlap_and_lengths(tmp_path: Path) -> None:
    train, val, test = (tmp_path / f"{name}.tsv" for name in ("train", "val", "test"))
    pairs = [("one two three", "a b"), ("one two three", "a b"), ("one two three", "c d"), ("four", "e f g h i")]
    for path, rows in (
        (train, pairs),
        (val, [("Four!", "E f g h i")]),
        (test, [("one, two, three", "z"), ("new", "n")]),
    ):
        path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows))
    corpus = open_corpus(CorpusSettings(data=train, val=val, test=test, overlap="keep"))
    first, second, third = inspect(corpus).splits
    assert (first.items, first.duplicates, first.ambiguous) == (4, 1, 1)
    assert first.src is not None
    assert (first.src.words.longest, first.src.words.median, first.tgt.words.longest) == (3, 3, 5)
    assert (second.overlap, second.overlap_sources) == (1, 1)
    assert (third.overlap, third.overlap_sources) == (0, 1)
    assert first.sampled == 1.0


def test_memory_is_bounded_and_estimates_are_near(tmp_path: Path) -> None:
    sample = HashSample(500)
    for index in range(20_000):
        sample.add(hash_key(str(index % 10_000)))
    assert len(sample._hashes) <= 500
    assert sample.share < 1
    assert 8_000 < sample.num_distinct() < 12_000
    inspection = inspect(read(tmp_path, GOOD), max_hashes=50)
    assert inspection.splits[0].sampled < 1


def test_an_inspection_is_plain_data(tmp_path: Path) -> None:
    inspection = inspect(read(tmp_path, GOOD))
    assert Inspection.model_validate_json(inspection.model_dump_json()) == inspection
    assert sum(inspection.proposed.values()) == len(GOOD)
    assert list(inspection.splits[0].tgt.scripts) == ["latin"]
    assert any("few" in advice for advice in inspection.recommendations)


def test_text_is_inspected_too(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text("To be, or not to be.\n\n" * 200)
    inspection = inspect(open_corpus(path))
    assert inspection.kind == "text"
    assert inspection.splits[0].src is None
    assert inspection.splits[0].tgt.chars.longest > 100
