"""Shared options become the settings that they say, and nothing that was not given."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.cli import options
from seqloom.cli.compare import register as register_compare
from seqloom.cli.train import register as register_train
from seqloom.errors import ConfigError, SeqloomError


def parse(*argv: str, verb: str = "compare") -> argparse.Namespace:
    subparsers = (parser := argparse.ArgumentParser()).add_subparsers()
    register_compare(subparsers)
    register_train(subparsers)
    return parser.parse_args([verb, *argv])


def test_only_what_was_given_is_passed_on() -> None:
    settings = options.corpus_settings(parse("--data", "pairs.tsv"))
    assert settings.changed() == {"data"}


def test_data_options_reach_the_settings() -> None:
    files = "--src a --tgt b --val-src c --val-tgt d --data-dir m"
    rules = "--from-lang de --to-lang en --max-words 7 --on-bad skip --overlap keep"
    settings = options.corpus_settings(parse(*files.split(), *rules.split()))
    assert (settings.src, settings.tgt, settings.val_src, settings.val_tgt) == ("a", "b", "c", "d")
    assert (settings.from_lang, settings.to_lang, settings.max_words) == ("de", "en", 7)
    assert (settings.on_bad, settings.overlap, settings.data_dir) == ("skip", "keep", "m")


def test_every_corpus_setting_has_an_option() -> None:
    from seqloom.corpus.settings import CorpusSettings

    # The recipe's task sets the options of a reader.
    fields = set(CorpusSettings.model_fields) - {"options"}
    assert set(options._CORPUS_FIELDS) == fields
    assert fields <= set(vars(parse()))


def test_columns_are_names_or_numbers() -> None:
    settings = options.corpus_settings(parse("--data", "x.csv", "--src-column", "2", "--tgt-column", "text"))
    assert (settings.src_column, settings.tgt_column) == (2, "text")


def test_no_data_says_how_to_name_some() -> None:
    with pytest.raises(ConfigError, match=r"--data NAME .*--src FILE --tgt FILE"):
        options.corpus_settings(parse())


def test_contradictions_are_explained() -> None:
    with pytest.raises(ConfigError, match="the data options"):
        options.corpus_settings(parse("--data", "x", "--src", "y", "--tgt", "z"))


def test_set_takes_several_and_repeats() -> None:
    arguments = parse("--set", "a.b=1", "c=2", "--seeds", "2", "--set", "d=3", "--also", "x=1", "y=2", "--also", "z=3")
    assert arguments.changes == ["a.b=1", "c=2", "d=3"]
    assert arguments.also == ["x=1", "y=2", "z=3"]


def test_repeated_parsing_starts_anew() -> None:
    parse("--set", "a=1")
    assert parse().changes == []


def test_named_files() -> None:
    assert options.named_files(["other=a=b.txt"]) == {"other": Path("a=b.txt")}
    with pytest.raises(ConfigError, match="expected NAME=FILE"):
        options.named_files(["hyp.txt"])
    with pytest.raises(ConfigError, match="already"):
        options.named_files(["a=x", "a=y"])


def test_existing_file(tmp_path: Path) -> None:
    with pytest.raises(SeqloomError, match="folder"):
        options.existing_file(tmp_path, "--input")
    with pytest.raises(SeqloomError, match="no such file"):
        options.existing_file(tmp_path / "x", "--input")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (options.positive, {"1": 1, "20_000": 20_000, "20,000": 20_000}, ["0", "-1", "1.5", "", "x"]),
        (options.count, {"0": 0, "7": 7}, ["-1", "x"]),
        (options.positive_float, {"0.5": 0.5, "10": 10.0}, ["0", "-1", "inf", "nan", "x"]),
        (options.zero_or_more, {"0": 0.0, "0.0": 0.0, "0.7": 0.7}, ["-0.1", "nan"]),
        (options.share, {"0": 0.0, "1": 1.0, ".9": 0.9}, ["-0.1", "1.1", "nan", "x"]),
    ],
)
def test_numbers(kind: Callable[[str], float], right: dict[str, float], wrong: list[str]) -> None:
    assert {text: kind(text) for text in right} == right
    for text in wrong:
        with pytest.raises(argparse.ArgumentTypeError):
            kind(text)


def test_budgets(tmp_path: Path) -> None:
    assert options.budget(parse()) is None
    assert str(options.budget(parse("--steps", "2000"))) == "2,000 steps"
    assert str(options.budget(parse("--minutes", "1.5"))) == "1.5 minutes of updates"
    (tmp_path / "progress.txt").write_text("0.0\n")
    like = options.budget(parse("--like", str(tmp_path), verb="train"))
    assert like is not None
    assert like.like == tmp_path / "progress.txt"
    with pytest.raises(SeqloomError, match="no such file"):
        options.budget(parse("--like", str(tmp_path / "nowhere"), verb="train"))
