from pathlib import Path

import pytest

from seqloom.corpus import SentencePair
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.run_registry import RunRegistry
from seqloom.serve.served_run import ServedRunInfo
from seqloom.tokenizer import Tokenizer, TokenizerSettings


class Run:
    """A run that is served, as far as a directory looks at it."""

    def __init__(self, name: str, source: str | None, target: str | None) -> None:
        self.name = name
        self.info = ServedRunInfo(
            name, Path(name), "pairs", "r", "c", source, target, 0, "seqloom", Path(name, "none.json")
        )
        self.tokenizer = Tokenizer.train([SentencePair("ab cd", "ef gh")] * 20, TokenizerSettings(vocab_size=270))


@pytest.fixture(scope="module")
def registry() -> RunRegistry:
    runs = [
        Run("one", "en", "zh-Hans"),
        Run("two", "en", "zh-Hant"),
        Run("three", "DE", "pt-BR"),
        Run("four", None, None),
    ]
    return RunRegistry(runs)  # type: ignore[arg-type]


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
def test_a_language_is_found_in_any_spelling(registry: RunRegistry, word: str, code: str) -> None:
    assert registry.code(word, "target") == code


@pytest.mark.parametrize("word", ["xx", "fr", "pt-PT", "", "a" * 100_000, "FOUR-SRC-x"])
def test_another_language_is_refused(registry: RunRegistry, word: str) -> None:
    with pytest.raises(HTTPError, match=r"is not supported$") as caught:
        registry.code(word, "source")
    assert (caught.value.status, caught.value.param) == (400, "source")


def test_what_may_mean_two_languages_is_asked_for(registry: RunRegistry) -> None:
    with pytest.raises(HTTPError, match="zh is ambiguous here: use one of zh-Hans, zh-Hant"):
        registry.code("zh", "target")
