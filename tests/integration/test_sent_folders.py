"""Run folders that somebody sent: each damage ends in a message or in the right result, within limits of time and memory.

The same with thousands of cases: python -m tests.system.fuzz_runs.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.integration.conftest import Cli, train
from tests.sent_folders import Sender

RECIPES = ("transformer-tiny", "rnn-tiny", "attention-rnn-tiny", "transformer-lm-tiny")


@pytest.fixture(scope="module")
def runs(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two steps: what they generate does not matter here."""
    folder = tmp_path_factory.mktemp("sent-runs")
    return {recipe: train(corpus_folder / "pairs.tsv", recipe, folder / recipe, "--steps", 2) for recipe in RECIPES}


@pytest.fixture(scope="module")
def sender(runs: dict[str, Path], corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    room = tmp_path_factory.mktemp("sent")
    (room / "source.txt").write_text("rot blau\n", encoding="utf-8")
    sender = Sender([*runs.values()][::-1], corpus_folder / "pairs.tsv", room)
    sender.warm_up()
    return sender


@pytest.mark.parametrize("first", range(0, 48, 12))
def test_damaged_folders_end_in_a_message_or_a_result(sender: Sender, first: int) -> None:
    for seed in range(first, first + 12):
        case, outcome = sender.send(seed)
        assert outcome.is_good, f"{case}: {outcome.kind}\n{outcome.text}"


@pytest.fixture
def sent(runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs["transformer-tiny"], tmp_path / "sent"))


VERBS = (
    ("translate", "RUN", "--input", "SOURCE"),
    ("show", "RUN"),
    ("explain", "RUN", "--text", "rot", "--json"),
    ("train", "--resume", "--out", "RUN"),
)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("recipe.yaml", "d_model: 32", "d_model: 100000000", "model.d_model is 100000000"),
        ("recipe.yaml", "num_encoder_layers: 1", "num_encoder_layers: 1000000000", "num_encoder_layers is 1000000000"),
        ("recipe.yaml", "name: ", "x: &a [1]\ny: *a\nname: ", "anchors and aliases"),
        ("run.json", '"seed": 0', '"seed": ' + "[" * 100_000, "deep inside one another"),
        ("run.json", '"kind": "pairs"', '"kind": "x"', "corpus.kind"),
    ],
)
def test_what_was_met_is_named(
    sent: Path, cli: Cli, corpus_folder: Path, verb: tuple[str, ...], name: str, old: str, new: str, message: str
) -> None:
    path = sent / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    words = {"RUN": str(sent), "SOURCE": str(corpus_folder / "sources.txt")}
    said = cli(*(words.get(word, word) for word in verb), status=2)
    assert message in said
    assert name in said


def test_a_recipe_of_another_size_is_held_against_the_weights_header(sent: Path, cli: Cli, corpus_folder: Path) -> None:
    path = sent / "recipe.yaml"
    # As runs of earlier versions, which did not record the model's settings.
    facts = json.loads((sent / "run.json").read_text(encoding="utf-8"))
    del facts["model"]
    (sent / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    for old, new in (("d_model: 32", "d_model: 65536"), ("num_encoder_layers: 1", "num_encoder_layers: 900")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        said = cli("translate", sent, "--input", corpus_folder / "sources.txt", status=2)
        assert "best.safetensors: these weights are not of this model" in said
        path.write_text(text, encoding="utf-8")


def test_resuming_writes_to_nothing_outside_the_folder(sent: Path, cli: Cli, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("do not cut\n")
    (sent / "metrics.jsonl").unlink()
    (sent / "metrics.jsonl").symlink_to(precious)
    assert "a link that leads out of" in cli("train", "--resume", "--out", sent, status=2)
    (sent / "checkpoint.json").unlink()
    assert "a link that leads out of" in cli("train", "--data", "copy", "--steps", "1", "--out", sent, status=2)
    assert precious.read_text() == "do not cut\n"


def test_a_checkpoint_of_another_folder_is_not_read(sent: Path, cli: Cli) -> None:
    (sent / "checkpoint.json").write_text(json.dumps({"format": 1, "folder": "../other"}))
    assert "expected the name of a checkpoint in this folder" in cli("train", "--resume", "--out", sent, status=2)


def test_a_corpus_that_is_a_pipe_is_not_waited_for(sent: Path, cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for value in (str(pipe), "/dev/zero", "-"):
        path = sent / "recipe.yaml"
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        values["corpus"]["data"] = value
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        for argv in (("evaluate", sent), ("train", "--resume", "--out", sent), ("limits", sent, "--on", "length")):
            assert f"corpus.data is {value!r}" in cli(*argv, status=2)


@pytest.mark.parametrize(
    ("name", "value", "is_shown"), [("num_heads", 2, True), ("activation", "gelu", True), ("norm", "rms", False)]
)
def test_model_settings_of_another_run_are_named(
    sent: Path, cli: Cli, corpus_folder: Path, name: str, value: object, is_shown: bool
) -> None:
    path = sent / "recipe.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert values["model"][name] != value
    values["model"][name] = value
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    message = f"model.{name} is {value}, but the run was trained with"
    assert message in cli("translate", sent, "--input", corpus_folder / "sources.txt", status=2)
    assert message in cli("train", "--resume", "--out", sent, status=2)
    facts = json.loads((sent / "run.json").read_text(encoding="utf-8"))
    # Runs of earlier versions do not say their settings, and open as they did.
    del facts["model"]
    (sent / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    if is_shown:
        assert cli("translate", sent, "--input", corpus_folder / "sources.txt")
