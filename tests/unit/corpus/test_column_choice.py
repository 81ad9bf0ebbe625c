"""Which columns are taken of files as people have them, and what is asked where that is not clear."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import CorpusError

# Sides that can be told apart, and what stands beside them in files.
VALUES = {
    "de": [f"der Vogel {word} singt im Wald" for word in "abcdefghijklmnopqrst"],
    "en": [f"the bird {word} sings in the wood" for word in "abcdefghijklmnopqrst"],
    "fr": [f"l'oiseau {word} chante au bois" for word in "abcdefghijklmnopqrst"],
    "n": [str(number) for number in range(7, 27)],
    "name": [f"train-{number:05}" for number in range(20)],
    "score": [f"0.{number + 13}" for number in range(20)],
    "url": [f"https://example.org/{number}" for number in range(20)],
    "lang de": ["de"] * 20,
    "lang en": ["en"] * 20,
    "class": ["0", "1"] * 10,
    "none": [""] * 20,
    "licence": ["CC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 (W)"] * 20,
}
DE, EN, FR = VALUES["de"][0][:3], VALUES["en"][0][:3], VALUES["fr"][0][:3]


def write(path: Path, columns: Sequence[str], header: Sequence[str] | None = None) -> Path:
    rows = [*([header] if header else []), *zip(*(VALUES[name] for name in columns), strict=True)]
    mark = "\ufeff" if path.stem == "bom" else ""
    path.write_text(mark + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def facts(corpus: Corpus) -> tuple[str | None, str | None, str, str, int]:
    """The languages, how the sides of a pair begin, and how many pairs there are."""
    pair = next(corpus.train.pairs())
    total = sum(split.size or 0 for split in (corpus.train, corpus.val, *corpus.tests.values()))
    return corpus.src_lang, corpus.tgt_lang, pair.src[:3], pair.tgt[:3], total


@pytest.mark.parametrize(
    ("columns", "header", "settings", "expected"),
    [
        # names of languages that are usual names of columns, too
        (("n", "de", "en"), ("id", "de", "en"), {}, ("de", "en", DE, EN)),
        (("n", "en", "de"), ("id", "en", "zh-Hans"), {}, ("en", "zh-Hans", EN, DE)),
        (("n", "de", "en"), ("no", "de", "en"), {}, ("de", "en", DE, EN)),
        (("name", "de", "en"), ("id", "de", "en"), {}, ("de", "en", DE, EN)),
        (("score", "de", "en"), ("is", "de", "en"), {}, ("de", "en", DE, EN)),
        (("fr", "en"), ("id", "en"), {}, ("id", "en", FR, EN)),
        (("fr", "de"), ("no", "it"), {}, ("no", "it", FR, DE)),
        (("n", "de", "en"), ("id", "de", "en"), {"from_lang": "en"}, ("en", "de", EN, DE)),
        # spellings
        (("de", "en"), ("DE", "EN"), {}, ("de", "en", DE, EN)),
        (("de", "en"), ("de", "pt_BR"), {}, ("de", "pt-BR", DE, EN)),
        (("de", "en"), ("de", "zh-Hans"), {"from_lang": "zh"}, ("zh", "de", EN, DE)),
        (("de", "en"), ("de-DE", "en-US"), {"from_lang": "en", "to_lang": "de"}, ("en", "de", EN, DE)),
        (("de", "en"), ("deu_Latn", "eng_Latn"), {}, ("de", "en", DE, EN)),
        (("de", "en"), ("German", "English"), {}, ("de", "en", DE, EN)),
        (("de", "en"), ("caption_de", "caption_en"), {}, ("de", "en", DE, EN)),
        # not next to each other, and beside what is no text
        (("de", "score", "url", "en"), ("de", "score", "url", "en"), {}, ("de", "en", DE, EN)),
        (("de", "none", "en"), ("de", "comment", "en"), {}, ("de", "en", DE, EN)),
        # source and target
        (("de", "fr"), ("Source text", "target (fr)"), {}, (None, "fr", DE, FR)),
        (("en", "de"), ("target (en)", "source (de)"), {}, ("de", "en", DE, EN)),
        (("en", "de"), ("TARGET", "SOURCE"), {}, (None, None, DE, EN)),
        (("n", "de", "en"), ("idx", "question", "answer"), {}, (None, None, DE, EN)),
        (("de", "none", "en"), ("instruction", "input", "output"), {}, (None, None, DE, EN)),
        (("de", "class"), ("text", "label"), {}, (None, None, DE, "")),
        (("lang de", "de", "lang en", "en"), ("src_lang", "src", "tgt_lang", "tgt"), {}, ("de", "en", DE, EN)),
        # without a header
        (("score", "de", "en"), None, {}, (None, None, DE, EN)),
        (("en", "fr", "licence"), None, {}, (None, None, EN, FR)),
        (("n", "lang de", "de", "name", "lang en", "en"), None, {}, ("de", "en", DE, EN)),
        (("de", "class"), None, {}, (None, None, DE, "")),
        # what the user says
        (("n", "de", "en"), ("id", "de", "en"), {"src_column": "id", "tgt_column": "en"}, (None, None, "", EN)),
        (("n", "de"), ("id", "en"), {"from_lang": "id", "to_lang": "en"}, ("id", "en", "", DE)),
        (("de", "en"), ("Quelle", "Ziel"), {"header": "yes", "src_column": 1, "tgt_column": 2}, (None, None, DE, EN)),
    ],
)
@pytest.mark.parametrize("name", ["x.tsv", "bom.tsv"])
def test_columns_that_are_taken(
    tmp_path: Path, name: str, columns: Sequence[str], header: Sequence[str], settings: dict[str, Any], expected: Any
) -> None:
    corpus = open_corpus(
        CorpusSettings(data=write(tmp_path / name, columns, header), val_size=2, test_size=2, **settings)
    )
    found = facts(corpus)
    assert found[:2] == expected[:2]
    assert found[2].startswith(expected[2])
    assert found[3].startswith(expected[3])
    assert found[4] == 20
    assert re.match(rf"{re.escape(name)}: read as [^;]+; source = column ", corpus.layout[0])
    assert ("Line 1 is the header." in corpus.layout[0]) == (header is not None)


@pytest.mark.parametrize(
    ("columns", "header", "settings", "words"),
    [
        (("de", "en", "fr"), ("de", "en", "fr"), {}, r"3 languages \(de, en, fr\).*--from-lang CODE --to-lang CODE"),
        (("de", "en", "fr"), ("de", "en", "fr"), {"from_lang": "de"}, "3 languages.*--to-lang CODE"),
        (("de", "en"), ("pt-BR", "pt-PT"), {"from_lang": "pt"}, "several columns may be in 'pt': 'pt-BR', 'pt-PT'"),
        (("de", "en"), ("pt-BR", "en"), {"from_lang": "pt-PT"}, "no column in 'pt-PT'; its languages are pt-BR, en"),
        (
            ("n", "en"),
            ("id", "en"),
            {},
            r"only the column 'en' holds text \('id' \(row numbers\)\).*--kind text --tgt-column en",
        ),
        (("de", "en", "fr"), ("instruction", "input", "output"), {}, "several columns may be source and target"),
        (("de", "en", "fr", "de"), ("source", "target", "en", "de"), {}, "by languages.*as source and target"),
        (("n", "de", "en"), ("id", "Quelle", "Ziel"), {}, r"cannot tell.* 'Quelle', 'Ziel' \('id' \(row numbers\)\)"),
        (("n", "de"), None, {}, "column 1 numbers the records.*--src-column 1 --tgt-column 2"),
        (("de", "url"), None, {}, "column 2 holds addresses"),
        (("de", "score"), None, {}, "column 2 holds numbers such as scores"),
        (("de", "en", "fr"), None, {}, r"3 columns and no header \(1 \(text\), 2 \(text\), 3 \(text\)\).*--header yes"),
        (("de", "en"), ("source (de)", "target (en)"), {"from_lang": "fr"}, "no column in 'fr'"),
    ],
)
def test_what_is_not_clear_is_asked(
    tmp_path: Path, columns: Sequence[str], header: Sequence[str], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(CorpusError, match=words):
        open_corpus(CorpusSettings(data=write(tmp_path / "x.tsv", columns, header), **settings))


def test_a_header_of_unknown_words_is_a_record_and_said(tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path / "x.tsv", ("de", "en"), ("Quelle", "Ziel")))
    assert "No header: line 1 (Quelle | Ziel) is a record." in corpus.layout[0]
    assert "--header yes" in corpus.layout[0]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_records_of_hugging_face(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"x.{format}"
    rows: list[dict[str, Any]] = [
        {"id": number, "translation": {"de": de, "en": en}, "idx": None}
        for number, (de, en) in enumerate(zip(VALUES["de"], VALUES["en"], strict=True))
    ]
    if format == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        # Keys in another order, and a key that most records lack, are usual.
        rows[0] = {"comment": "first", **dict(reversed(rows[0].items()))}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = open_corpus(CorpusSettings(data=path, val_size=2, test_size=2))
    assert facts(corpus) == ("de", "en", DE, EN, 20)
    assert "'id' (row numbers)" in corpus.layout[0]
    three = {"from_lang": "fr", "to_lang": "de"}
    for row, text in zip(rows, VALUES["fr"], strict=True):
        row["translation"]["fr"] = text
    if format == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with pytest.raises(CorpusError, match="3 languages"):
            open_corpus(path)
        assert facts(open_corpus(CorpusSettings(data=path, **three)))[:4] == ("fr", "de", FR, DE)


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (("n", "de", "en"), None),  # as the training data, without their header
        (("en", "de"), ("en", "de")),
        (("en", "de"), ("English", "de-DE")),
        (("en", "de"), ("target", "source")),
    ],
)
def test_validation_data_have_a_layout_of_their_own(
    tmp_path: Path, columns: Sequence[str], header: Sequence[str] | None
) -> None:
    val = write(tmp_path / "val.tsv", columns, header)
    train = write(tmp_path / "train.tsv", ("n", "de", "en"), ("id", "de", "en"))
    corpus = open_corpus(CorpusSettings(data=train, val=val, test_size=2, overlap="keep"))
    assert [pair.src for pair in corpus.val.pairs()] == VALUES["de"]
    assert len(corpus.layout) == 2
    assert corpus.layout[1].startswith("val.tsv: read as ")


def test_a_header_that_contradicts_the_file_name_is_said(tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path / "x.de-en.tsv", ("fr", "en"), ("fr", "en")))
    assert (corpus.src_lang, corpus.tgt_lang) == ("fr", "en")
    assert "(Its name says de and en.)" in corpus.layout[0]


def test_two_files_say_what_their_names_were_taken_for(tmp_path: Path) -> None:
    for name in ("de", "zh-Hans"):
        (tmp_path / f"train.{name}").write_text("".join(f"{text}\n" for text in VALUES["de" if name == "de" else "en"]))
    files = {"src": tmp_path / "train.de", "tgt": tmp_path / "train.zh-Hans"}
    corpus = open_corpus(CorpusSettings(**files))
    assert (corpus.src_lang, corpus.tgt_lang) == ("de", "zh-Hans")
    assert corpus.layout[0].startswith("train.de, train.zh-Hans: German -> Chinese (simplified) by their names.")
    assert open_corpus(CorpusSettings(**files, from_lang="de", to_lang="zh")).tgt_lang == "zh"
    with pytest.raises(CorpusError, match="exchange --src and --tgt"):
        open_corpus(CorpusSettings(**files, from_lang="zh", to_lang="de"))
