import json
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import json_records
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.json_records import checked_values, read_document, read_lines_of_objects
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError


def write(path: Path, content: str) -> InputFile:
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    return InputFile(path)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("piece", [1, 7, 1 << 18])
def test_a_document_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, piece: int
) -> None:
    monkeypatch.setattr(json_records, "_PIECE_BYTES", piece)
    records: list[dict[str, Any]] = [
        {"src": f'ä {i} ["{{', "tgt": "x" * (i % 50), "n": i, "o": {"p": 1.5}} for i in range(80)
    ]
    file = write(tmp_path / "x.json", json.dumps({"meta": {"a": [1, 2]}, "n": 12, "data": records}, indent=indent))
    found = [dict(record) for _, record in read_document(file, ReadPass())]
    assert [record["src"] for record in found] == [record["src"] for record in records]
    assert found[3]["o.p"] == 1.5


def test_broken_elements_are_named_and_the_next_one_is_read(tmp_path: Path) -> None:
    content = (
        '[\n {"src": "a"},\n {"src": "c" "tgt": "d"},\n {"src": "e\udcff", "tgt": "f"},\n {"src": "g", "tgt": "h"}'
    )
    file = write(tmp_path / "x.json", content)
    with pytest.raises(CorpusError, match=r"x\.json:3: not valid JSON: Expecting ',' delimiter"):
        list(read_document(file, ReadPass()))
    read_pass = ReadPass("skip")
    found = [(number, record["src"]) for number, record in read_document(file, read_pass)]
    assert found == [(2, "a"), (5, "g")]
    assert read_pass.num_skipped == {"records that are not JSON": 2, "records that are not valid UTF-8": 1}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"src": "a", "src": "b"}', "occurs twice"),
        ('"text"', "it is str"),
        ("{'src': 1}", "not a JSON object"),
        ('{"src": "a\tb"}', "Invalid control character"),
    ],
)
def test_lines_that_hold_no_record(tmp_path: Path, line: str, words: str) -> None:
    file = write(tmp_path / "x.jsonl", f'{{"src": "a"}}\n{line}\n')
    with pytest.raises(CorpusError, match=rf"x\.jsonl:2: .*{words}"):
        list(read_lines_of_objects(file, ReadPass()))
    read_pass = ReadPass("skip")
    assert len(list(read_lines_of_objects(file, read_pass))) == 1
    assert read_pass.num_skipped.total() == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("null", "is null"),
        ("NaN", "is NaN"),
        ("1" * 5000, "Infinity"),
        ("[]", r"is \[\]"),
        (r'"a \ud800 b"', "lone surrogate"),
        (r'"a\u0000b"', "zero byte"),
    ],
)
def test_values_that_are_not_text(tmp_path: Path, value: str, words: str) -> None:
    file = write(tmp_path / "x.jsonl", f'{{"src": {value}}}\n')
    ((number, record),) = read_lines_of_objects(file, ReadPass())
    with pytest.raises(CorpusError, match=words):
        checked_values(record, ["src"], f"{file}:{number}", ReadPass())
    read_pass = ReadPass("skip")
    assert checked_values(record, ["src"], "x", read_pass) is None
    assert read_pass.num_skipped.total() == 1


def test_whole_characters_beyond_the_first_plane_are_text(tmp_path: Path) -> None:
    ((_, record),) = read_lines_of_objects(write(tmp_path / "x.jsonl", r'{"src": "\ud83d\ude00"}'), ReadPass())
    assert checked_values(record, ["src"], "x", ReadPass()) == ["😀"]
