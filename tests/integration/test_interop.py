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
from seqloom.interop.ctranslate2_engine import CTranslate2Engine
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
                assert one.score == pytest.approx(own.score, rel=0.1)


def test_a_batch_changes_no_output(trained: Trained, corpus_folder: Path) -> None:
    run = seqloom.load(trained("transformer-tiny"), device="cpu", threads=1)
    texts = [*(corpus_folder / "sources.txt").read_text().splitlines(), *STRANGE]
    engine = run.generator(engine="ctranslate2", max_len_ratio=0.5, max_len_offset=1)
    assert outputs(engine, texts) == [found for text in texts for found in outputs(engine, [text])]


def test_one_model_serves_several_settings(trained: Trained, corpus_folder: Path) -> None:
    run = seqloom.load(trained("transformer-tiny"), device="cpu", threads=1)
    texts = (corpus_folder / "sources.txt").read_text().splitlines()
    engine = run.generator(engine="ctranslate2", beam=1)
    assert isinstance(engine, CTranslate2Engine)
    other = engine.with_decoding({"beam": 3, "nbest": 2, "max_len_offset": 1})
    assert outputs(other, texts) == outputs(
        run.generator(engine="ctranslate2", beam=3, nbest=2, max_len_offset=1), texts
    )
    assert outputs(engine, texts) == outputs(run.generator(engine="ctranslate2", beam=1), texts)


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


def export(cli: Cli, run: Path, out: Path, *options: object, to: str = "ctranslate2") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("export", run, "--to", to, "--out", out, "--json", *options))
    return found


@pytest.mark.parametrize("recipe", ["transformer-tiny", "transformer-lm-tiny"])
def test_an_export_is_what_was_trained(
    recipe: str, trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    run, out = trained(recipe), tmp_path / "new" / "out"
    report = export(cli, run, out, "--sentences", 20)
    assert report["notes"] == []
    parity = report["parity"]
    assert parity["measured"]
    assert parity["forced"]["max_difference"] < 1e-3
    assert parity["forced"]["max_token_difference"] < 1e-4
    greedy, beam = parity["searches"]
    assert (greedy["beam"], greedy["identical"], greedy["token_agreement"]) == (1, 1.0, 1.0)
    assert greedy["bleu"]["difference"] == 0
    assert "nrefs:1" in greedy["bleu"]["signature"]
    assert beam["words"]
    kept = {name: value for name, value in report.items() if name != "out"}
    assert json.loads((out / "parity.json").read_text()) == kept
    assert "## Parity" in (out / "README.md").read_text()
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    sources = corpus_folder / "sources.txt"
    argv = ("--engine", "ctranslate2", "--input", sources, "--nbest", 2)
    assert cli("translate", out, *argv) == cli("translate", run, *argv)


@pytest.mark.parametrize(
    ("recipe", "changes", "layout"),
    [
        ("transformer-tiny", (), "PegasusForConditionalGeneration"),
        ("transformer-tiny", ("model.norm_place=post",), "MarianMTModel"),
        ("transformer-lm-tiny", (), "Qwen3ForCausalLM"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_transformers_opens_an_export_and_writes_our_output(
    recipe: str, changes: tuple[str, ...], layout: str, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    made = ("--set", *changes) if changes else ()
    run = train(corpus_folder / "pairs.tsv", recipe, tmp_path / "run", "--steps", 40, *made)
    out = tmp_path / "out"
    report = export(cli, run, out, "--sentences", 6, to="huggingface")
    assert report["layout"] == layout
    assert report["parity"]["forced"]["max_token_difference"] < 1e-4
    greedy = report["parity"]["searches"][0]
    assert (greedy["identical"], greedy["token_agreement"]) == (1.0, 1.0)

    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    decoder_only = "lm" in recipe
    auto = transformers.AutoModelForCausalLM if decoder_only else transformers.AutoModelForSeq2SeqLM
    model = auto.from_pretrained(out)
    generator = seqloom.load(run, device="cpu").generator(beam=1, max_len_ratio=0.0, max_len_offset=12)
    for text in ["rot Hund", "klein Haus ☃", "Katze </s> Baum"]:
        inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        (row,) = model.generate(**inputs, num_beams=1, early_stopping=None, length_penalty=None, max_new_tokens=12)
        found = tokenizer.decode(row[inputs["input_ids"].shape[1] if decoder_only else 1 :], skip_special_tokens=True)
        (ours,) = generator.generate([text])
        assert found.strip() == ours.text.strip()


def test_what_transformers_cannot_express_is_refused(
    trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    new = tmp_path / "new"
    other = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run", "--set", "model.positions=rotary")
    message = cli("export", other, "--to", "huggingface", "--out", new, status=2)
    assert "model.positions is rotary; accepted: with norm_place pre, sinusoidal" in message
    message = cli(
        "export", trained("transformer-tiny"), "--to", "huggingface", "--out", new, "--quantization", "int8", status=2
    )
    assert "huggingface accepts none, float16, bfloat16" in message
    assert not new.exists()


def test_without_transformers_one_message(
    trained: Trained, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    message = cli("export", trained("transformer-tiny"), "--to", "huggingface", "--out", tmp_path / "new", status=2)
    assert "pip install 'seqloom[huggingface]'" in message


def test_parity_on_a_file(trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path) -> None:
    options = ("--input", corpus_folder / "sources.txt", "--sentences", 5, "--beam", 2)
    parity = export(cli, trained("transformer-tiny"), tmp_path / "a", *options)["parity"]
    assert parity["sentences"] == parity["forced"]["sentences"] == 5
    assert [search["bleu"] for search in parity["searches"]] == [None, None]
    assert [search["beam"] for search in parity["searches"]] == [1, 2]
    assert parity["forced"]["of"] == "the greedy outputs of seqloom"
    options = (*options, "--ref", corpus_folder / "references.txt", "--quantization", "int8")
    report = export(cli, trained("transformer-tiny"), tmp_path / "b", *options)
    assert report["quantization"] == "int8"
    assert report["parity"]["searches"][0]["bleu"] is not None
    sizes = [(tmp_path / name / "model.bin").stat().st_size for name in ("a", "b")]
    assert sizes[1] < sizes[0]


def test_a_language_model_of_text_is_compared_by_its_scores(cli: Cli, corpus_folder: Path, tmp_path: Path) -> None:
    run = train(corpus_folder / "text.txt", "transformer-lm-tiny", tmp_path / "lm", "--kind", "text")
    parity = export(cli, run, tmp_path / "out", "--sentences", 3)["parity"]
    assert parity["searches"] == []
    assert parity["forced"]["max_token_difference"] < 1e-4


def test_parity_may_be_left_out_or_impossible(trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path) -> None:
    run = trained("transformer-tiny")
    report = export(cli, run, tmp_path / "a", "--sentences", 0)
    assert not report["parity"]["measured"]
    assert "not measured" in report["notes"][0]
    moved = tmp_path / "moved"
    subprocess.run(["cp", "-r", str(run), str(moved)], check=True)
    recipe = (moved / "recipe.yaml").read_text().replace(str(corpus_folder), str(tmp_path / "nowhere"))
    (moved / "recipe.yaml").write_text(recipe)
    report = export(cli, moved, tmp_path / "b")
    assert not report["parity"]["measured"]
    assert "nowhere" in report["notes"][0]
    assert (tmp_path / "b" / "model.bin").is_file()


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(
    trained: Trained, corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    run, out = trained("transformer-tiny"), tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("")
    message = cli("export", run, "--to", "ctranslate2", "--out", out, status=2)
    assert "not empty" in message
    new = tmp_path / "new"
    assert "model.architecture is rnn" in cli(
        "export", trained("rnn-tiny"), "--to", "ctranslate2", "--out", new, status=2
    )
    message = cli("export", run, "--to", "ctranslate2", "--quantization", "int7", "--out", new, status=2)
    assert "int8" in message
    alibi = ("--set", "model.positions=alibi", "model.qk_norm=true")
    other = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run", *alibi)
    message = cli("export", other, "--to", "ctranslate2", "--out", new, status=2)
    assert "model.positions is alibi; accepted: sinusoidal" in message
    assert "model.qk_norm is true; accepted: false" in message
    assert "--ref" in cli("export", run, "--to", "ctranslate2", "--out", new, "--ref", out / "mine", status=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_another_programs_folder_is_not_opened(trained: Trained, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(cli, trained("transformer-tiny"), out, "--sentences", 0)
    manifest = json.loads((out / "seqloom" / "engine.json").read_text())
    (out / "seqloom" / "engine.json").write_text(json.dumps(manifest | {"target": "huggingface"}))
    assert "--to ctranslate2" in cli("translate", out, "--engine", "ctranslate2", status=2)
    (out / "seqloom" / "engine.json").write_text(json.dumps(manifest | {"format": 99}))
    assert "format 99" in cli("translate", out, "--engine", "ctranslate2", status=2)
    (out / "seqloom" / "engine.json").write_text("{")
    assert "damaged" in cli("translate", out, "--engine", "ctranslate2", status=2)
