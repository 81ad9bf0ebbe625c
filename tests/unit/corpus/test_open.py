import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import Corpus, CorpusSettings, assembly, open_corpus
from seqloom.corpus.split import split_key
from seqloom.errors import ConfigError, CorpusError

Pairs = list[tuple[str, str]]


def words(count: int, seed: int = 0) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(count):
        yield " ".join(draw.choice(["red", "blue", "old", "cat", "dog", "sees", "eats", "runs"]) for _ in range(7))


def write(path: Path, pairs: Pairs) -> Path:
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in pairs), encoding="utf-8")
    return path


def read(path: Path, **settings: Any) -> Corpus:
    return open_corpus(CorpusSettings(data=path, **settings))


def pairs_of(corpus: Corpus, name: str) -> Pairs:
    split = {"train": corpus.train, "val": corpus.val, **corpus.tests}[name]
    return [(pair.src, pair.tgt) for pair in split.pairs()]


def many(count: int = 600) -> Pairs:
    return [(src, src.upper()) for src in words(count)]


def test_the_split_keeps_everything_and_near_duplicates_together(tmp_path: Path) -> None:
    pairs = many()
    pairs += [(f"{src.capitalize()}!", tgt) for src, tgt in pairs[:200]]
    corpus = read(write(tmp_path / "x.tsv", pairs))
    parts = {name: pairs_of(corpus, name) for name in ("train", "val", "test")}
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == sorted(pairs)
    keys = {name: {split_key(src) for src, _ in part} for name, part in parts.items()}
    assert not keys["train"] & keys["val"]
    assert not keys["train"] & keys["test"]
    assert not keys["val"] & keys["test"]
    assert 38 <= len(parts["val"]) <= 42
    assert any(f"{len(parts['train']):,} train, {len(parts['val'])} val" in note for note in corpus.notes)


def test_the_progress_of_every_reading_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Heard:
        tasks: dict[str, float]

        def __init__(self) -> None:
            self.tasks = {}

        def say(self, text: str) -> None:
            del text

        def update(self, task: str, fraction: float, **facts: float | str) -> None:
            del facts
            self.tasks[task] = fraction

    monkeypatch.setattr(assembly, "_ROWS_PER_REPORT", 100)
    heard = Heard()
    open_corpus(CorpusSettings(data=write(tmp_path / "x.tsv", many())), heard)
    assert heard.tasks == {"choosing what to hold out": 1.0, "reading train": 1.0}


def test_the_split_depends_on_the_seed_and_on_nothing_else(tmp_path: Path) -> None:
    pairs = many()
    first = read(write(tmp_path / "x.tsv", pairs))
    again = read(write(tmp_path / "y.tsv", pairs[::-1]))
    other = read(tmp_path / "x.tsv", split_seed=7)
    assert sorted(pairs_of(first, "test")) == sorted(pairs_of(again, "test"))
    assert first.fingerprint != again.fingerprint
    assert sorted(pairs_of(first, "test")) != sorted(pairs_of(other, "test"))
    assert first.fingerprint == read(tmp_path / "x.tsv").fingerprint != other.fingerprint


def test_texts_that_differ_by_numbers_only_are_split_by_them(tmp_path: Path) -> None:
    corpus = read(write(tmp_path / "x.tsv", [(f"set a timer of {i} minutes", f"timer {i}") for i in range(400)]))
    assert len(pairs_of(corpus, "test")) == 20
    assert any("numbers count" in note for note in corpus.notes)


def test_given_val_leaves_the_test_to_be_cut(tmp_path: Path) -> None:
    val = write(tmp_path / "val.tsv", [("a held out cat", "X")])
    corpus = read(write(tmp_path / "x.tsv", many()), val=val, test_size=50)
    assert pairs_of(corpus, "val") == [("a held out cat", "X")]
    assert len(pairs_of(corpus, "test")) == 50
    assert len(pairs_of(corpus, "train")) == 550


def test_overlap_is_dropped_from_training_kept_or_refused(tmp_path: Path) -> None:
    pairs = many(100)
    val = write(tmp_path / "val.tsv", [(src.upper() + ".", tgt) for src, tgt in pairs[:3]] + [("new one", "NEU")])
    test = write(tmp_path / "test.tsv", [("other one", "ANDER")])
    path = write(tmp_path / "x.tsv", pairs)
    corpus = read(path, val=val, test=test)
    assert pairs_of(corpus, "train") == pairs[3:]
    assert len(pairs_of(corpus, "val")) == 4
    assert any("left out 3 pairs also found in val and test" in note for note in corpus.notes)
    assert pairs_of(read(path, val=val, test=test, overlap="keep"), "train") == pairs
    with pytest.raises(CorpusError, match=r"3 pairs of the training data.*--overlap drop"):
        read(path, val=val, test=test, overlap="error")


def test_empty_and_long_sides_are_counted_and_a_test_stays_whole(tmp_path: Path) -> None:
    long = ("word " * 30, "Wort")
    unspaced = ("漢" * 400, "x")
    path = write(tmp_path / "x.tsv", [*many(100), ("", "empty"), ("empty", " "), long, unspaced])
    test = write(tmp_path / "t.tsv", [("short one", "kurz"), long])
    corpus = read(path, test=test, max_words=20)
    assert len(pairs_of(corpus, "train")) + len(pairs_of(corpus, "val")) == 100
    assert len(pairs_of(corpus, "test")) == 2
    notes = " ".join(corpus.notes)
    assert f"left out 1 pair with an empty source (the first: {path}:101)" in notes
    assert "left out 1 pair with an empty target" in notes
    assert f"left out 2 pairs with a side of more than 20 words (the first: {path}:103)" in notes


def test_size_takes_the_first_training_pairs(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", many(200))
    whole, part = read(path), read(path, size=10)
    assert pairs_of(part, "train") == pairs_of(whole, "train")[:10]
    assert pairs_of(part, "test") == pairs_of(whole, "test")


def test_too_little_to_split(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="too few to cut val and test"):
        read(write(tmp_path / "x.tsv", [("a b", "c"), ("d e", "f")]))
    with pytest.raises(CorpusError, match=r"no val data can be cut out.*--val FILE"):
        read(write(tmp_path / "y.tsv", [("the same", f"{i} times") for i in range(100)]))
    with pytest.raises(CorpusError, match=r"no usable pairs for val.*empty target"):
        read(tmp_path / "y.tsv", val=write(tmp_path / "v.tsv", [("a", " ")]))


def test_aligned_files(tmp_path: Path) -> None:
    pairs = many(60)
    for name, column in (("a.de", 0), ("a.en", 1)):
        (tmp_path / name).write_text("".join(pair[column] + "\r\n" for pair in pairs))
    settings = CorpusSettings(
        src=tmp_path / "a.de",
        tgt=tmp_path / "a.en",
        val_src=tmp_path / "a.de",
        val_tgt=tmp_path / "a.en",
        overlap="keep",
    )
    corpus = open_corpus(settings)
    assert pairs_of(corpus, "val") == pairs
    assert corpus.name == "a-de-en"


def test_running_text(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    text = "".join(f"Speaker {i}:\n{line}, and on it goes.\n\n" for i, line in enumerate(words(400)))
    path.write_text(text)
    corpus = read(path)
    assert (corpus.kind, corpus.metric) == ("text", "bits_per_byte")
    parts = [
        "".join(doc.text for doc in split.documents()) for split in (corpus.train, corpus.val, corpus.tests["test"])
    ]
    assert "".join(parts) == text
    assert abs(len(parts[0]) / len(text) - 0.9) < 0.01
    assert all(part.endswith("\n") for part in parts)
    val = tmp_path / "val.txt"
    val.write_text(text[:200])
    noted = read(path, val=val, test=val)
    assert any("with a long line also found in val" in note for note in noted.notes)
    with pytest.raises(ConfigError, match="bits_per_byte"):
        read(path, metric="bleu")
    with pytest.raises(ConfigError, match="val_size does not apply"):
        read(path, val_size=3)
    with pytest.raises(CorpusError, match="not pairs"):
        read(path, kind="pairs")


def test_a_table_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f'{{"text": "{line}\\nsecond line", "id": "{i}"}}\n' for i, line in enumerate(words(50))))
    corpus = read(path)
    assert corpus.kind == "text"
    texts = [doc.text for split in (corpus.train, corpus.val, corpus.tests["test"]) for doc in split.documents()]
    assert len(texts) == 50
    assert all(text.endswith("\nsecond line") for text in texts)


def test_names_and_what_they_refuse() -> None:
    with pytest.raises(CorpusError, match="Did you mean 'multi30k'"):
        open_corpus("multi30kk")
    with pytest.raises(CorpusError, match="neither a named data set nor a file"):
        open_corpus("zzzzzzzz")
    with pytest.raises(ConfigError, match=r"the generator 'copy' takes no from_lang.*--from-lang"):
        open_corpus(CorpusSettings(data="copy", from_lang="de"))
    with pytest.raises(ConfigError, match=r"has the languages en \(English\), de"):
        open_corpus(CorpusSettings(data="multi30k", from_lang="es"))
    with pytest.raises(ConfigError, match="takes no src_column, tgt_column"):
        open_corpus(CorpusSettings(data="multi30k", src_column=1, tgt_column=2))
    with pytest.raises(ConfigError, match="val_size would be ignored"):
        open_corpus(CorpusSettings(data="multi30k", val_size=2))
    with pytest.raises(ConfigError, match="one direction only"):
        open_corpus(CorpusSettings(data="alfred-commands", from_lang="en"))


def test_a_generator() -> None:
    corpus = open_corpus(CorpusSettings(data="copy", size=20, split_seed=3, metric="chrf"))
    assert corpus.synthetic
    assert corpus.metric == "chrf"
    assert len(pairs_of(corpus, "train")) == 20


@pytest.mark.parametrize(
    ("settings", "counts", "first"),
    [
        ({"data": "multi30k", "from_lang": "fra", "to_lang": "ger"}, (29000, 1014, 1000), "Deux jeunes hommes"),
        ({"data": "multi30k-lc-norm-tok"}, (29000, 1014, 1000), "two young , white males"),
        ({"data": "tatoeba-eng-fra"}, (11432, 686, 563), "He is no longer"),
        ({"data": "tatoeba-eng-fra", "from_lang": "fr"}, (11432, 686, 563), "Ce n'est plus"),
        ({"data": "alfred-commands", "overlap": "keep"}, (58302, 1848, 1879), "Put the knife"),
    ],
)
def test_named_sets_from_the_mirror(
    shared_data: Path, settings: dict[str, Any], counts: tuple[int, ...], first: str
) -> None:
    corpus = open_corpus(CorpusSettings(data_dir=shared_data, **settings))
    assert tuple(len(pairs_of(corpus, name)) for name in ("train", "val", "test")) == counts
    assert next(corpus.train.pairs()).src.startswith(first)
    assert corpus.licence


def test_alfred_halves_share_no_source(shared_data: Path) -> None:
    corpus = open_corpus(CorpusSettings(data="alfred-commands", data_dir=shared_data))
    val, test = ({split_key(src) for src, _ in pairs_of(corpus, name)} for name in ("val", "test"))
    assert not val & test


def test_tiny_shakespeare_is_cut_as_usual(shared_data: Path) -> None:
    corpus = open_corpus(CorpusSettings(data="tinyshakespeare", data_dir=shared_data))
    text = (shared_data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    parts = [
        "".join(doc.text for doc in split.documents()) for split in (corpus.train, corpus.val, corpus.tests["test"])
    ]
    assert parts[0] == text[: int(len(text) * 0.9)]
    assert "".join(parts) == text
