import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.corpus.delimited import excel_delimiter, fit_delimiter, fit_separators, read_records


def records_of(text: str, delimiter: str = ",") -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    errors: list[tuple[int, str]] = []
    lines = text.split("\n")
    found = list(
        read_records(lines, delimiter, quoted=True, on_broken=lambda number, error: errors.append((number, error)))
    )
    return found, errors


@given(st.lists(st.lists(st.text(st.sampled_from('a",\n ;')), min_size=2, max_size=3), min_size=1, max_size=8))
def test_what_python_writes_is_read_as_python_reads_it(rows: list[list[str]]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    found, errors = records_of(file.getvalue().removesuffix("\n"))
    assert [fields for _, fields in found] == rows
    assert not errors


def test_records_have_the_line_on_which_they_begin() -> None:
    found, _ = records_of('a,b\n"c\nd","e\nf"\ng,h')
    assert found == [(1, ["a", "b"]), (2, ["c\nd", "e\nf"]), (5, ["g", "h"])]


@pytest.mark.parametrize(
    ("text", "line", "words", "rest"),
    [
        ('a,b\n"c,d\ne,f\ng,h', 2, "not closed", [(1, ["a", "b"]), (3, ["e", "f"]), (4, ["g", "h"])]),
        ('a,b\n"c" d,e\nf,g', 2, "before ' d,e'", [(1, ["a", "b"]), (3, ["f", "g"])]),
        ('"a\nb","c\nd,"e",f', 2, "in line 3", [(3, ["d", "e", "f"])]),
    ],
)
def test_a_broken_quote_is_named_where_it_opens_and_the_next_line_is_read(
    text: str, line: int, words: str, rest: list[tuple[int, list[str]]]
) -> None:
    found, errors = records_of(text)
    assert errors[0][0] == line
    assert words in errors[0][1]
    assert found == rest


def test_lines_that_cannot_be_read_take_their_record_with_them() -> None:
    found = list(read_records(['a,"b', None, 'c"', "d,e"], ",", quoted=True, on_broken=lambda *_: None))
    assert found == [(4, ["d", "e"])]


def test_separators_of_several_characters_and_very_long_cells() -> None:
    assert list(read_records(["a ||| b"], "|||", quoted=False, on_broken=lambda *_: None)) == [(1, ["a ", " b"])]
    long = "word " * 100_000
    assert records_of(f'"{long}",x')[0] == [(1, [long, "x"])]


def test_separators_are_judged_on_all_records() -> None:
    lines = ["Ja, nein, vielleicht;yes, no", *["der Hund;the dog"] * 50, "", None]
    best = fit_separators(lines, ("\t", ",", ";", "|"), quoted=True)[0]
    assert (best.delimiter, best.width, best.share, best.num_records) == (";", 2, 1.0, 51)
    assert fit_delimiter(["a\tb"] * 9999 + ["only one"], "\t", quoted=False).share == 0.9999
    assert fit_delimiter(["a", "b"], "\t", quoted=False).width == 1


@pytest.mark.parametrize(("line", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("sep=\t", "\t"), ("sep=;;", None)])
def test_the_line_by_which_excel_names_its_separator(line: str, delimiter: str | None) -> None:
    assert excel_delimiter(line) == delimiter
