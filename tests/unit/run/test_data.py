"""Data that moved are found again, and other data are refused."""

from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.errors import ConfigError, CorpusError
from seqloom.recipes import Recipe, load_recipe
from seqloom.run.data import open_run_corpus
from seqloom.run.info import CorpusInfo
from tests.run_info import make_corpus_info


def write(path: Path, *, count: int = 60, mark: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"a{mark} {n}\tb {n}\n" for n in range(count)))
    return path


def about_of(settings: CorpusSettings) -> CorpusInfo:
    corpus = open_corpus(settings)
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return make_corpus_info(
        kind="pairs",
        fingerprint=corpus.fingerprint,
        fingerprints={split.name: split.fingerprint for split in splits},
        sizes={split.name: split.size for split in splits},
    )


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Recipe, CorpusInfo]:
    """A folder with data/pairs.tsv, data/val.tsv and a run in runs/mine."""
    here = tmp_path / "here"
    settings = CorpusSettings(
        data=write(here / "data" / "pairs.tsv"), val=write(here / "data" / "val.tsv", count=9, mark="v")
    ).located()
    (here / "runs" / "mine").mkdir(parents=True)
    return here, load_recipe("rnn-tiny").model_copy(update={"corpus": settings}), about_of(settings)


def test_a_renamed_folder(project: tuple[Path, Recipe, CorpusInfo]) -> None:
    here, recipe, about = project
    there = here.rename(here.with_name("moved there"))
    # A file of the same name that is nearer to the run is another one.
    write(there / "runs" / "data" / "pairs.tsv", mark="x")
    write(there / "runs" / "data" / "val.tsv", mark="x")
    settings, corpus = open_run_corpus(there / "runs" / "mine", recipe.corpus, about)
    assert settings.data == str(there / "data" / "pairs.tsv")
    assert settings.val == str(there / "data" / "val.tsv")
    assert corpus.fingerprint == about.fingerprint


def test_named_once_more(project: tuple[Path, Recipe, CorpusInfo], tmp_path: Path) -> None:
    here, recipe, about = project
    (here / "data" / "pairs.tsv").rename(tmp_path / "other.tsv")
    with pytest.raises(CorpusError, match=r"not found.*--data FILE --val FILE"):
        open_run_corpus(here / "runs" / "mine", recipe.corpus, about)
    named = CorpusSettings(data=tmp_path / "other.tsv")
    settings, _ = open_run_corpus(here / "runs" / "mine", recipe.corpus, about, named=named)
    assert (settings.data, settings.val) == (str(tmp_path / "other.tsv"), str(here / "data" / "val.tsv"))


def test_what_cannot_change_is_named(project: tuple[Path, Recipe, CorpusInfo]) -> None:
    here, recipe, about = project
    named = CorpusSettings(data=here / "data" / "pairs.tsv", split_seed=3, max_words=50)
    with pytest.raises(ConfigError, match=r"--max-words .*400.*50.*--split-seed .*0.*3"):
        open_run_corpus(here / "runs" / "mine", recipe.corpus, about, named=named)


@pytest.mark.parametrize(
    ("count", "mark", "told"), [(70, "", r"train has \d+ pairs, and had \d+"), (60, "y", "train has other content")]
)
def test_other_data_are_refused(project: tuple[Path, Recipe, CorpusInfo], count: int, mark: str, told: str) -> None:
    here, recipe, about = project
    write(here / "data" / "pairs.tsv", count=count, mark=mark)
    with pytest.raises(CorpusError, match=told):
        open_run_corpus(here / "runs" / "mine", recipe.corpus, about)


def test_a_run_that_does_not_say_its_corpus(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not say which corpus"):
        open_run_corpus(tmp_path, None, {})
