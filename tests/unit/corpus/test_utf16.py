"""UTF-16 with a byte order mark is read like UTF-8, in all formats and compressions."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from seqloom.corpus import CorpusSettings, ReadPass, open_corpus, read_lines, read_parallel
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.lines import text_lines
from seqloom.errors import CorpusError
from seqloom.progress import Progress

ENCODINGS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
PAIRS = [(f"Zug Nummer {i} \u00fcber \u6f22", f"train number {i} \U0001f600\u2028over") for i in range(200)]
TSV = "".join(f"{src}\t{tgt}\r\n" for src, tgt in PAIRS)
UNITS = "".join(
    f'<tu><tuv xml:lang="de"><seg>{src}</seg></tuv><tuv xml:lang="en"><seg>{tgt}</seg></tuv></tu>\n'
    for src, tgt in PAIRS
)
FORMATS = {
    "a.tsv": TSV,
    "a.txt": TSV,
    "a.csv": "de,en\n" + "".join(f'"{src}","{tgt}"\r\n' for src, tgt in PAIRS),
    "a.jsonl": "".join(f'{{"src": "{src}", "tgt": "{tgt}"}}\n' for src, tgt in PAIRS),
    "a.json": "[" + ",\n".join(f'{{"src": "{src}", "tgt": "{tgt}"}}' for src, tgt in PAIRS) + "]",
    "a.po": "".join(f'msgid "{src}"\nmsgstr "{tgt}"\n\n' for src, tgt in PAIRS),
    "a.tmx": f'<?xml version="1.0" encoding="UTF-16"?>\n<tmx version="1.4"><body>{UNITS}</body></tmx>\n',
    "text.txt": "".join(f"{src}, {tgt}.\n" for src, tgt in PAIRS),
}


class Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def update(self, task: str, fraction: float, **values: object) -> None:
        pass


def write(path: Path, text: str, encoding: str = "utf-16-le", suffix: str = "") -> Path:
    path = path.with_name(path.name + suffix)
    path.write_bytes(COMPRESSIONS[suffix](ENCODINGS[encoding] + text.encode(encoding, "surrogatepass")))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_corpus_of_the_same_text_in_utf8(tmp_path: Path, name: str) -> None:
    (tmp_path / "utf-8").mkdir()
    plain = tmp_path / "utf-8" / name
    plain.write_text(FORMATS[name].replace('encoding="UTF-16"', 'encoding="UTF-8"'), encoding="utf-8", newline="")
    said = Said()
    corpus = open_corpus(write(tmp_path / name, FORMATS[name]), said)
    assert corpus.fingerprint == open_corpus(plain).fingerprint
    assert said.lines[0] == corpus.layout[0] == f"{name}: read as UTF-16, as its byte order mark says."


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_both_byte_orders_and_all_compressions(tmp_path: Path, encoding: str, suffix: str) -> None:
    file = InputFile(write(tmp_path / "a.tsv", TSV, encoding, suffix))
    assert list(text_lines(file, ReadPass())) == [f"{src}\t{tgt}" for src, tgt in PAIRS]


def test_aligned_files_and_validation_data(tmp_path: Path) -> None:
    src = write(tmp_path / "a.de", "".join(f"{src}\n" for src, _ in PAIRS))
    tgt = tmp_path / "a.en"
    tgt.write_text("".join(f"{tgt}\n" for _, tgt in PAIRS), encoding="utf-8")
    assert [(pair.src, pair.tgt) for pair in read_parallel(src, tgt)] == PAIRS
    val = write(tmp_path / "val.tsv", TSV)
    corpus = open_corpus(CorpusSettings(src=str(src), tgt=str(tgt), val=str(val), overlap="keep"))
    assert corpus.layout[:2] == tuple(
        f"{name}: read as UTF-16, as its byte order mark says." for name in ("a.de", "val.tsv")
    )
    assert corpus.val.size == len(PAIRS)


def test_half_a_character_is_a_bad_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\n\ud800two\nthree")
    read_pass = ReadPass("skip")
    assert list(text_lines(InputFile(path), read_pass)) == ["one", None, "three"]
    assert read_pass.num_skipped == {"lines with half a character": 1}
    with pytest.raises(CorpusError, match=r"a\.txt:2: the line holds a lone surrogate"):
        list(text_lines(InputFile(path), ReadPass()))


def test_a_file_that_ends_within_a_character_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\n")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CorpusError, match=r"cut short .*UTF-16"):
        list(text_lines(InputFile(path), ReadPass("skip")))


def test_a_mark_without_text_is_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is empty"):
        open_corpus(write(tmp_path / "a.tsv", ""))


def test_lines_to_translate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "in.txt", "eins\r\nzwei \U0001f600\r\n")
    lines = read_lines(path)
    assert list(lines) == ["eins", "zwei \U0001f600"]
    assert lines.is_utf16
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(path.read_bytes()))))  # type: ignore[arg-type]
    assert list(read_lines("-")) == ["eins", "zwei \U0001f600"]
