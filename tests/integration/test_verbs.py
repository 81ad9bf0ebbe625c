"""Every verb on tiny models of every architecture, through the command line."""

import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from seqloom.cli import main
from tests.integration.conftest import BRIEF, SMALL, Cli, train

RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny", "transformer-lm-tiny", "fixed-mixer-tiny")
Trained = Callable[[str], Path]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_translates_scores_and_shows(
    recipe: str, trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    run = trained(recipe)
    sources, references = corpus_folder / "sources.txt", corpus_folder / "references.txt"

    lines = cli("translate", run, "--input", sources, "--threads", 1).split("\n")
    assert len(lines) == 21
    assert lines[-1] == ""

    rows = [json.loads(line) for line in cli("translate", run, "--input", sources, "--json", "--beam", 1).splitlines()]
    assert [row["source"] for row in rows] == sources.read_text(encoding="utf-8").splitlines()

    # What search says a hypothesis is worth is what forced scoring says of the same text.
    outputs = tmp_path / "outputs.txt"
    outputs.write_text("".join(f"{row['translations'][0]['text']}\n" for row in rows), encoding="utf-8")
    scored = [json.loads(line) for line in cli("score", run, "--src", sources, "--ref", outputs, "--json").splitlines()]
    compared = 0
    for row, forced in zip(rows, scored, strict=True):
        best = row["translations"][0]
        # A model that has hardly learnt may spell a text in another way than its tokenizer would.
        if forced["num_tokens"] == len(best["tokens"]) + 1:
            parts = forced["token_log_probs"] if best["finished"] else forced["token_log_probs"][:-1]
            assert sum(parts) == pytest.approx(best["log_prob"], abs=1e-3)
            compared += 1
    assert compared > 0
    forced = [
        json.loads(line) for line in cli("score", run, "--src", sources, "--ref", references, "--json").splitlines()
    ]
    for row in forced:
        assert row["log_prob"] == pytest.approx(sum(row["token_log_probs"]), abs=1e-3)
        assert len(row["token_log_probs"]) == row["num_tokens"]

    shown = json.loads(cli("show", run, "--json"))
    assert shown
    assert recipe in cli("show", run)


def test_train_prints_the_folder_and_a_run_holds_what_it_should(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    out = cli("train", "--data", corpus_folder / "pairs.tsv", "--steps", 2, "--out", tmp_path / "run", "--threads", 1)
    assert out.strip() == str(tmp_path / "run")
    names = {path.relative_to(tmp_path / "run").parts[0] for path in (tmp_path / "run").rglob("*")}
    assert {"recipe.yaml", "tokenizer.json", "weights", "metrics.jsonl"} <= names
    assert list((tmp_path / "run" / "weights").glob("*.safetensors"))
    reports = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"step", "tokens", "seconds", "tokens_per_second"} <= set(reports[0])
    assert any("loss" in report for report in reports)


def test_evaluate_skips_and_counts_lines_that_cannot_be_read(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "src").write_bytes(b"rot Hund\n\xff\nblau Haus\n")
    (tmp_path / "ref").write_text("red dog\nbad\nblue house\n")
    command = ("evaluate", trained("transformer-tiny"), "--src", tmp_path / "src", "--ref", tmp_path / "ref", "--json")
    assert "src:2" in cli(*command, status=2)
    result = json.loads(cli(*command, "--on-bad", "skip"))["test"]
    assert result["items"] == 2
    assert "left out 1" in result["notes"][0]


def test_score_names_files_that_run_against_the_run(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained("transformer-tiny"), run)
    info = json.loads((run / "run.json").read_text())
    info["corpus"] |= {"src_lang": "de", "tgt_lang": "en"}
    (run / "run.json").write_text(json.dumps(info))
    for name in ("test.de", "test.en"):
        (tmp_path / name).write_text("rot\n")
    message = cli("score", run, "--src", tmp_path / "test.en", "--ref", tmp_path / "test.de", status=2)
    assert "German to English" in message
    export = ("export", run, "--to", "huggingface", "--out", tmp_path / "exported")
    message = cli(*export, "--input", tmp_path / "test.en", "--ref", tmp_path / "test.de", status=2)
    assert "German to English" in message
    assert "\t" in cli("score", run, "--src", tmp_path / "test.de", "--ref", tmp_path / "test.en")


def test_a_run_is_not_overwritten(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run = trained("transformer-tiny")
    before = (run / "metrics.jsonl").read_bytes()
    message = cli("train", "--data", corpus_folder / "pairs.tsv", "--steps", 2, "--out", run, status=2)
    assert str(run) in message
    assert (run / "metrics.jsonl").read_bytes() == before


def test_translate_answers_every_line(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = ["", "   ", "rot Hund", "\u2028", "日本語 \U0001f600", "x" * 5000, "a\tb", "\x00\x07", "wort " * 2000]
    content = "\n".join(strange).encode() + b"\n\xff\xfe\xfa\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    run = trained("transformer-tiny")
    # Training says where the run lies.
    capsys.readouterr()
    assert main(["translate", str(run), "--threads", "1"]) == 0
    caught = capsys.readouterr()
    assert caught.out.count("\n") == len(strange) + 1
    assert "UTF-8" in caught.err
    assert "empty" in caught.err


def test_nothing_in_nothing_out(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    run = trained("rnn-tiny")
    capsys.readouterr()  # what training says, where it happens here
    assert main(["translate", str(run)]) == 0
    assert capsys.readouterr().out == ""


def test_nbest_and_alignments(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run, sources = trained("attention-rnn-tiny"), corpus_folder / "sources.txt"
    rows = [
        line.split("\t") for line in cli("translate", run, "--input", sources, "--beam", 3, "--nbest", 3).splitlines()
    ]
    assert [row[0] for row in rows] == [str(line) for line in range(1, 21) for _ in range(3)]
    for first, second in pairwise(rows):
        assert first[0] != second[0] or float(first[1]) >= float(second[1])
    row = json.loads(cli("translate", run, "--input", sources, "--alignments", "--json").splitlines()[0])
    assert len(row["alignment"]) == len(row["translations"][0]["tokens"])
    for pair in cli("translate", run, "--input", sources, "--alignments").splitlines()[0].split("\t")[1].split():
        src, tgt = pair.split("-")
        assert int(src) >= 0
        assert int(tgt) >= 0


def test_an_ensemble_of_runs(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    pairs = corpus_folder / "pairs.tsv"
    runs = [train(pairs, "transformer-tiny", tmp_path / str(seed), "--seed", seed) for seed in (1, 2)]
    assert len(cli("translate", *runs, "--input", corpus_folder / "sources.txt").splitlines()) == 20


def test_evaluate(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run = trained("transformer-tiny")
    by_default = json.loads(cli("evaluate", run, "--json"))["test"]
    assert by_default["scored"] == "the test split of the run's own corpus"
    assert 0 < by_default["items"] < 30
    sources, references = corpus_folder / "sources.txt", corpus_folder / "references.txt"
    text = cli("evaluate", run, "--src", sources, "--ref", references)
    assert text.startswith("test (20 pairs, all of the given pairs):")
    assert "BLEU" in text
    assert "nrefs:1" in text  # sacreBLEU's signature
    assert "nrefs:2" in cli("evaluate", run, "--src", sources, "--ref", references, "--ref", sources)
    several = json.loads(cli("evaluate", run, "--src", sources, "--ref", references, sources, "--json"))["test"]
    assert several["references"] == 2
    assert "lines" in cli("evaluate", run, "--src", sources, "--ref", references, corpus_folder / "pairs.tsv", status=2)


def test_evaluate_scores_all_of_another_file(trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path) -> None:
    run = trained("transformer-tiny")
    other = tmp_path / "other.tsv"
    rows = (corpus_folder / "pairs.tsv").read_text(encoding="utf-8").splitlines()[:70]
    other.write_text("".join(f"neu {row}\n" for row in rows), encoding="utf-8")
    found = json.loads(cli("evaluate", run, "--data", other, "--beam", 1, "--json"))["test"]
    assert (found["items"], found["sentences"], found["unit"]) == (70, 70, "pairs")
    assert found["scored"] == f"all of {other}"
    chinese = tmp_path / "zh.tsv"
    chinese.write_text("".join(f"rot {i}\t今天是第{i}天\n" for i in range(10)), encoding="utf-8")
    scores = json.loads(cli("evaluate", run, "--data", chinese, "--beam", 1, "--metrics", "bleu", "ter", "--json"))[
        "test"
    ]
    assert [one["metric"] for one in scores["scores"]] == ["bleu_zh", "ter_segments"]
    assert any("bleu is measured as bleu_zh" in note for note in scores["notes"])
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"rot {i}\tgut\n" for i in range(10)), encoding="utf-8")
    scores = json.loads(cli("evaluate", run, "--data", labels, "--beam", 1, "--json"))["test"]
    assert scores["scores"][0]["metric"] == "exact_match"
    assert any("BLEU says nothing about test" in note for note in scores["notes"])


def test_generate_is_seeded(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    run = train(corpus_folder / "text.txt", "transformer-lm-tiny", tmp_path / "lm", "--kind", "text")
    first = cli("generate", run, "--prompt", "rot", "--max-tokens", 20, "--num-samples", 2)
    assert first == cli("generate", run, "--prompt", "rot", "--max-tokens", 20, "--num-samples", 2)
    assert first != cli("generate", run, "--prompt", "rot", "--max-tokens", 20, "--num-samples", 2, "--seed", 1)
    assert first.startswith("rot")
    own = json.loads(cli("evaluate", run, "--json"))["test"]
    assert own["scored"] == "the test split of the run's own corpus"
    other = tmp_path / "other.txt"
    other.write_text("rot und blau.\n" * 500, encoding="utf-8")
    whole = json.loads(cli("evaluate", run, "--data", other, "--json"))["test"]
    assert (whole["items"], whole["unit"], whole["scored"]) == (7000, "bytes", f"all of {other}")


def test_a_run_of_pairs_generates_from_a_prompt_only(trained: Trained, cli: Cli) -> None:
    run = trained("transformer-tiny")
    assert "needs a source" in cli("generate", run, status=2)
    assert cli("generate", run, "--prompt", "rot", "--max-tokens", 5)


def test_pairs_are_trained_on_in_both_directions_where_there_are_pairs(
    cli: Cli, corpus_folder: Path, tmp_path: Path
) -> None:
    change = ("--set", "training.bidirectional=0.5")
    run = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run", *change)
    assert "bidirectional: 0.5" in (run / "recipe.yaml").read_text()
    text = ("train", "transformer-lm-tiny", "--data", corpus_folder / "text.txt", "--kind", "text", "--steps", 2)
    message = cli(*text, "--out", tmp_path / "lm", *change, status=2)
    assert "plain text, which has no other direction" in message


def test_changes_are_made_and_recorded(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    train(
        corpus_folder / "pairs.tsv",
        "transformer-tiny",
        tmp_path / "run",
        "--set",
        "model.num_decoder_layers=2",
        "training.learning_rate=1e-3",
    )
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    assert "learning_rate: 0.001" in recipe
    assert "num_decoder_layers: 2" in recipe
    message = cli(
        "train", "--data", corpus_folder / "pairs.tsv", "--out", tmp_path / "x", "--set", "model.dropuot=0.1", status=2
    )
    assert "Did you mean 'dropout'?" in message


def test_start_from_another_run(trained: Trained, cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    start = trained("transformer-tiny")
    run = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run", "--from", start)
    assert (run / "tokenizer.json").read_bytes() == (start / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("budget", [("--tokens", 3000), ("--minutes", 0.02)])
def test_other_budgets(budget: tuple[str, float], corpus_folder: Path, tmp_path: Path) -> None:
    run = train(corpus_folder / "pairs.tsv", "rnn-tiny", tmp_path / "run", *budget)
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    if budget[0] == "--tokens":
        assert last["tokens"] >= 3000
    else:
        assert last["seconds"] >= 1.2


def test_compare_writes_a_report_and_does_not_train_twice(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    argv = (
        "compare",
        "rnn-tiny",
        "transformer-tiny",
        "--data",
        corpus_folder / "pairs.tsv",
        "--test-size",
        12,
        "--steps",
        4,
    )
    argv = (*argv, "--out", tmp_path / "out", "--threads", 1)
    table = cli(*argv)
    assert str(tmp_path / "out" / "report.html") in table.replace("\n", "")
    assert "<html" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")[:500]
    runs = sorted(path.name for path in (tmp_path / "out" / "runs").iterdir())
    assert runs == ["rnn-tiny-seed0", "transformer-tiny-seed0"]
    before = {name: (tmp_path / "out" / "runs" / name / "metrics.jsonl").read_bytes() for name in runs}

    num_tests = json.loads((tmp_path / "out" / "comparison.json").read_text())["corpus"]["sizes"]["test"]
    other.write_text("red dog\n" * num_tests)
    comparison = json.loads(cli(*argv, "--also", f"other={other}", "--json"))
    assert comparison["schema_version"] == 1
    assert {arm["name"] for arm in comparison["arms"]} == {"rnn-tiny", "transformer-tiny", "other"}
    assert all(difference["scope"] == "between these runs" for difference in comparison["differences"])
    assert before == {name: (tmp_path / "out" / "runs" / name / "metrics.jsonl").read_bytes() for name in runs}
    for arm in comparison["arms"]:
        for qualities in arm["tests"].values():
            assert all(quality["signature"] and math.isfinite(quality["value"]) for quality in qualities)


def test_compare_trains_on_parts_of_the_data_and_says_what_more_would_give(
    cli: Cli, corpus_folder: Path, tmp_path: Path
) -> None:
    argv = ("compare", "rnn-tiny", "--data", corpus_folder / "pairs.tsv", "--val-size", 10, "--test-size", 12)
    argv = (*argv, "--steps", 2, "--curve", "--json", "--beam", 1, "--out", tmp_path / "out")
    argv = (*argv, "--set", *SMALL["rnn-tiny"], *BRIEF, "training.validations=1")
    comparison = json.loads(cli(*argv))
    whole = comparison["corpus"]["sizes"]["train"]
    (scaling,) = comparison["scaling"]
    sizes = [point["num_items"] for point in scaling["points"]]
    assert sizes == [whole // 8, whole // 4, whole // 2, whole]
    assert {point["steps"] for point in scaling["points"]} == {2}
    assert [item["num_items"] for item in scaling["predictions"]] == [2 * whole, 4 * whole]
    assert "--curve" in comparison["command"]
    assert "twice as many pairs" in comparison["verdict"][-1]
    assert "Would more data help?" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    runs = sorted(path.name for path in (tmp_path / "out" / "curve").iterdir())
    assert runs == sorted(f"rnn-tiny-{size}" for size in sizes[:-1])
    # Parts that are finished are not trained again.
    logs = {name: (tmp_path / "out" / "curve" / name / "metrics.jsonl").read_bytes() for name in runs}
    assert json.loads(cli(*argv))["scaling"] == [scaling]
    assert logs == {name: (tmp_path / "out" / "curve" / name / "metrics.jsonl").read_bytes() for name in runs}
    few = tmp_path / "few.tsv"
    few.write_text("".join(f"a{i}\tb{i}\n" for i in range(60)))
    message = cli("compare", "rnn-tiny", "--data", few, "--steps", 2, "--curve", "--out", tmp_path / "few", status=2)
    assert "it needs at least 160" in message


def test_tuning_is_charged_to_the_budget_of_each_arm(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    argv = ("compare", "rnn-tiny", "--data", corpus_folder / "pairs.tsv", "--steps", 20, "--tune", "quick", "--json")
    brief = ("--set", *SMALL["rnn-tiny"], *BRIEF, "training.validations=1", "--beam", 1, "--threads", 1)
    comparison = json.loads(cli(*argv, "--out", tmp_path / "out", *brief))
    (arm,) = comparison["arms"]
    assert [trial["learning_rate"] for trial in arm["tuning"]] == [0.001, 0.002, 0.004]
    (best,) = [trial for trial in arm["tuning"] if trial["chosen"]]
    assert best["val_loss"] == min(trial["val_loss"] for trial in arm["tuning"])
    (run,) = arm["runs"]
    assert run["learning_rate"] == best["learning_rate"]
    # Three trials of two steps each come out of the twenty.
    assert run["steps"] == 14


def test_compare_tells_which_also_is_wrong(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("one line\n")
    argv = (
        "compare",
        "rnn-tiny",
        "--data",
        corpus_folder / "pairs.tsv",
        "--steps",
        2,
        "--out",
        tmp_path / "out",
        "--threads",
        1,
    )
    message = cli(*argv, "--also", f"other={other}", status=2)
    assert str(other) in message


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("train", "transformer-tinny", "--data", "{corpus}"), "transformer-tiny"),
        (("train", "--data", "nowhere.tsv"), "nowhere.tsv"),
        (("translate", "nowhere"), "nowhere"),
        (("show", "{folder}"), "{folder}"),
        (("train", "--resume", "--out", "nowhere"), "nowhere"),
        (("train", "--resume"), "--out RUN"),
        (("train", "--data", "{folder}/text.txt"), "transformer-lm-tiny"),
        (("train", "--data", "{corpus}", "--device", "mps"), "mps"),
        (("evaluate", "{folder}", "--src", "{corpus}", "--ref", "{corpus}", "--delimiter", ";"), "--delimiter"),
    ],
)
def test_mistakes_are_one_message(argv: tuple[str, ...], told: str, cli: Cli, corpus_folder: Path) -> None:
    names = {"corpus": corpus_folder / "pairs.tsv", "folder": corpus_folder}
    message = cli(*(word.format(**names) for word in argv), status=2)
    assert told.format(**names) in message
    assert sum(line.startswith("seqloom: ") for line in message.splitlines()) == 1
    assert "Traceback" not in message


def test_translating_imports_nothing_that_trains_or_scores(trained: Trained) -> None:
    run = str(trained("transformer-tiny"))
    needless = (
        "seqloom.run.train",
        "seqloom.evaluation",
        "seqloom.corpus.open",
        "sacrebleu",
    )
    code = (
        f"import sys; from seqloom.cli import main; main(['translate', {run!r}, '--threads', '1', '--device', 'cpu']); "
        f"print([name for name in {needless!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], input="rot\n", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
