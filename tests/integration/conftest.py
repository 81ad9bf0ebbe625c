"""A corpus of 240 lines and runs that were trained on it for a moment, through the command line."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jaxtyping import config

from seqloom.cli import main

WORDS = {
    "rot": "red",
    "blau": "blue",
    "klein": "small",
    "groß": "big",
    "Hund": "dog",
    "Katze": "cat",
    "Haus": "house",
    "Baum": "tree",
}

Cli = Callable[..., str]


@pytest.fixture(scope="package", autouse=True)
def _shapes_unchecked() -> Iterator[None]:
    # Whole walks call layers hundreds of thousands of times; that shapes are right is what the unit tests show.
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def pairs() -> list[tuple[str, str]]:
    """Made-up pairs, all different."""
    draw = random.Random(1)
    found: dict[str, str] = {}
    while len(found) < 240:
        words = draw.choices(list(WORDS), k=draw.randint(2, 6))
        found[" ".join(words)] = " ".join(WORDS[word] for word in words)
    return list(found.items())


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]) -> Path:
    """pairs.tsv, and the same as sources.txt and references.txt (the last 20), and a plain text."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "pairs.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in pairs), encoding="utf-8")
    (folder / "sources.txt").write_text("".join(f"{src}\n" for src, _ in pairs[-20:]), encoding="utf-8")
    (folder / "references.txt").write_text("".join(f"{tgt}\n" for _, tgt in pairs[-20:]), encoding="utf-8")
    (folder / "text.txt").write_text("".join(f"{src} {tgt}.\n" for src, tgt in pairs), encoding="utf-8")
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process and returns its standard output; `status` says which exit status is right."""

    def run(*argv: object, status: int = 0) -> str:
        capsys.readouterr()
        threads = ["--threads", "1"] if argv[0] not in ("show", "data", "inspect") and "--threads" not in argv else []
        found = main([*(str(word) for word in argv), *threads])
        caught = capsys.readouterr()
        assert found == status, caught.err
        return caught.out if status == 0 else caught.err

    return run


SMALL = {
    "rnn-tiny": ("model.d_model=32", "model.hidden_size=32"),
    "attention-rnn-tiny": ("model.d_model=32", "model.hidden_size=32"),
    "transformer-tiny": (
        "model.d_model=32",
        "model.d_ff=64",
        "model.num_encoder_layers=1",
        "model.num_decoder_layers=1",
    ),
    "transformer-lm-tiny": ("model.d_model=32", "model.d_ff=64", "model.num_layers=2"),
    "fixed-mixer-tiny": (
        "model.d_model=32",
        "model.d_ff=64",
        "model.num_encoder_layers=1",
        "model.num_decoder_layers=1",
    ),
}
BRIEF = ("tokenizer.vocab_size=120", "training.batch_tokens=512", "training.validations=2", "decoding.max_len_offset=3")


def small(recipe: str) -> list[str]:
    """The changes that make a tiny recipe tinier."""
    return ["--set", *SMALL[recipe], *BRIEF]


def train(corpus: Path, recipe: str, out: Path, *options: object) -> Path:
    """Trains a tinier model, for six steps where no budget is given."""
    budget = [] if {"--minutes", "--tokens", "--steps"} & set(options) else ["--steps", 6]
    argv = ["train", recipe, "--data", corpus, "--out", out, *budget, "--threads", 1, "--device", "cpu", "--quiet"]
    assert main([str(word) for word in (*argv, *small(recipe), *options)]) == 0
    return out


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, corpus_folder: Path) -> Callable[[str], Path]:
    """A run of each recipe, trained for 60 steps when it is first asked for."""
    folder = tmp_path_factory.mktemp("runs")
    runs: dict[str, Path] = {}

    def get(recipe: str) -> Path:
        if recipe not in runs:
            runs[recipe] = train(corpus_folder / "pairs.tsv", recipe, folder / recipe, "--steps", 60)
        return runs[recipe]

    return get


@pytest.fixture(scope="session")
def translator(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run `de-en` that knows its languages, to be served."""
    out = tmp_path_factory.mktemp("served") / "de-en"
    languages = ("--from-lang", "de", "--to-lang", "en")
    return train(corpus_folder / "pairs.tsv", "transformer-tiny", out, "--steps", 60, *languages)


@pytest.fixture(scope="session")
def language_model(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model `lm`, to be served."""
    out = tmp_path_factory.mktemp("served") / "lm"
    return train(corpus_folder / "text.txt", "transformer-lm-tiny", out, "--steps", 30)
