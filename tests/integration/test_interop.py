"""Runs decoded by, and exported to, other programs, through the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seqloom
from seqloom.errors import ConfigError
from tests.integration.conftest import Cli, train

pytest.importorskip("ctranslate2")

Trained = Callable[[str], Path]

STRANGE = ["", "   ", "rot Hund", "\u2028", "日本語 \U0001f600", "x" * 5000, "a\tb", "\x00\x07", "wort " * 2000]


def outputs(engine: Any, texts: list[str]) -> list[tuple[Any, ...]]:
    return [(one.source, one.texts, one.notes) for one in engine.generate(texts)]


@pytest.mark.parametrize("recipe", ["transformer-tiny", "transformer-lm-tiny"])
@pytest.mark.parametrize("search", [{"beam": 1}, {"beam": 3, "nbest": 3}], ids=str)
def test_the_engine_answers_as_our_own(
    recipe: str, search: dict[str, Any], trained: Trained, corpus_folder: Path
) -> None:
    run = seqloom.load(trained(recipe), device="cpu", threads=1)
    texts = [*(corpus_folder / "sources.txt").read_text().splitlines(), *STRANGE]
    ours = list(run.generator(**search).generate(texts))
    theirs = list(run.generator(engine="ctranslate2", **search).generate(texts))
    assert [one.source for one in theirs] == texts
    for mine, other in zip(ours, theirs, strict=True):
        # Beams may stop elsewhere; greedily there is one way to go.
        if search["beam"] == 1:
            assert (other.texts, other.notes) == (mine.texts, mine.notes)
            assert other.hypotheses[0].ids == mine.hypotheses[0].ids
        assert len(other.texts) == len(mine.texts)
        known = {(own.ids, own.finished): own for own in mine.hypotheses}
        for one in other.hypotheses:
            if own := known.get((one.ids, one.finished)):
                # A model that has hardly learnt gives pad and bos, which CTranslate2 leaves out of its sums, a share too.
                assert own.log_prob <= one.log_prob + 1e-3
                assert one.score == pytest.approx(own.score, rel=0.05)


def test_a_batch_changes_no_output(trained: Trained, corpus_folder: Path) -> None:
    run = seqloom.load(trained("transformer-tiny"), device="cpu", threads=1)
    texts = [*(corpus_folder / "sources.txt").read_text().splitlines(), *STRANGE]
    engine = run.generator(engine="ctranslate2", max_len_ratio=0.5, max_len_offset=1)
    assert outputs(engine, texts) == [found for text in texts for found in outputs(engine, [text])]


def test_translate_writes_what_the_engine_finds(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run, sources = trained("transformer-tiny"), corpus_folder / "sources.txt"
    argv = ("translate", run, "--input", sources, "--beam", 1)
    assert cli(*argv, "--engine", "ctranslate2") == cli(*argv)
    rows = [json.loads(line) for line in cli(*argv, "--engine", "ctranslate2", "--json").splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 21))
    assert all(len(row["translations"][0]["tokens"]) for row in rows)
    assert len(list((run / "engines").glob("ctranslate2-*"))) == 1


def test_a_run_is_converted_anew_when_its_weights_change(corpus_folder: Path, cli: Cli, tmp_path: Path) -> None:
    run = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run")
    argv = ("translate", run, "--engine", "ctranslate2", "--input", corpus_folder / "sources.txt")
    cli(*argv)
    (before,) = (run / "engines").iterdir()
    other = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "other", "--from", run)
    os.replace(other / "weights" / "best.safetensors", run / "weights" / "best.safetensors")
    cli(*argv)
    (after,) = (run / "engines").iterdir()
    assert before != after


def test_the_engine_needs_no_torch(trained: Trained, corpus_folder: Path, cli: Cli) -> None:
    run, sources = trained("transformer-tiny"), corpus_folder / "sources.txt"
    argv = ["translate", str(run), "--engine", "ctranslate2", "--input", str(sources)]
    expected = cli(*argv)
    code = (
        f"import sys; from seqloom.cli import main; status = main({argv!r}); "
        "assert not {'torch', 'transformers'} & set(sys.modules); sys.exit(status)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout == expected


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--alignments",), "--alignments"),
        (("--device", "mps"), "device mps"),
        (("--engine", "ctranslate3"), "ctranslate2"),
    ],
)
def test_what_the_engine_cannot_do_is_refused(options: tuple[str, ...], told: str, trained: Trained, cli: Cli) -> None:
    assert told in cli("translate", trained("transformer-tiny"), "--engine", "ctranslate2", *options, status=2)


def test_other_architectures_and_ensembles_are_refused(trained: Trained, cli: Cli) -> None:
    message = cli("translate", trained("rnn-tiny"), "--engine", "ctranslate2", status=2)
    assert "model.architecture is rnn; accepted: transformer, transformer-lm" in message
    run = trained("transformer-tiny")
    assert "ensemble" in cli("translate", run, run, "--engine", "ctranslate2", status=2)
    with pytest.raises(ConfigError, match="ensemble"):
        seqloom.load(run, run, device="cpu").generator(engine="ctranslate2")
    with pytest.raises(ConfigError, match="method is sample"):
        seqloom.load(run, device="cpu").generator(engine="ctranslate2", method="sample")
    with pytest.raises(ConfigError, match="the engines are seqloom, ctranslate2"):
        seqloom.load(run, device="cpu").generator(engine="onnx")


def test_without_the_package_one_message(trained: Trained, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    message = cli("translate", trained("transformer-tiny"), "--engine", "ctranslate2", status=2)
    assert "pip install 'seqloom[ctranslate2]'" in message
