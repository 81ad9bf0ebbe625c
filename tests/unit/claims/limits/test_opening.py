"""What a run was trained on decides what can grow; what does not fit is answered with what does."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seqloom.claims.limits import find_limits
from seqloom.claims.limits.opening import choose_family, open_search
from seqloom.claims.limits.real_text import SentenceSearch
from seqloom.corpus import Corpus, open_corpus
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import ConfigError
from seqloom.progress import Progress
from seqloom.run.data import open_run_corpus
from seqloom.run.info import CorpusInfo
from tests.run_info import make_corpus_info, make_run_info

from .engines import KnownEngine, family_of


def about(name: str, *, synthetic: bool = True, kind: str = "pairs", metric: str = "exact_match") -> CorpusInfo:
    return make_corpus_info(name=name, kind=kind, synthetic=synthetic, metric=metric)


def fake_run(name: str, corpus: CorpusSettings | None, **changes: Any) -> Any:
    engine = KnownEngine(lambda text: text if len(text.split()) <= 7 else "wrong")
    recipe = SimpleNamespace(name="transformer-tiny", corpus=corpus)
    found = about(name, **changes)

    def open_it(progress: Progress | None = None) -> Corpus:
        fingerprint = None if corpus is None else open_corpus(corpus).fingerprint
        with_data = found.model_copy(update={"fingerprint": fingerprint})
        return open_run_corpus(Path("runs/x"), corpus, with_data, progress)[1]

    return SimpleNamespace(
        folder="runs/x",
        recipe=recipe,
        info=make_run_info(corpus=found),
        generator=lambda beam: engine,
        open_corpus=open_it,
    )


@pytest.mark.parametrize(
    ("corpus", "on"),
    [
        ("copy", "length"),
        ("sort", "length"),
        ("reverse", "distance"),
        ("player-commands", "clauses"),
        ("copy-long", "length"),
    ],
)
def test_a_family_is_found(corpus: str, on: Any) -> None:
    assert choose_family(about(corpus), on) is family_of(corpus, on)


@pytest.mark.parametrize("corpus", ["player-commands", "multi30k"])
def test_other_lengths_go_by_test_sentences(corpus: str) -> None:
    assert choose_family(about(corpus, synthetic=corpus == "player-commands"), "length") is None


def test_a_file_that_is_called_like_a_generator_is_a_file() -> None:
    assert choose_family(about("copy", synthetic=False), "length") is None


@pytest.mark.parametrize(
    ("corpus", "on", "told"),
    [
        ("copy", "clauses", "--on length (words), --on distance (words back)"),
        ("sort", "distance", "What fits: --on length (words). --on distance is for runs on copy, "),
        ("player-commands", "distance", "--on clauses (commands), --on length (words of its test sentences)"),
        ("multi30k", "clauses", "What fits: --on length (words of its test sentences). --on clauses is for runs on "),
    ],
)
def test_what_does_not_fit_is_answered_with_what_does(corpus: str, on: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_family(about(corpus), on)
    assert f"trained on {corpus}" in str(caught.value)
    assert told in str(caught.value)


def test_plain_text_has_no_limits() -> None:
    with pytest.raises(ConfigError, match="no continuation is wrong"):
        choose_family(about("shakespeare", synthetic=False, kind="text"), "length")


def test_limits_of_a_run() -> None:
    found = find_limits(fake_run("copy", CorpusSettings(data="copy")), "length", seed=2)
    assert found.limit == 8
    assert (found.corpus, found.recipe, found.run, found.unit) == ("copy", "transformer-tiny", "runs/x", "word")
    assert found.rule == "a size fails where surely fewer than 50% of answers are right"
    assert found.settings.seed == 2


def test_test_sentences_are_those_of_the_runs_corpus(tmp_path: Path) -> None:
    lines = [f"{' '.join(f'w{number}' for number in range(n, n + n % 9 + 1))}" for n in range(300)]
    (tmp_path / "pairs.tsv").write_text("".join(f"{line}\t{line}\n" for line in lines))
    settings = CorpusSettings(data=str(tmp_path / "pairs.tsv"), test_size=120)
    search = open_search(fake_run("pairs", settings, synthetic=False), "length")
    assert isinstance(search, SentenceSearch)
    found = find_limits(fake_run("pairs", settings, synthetic=False), "length")
    assert 110 <= sum(one.tried for one in found.sizes) <= 120
    assert found.trained is None


def test_a_run_that_does_not_know_its_corpus() -> None:
    with pytest.raises(ConfigError, match="does not say which corpus"):
        find_limits(fake_run("pairs", None, synthetic=False), "length")


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": 1.0}, {"samples": 0}])
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"limits: {next(iter(wrong))} is"):
        find_limits(fake_run("copy", CorpusSettings(data="copy")), "length", **wrong)
