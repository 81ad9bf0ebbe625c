import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.formats import Hints, detect_layout
from seqloom.corpus.input_file import InputFile
from seqloom.errors import ConfigError, CorpusError

PAIRS = [(f"der Hund {i} sieht, hört", f"the dog {i} sees") for i in range(30)]


def pairs_of(path: Path, **settings: object) -> list[tuple[str, str]]:
    corpus = open_corpus(CorpusSettings.parse({"data": str(path), **settings}))
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return sorted((pair.src, pair.tgt) for split in splits for pair in split.pairs())


def notes_of(path: Path, **settings: object) -> str:
    return " ".join(open_corpus(CorpusSettings.parse({"data": str(path), **settings})).notes)


def layout_of(path: Path, **settings: object) -> str:
    return " ".join(open_corpus(CorpusSettings.parse({"data": str(path), **settings})).layout)


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


FIRST = ("Ja, nein, vielleicht, also gut", "yes, no, perhaps, all right")
FORMS = {
    "quoted.csv": ['"{}";"{}"'.format(*pair) for pair in [FIRST, *PAIRS]],
    "plain.csv": ["{};{}".format(*pair) for pair in [FIRST, *PAIRS]],
    "tabs.csv": ["{}\t{}".format(*pair) for pair in [FIRST, *PAIRS]],
    "excel.csv": ["sep=;", *("{};{}".format(*pair) for pair in [FIRST, *PAIRS])],
    "blank.tsv": ["", " ", *("{}\t{}".format(*pair) for pair in [FIRST, *PAIRS])],
    "header.tsv": ["", "src\ttgt", *("{}\t{}".format(*pair) for pair in [FIRST, *PAIRS])],
    "bars.txt": ["{} ||| {}".format(*pair) for pair in [FIRST, *PAIRS]],
    "semicolons.txt": ["{};{}".format(*pair) for pair in [FIRST, *PAIRS]],
    "quotes.tsv": ['"{}"\t"{}"'.format(*pair) for pair in [FIRST, *PAIRS]],
    "lines.jsonl": ["", *(json.dumps({"src": src, "tgt": tgt}) for src, tgt in [FIRST, *PAIRS])],
    "array.json": [json.dumps([{"src": src, "tgt": tgt} for src, tgt in [FIRST, *PAIRS]])],
    "pretty.json": [json.dumps([{"src": src, "tgt": tgt} for src, tgt in [FIRST, *PAIRS]], indent=2)],
    "inside.json": [json.dumps({"version": [1, {"a": 2}], "data": [{"src": a, "tgt": b} for a, b in [FIRST, *PAIRS]]})],
    "deeper.json": [
        json.dumps({"meta": {"x": 1}, "d": {"n": 1, "rows": [{"src": a, "tgt": b} for a, b in [FIRST, *PAIRS]]}})
    ],
    "lists.json": [json.dumps([list(pair) for pair in [FIRST, *PAIRS]])],
    "chat.jsonl": [
        json.dumps({"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]})
        for a, b in [FIRST, *PAIRS]
    ],
    "sharegpt.json": [
        json.dumps(
            [
                {"conversations": [{"from": "human", "value": a}, {"from": "gpt", "value": b}]}
                for a, b in [FIRST, *PAIRS]
            ]
        )
    ],
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_pairs(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FORMS[name])
    assert pairs_of(path) == sorted([FIRST, *PAIRS])
    assert f"{name}: read as" in layout_of(path)


@pytest.mark.parametrize(
    ("delimiter", "mark"), [("tab", "\t"), ("\\t", "\t"), (" ||| ", " ||| "), ("~~", "~~"), ("bar", "|")]
)
def test_a_separator_that_is_given_wins(tmp_path: Path, delimiter: str, mark: str) -> None:
    path = write(tmp_path / "x.txt", [f"a;{i}{mark}b;{i}" for i in range(30)])
    assert ("a;3", "b;3") in pairs_of(path, delimiter=delimiter)


def test_an_ambiguous_separator_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [f"a{i};b,c{i}" for i in range(30)])
    with pytest.raises(CorpusError, match=r"each of (comma and semicolon|semicolon and comma).*--delimiter"):
        pairs_of(path)
    assert ("a3", "b,c3") in pairs_of(path, delimiter=";")
    write(path, ["src;tgt", *(f"a{i};b,c{i}" for i in range(30))])
    assert ("a3", "b,c3") in pairs_of(path)


@pytest.mark.parametrize("position", [0, 500])
def test_one_bad_line_does_not_change_what_the_file_is(tmp_path: Path, position: int) -> None:
    lines = [f"Wort {i}\tword {i}" for i in range(1000)]
    lines[position] = "no tab here"
    for name in ("x.tsv", "x.txt"):
        with pytest.raises(CorpusError, match=rf"{name}:{position + 1}: 1 column, expected 2"):
            pairs_of(write(tmp_path / name, lines))
        assert len(pairs_of(tmp_path / name, on_bad="skip")) == 999
    objects = [json.dumps({"src": f"Wort {i}", "tgt": f"word {i}"}) for i in range(1000)]
    objects[position] = '{"src": "broken'
    for name in ("x.jsonl", "x.json", "y.txt"):
        with pytest.raises(CorpusError, match=rf"{name}:{position + 1}: not a JSON object"):
            pairs_of(write(tmp_path / name, objects))
        assert len(pairs_of(tmp_path / name, on_bad="skip")) == 999


def test_one_line_says_format_and_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", [f"Wort {i}\tword {i}" for i in range(40)])
    corpus = open_corpus(path)
    assert corpus.layout[0].startswith(
        "x.tsv: read as 2 columns separated by one tab; source = column 1, target = column 2."
    )
    assert len(corpus.layout) == 1
    assert not any("x.tsv" in note for note in corpus.notes)
    text = write(tmp_path / "y.tsv", ["id\ttext", *(f"{i}\tsome text {i}" for i in range(40))])
    assert layout_of(text) == (
        "y.tsv: read as 2 columns separated by one tab; texts for language models = column 'text'. Line 1 is the header. "
        "To change: --kind text --tgt-column NAME, or --kind pairs --src-column NAME --tgt-column NAME."
    )
    assert layout_of(text, kind="text", tgt_column=2).endswith("column 'text'. Line 1 is the header.")


def test_running_text_stays_running_text(tmp_path: Path) -> None:
    lines = [f"Once, there was a dog; it saw {i} birds, and\tleft." if i % 3 else "No." for i in range(60)]
    assert detect_layout(InputFile(write(tmp_path / "x.txt", lines))).format == "text"
    prose = [f"Well, said dog number {i}." for i in range(60)]
    assert detect_layout(InputFile(write(tmp_path / "y.txt", prose))).format == "text"
    assert detect_layout(InputFile(write(tmp_path / "z.txt", ["[Scene 1]", *prose]))).format == "text"


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("x.json", ['{"hello": "hallo", "dog": "Hund"}', ""], "keys|holds|cannot tell"),
        (
            "x.json",
            [json.dumps({"hello": "hallo", "menu": {"a": "b"}}, indent=1)],
            "one JSON object .*no list of records",
        ),
        ("x.json", ['[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]'], "one conversation"),
        ("x.csv", ["src,tgt", *["a,b,c"] * 9], r"x\.csv:1: the header names 2 columns.*most records have 3"),
        ("x.csv", ["a,b", "c,d,e", "f,g,h,i", "j"], "no separator gives most.*--delimiter"),
        ("x.po", ["nothing"], "no msgid"),
        ("x.tmx", ["nothing"], "no <tmx>"),
        ("x.srt", ["1", "00:00:01,000 --> 00:00:02,000", "Hi"], "subtitles"),
        ("x.vtt", ["WEBVTT", "", "00:01.000 --> 00:02.000", "Hi"], "subtitles"),
        ("x.xlf", ['<?xml version="1.0"?>', '<xliff version="1.2">'], "XLIFF.*TMX"),
    ],
)
def test_forms_that_are_not_read_are_named(tmp_path: Path, name: str, lines: list[str], words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        pairs_of(write(tmp_path / name, lines))


def test_conversations_that_are_no_pairs_are_bad_records(tmp_path: Path) -> None:
    def chat(*turns: tuple[str, str]) -> str:
        return json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]})

    lines = [chat(("system", "Be kind."), ("user", f"question {i}"), ("assistant", f"answer {i}")) for i in range(20)]
    lines.insert(4, chat(("user", "a"), ("assistant", "b"), ("user", "c")))
    path = write(tmp_path / "x.jsonl", lines)
    with pytest.raises(CorpusError, match=r"x\.jsonl:5: a conversation of the turns user, assistant, user"):
        pairs_of(path)
    assert ("Be kind. question 3", "answer 3") in pairs_of(path, on_bad="skip")
    notes = notes_of(path, on_bad="skip")
    assert "left out 1 conversation of several turns" in notes
    assert "20 conversations had a system message" in notes


@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.jsonl", "x.txt", "x.po"])
def test_a_file_in_another_encoding_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("".join(f"„Bär“ {i}\tx;\n" for i in range(20)).encode("cp1252"))
    with pytest.raises(CorpusError, match=r":1: byte 1 of the line .*Windows-1252.*iconv -f cp1252"):
        pairs_of(tmp_path / name)


def test_a_separator_for_what_has_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", FORMS["lines.jsonl"])
    with pytest.raises(ConfigError, match="delimiter does not apply"):
        pairs_of(path, delimiter=",")
    with pytest.raises(CorpusError, match="'~' that was given by --delimiter occurs in none of its lines"):
        pairs_of(write(tmp_path / "y.txt", ["a b", "c d"]), delimiter="~")


def test_hints_name_the_header_of_a_file_with_one_column(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ["text", *(f"Well, {i}" for i in range(20))])
    layout = detect_layout(InputFile(path), Hints(is_header=lambda fields: list(fields) == ["text"]))
    assert (layout.format, layout.first) == ("tsv", ("text",)) or layout.first == ("text",)


def test_a_file_without_usable_pairs_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [json.dumps({"src": "", "tgt": f"a {i}"}) for i in range(20)])
    with pytest.raises(CorpusError, match=r"0 usable pairs.*left out 20 pairs with an empty source"):
        pairs_of(path)
