"""Compressed files that are small and become large: read in pieces, or refused."""

import bz2
import gzip
import lzma
import resource
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.corpus import read_lines
from seqloom.corpus.input_file import InputFile, read_head
from seqloom.corpus.lines import text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError
from tests.sent_folders import run_with_limits

MIB = 1 << 20
LIMIT_MIB = 200
"""More than any piece needs, and far less than what the bombs hold."""


def repeat(pack: Callable[[bytes], bytes]) -> bytes:
    """2 GiB without a line end, in packed parts of 16 MiB."""
    return pack(b"a" * (16 * MIB)) * 128


def zstd_bomb() -> bytes:
    """One frame of 2 GiB: 16,384 blocks of four bytes, each of which repeats one byte 131,072 times (RFC 8878, 3.1.1)."""
    block = (1 << 1 | 1 << 17 << 3).to_bytes(3, "little") + b"a"
    last = (1 | 1 << 1 | 1 << 17 << 3).to_bytes(3, "little") + b"a"
    return b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([7 << 3]) + block * 16_383 + last


BOMBS: dict[str, Callable[[], bytes]] = {
    ".gz": lambda: repeat(lambda data: gzip.compress(data, 1)),
    ".bz2": lambda: repeat(bz2.compress),
    ".xz": lambda: repeat(lambda data: lzma.compress(data, preset=0)),
    ".zst": zstd_bomb,
}


def message(work: Callable[[], object]) -> str:
    """What is said by something that is done with little memory."""

    def limited() -> int:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT_MIB * MIB, used + LIMIT_MIB * MIB))
        try:
            work()
        except CorpusError as error:
            print(error, file=sys.stderr)
            return 2
        return 0

    outcome = run_with_limits(limited)
    assert outcome.is_good, outcome.text
    return outcome.text


@pytest.mark.parametrize("suffix", BOMBS)
def test_a_small_file_of_gigabytes_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(BOMBS[suffix]())
    assert path.stat().st_size < 10 * MIB
    assert len(read_head(InputFile(path))) == 1 << 16
    assert "1: a line of more than 16 MiB" in message(lambda: list(text_lines(InputFile(path), ReadPass())))
    assert "1: a line of more than 16 MiB" in message(lambda: list(read_lines(path)))


def test_a_member_of_gigabytes_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("a", "w") as member:
        for _ in range(20):
            member.write(b"a" * (16 * MIB))
    assert "1: a line of more than 16 MiB" in message(lambda: list(text_lines(InputFile(path, "a"), ReadPass())))


def test_xz_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(b"eins\n"))
    # The header of the block: its size, flags, the filter LZMA2 with one byte that says how large its dictionary is, a checksum.
    size = (packed[12] + 1) * 4
    assert packed[14:16] == b"\x21\x01"
    packed[16] = 40
    packed[12 + size - 4 : 12 + size] = zlib.crc32(packed[12 : 12 + size - 4]).to_bytes(4, "little")
    path = tmp_path / "a.txt.xz"
    path.write_bytes(packed)
    assert "is damaged or cut short" in message(lambda: list(text_lines(InputFile(path), ReadPass())))


@pytest.mark.parametrize("cut", [1, 13, 40])
def test_xz_that_is_cut_short(tmp_path: Path, cut: int) -> None:
    packed = lzma.compress(b"eins\nzwei\n" * 1000)
    path = tmp_path / "a.txt.xz"
    path.write_bytes(packed * 2 + b"\x00" * 8)
    assert len(list(text_lines(InputFile(path), ReadPass()))) == 4000
    path.write_bytes(packed + packed[:-cut])
    with pytest.raises(CorpusError, match="damaged or cut short"):
        list(text_lines(InputFile(path), ReadPass()))


def test_a_long_line_to_translate_is_refused_and_the_longest_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * (16 * MIB) + b"\n" + b"y" * (16 * MIB + 1) + b"\n")
    lines = iter(read_lines(path))
    assert len(next(lines)) == 16 * MIB
    with pytest.raises(CorpusError, match=r"a\.txt:2: a line of more than 16 MiB"):
        next(lines)
