from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import CorpusError

ROWS = [(f"bird number {i} sings", f"oiseau {i} chante") for i in range(40)]


def read(path: Path, header: tuple[str, ...] = (), **settings: Any) -> Corpus:
    rows = [header, *ROWS] if header else ROWS
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return open_corpus(CorpusSettings(data=path, **settings))


def facts(corpus: Corpus) -> tuple[str | None, str | None, bool]:
    """The languages, and whether the first column is the source."""
    return corpus.src_lang, corpus.tgt_lang, next(corpus.train.pairs()).src.startswith("bird")


@pytest.mark.parametrize(
    ("name", "header", "settings", "expected"),
    [
        ("x.tsv", (), {}, (None, None, True)),
        ("x.tsv", (), {"src_column": 2, "tgt_column": 1}, (None, None, False)),
        ("x.tsv", (), {"src_column": "2", "tgt_column": "1"}, (None, None, False)),
        ("x.tsv", (), {"from_lang": "en", "to_lang": "fr"}, ("en", "fr", True)),
        ("x.eng-fra.tsv", (), {}, ("en", "fr", True)),
        ("x.eng-fra.tsv", (), {"from_lang": "fr"}, ("fr", "en", False)),
        ("x.eng-fra.tsv", (), {"to_lang": "en"}, ("fr", "en", False)),
        ("x.eng-fra.tsv", (), {"src_column": 2, "tgt_column": 1}, ("fr", "en", False)),
        ("x.tsv", ("en", "fr"), {}, ("en", "fr", True)),
        ("x.tsv", ("English", "French"), {"from_lang": "fra", "to_lang": "eng"}, ("fr", "en", False)),
        ("x.tsv", ("target", "source"), {}, (None, None, False)),
        ("x.tsv", ("source", "target"), {"from_lang": "en"}, ("en", None, True)),
        ("x.tsv", ("bird", "oiseau"), {"src_column": "oiseau", "tgt_column": "bird"}, (None, None, False)),
    ],
)
def test_directions(
    tmp_path: Path, name: str, header: tuple[str, ...], settings: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    corpus = read(tmp_path / name, header, **settings)
    assert facts(corpus) == expected
    assert sum(1 for split in (corpus.train, corpus.val, *corpus.tests.values()) for _ in split) == len(ROWS)


def test_languages_given_to_a_nameless_file_are_told(tmp_path: Path) -> None:
    corpus = read(tmp_path / "x.tsv", from_lang="fr", to_lang="en")
    (line,) = corpus.layout
    assert "source = column 1 (French), target = column 2 (English)" in line
    assert "To change: --src-column 2 --tgt-column 1, --header yes." in line


@pytest.mark.parametrize(
    ("name", "header", "settings", "words"),
    [
        ("x.tsv", (), {"from_lang": "fr"}, "give --to-lang too"),
        ("x.eng-fra.tsv", (), {"from_lang": "de"}, "its names say en -> fr, which does not fit --from-lang de"),
        ("x.tsv", ("en", "fr"), {"to_lang": "de"}, "no column in 'de'"),
        ("x.tsv", (), {"src_column": "a", "tgt_column": "b"}, "no names.*--src-column 1"),
        ("x.tsv", (), {"src_column": 1, "tgt_column": 3}, "no column 3; it has 2"),
        ("x.tsv", ("source", "target"), {"src_column": "sorce", "tgt_column": "target"}, "Did you mean 'source'"),
    ],
)
def test_errors_teach(tmp_path: Path, name: str, header: tuple[str, ...], settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        read(tmp_path / name, header, **settings)


def test_val_files_are_turned_the_same_way(tmp_path: Path) -> None:
    val = tmp_path / "val.eng-fra.tsv"
    val.write_text("the cat\tle chat\n")
    corpus = read(tmp_path / "x.eng-fra.tsv", from_lang="fr", val=val)
    assert [pair.src for pair in corpus.val.pairs()] == ["le chat"]


def test_two_files_that_are_the_other_way_round(tmp_path: Path) -> None:
    for lang, column in (("en", 0), ("fr", 1)):
        (tmp_path / f"train.{lang}").write_text("".join(row[column] + "\n" for row in ROWS))
    src, tgt = tmp_path / "train.en", tmp_path / "train.fr"
    assert facts(open_corpus(CorpusSettings(src=src, tgt=tgt))) == ("en", "fr", True)
    with pytest.raises(CorpusError, match="exchange --src and --tgt"):
        open_corpus(CorpusSettings(src=src, tgt=tgt, from_lang="fr", to_lang="en"))
