from pathlib import PurePath

import pytest

from seqloom.corpus.languages import (
    find_language,
    language_of_suffix,
    languages_in_name,
    match_languages,
    name_language,
    normalise_language,
    parse_language,
)


@pytest.mark.parametrize("spelling", ["de", "deu", "ger", "German", "DE", "deutsch", "deu_Latn", "de_XX", " de "])
def test_spellings_of_one_language(spelling: str) -> None:
    assert parse_language(spelling) == "de"


@pytest.mark.parametrize(
    ("spelling", "tag"),
    [
        ("pt_BR", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("por-BR", "pt-BR"),
        ("Brazilian Portuguese", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("zh-hans", "zh-Hans"),
        ("zho_Hans", "zh-Hans"),
        ("Chinese (Simplified)", "zh-Hans"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("zh_cn", "zh-CN"),
        ("sr-latn", "sr-Latn"),
        ("sr_RS@latin", "sr-Latn-RS"),
        ("en_US.UTF-8", "en-US"),
        ("iw", "he"),
        ("no", "no"),
        ("中文", "zh"),
    ],
)
def test_tags_have_one_form(spelling: str, tag: str) -> None:
    assert find_language(spelling) == parse_language(spelling) == normalise_language(spelling) == tag
    assert parse_language(tag) == tag


@pytest.mark.parametrize(
    "word", ["src", "tgt", "text", "label", "to-do", "my-id", "user-id", "sentence1", "x", "", "no-op"]
)
def test_words_that_name_no_common_language(word: str) -> None:
    assert find_language(word) is None


def test_rare_codes_are_taken_where_they_are_given() -> None:
    assert find_language("quz") is None
    assert parse_language("quz") == "quz"
    with pytest.raises(ValueError, match=r"'Portugese' is not a language code.*Did you mean 'portuguese'"):
        parse_language("Portugese")
    assert normalise_language("run-src") == "run-src"


def test_names() -> None:
    names = [name_language(tag) for tag in ("pt", "pt-BR", "zh-Hans", "zh-Hant-TW", "en-FJ", "quz")]
    assert names == [
        *("Portuguese", "Portuguese (Brazil)", "Chinese (simplified)", "Chinese (traditional, Taiwan)"),
        *("English (FJ)", "quz"),
    ]


@pytest.mark.parametrize(
    ("wanted", "available", "expected"),
    [
        ("pt", ["pt-BR", "de"], ["pt-BR"]),
        ("pt", ["pt-BR", "pt-PT"], ["pt-BR", "pt-PT"]),
        ("pt", ["pt-BR", "pt"], ["pt"]),
        ("pt-PT", ["pt-BR"], []),
        ("de-AT", ["de"], ["de"]),
        ("en-US", ["en", "en-GB"], ["en"]),
        ("zh", ["zh-Hans"], ["zh-Hans"]),
        ("zh", ["zh-Hant"], ["zh-Hant"]),
        ("zh-CN", ["zh-Hans"], ["zh-Hans"]),
        ("zh-Hans", ["zh"], ["zh"]),
        ("zh-Hant", ["zh"], []),
        ("zh-TW", ["zh-Hans", "zh-Hant"], ["zh-Hant"]),
        ("zh", ["cmn"], ["cmn"]),
        ("no", ["nb"], ["nb"]),
        ("sr-Latn", ["sr"], []),
        ("de", ["run-src", "de-DE"], ["de-DE"]),
        ("fr", ["de", "en"], []),
    ],
)
def test_a_request_matches_what_does_not_contradict_it(wanted: str, available: list[str], expected: list[str]) -> None:
    assert match_languages(wanted, available) == expected


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
        ("DE-EN.tsv", ("de", "en")),
        ("opus.de-pt_br.tsv", ("de", "pt-BR")),
        ("opus.pt-br_de.tsv", ("pt-BR", "de")),
        ("opus.pt-BR-de.tsv", ("pt-BR", "de")),
        ("eng_Latn-zho_Hans.tsv", ("en", "zh-Hans")),
        ("en_US-de_DE.csv", ("en-US", "de-DE")),
        ("train.pt-br.tsv", None),
        ("no-en-de.tsv", None),
        ("is-it.tsv", None),
        ("how-to-do-it.tsv", None),
    ],
)
def test_languages_in_file_names(name: str, expected: tuple[str, str] | None) -> None:
    assert languages_in_name(PurePath(name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train.de", "de"),
        ("train.de.gz", "de"),
        ("train.fra.txt", "fr"),
        ("train.txt", None),
        ("train.src", None),
        *(("train.zh-Hans", "zh-Hans"), ("train.pt_BR.xz", "pt-BR"), ("train.DE", "de"), ("train.english", "en")),
        *(("x.en_US.UTF-8", "en-US"), ("flores.eng_Latn", "en"), ("de.txt", "de"), ("german.txt", "de")),
        *(("train_de.txt", "de"), ("train-pt_BR.txt", "pt-BR"), ("train_id.txt", None), ("pairs.en-fr.txt", None)),
    ],
)
def test_language_of_one_side(name: str, expected: str | None) -> None:
    assert language_of_suffix(PurePath(name)) == expected
