import pytest

from seqloom.corpus.column_facts import judge_columns


@pytest.mark.parametrize(
    ("values", "kind", "numbering"),
    [
        (["1", "2", "3", "4"], "numbers", True),
        ([7, 8, 9], "numbers", True),
        (["0", "1", "0", "1"], "numbers", False),
        ([0.5, 0.75, 0.1], "numbers", False),
        (["0.93", "1,2", "nan", "12%"], "numbers", False),
        (["a-1", "a-2", "a-3"], "identifiers", True),
        (["2020-01-02", "1999-05-06", "2001-12-12"], "identifiers", False),
        (["0f8fad5b-d9cb-469f-a165-70867728950e"] * 3, "identifiers", True),
        (["https://a.b/c", "http://d.e"], "addresses", False),
        (["de", "de", "en_US", "en_US"], "language codes", False),
        (["no", "no", "is", "is"], "text", False),
        (["yes", "no", "no"], "text", False),
        (["dog", "cat", "bird"], "text", False),
        (["", None, " "], "nothing", False),
        ([["a"], {"b": 1}], "other values", False),
        (["1 2 3", "3 2 1"], "text", False),
        ([*["a b"] * 9, "1"], "text", False),
    ],
)
def test_what_a_column_holds(values: list[object], kind: str, numbering: bool) -> None:
    (facts,) = judge_columns([(value,) for value in values], 1)
    assert (facts.kind, facts.numbering) == (kind, numbering)
