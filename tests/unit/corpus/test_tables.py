import gzip
import json
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import CorpusError

PAIRS = [(f"source {i} of many words", f"Ziel {i}, “zitiert”\u2028und\x0bmehr") for i in range(40)]


def write_table(path: Path, pairs: list[tuple[str, str]] = PAIRS, names: tuple[str, str] = ("src", "tgt")) -> Path:
    if path.suffix == ".parquet":
        columns = {name: [pair[i] for pair in pairs] for i, name in enumerate(names)}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(names, pair, strict=True))) + "\n" for pair in pairs))
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        rows = [names, *pairs]
        quote = (lambda text: text) if path.suffix == ".tsv" else (lambda text: f'"{text}"')
        path.write_bytes("".join(mark.join(map(quote, row)) + "\n" for row in rows).encode())
    return path


def pairs_of(corpus: Corpus) -> list[tuple[str, str]]:
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return sorted((pair.src, pair.tgt) for split in splits for pair in split.pairs())


def read(path: Path, **settings: object) -> Corpus:
    return open_corpus(CorpusSettings.parse({"data": str(path), **settings}))


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl", ".parquet"])
def test_all_formats_give_the_same_pairs_and_stream_again(tmp_path: Path, suffix: str) -> None:
    corpus = read(write_table(tmp_path / f"x{suffix}"))
    assert pairs_of(corpus) == sorted(PAIRS)
    assert pairs_of(corpus) == sorted(PAIRS)
    assert corpus.fingerprint == read(write_table(tmp_path / "x.tsv")).fingerprint


def test_a_format_is_recognised_without_a_name_for_it(tmp_path: Path) -> None:
    for suffix in (".tsv", ".jsonl", ".parquet"):
        table = write_table(tmp_path / f"x{suffix}")
        assert pairs_of(read(table.rename(tmp_path / "x.txt"))) == sorted(PAIRS)


def test_csv_with_semicolons_and_line_breaks_inside_quotes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "".join(f'question {i};"answer\n{i} ""so"""\n' for i in range(20))
    path.write_text(f"question;answer\n{rows}")
    corpus = read(path)
    assert ("question 3", 'answer 3 "so"') in pairs_of(corpus)
    assert any("line breaks inside" in note for note in corpus.notes)


def test_hugging_face_translations(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"translation": {"de": tgt, "en": src}}) + "\n" for src, tgt in PAIRS))
    corpus = read(path, from_lang="eng", to_lang="ger")
    assert (corpus.src_lang, corpus.tgt_lang) == ("en", "de")
    assert pairs_of(corpus) == sorted(PAIRS)
    table = pyarrow.table({"translation": [{"de": tgt, "en": src} for src, tgt in PAIRS]})
    pyarrow.parquet.write_table(table, tmp_path / "y.parquet")
    assert read(tmp_path / "y.parquet", from_lang="en").fingerprint == corpus.fingerprint


def test_missing_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "x.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CorpusError, match=r"pip install 'seqloom\[parquet\]'"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.tsv", "a,b\nc,d\n", r"x\.tsv:1: .*no tab; .*\.csv"),
        ("x.tsv", '{"src": "a", "tgt": "b"}\n', "rename it to end in .jsonl"),
        ("x.csv", "ab\ncd\n", r"x\.csv:1: its name says CSV"),
        ("x.jsonl", "[\n", r"x\.jsonl:2: not valid JSON: the list has no end"),
        ("x.jsonl", "a\tb\n", r"x\.jsonl:1: its name says JSON lines"),
        ("x.parquet", "a\tb\n", "PAR1"),
        ("x.parquet", "PAR1 and no more", "damaged or not Parquet"),
        ("x.tsv", "PAR1 and no more", "is Parquet, which its name does not say"),
        ("x.tsv", "src\tsrc\na\tb\n", "names 'src' twice"),
        ("x.tsv", "a\tb\tc\n" * 9, "3 columns and no header.*--src-column 1 --tgt-column 2"),
        ("x.csv", "alpha,beta,text,src\na,b,c,d\n", "cannot tell which columns.*'alpha', 'beta'"),
        ("x.csv", "de,en,fr\na,b,c\n", "3 languages.*--from-lang"),
    ],
)
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(CorpusError, match=words):
        read(tmp_path / name, kind="pairs")


GOOD_TSV = [f"word {i} here\tWort {i}" for i in range(30)]
GOOD_JSON = [json.dumps({"src": f"word {i} here", "tgt": f"Wort {i}"}) for i in range(30)]


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("x.tsv", "only one", r"x\.tsv:11: 1 column, expected 2.*one tab"),
        ("x.tsv", "a\tb\tc", r"x\.tsv:11: 3 columns, expected 2"),
        ("x.jsonl", '{"src": "a", ', r"x\.jsonl:11: not a JSON object"),
        ("x.jsonl", "[1, 2]", r"x\.jsonl:11: not a JSON object: it is list"),
        ("x.jsonl", '{"src": "a", "tgt": "b", "src": "c"}', r"x\.jsonl:11: the key 'src' occurs twice"),
        ("x.jsonl", '{"src": "a"}', r"x\.jsonl:11: no key 'tgt'; it has src"),
        ("x.jsonl", '{"src": "a", "tgt": 7}', r"x\.jsonl:11: the value of 'tgt' is 7"),
    ],
)
def test_a_bad_line_is_an_error_or_a_counted_skip(tmp_path: Path, name: str, bad: str, words: str) -> None:
    good = GOOD_TSV if name == "x.tsv" else GOOD_JSON
    path = tmp_path / name
    path.write_text("\n".join([*good[:10], bad, *good[10:]]) + "\n")
    with pytest.raises(CorpusError, match=words):
        read(path)
    corpus = read(path, on_bad="skip")
    assert len(pairs_of(corpus)) == 30
    assert any("left out 1 line" in note and f"{path}:11" in note for note in corpus.notes)


def test_broken_csv_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('src,tgt\na,b\n"c" d,e\n')
    with pytest.raises(CorpusError, match=r"x\.csv:3: not valid CSV"):
        read(path)


def test_csv_lines_that_are_not_utf8_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"src,tgt\n" + b"".join(b"word %d,Wort\n" % i for i in range(20)) + b"caf\xe9,x\n")
    corpus = read(path, on_bad="skip")
    assert sum("left out" in note for note in corpus.notes) == 1
    assert len(pairs_of(corpus)) == 20


def test_nulls_in_parquet(tmp_path: Path) -> None:
    table = pyarrow.table({"src": ["a b", None, *["c d"] * 30], "tgt": [str(i) + " x" for i in range(32)]})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(CorpusError, match=r"x\.parquet: row 2: column 'src' holds no text"):
        read(tmp_path / "x.parquet")


def test_compressed_tables(tmp_path: Path) -> None:
    plain = write_table(tmp_path / "x.tsv")
    packed = tmp_path / "y.tsv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(packed).fingerprint == read(plain).fingerprint
