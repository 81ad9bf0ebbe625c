import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqloom.corpus import read_lines
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.lines import raw_lines, text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
TEXT = "eins\nzwei\u2028drei\x0bvier\n\nfünf".encode()
LINES = ["eins", "zwei\u2028drei\x0bvier", "", "fünf"]


def lines_of(path: Path, on_bad: str = "error") -> list[str | None]:
    return list(text_lines(InputFile(path), ReadPass(on_bad)))  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", *COMPRESSIONS])
def test_lines_end_at_newlines_only_whatever_the_compression(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(COMPRESSIONS.get(suffix, bytes)(TEXT))
    assert lines_of(path) == LINES


def test_byte_order_mark_and_windows_line_ends_go(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\r\nb\r\n".encode())
    assert lines_of(path) == ["a", "b"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\n\r\ufeff\x00", exclude_categories=["Cs"])), min_size=1))
def test_lines_come_back_as_they_were(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    assert lines_of(path) == lines


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_name_that_lies_about_compression(tmp_path: Path, suffix: str) -> None:
    plain = tmp_path / f"a.txt{suffix}"
    plain.write_bytes(b"hello\n")
    with pytest.raises(CorpusError, match=r"not compressed"):
        lines_of(plain)
    packed = tmp_path / "a.txt"
    packed.write_bytes(COMPRESSIONS[suffix](b"hello\n"))
    with pytest.raises(CorpusError, match=f"rename it to end in {suffix}"):
        lines_of(packed)


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_file_cut_short_is_noticed(tmp_path: Path, suffix: str) -> None:
    noise = bytes((i * i * 31 + i // 7) % 251 for i in range(50_000))
    path = tmp_path / f"a.txt{suffix}"
    whole = COMPRESSIONS[suffix](noise)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorpusError, match="damaged or cut short"):
        list(raw_lines(InputFile(path), ReadPass()))


def test_several_zstandard_frames_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    pack = zstandard.ZstdCompressor().compress
    path.write_bytes(pack(b"a\nb") + pack(b"c\n"))
    assert lines_of(path) == ["a", "bc"]


def test_missing_zstandard_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(b"a\n"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CorpusError, match=r"pip install 'seqloom\[zstd\]'"):
        lines_of(path)


def test_invalid_utf8_names_file_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\ncaf\xe9\ngood\n")
    with pytest.raises(CorpusError, match=r"a\.txt:2: byte 4 of the line \(0xe9\).*iconv.*--on-bad skip"):
        lines_of(path)
    assert lines_of(path, "skip") == ["good", None, "good"]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x\n" + b"y" * ((1 << 24) + 10))
    with pytest.raises(CorpusError, match=r"a\.txt:2: a line of more than 16 MiB"):
        lines_of(path)


def test_lines_to_translate_are_never_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\xef\xbb\xbfgood\r\n\xff\xfe\n\x00\n\nlast\xe2\x80\xa8line"
    path = tmp_path / "in.txt"
    path.write_bytes(content)
    lines = read_lines(path)
    expected = ["good", "\ufffd\ufffd", "\x00", "", "last\u2028line"]
    assert list(lines) == expected
    assert (lines.num_lines, lines.num_replaced) == (5, 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(read_lines("-")) == expected


def test_fraction_moves_from_nothing_to_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"word\n" * 100_000)
    read_pass = ReadPass()
    fractions = [read_pass.fraction for _ in text_lines(InputFile(path), read_pass)]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.1
    assert read_pass.fraction == 1.0


def test_lines_with_zero_bytes_and_lines_too_long_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x\n" + b"y" * ((1 << 24) + 10) + b"\n" + b"good\n" * 20 + b"a\x00b\nlast\n")
    read_pass = ReadPass("skip")
    assert list(text_lines(InputFile(path), read_pass)) == ["x", None, *["good"] * 20, None, "last"]
    assert read_pass.num_skipped == {"lines of more than 16 MiB": 1, "lines with a zero byte": 1}
    path.write_bytes(b"a\x00b\n")
    with pytest.raises(CorpusError, match=r"a\.txt:1: character 2 of the line is a zero byte"):
        lines_of(path)
