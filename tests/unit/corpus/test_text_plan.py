"""Corpora of documents: folders, separated documents, tables of texts; their splits and messages."""

import json
import random
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import ConfigError, CorpusError, SeqloomError


def sentences(seed: int, count: int = 20) -> str:
    draw = random.Random(seed)
    vocabulary = ["red", "blue", "old", "cat", "dog", "sees", "eats", "runs", "and", "under", "houses"]
    return "".join(" ".join(draw.choice(vocabulary) for _ in range(9)) + ".\n" for _ in range(count))


def fill(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:03}.txt").write_text(sentences(number))
    return folder


def read(path: Path, **settings: Any) -> Corpus:
    return open_corpus(CorpusSettings(data=path, **settings))


def texts_of(corpus: Corpus) -> dict[str, list[str]]:
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return {split.name: [document.text for document in split.documents()] for split in splits}


def test_the_documents_of_a_folder_are_divided_whole(tmp_path: Path) -> None:
    folder = fill(tmp_path / "texts", 40)
    corpus = read(folder)
    texts = texts_of(corpus)
    assert (corpus.name, corpus.kind, corpus.metric, corpus.train.unit) == (
        "texts",
        "text",
        "bits_per_byte",
        "documents",
    )
    assert {name: len(part) for name, part in texts.items()} == {"train": 32, "val": 4, "test": 4}
    assert sorted(chain(*texts.values())) == sorted(sentences(number) for number in range(40))
    assert read(folder).fingerprint == corpus.fingerprint
    assert texts_of(read(folder, split_seed=1)) != texts
    assert len(texts_of(read(folder, val_size=7, test_size=2))["val"]) == 7
    (folder / "new").mkdir()
    (folder / "new" / "more.txt").write_text(sentences(99))
    assert read(folder).fingerprint != corpus.fingerprint


def test_near_duplicates_stand_on_one_side(tmp_path: Path) -> None:
    folder = fill(tmp_path / "texts", 60)
    for number in range(60):
        text = sentences(number)
        (folder / f"copy-{number:03}.txt").write_text("A new first line.\n" + text[:300] + " changed " + text[300:])
    for seed in range(3):
        corpus = read(folder, split_seed=seed)
        side = {text: name for name, part in texts_of(corpus).items() for text in part}
        for number in range(60):
            text = sentences(number)
            assert side[text] == side["A new first line.\n" + text[:300] + " changed " + text[300:]]
        assert any(
            "Near-duplicates: 120 documents with at least half of the text in common with another; they are on one side"
            in note
            for note in corpus.notes
        )


def test_few_documents_are_cut_by_position(tmp_path: Path) -> None:
    folder = fill(tmp_path / "texts", 3)
    corpus = read(folder)
    text = "".join(sentences(number) for number in range(3))
    parts = ["".join(part) for part in texts_of(corpus).values()]
    assert "".join(parts) == text
    assert abs(len(parts[0]) / len(text) - 0.9) < 0.03
    assert any("fewer than 10 documents, so they are cut by position" in note for note in corpus.notes)
    assert len(texts_of(read(folder, val_size=1, test_size=1))["train"]) == 1
    only = read(fill(tmp_path / "one", 1))
    assert "".join(chain(*texts_of(only).values())) == sentences(0)


def test_separated_documents(tmp_path: Path) -> None:
    path = tmp_path / "stories.txt"
    path.write_text("<|endoftext|>\n".join(sentences(number) for number in range(40)))
    corpus = read(path, document_separator="<|endoftext|>")
    assert sorted(chain(*texts_of(corpus).values())) == sorted(sentences(number) for number in range(40))
    assert corpus.layout == ("stories.txt: read as text; lines that are '<|endoftext|>' separate its documents.",)
    with pytest.raises(ConfigError, match="no spaces around it"):
        CorpusSettings(data=path, document_separator=" --- ")
    with pytest.raises(ConfigError, match="no --kind pairs"):
        CorpusSettings(data=path, kind="pairs", document_separator="---")


def test_validation_and_test_may_be_folders(tmp_path: Path) -> None:
    train, val = fill(tmp_path / "train", 18), fill(tmp_path / "val", 15)
    corpus = read(train, val=val, test=val)
    assert {name: len(part) for name, part in texts_of(corpus).items()} == {"train": 3, "val": 15, "test": 15}
    assert any("left out 15 documents also found in val and test" in note for note in corpus.notes)


def test_a_folder_of_records(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for part in range(3):
        lines = [json.dumps({"text": sentences(10 * part + i), "id": i}) for i in range(10)]
        (folder / f"part-{part}.jsonl").write_text("\n".join(lines))
    (folder / "readme.txt").write_text("What this is.\n")
    corpus = read(folder)
    assert sum(map(len, texts_of(corpus).values())) == 31
    assert "read as 3 tables of texts, each record a document, and 1 file of text" in corpus.layout[0]


def test_the_only_column_of_text_is_taken_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"id": i, "story": sentences(i)}) + "\n" for i in range(30)))
    corpus = read(path)
    assert corpus.kind == "text"
    assert "texts for language models = column 'story'" in corpus.layout[0]
    assert sorted(chain(*texts_of(corpus).values())) == sorted(sentences(number) for number in range(30))


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({}, {}, "this folder is empty; expected files of plain text"),
        ({"a.bin": b"\x00\x01\x02"}, {}, r"holds no text: 1 file that is not text \(a.bin\)"),
        (
            {"a.txt": b"hello\nna\xefve\n"},
            {},
            r"a.txt:2: byte 3 of the line \(0xef\) is not valid UTF-8.*--on-bad skip",
        ),
        (
            {"a.txt": b"text\n", "p.tsv": b"a b\tc d\n" * 9},
            {},
            r"look like pairs \(p.tsv\) and texts \(a.txt\); keep one kind",
        ),
        (
            {"p.tsv": b"a b\tc d\n" * 9},
            {},
            r"hold records that look like pairs \(p.tsv\), but a folder is read as texts",
        ),
        (
            {"p.jsonl": b'{"a": "x y", "b": "z w"}\n' * 9},
            {"kind": "text"},
            r"which column holds the text.*--text-column",
        ),
        ({"a.txt": b"text\n"}, {"kind": "pairs"}, "is a folder, which is read as texts for language models"),
        ({"a.txt": b"text\n"}, {"tgt_column": "text", "kind": "text"}, "these files are plain text; leave it out"),
        ({"a.jsonl": b"just words\n" * 9}, {}, r"a.jsonl:1: its name says JSON lines"),
        ({"a.txt": b" \n"}, {}, "no usable passages for val.*left out 1 empty document"),
    ],
)
def test_wrong_folders_get_one_message(
    files: dict[str, bytes], settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(SeqloomError, match=message):
        read(folder, **settings)


def test_an_empty_file_among_documents_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "texts", 12)
    (folder / "empty.txt").touch()
    (folder / "blank.txt").write_text("\n\n")
    corpus = read(folder)
    assert any("left out 1 empty file (empty.txt)" in note for note in corpus.layout)
    assert any("left out 1 empty document (the first: " in note and "blank.txt" in note for note in corpus.notes)


def test_records_without_a_column_of_text(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": 3, "score": 0.5}\n' * 9)
    with pytest.raises(CorpusError, match=r"cannot tell which column holds the text among 'id', 'score'"):
        read(path, kind="text")
