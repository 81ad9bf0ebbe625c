"""A folder of texts through the command line: trained on, evaluated, moved, changed."""

import json
import random
from pathlib import Path

import pytest

from tests.integration.conftest import Cli

WORDS = ("the", "old", "cat", "sees", "a", "small", "red", "house", "and", "sleeps")
RECIPE = (
    "--set",
    "model.num_layers=1",
    "model.d_model=32",
    "model.num_heads=2",
    "training.window=32",
    "tokenizer.vocab_size=80",
)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    (folder / "more").mkdir(parents=True)
    for number in range(20):
        draw = random.Random(number)
        words = " ".join(
            draw.choice(["the", "old", "cat", "sees", "a", "small", "red", "house", "and", "sleeps"]) for _ in range(60)
        )
        (folder / ("more" if number % 2 else ".") / f"{number}.txt").write_text(f"{words}.\n", encoding="utf-8")
    (folder / "empty.txt").touch()
    return folder


@pytest.mark.parametrize("across", ["true", "false"])
def test_a_folder_is_trained_on_and_found_again(across: str, texts: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "run"
    changes = (*RECIPE, f"training.across_documents={across}")
    cli("train", "transformer-lm-tiny", "--data", texts, "--steps", 4, "--out", out, *changes)
    notes = " ".join(json.loads((out / "run.json").read_text(encoding="utf-8"))["corpus"]["notes"])
    assert "read as 20 files of text; each is a document" in notes
    assert "left out 1 empty file (empty.txt)" in notes
    assert "Split: 16 train, 2 val, 2 test documents" in notes
    assert "bits per byte" in cli("evaluate", out)
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.txt").write_text("The old cat sleeps in a house.\n" * 40, encoding="utf-8")
    assert "bits per byte" in cli("evaluate", out, "--data", other)
    (texts / "new.txt").write_text("A new text.\n", encoding="utf-8")
    assert "not the data that" in cli("train", "--resume", "--out", out, status=2)


def test_a_run_is_not_written_into_its_data(texts: Path, cli: Cli) -> None:
    refused = cli("train", "ngram", "--data", texts, "--out", texts / "runs" / "lm", status=2)
    assert "lies inside the data folder" in refused
    assert not (texts / "runs").exists()
