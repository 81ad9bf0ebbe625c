"""`python -m benchmarks.lm_quality`: trains the arms of lm_quality.yaml on tinyshakespeare, and writes their losses and a table.

    python -m benchmarks.lm_quality --data-dir ../data transformer-lm-tiny-5000      # some arms
    python -m benchmarks.lm_quality --table                                          # only the table, from the results

The first 90% of the text are trained on. Weights and settings are chosen on the first half of the last 10% (`val`). Its second half
(`test`) and the whole last 10% are reported. Losses are nats a character. "Sliding" windows overlap by half, as `seqloom evaluate`
reads a text, so each character has at least 128 characters of context. Windows "apart" do not overlap, as in nanoGPT's estimate. An
unfinished run is continued.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

import seqloom
from benchmarks.marked import rewrite
from seqloom import machine
from seqloom.corpus.corpus import Document
from seqloom.metrics import find_metric
from seqloom.metrics.likelihood import likelihood_statistics
from seqloom.metrics.significance import compare
from seqloom.tasks.passages import passages_of, score_passages

HERE = Path(__file__).parent
STUDY, RESULTS, PAGE = HERE / "lm_quality.yaml", HERE / "results" / "lm-quality.json", HERE / "README.md"
CHARACTERS = ("tokenizer.kind=characters", "tokenizer.min_frequency=1")
_FILE = Path("tinyshakespeare") / "input.txt"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lm_quality", description=__doc__)
    parser.add_argument("arms", nargs="*", help="names of arms in lm_quality.yaml (default: all without a result)")
    parser.add_argument("--data-dir", type=Path, help="the folder that holds tinyshakespeare/input.txt")
    parser.add_argument("--threads", type=int, help="processor threads (default: one per core)")
    parser.add_argument("--runs", type=Path, default=Path("runs/lm-quality"), help="folder of the runs")
    parser.add_argument("--table", action="store_true", help="only write the table from the results")
    arguments = parser.parse_args()
    if not arguments.table:
        if arguments.data_dir is None:
            parser.error("name the folder of the data, by --data-dir")
        study = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
        for name, arm in study["arms"].items():
            if name in read_results() or (arguments.arms and name not in arguments.arms):
                continue
            changes = [*(study["shared"] if arm.get("screening") else ()), *arm.get("changes", ())]
            folder = arguments.runs / name
            train(arm, changes, folder, arguments.data_dir, arguments.threads)
            result = {**arm, "changes": changes, **measure(folder, arguments.data_dir / _FILE)}
            if arm.get("with_ngram"):
                result["with_ngram"] = with_ngram(folder, arguments.runs / "ngram", arguments.data_dir)
            # Another process may have added results in the meantime.
            results = read_results() | {name: result}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    rewrite(PAGE, "lm quality", table(read_results()))
    return 0


def read_results() -> dict[str, Any]:
    """The stored results, by arm."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    return results


def train(arm: dict[str, Any], changes: list[str], folder: Path, data_dir: Path, threads: int | None) -> None:
    """Trains an arm, or continues it; does nothing if it is finished."""
    command = [sys.executable, "-m", "seqloom", "train", "--out", str(folder)]
    command += ["--threads", str(threads)] if threads else []
    if (folder / "checkpoint.json").is_file():
        command.append("--resume")
    else:
        command += [arm["recipe"], "--data", "tinyshakespeare", "--data-dir", str(data_dir)]
        command += ["--steps", str(arm["steps"]), "--set", *CHARACTERS, *changes]
    if subprocess.run(command).returncode:
        raise SystemExit(f"{folder.name}: training failed or was stopped; the same command continues it")


def measure(folder: Path, text: Path) -> dict[str, Any]:
    """The losses of a finished run."""
    run = seqloom.load(folder, device="cpu", threads=1)
    result = run.info.finished
    held_out = text.read_text(encoding="utf-8")
    held_out = held_out[int(0.9 * len(held_out)) :]
    half = len(held_out) // 2
    curve = [(point.step, round(point.train_loss or math.nan, 4), round(point.val_loss, 4)) for point in result.curve]
    losses = {"sliding": log_probs(run, held_out, stride=128), "apart": log_probs(run, held_out, stride=256)}
    return {
        "parameters": run.info.parameters,
        "tokens": result.tokens,
        "train_seconds": result.train_seconds,
        "tokens_per_second": result.tokens_per_second,
        "other_cores": result.other_cores,
        "best": result.best,
        "curve": curve,
        "losses": {
            how: {
                "val": round(-float(values[:half].mean()), 4),
                "test": round(-float(values[half:].mean()), 4),
                "whole": round(-float(values.mean()), 4),
            }
            for how, values in losses.items()
        },
        "machine": machine.describe_machine(torch.device("cpu")) | {"threads": run.info.environment.threads},
    }


def with_ngram(folder: Path, ngram: Path, data_dir: Path) -> dict[str, Any]:
    """The test loss of a run, of the n-gram model and of both together, and paired intervals of the differences.

    The weights of the mixture are those that predict `val` best. Intervals are over passages of about 500 characters (bootstrap).
    """
    if not (ngram / "run.json").is_file():
        command = [sys.executable, "-m", "seqloom", "train", "ngram", "--data", "tinyshakespeare"]
        subprocess.run([*command, "--data-dir", str(data_dir), "--out", str(ngram)], check=True)
    runs = {
        "run": seqloom.load(folder, device="cpu", threads=1),
        "ngram": seqloom.load(ngram, device="cpu", threads=1),
        "both": seqloom.load(folder, ngram, device="cpu", threads=1, weights="tune"),
    }
    (test,) = runs["run"].open_corpus().tests.values()
    passages = list(passages_of(test.documents()))
    stats = {}
    for name, run in runs.items():
        window = 1 << 16 if name == "ngram" else 256
        sums = [sum(row) for row in score_passages(run.model, run.tokenizer, passages, window=window)]
        lengths = [len(passage.tgt) for passage in passages]
        stats[name] = likelihood_statistics(sums, lengths, [len(passage.tgt.encode()) for passage in passages], lengths)
    metric = find_metric("bits_per_character")
    # Losses in nats, as in the other columns.
    results: dict[str, Any] = {name: round(-float(row[:, 0].sum() / row[:, 3].sum()), 4) for name, row in stats.items()}
    for name in ("run", "ngram"):
        difference = compare(metric, [stats["both"]], [stats[name]])
        interval = [value * math.log(2) for value in (difference.difference, difference.low, difference.high)]
        results[f"both_minus_{name}"] = [round(value, 4) for value in interval]
    return results


def log_probs(run: seqloom.Run, text: str, *, stride: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """The log-probability of each character of a text."""
    passages = list(passages_of([Document(text)]))
    scored = score_passages(run.model, run.tokenizer, passages, window=256, stride=stride)
    values = np.concatenate([np.array(row) for row in scored])
    assert len(values) == len(text)
    return values


def table(results: dict[str, Any]) -> str:
    """A row for each arm."""
    study = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    lines = [
        f"Screening arms also use {', '.join(f'`{change}`' for change in study['shared'])}. All arms use "
        f"{', '.join(f'`{change}`' for change in CHARACTERS)}. Losses are nats a character, in windows that overlap by half; in "
        "brackets without overlap.",
        "",
        "| arm | recipe and its changes | parameters | updates | training loss since the last validation "
        "| val | test | whole last 10% |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, result in results.items():
        own = [change for change in result["changes"] if change not in study["shared"]]
        changed = f"{result['recipe']}: {' '.join(f'`{change}`' for change in own)}" if own else result["recipe"]
        losses = [f"{result['losses']['sliding'][part]:.4f}" for part in ("val", "test", "whole")]
        lines.append(
            f"| {name} | {changed} | {result['parameters']:,} | {result['steps']:,} | {result['curve'][-1][1]:.3f} "
            f"| {losses[0]} | {losses[1]} | {losses[2]} ({result['losses']['apart']['whole']:.4f}) |"
        )
    for name, result in results.items():
        if "with_ngram" in result:
            found = result["with_ngram"]
            differences = [
                f"{value:+.4f} [{low:+.4f}, {high:+.4f}] from {other}"
                for other, (value, low, high) in (
                    ("the run alone", found["both_minus_run"]),
                    ("the n-gram model alone", found["both_minus_ngram"]),
                )
            ]
            lines += [
                "",
                f"{name} and the n-gram model together, with weights tuned on val: {found['both']:.4f} nats a character on test, "
                f"{' and '.join(differences)} ({found['run']:.4f} and {found['ngram']:.4f}; paired bootstrap over passages, 95%).",
            ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
