"""The n-gram model through the command line: trained, shown, evaluated, generated from, compared; and what it refuses."""

import json
from pathlib import Path

import pytest

from seqloom.run.load import load
from tests.integration.conftest import Cli


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = [
        "the",
        "cat",
        "sees",
        "a",
        "dog",
        "and",
        "the",
        "dog",
        "sees",
        "a",
        "small",
        "cat",
        "in",
        "the",
        "old",
        "house",
    ]
    lines = [" ".join(words[(i * j) % len(words)] for j in range(1, 2 + i % 9)) for i in range(1, 900)]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(f"{line}.\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def run(text: Path, tmp_path: Path, cli: Cli) -> Path:
    out = tmp_path / "run"
    cli("train", "ngram", "--data", text, "--kind", "text", "--out", out, "--set", "model.order=5")
    return out


def test_a_run_is_like_any_other(run: Path, cli: Cli, text: Path) -> None:
    shown = json.loads(cli("show", run, "--json"))
    assert shown["budget"] == "one pass over the data, by counting"
    assert (shown["state"], shown["steps"], len(shown["curve"])) == ("finished", 0, 1)
    assert shown["parameters"] > 100
    assert "of counting" in cli("show", run)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1
    scored = json.loads(cli("evaluate", run, "--json"))["test"]["scores"]
    assert 0 < scored[0]["value"] < 3
    first = cli("generate", run, "--prompt", "the", "--max-tokens", 30)
    assert first == cli("generate", run, "--prompt", "the", "--max-tokens", 30)
    assert first != cli("generate", run, "--prompt", "the", "--max-tokens", 30, "--seed", 1)
    assert load(run).generate("the cat", max_tokens=5, temperature=0.0)[0].text


def test_lines_of_a_text_are_scored(run: Path, cli: Cli, text: Path, corpus_folder: Path) -> None:
    rows = [line.split("\t") for line in cli("score", run, "--text", text).splitlines()]
    lines = text.read_text().splitlines()
    assert [int(row[1]) for row in rows] == [len(line) + 1 for line in lines]
    assert all(float(row[0]) < 0 for row in rows)
    first = json.loads(cli("score", run, "--text", text, "--json").splitlines()[0])
    assert sum(first["token_log_probs"]) == pytest.approx(float(rows[0][0]), abs=1e-5)
    assert "--text FILE for a language model" in cli("score", run, "--text", text, "--src", text, status=2)
    assert "--text FILE for a language model" in cli("score", run, status=2)
    assert "--per line would be ignored" in cli("score", run, "--src", text, "--ref", text, "--per", "line", status=2)
    empty = corpus_folder / "empty.txt"
    empty.write_text("")
    assert "the file holds no text" in cli("score", run, "--text", empty, status=2)


def test_tokens_and_documents_of_a_text_add_up_to_its_lines(run: Path, cli: Cli, text: Path) -> None:
    lines = [json.loads(row) for row in cli("score", run, "--text", text, "--json").splitlines()]
    total = sum(row["log_prob"] for row in lines)
    tokens = [json.loads(row) for row in cli("score", run, "--text", text, "--per", "token", "--json").splitlines()]
    begin = "".join(row["token"] for row in tokens[: lines[0]["num_tokens"] - 1]).replace("▁", " ")
    assert begin == text.read_text(encoding="utf-8").splitlines()[0]
    assert [row["line"] for row in tokens].count(1) == lines[0]["num_tokens"]
    assert sum(row["log_prob"] for row in tokens) == pytest.approx(total)
    first = cli("score", run, "--text", text, "--per", "token").splitlines()[0].split("\t")
    assert float(first[0]) == pytest.approx(tokens[0]["log_prob"], abs=1e-5)
    assert json.loads(first[1]) == tokens[0]["token"]
    (document,) = [
        json.loads(row) for row in cli("score", run, "--text", text, "--per", "document", "--json").splitlines()
    ]
    assert document["document"] == 1
    assert document["log_prob"] == pytest.approx(total)


def test_it_is_exported_as_an_arpa_file(run: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    cli("export", run, "--to", "arpa", "--out", out)
    assert (out / "model.arpa").read_text(encoding="utf-8").startswith("\\data\\\nngram 1=")
    assert sorted(path.name for path in (out / "seqloom").iterdir()) == ["recipe.yaml", "tokenizer.json"]
    assert "model.arpa" in (out / "README.md").read_text(encoding="utf-8")
    refused = cli("export", run, "--to", "huggingface", "--out", tmp_path / "other", status=2)
    assert "model.architecture is ngram" in refused
    assert "would be ignored" in cli("export", run, "--to", "arpa", "--out", tmp_path / "x", "--beam", 2, status=2)


def test_a_finished_run_is_complete(run: Path, cli: Cli, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = (run / "weights" / "best.safetensors").read_bytes()
    assert cli("train", "--resume", "--out", run).strip() == str(run)
    assert "there is a run already" in cli("train", "ngram", "--data", text, "--out", run, status=2)
    assert (run / "weights" / "best.safetensors").read_bytes() == weights


def test_one_that_was_killed_is_fitted_again(run: Path, cli: Cli) -> None:
    weights = (run / "weights" / "best.safetensors").read_bytes()
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "result": None}))
    (run / "weights" / "best.safetensors").unlink()
    cli("train", "--resume", "--out", run)
    assert (run / "weights" / "best.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", 30), "fitted by counting, in one pass over the data, so 30 steps would be ignored"),
        (("--set", "training.learning_rate=0.1"), "training.learning_rate would be ignored"),
        (("--from", "RUN"), "cannot start from the weights of a run"),
    ],
)
def test_options_that_would_be_ignored_are_errors(
    options: tuple[object, ...], message: str, text: Path, run: Path, tmp_path: Path, cli: Cli
) -> None:
    words = [run if word == "RUN" else word for word in options]
    assert message in cli("train", "ngram", "--data", text, "--out", tmp_path / "other", *words, status=2)


def test_pairs_are_refused(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    command = ("train", "ngram", "--data", corpus_folder / "pairs.tsv", "--out", tmp_path / "x")
    assert " is pairs: give plain text, or train a model that reads sources" in cli(*command, status=2)


def test_it_is_compared_with_other_language_models(text: Path, tmp_path: Path, cli: Cli) -> None:
    neural = tmp_path / "neural.yaml"
    neural.write_text(
        "tokenizer: {vocab_size: 300}\n"
        "model: {architecture: transformer-lm, d_model: 16, d_ff: 16, num_heads: 2, num_layers: 1}\n"
        "training: {batch_tokens: 256, window: 32}\n"
    )
    command = ("compare", "ngram", neural, "--data", text, "--kind", "text", "--steps", 2, "--out", tmp_path / "out")
    compared = json.loads(cli(*command, "--json"))
    assert [arm["name"] for arm in compared["arms"]] == ["ngram", "neural"]
    assert compared["metric"] == "bits_per_byte"
    assert "fitted by counting, in one pass without a budget" in compared["budget"]
    assert compared["differences"][0]["significant"]
    assert [arm["runs"][0]["steps"] for arm in compared["arms"]] == [0, 2]
    assert "--steps 2" in compared["command"]
    assert cli(*command).count("neural")
    assert "for which no output of another system can be scored" in cli(*command, "--also", f"x={text}", status=2)
    pairs_only = ("compare", "rnn-tiny", "--data", text, "--kind", "text", "--steps", 2, "--out", tmp_path / "none")
    assert "is plain text: train a language model on it" in cli(*pairs_only, status=2)


def test_it_is_interpolated_with_a_neural_language_model(run: Path, text: Path, tmp_path: Path, cli: Cli) -> None:
    neural = tmp_path / "neural"
    cli(
        *("train", "rnn-lm-tiny", "--data", text, "--kind", "text", "--steps", 3, "--out", neural, "--set"),
        *("tokenizer.kind=characters", "tokenizer.min_frequency=1", "model.hidden_size=16", "training.validations=1"),
    )

    def bits(*arguments: object) -> float:
        result = json.loads(cli("evaluate", *arguments, "--json"))["test"]
        score = result["scores"][0]
        assert score["metric"] == "bits_per_byte"
        assert "|stride:" in score["signature"]
        return float(score["value"])

    alone = bits(run)
    tuned = bits(neural, run, "--weights", "tune")
    assert tuned <= alone * 1.01
    assert tuned < bits(neural, run, "--weights", "0.5,0.5") < bits(neural)
    assert "1 in sum" in cli("evaluate", neural, run, "--weights", "0.9,0.9", status=2)

    def total(*runs: object) -> float:
        lines = cli("score", *runs, "--text", text).splitlines()
        return sum(float(line.split("\t")[0]) for line in lines)

    assert total(neural, run, "--weights", "0,1") == pytest.approx(total(run), abs=1e-3)
    assert total(neural, run, "--weights", "0.5,0.5") > total(neural)

    def generated(*runs: object) -> str:
        return cli("generate", *runs, "--max-tokens", 20, "--temperature", 0, "--prompt", "the ")

    assert generated(neural, run, "--weights", "0,1") == generated(run)
    assert "they belong to several runs" in cli("score", run, "--text", text, "--weights", "1", status=2)
