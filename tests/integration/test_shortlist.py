"""Shortlists through the command line: learned at first use or by training, kept, and refused where they cannot be."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import seqloom
from seqloom.decoding.settings import MOST_TRANSLATIONS
from seqloom.errors import ConfigError
from seqloom.run.lexicon import LEXICON
from tests.integration.conftest import Cli, train

Trained = Callable[[str], Path]


@pytest.mark.parametrize("recipe", ["rnn-tiny", "transformer-tiny"])
def test_a_lexicon_is_learned_at_first_use_and_kept(
    recipe: str, trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained(recipe), run)
    argv = ("translate", run, "--input", corpus_folder / "sources.txt")
    plain = cli(*argv)
    first = cli(*argv, "--shortlist", MOST_TRANSLATIONS)
    written = (run / LEXICON).stat().st_mtime_ns
    assert cli(*argv, "--shortlist", MOST_TRANSLATIONS) == first
    assert (run / LEXICON).stat().st_mtime_ns == written
    assert first.count("\n") == plain.count("\n")
    # The vocabulary has little more than a hundred ids, so most of what is likely may come.
    alike = sum(a == b for a, b in zip(first.splitlines(), plain.splitlines(), strict=True))
    assert alike > plain.count("\n") / 2
    assert "BLEU" in cli("evaluate", run, "--shortlist", 5, "--stop", "likely")


def test_a_recipe_with_a_shortlist_learns_its_lexicon_when_it_trains(
    corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    data = tmp_path / "pairs.tsv"
    shutil.copy(corpus_folder / "pairs.tsv", data)
    run = train(data, "transformer-tiny", tmp_path / "run", "--set", "decoding.shortlist=5")
    data.unlink()
    argv = ("translate", run, "--input", corpus_folder / "sources.txt")
    assert cli(*argv) == cli(*argv, "--shortlist", 5)
    (run / LEXICON).unlink()
    assert "set decoding.shortlist to 0" in cli(*argv, status=2)
    assert cli(*argv, "--shortlist", 0)


def test_an_ensemble_takes_the_shortlists_of_its_first_run(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run, argv = trained("transformer-tiny"), ("--input", corpus_folder / "sources.txt", "--shortlist", 5)
    assert cli("translate", run, run, *argv) == cli("translate", run, *argv)


def test_where_there_can_be_no_shortlist_it_is_refused(
    trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    run = trained("transformer-tiny")
    message = cli("translate", run, "--shortlist", 5, "--engine", "ctranslate2", status=2)
    assert "ctranslate2" in message
    argv = ["train", "transformer-lm-tiny", "--data", corpus_folder / "text.txt", "--kind", "text", "--steps", 2]
    message = cli(*argv, "--out", tmp_path / "lm", "--set", "decoding.shortlist=5", status=2)
    assert "plain text" in message
    with pytest.raises(ConfigError, match="100"):
        seqloom.load(run, device="cpu", threads=1).translate(["rot"], shortlist=101)
