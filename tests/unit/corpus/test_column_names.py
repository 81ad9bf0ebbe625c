import pytest

from seqloom.corpus.column_names import ColumnName, read_column_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Source text", ColumnName("source", known=True)),
        ("srcText", ColumnName("src", known=True)),
        ("target (fr)", ColumnName("target", "fr", known=True)),
        ("translation.de", ColumnName("", "de", known=True)),
        ("source.text", ColumnName("source", known=True)),
        ("source_zh_Hans", ColumnName("source", "zh-Hans", known=True)),
        ("text_it", ColumnName("", "it", known=True)),
        ("caption_en", ColumnName("caption", "en")),
        ("src_lang", ColumnName("src lang", says_no_text=True, known=True)),
        ("is_train", ColumnName("is train")),
        ("id", ColumnName("id", "id", known=True)),
        ("row_id", ColumnName("row id", says_no_text=True, known=True)),
        ("Quelle", ColumnName("quelle")),
    ],
)
def test_what_a_name_says(name: str, expected: ColumnName) -> None:
    assert read_column_name(name) == expected
