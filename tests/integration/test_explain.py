"""`seqloom explain` on tiny trained runs of every architecture."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.explain import Explanation, Explanations
from tests.integration.conftest import Cli

RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny", "transformer-lm-tiny", "fixed-mixer-tiny")
Trained = Callable[[str], Path]
TEXT = "rot Hund klein Haus"


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_is_explained_as_it_translates(recipe: str, trained: Trained, cli: Cli, tmp_path: Path) -> None:
    run = trained(recipe)
    (tmp_path / "in.txt").write_text(TEXT + "\n", encoding="utf-8")
    row = json.loads(cli("translate", run, "--input", tmp_path / "in.txt", "--json"))
    found = Explanations.model_validate_json(cli("explain", run, "--text", TEXT, "--json")).explanations[0]
    best = row["translations"][0]
    assert found.output == best["text"]
    assert found.log_prob == pytest.approx(best["log_prob"], abs=1e-3)
    assert [token.text for token in found.target if token.text != "</s>"] == best["tokens"]
    assert found.beam is not None
    shown = cli("explain", run, "--text", TEXT)
    assert found.run.label in shown
    assert "Occlusion." in shown


def test_runs_stand_side_by_side_on_a_page_with_their_history(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "page.html"
    runs = [trained(recipe) for recipe in ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")]
    out = cli(
        "explain", *runs, "--text", TEXT, "--out", page, "--history", "--change", "1=blau", "2=", "--force", "blue"
    )
    assert out.strip() == str(page)
    text = page.read_text(encoding="utf-8")
    for name in ("RNN", "RNN with attention", "Transformer"):
        assert text.count(f"<bdi>{name}</bdi>") > 3
    # Two validations, so two checkpoints per run.
    assert text.count("data-checkpoint ") == 6
    assert "Word 1, &#39;rot&#39;, becomes &#39;blau&#39;" in text


def test_data_and_pictures_are_written(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    run = trained("transformer-tiny")
    cli(
        "explain",
        run,
        "--text",
        TEXT,
        "--target",
        "red dog",
        "--out",
        tmp_path / "data.json",
        "--layer",
        0,
        "--head",
        1,
    )
    (found,) = Explanations.model_validate_json((tmp_path / "data.json").read_text(encoding="utf-8")).explanations
    assert isinstance(found, Explanation)
    assert found.forced
    assert found.computation is not None
    assert found.computation.head == 1
    cli("explain", run, "--text", TEXT, "--silence", "decoder.0.cross.1", "--out", tmp_path / "silent.json")
    message = cli("explain", run, "--text", TEXT, "--silence", "decoder.9.cross", status=2)
    assert "decoder.0.cross" in message
    pytest.importorskip("matplotlib")
    for kind in ("heatmap", "heads", "beam", "steps"):
        cli("explain", run, "--text", TEXT, "--out", tmp_path / f"{kind}.svg", "--picture", kind)
        assert (tmp_path / f"{kind}.svg").stat().st_size > 1000


def test_a_worked_example_names_the_command_that_made_it(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "example.md"
    runs = [trained(recipe) for recipe in ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")]
    options = ["--text", TEXT, "--layer", 0, "--head", 1, "--step", 2, "--change", "1=blau"]
    out = cli("explain", *runs, *options, "--out", page)
    assert out.strip() == str(page)
    written = page.read_text(encoding="utf-8")
    text = written.replace("\\\n", "")
    (made,) = re.findall(r"^seqloom explain .*$", text, flags=re.MULTILINE)
    # The command that it names writes the same page.
    assert cli(*shlex.split(made)[1:]) == out
    assert page.read_text(encoding="utf-8") == written
    trainings = re.findall(r"^seqloom train .*$", text, flags=re.MULTILINE)
    assert len(trainings) == 3
    for line, run in zip(trainings, runs, strict=True):
        assert "--steps 60" in line
        assert "tokenizer.vocab_size=120" in line
        assert line.endswith(str(run))
    message = cli("explain", runs[0], "--text", TEXT, "--out", page, status=2)
    assert "self-attention on both sides and cross-attention" in message


def test_a_language_model_of_text_is_explained(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    from tests.integration.conftest import train

    run = train(corpus_folder / "text.txt", "transformer-lm-tiny", tmp_path / "lm", "--kind", "text")
    found = Explanations.model_validate_json(cli("explain", run, "--text", "rot Hund", "--json")).explanations[0]
    assert found.steps
    assert found.source[0].text == "<s>"


def test_language_models_are_surprised_by_a_text(
    corpus_folder: Path, trained: Trained, cli: Cli, tmp_path: Path
) -> None:
    from tests.integration.conftest import train

    text = (corpus_folder / "text.txt").read_text(encoding="utf-8").splitlines()[:20]
    neural = train(corpus_folder / "text.txt", "transformer-lm-tiny", tmp_path / "lm")
    cli("train", "ngram", "--data", corpus_folder / "text.txt", "--out", tmp_path / "ngram", "--quiet")
    (tmp_path / "lines.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    said = "\n".join(text) + "\n"
    found = Explanations.model_validate_json(cli("explain", tmp_path / "ngram", neural, "--text", said, "--json"))
    assert not found.explanations
    assert [one.run.recipe for one in found.surprises] == ["ngram", "transformer-lm-tiny"]
    for surprise, run in zip(found.surprises, (tmp_path / "ngram", neural), strict=True):
        rows = [
            json.loads(row)
            for row in cli("score", run, "--text", tmp_path / "lines.txt", "--per", "token", "--json").splitlines()
        ]
        assert [token.token.text for token in surprise.tokens] == [row["token"] for row in rows]
        assert [token.log_prob for token in surprise.tokens] == pytest.approx(
            [row["log_prob"] for row in rows], rel=1e-5
        )
    assert found.surprise_comparison is not None
    page = tmp_path / "page.html"
    cli("explain", tmp_path / "ngram", neural, "--text", said, "--out", page)
    assert "Where each model" in page.read_text(encoding="utf-8")
    shown = cli("explain", neural, "--text", text[0])
    assert "most probable in its place" in shown
    assert "Occlusion." in shown
    # An option of an explanation step by step asks for one, which a model that counts does not have.
    assert "fitted by counting" in cli("explain", tmp_path / "ngram", "--text", "rot", "--beam", 2, status=2)
    mixed = Explanations.model_validate_json(cli("explain", neural, trained("rnn-tiny"), "--text", "rot", "--json"))
    assert len(mixed.surprises) == 1
    assert len(mixed.explanations) == 2
