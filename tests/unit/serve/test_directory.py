from pathlib import Path

import pytest

from seqloom.corpus import SentencePair
from seqloom.serve.directory import Directory
from seqloom.serve.refusals import RefusedError
from seqloom.serve.served import About
from seqloom.tokenizer import Tokenizer, TokenizerSettings


class Run:
    """A run that is served, as far as a directory looks at it."""

    def __init__(self, name: str, source: str | None, target: str | None) -> None:
        self.name = name
        self.about = About(name, Path(name), "pairs", "r", "c", source, target, 0, "seqloom", Path("none.json"))
        self.tokenizer = Tokenizer.train([SentencePair("ab cd", "ef gh")] * 20, TokenizerSettings(vocab_size=270))


@pytest.fixture(scope="module")
def directory() -> Directory:
    runs = [
        Run("one", "en", "zh-Hans"),
        Run("two", "en", "zh-Hant"),
        Run("three", "DE", "pt-BR"),
        Run("four", None, None),
    ]
    return Directory(runs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("English", "en"),
        ("en-GB", "en"),
        ("zh-Hans", "zh-Hans"),
        ("zh_hans", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zt", "zh-Hant"),
        ("pb", "pt-BR"),
        ("pt", "pt-BR"),
        ("pt_br", "pt-BR"),
        ("de", "DE"),
        ("four-src", "four-src"),
    ],
)
def test_a_language_is_found_in_any_spelling(directory: Directory, word: str, code: str) -> None:
    assert directory.code(word, "target") == code


@pytest.mark.parametrize("word", ["xx", "fr", "pt-PT", "", "a" * 100_000, "FOUR-SRC-x"])
def test_another_language_is_refused(directory: Directory, word: str) -> None:
    with pytest.raises(RefusedError, match=r"is not supported$") as caught:
        directory.code(word, "source")
    assert (caught.value.status, caught.value.param) == (400, "source")


def test_what_may_mean_two_languages_is_asked_for(directory: Directory) -> None:
    with pytest.raises(RefusedError, match="zh is ambiguous here: give one of zh-Hans, zh-Hant"):
        directory.code("zh", "target")
