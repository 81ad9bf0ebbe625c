import os
import random
import threading
from array import array
from pathlib import Path

import pytest

from seqloom.corpus import ReadPass, SentencePair, read_parallel, read_translations
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.parallel import ParallelFiles, find_drift
from seqloom.errors import CorpusError


def write(path: Path, lines: list[str]) -> InputFile:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return InputFile(path)


def sentences(count: int) -> tuple[list[str], list[str]]:
    draw = random.Random(5)
    lengths = [draw.randint(1, 40) for _ in range(count)]
    return ["w " * n for n in lengths], ["ww " * max(1, n + draw.randint(-1, 1)) for n in lengths]


def test_unequal_files_say_both_counts_and_where_they_drift_apart(tmp_path: Path) -> None:
    src, tgt = sentences(300)
    lost = 120
    files = ParallelFiles(write(tmp_path / "a.de", src), write(tmp_path / "a.en", tgt[:lost] + tgt[lost + 1 :]))
    with pytest.raises(CorpusError) as caught:
        list(files.rows(ReadPass()))
    message = str(caught.value)
    assert "a.de has 300 lines" in message
    assert "a.en has 299" in message
    guess = int(message.split("about line ")[1].split()[0])
    assert abs(guess - lost) < 10


@pytest.mark.parametrize("lost", [3, 150, 298])
@pytest.mark.parametrize("swapped", [False, True])
def test_drift_is_found_wherever_it_is(lost: int, swapped: bool) -> None:
    src, tgt = (array("L", map(len, side)) for side in sentences(300))
    shorter = tgt[:lost] + tgt[lost + 2 :]
    guess = find_drift(shorter, src) if swapped else find_drift(src, shorter)
    assert guess is not None
    assert abs(guess - lost) < 12


def test_lengths_that_tell_nothing_give_no_guess() -> None:
    draw = random.Random(1)
    src = array("L", (draw.randint(1, 200) for _ in range(500)))
    tgt = array("L", (draw.randint(1, 200) for _ in range(499)))
    assert find_drift(src, tgt) is None
    assert find_drift(src, src) is None


def test_a_bad_line_takes_its_partner_with_it(tmp_path: Path) -> None:
    src, tgt = tmp_path / "a", tmp_path / "b"
    src.write_bytes(b"one\n\xff\nthree\n")
    tgt.write_bytes(b"eins\nzwei\ndrei\n")
    read_pass = ReadPass("skip")
    rows = list(ParallelFiles(InputFile(src), InputFile(tgt)).rows(read_pass))
    assert [row[1:] for row in rows] == [(1, "one", "eins"), (3, "three", "drei")]
    assert read_pass.notes("train") == [f"train: left out 1 line that is not valid UTF-8 (the first: {src}:2)."]


def test_titles_and_segments(tmp_path: Path) -> None:
    src = write(tmp_path / "a", ["<url>x</url>", "one", "<title>y</title>", "two"])
    tgt = write(tmp_path / "b", ["<url>x</url>", "eins", "<title>z</title>", "zwei"])
    assert [row[2:] for row in ParallelFiles(src, tgt, "tags").rows(ReadPass())] == [("one", "eins"), ("two", "zwei")]
    src = write(tmp_path / "c", ["<doc>", '<seg id="1"> Tom &amp; Ann </seg>', "</doc>"])
    tgt = write(tmp_path / "d", ['<seg id="1">Tom und Ann</seg>'])
    assert [row[2:] for row in ParallelFiles(src, tgt, "segments").rows(ReadPass())] == [("Tom & Ann", "Tom und Ann")]


def test_scoring_reads_every_line_as_it_is(tmp_path: Path) -> None:
    src, ref = write(tmp_path / "a", [" a ", ""]), write(tmp_path / "b", ["x", "y"])
    assert list(read_parallel(src.path, ref.path)) == [SentencePair(" a ", "x"), SentencePair("", "y")]
    write(tmp_path / "b", ["x"])
    with pytest.raises(CorpusError, match="has 2 lines"):
        list(read_parallel(src.path, ref.path))


def test_scoring_skips_bad_lines_on_request_and_counts_them(tmp_path: Path) -> None:
    src, ref = tmp_path / "a", tmp_path / "b"
    src.write_bytes(b"one\n\xff\nthree\nfour\n")
    ref.write_bytes(b"eins\nzwei\ndr\x00ei\nvier\n")
    with pytest.raises(CorpusError, match=r"a:2: .*--on-bad skip"):
        list(read_parallel(src, ref))
    read_pass = ReadPass("skip")
    assert list(read_parallel(src, ref, read_pass=read_pass)) == [
        SentencePair("one", "eins"),
        SentencePair("four", "vier"),
    ]
    assert read_pass.num_skipped == {"lines that are not valid UTF-8": 1, "lines with a zero byte": 1}
    assert read_pass.notes("test")[1] == f"test: left out 1 line with a zero byte (the first: {ref}:3)."


def test_a_bad_line_of_one_reference_is_skipped_in_all(tmp_path: Path) -> None:
    src, first, second = write(tmp_path / "a", ["1", "2", "3"]), write(tmp_path / "b", ["x", "y", "z"]), tmp_path / "c"
    second.write_bytes(b"u\nv\n\xff\n")
    read_pass = ReadPass("skip")
    refs = [first.path, second]
    assert list(read_translations(src.path, refs, read_pass=read_pass)) == [("1", "x", "u"), ("2", "y", "v")]
    assert read_pass.num_skipped.total() == 1
    second.write_text("u\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"a has 3 lines, .*c has 1;"):
        list(read_translations(src.path, refs))


def test_scoring_reads_pipes_and_still_says_both_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    ref = write(tmp_path / "b", ["x", "y"])
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"a\n",))
    writer.start()
    with pytest.raises(CorpusError, match=r"has 1 line, .*b has 2"):
        list(read_parallel(tmp_path / "pipe", ref.path))
    writer.join()
