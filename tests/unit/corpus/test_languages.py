from pathlib import PurePath

import pytest

from seqloom.corpus.languages import find_language, language_of_suffix, languages_in_name, name_language, parse_language


@pytest.mark.parametrize("spelling", ["de", "deu", "ger", "German", "DE"])
def test_spellings_of_one_language(spelling: str) -> None:
    assert parse_language(spelling) == "de"


def test_rare_codes_and_regions_are_kept() -> None:
    assert parse_language("gsw") == "gsw"
    assert parse_language("por-BR") == "pt-BR"
    assert name_language("pt") == "Portuguese"
    assert name_language("gsw") == "gsw"


def test_no_two_languages_share_a_spelling() -> None:
    # Each spelling finds a code that finds itself: a clash in the table would break one of them.
    for word in ("no", "nb", "ms", "may", "mk", "mac", "sl", "slk", "slo", "slv", "fa", "per"):
        code = find_language(word)
        assert code is not None
        assert find_language(code) == code
    assert find_language("slo") == "sk"
    assert find_language("slv") == "sl"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pairs.eng-fra.tsv", ("en", "fr")),
        ("x.en-de.tsv.gz", ("en", "de")),
        ("news_de-en.csv", ("de", "en")),
        ("pairs.tsv", None),
        ("big-red.tsv", None),
        ("en-eng.tsv", None),
    ],
)
def test_languages_in_file_names(name: str, expected: tuple[str, str] | None) -> None:
    assert languages_in_name(PurePath(name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("train.de", "de"), ("train.de.gz", "de"), ("train.fra.txt", "fr"), ("train.txt", None), ("train.src", None)],
)
def test_language_of_one_side(name: str, expected: str | None) -> None:
    assert language_of_suffix(PurePath(name)) == expected
