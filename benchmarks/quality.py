"""`python -m benchmarks.quality`: trains the arms of quality.yaml, stores their scores, and writes their table.

An arm is a recipe with changes, a seed and a budget. A budget in target tokens gives the same result on a busy and on an idle
machine; the elapsed time is stored too. Arms that have a result are skipped, so an interrupted study continues where it was.
Settings are chosen on validation data; the test split is scored only for arms with `test: true`.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml

import seqloom
from benchmarks.marked import rewrite
from seqloom import machine
from seqloom.corpus import CorpusSettings, SentencePair, open_corpus
from seqloom.metrics import score

HERE = Path(__file__).parent
STUDY, RESULTS, PAGE = HERE / "quality.yaml", HERE / "results" / "quality.json", HERE / "README.md"
CORPUS = CorpusSettings(data="multi30k-lc-norm-tok")
METRIC = "bleu_tokenised"
BEAM = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("arms", nargs="*", help="names of arms in quality.yaml (default: all without a result)")
    parser.add_argument("--threads", type=int, help="processor threads (default: one per core)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/quality"), help="folder of the runs (default: runs/quality)"
    )
    parser.add_argument("--table", action="store_true", help="only write the table from the results")
    arguments = parser.parse_args()
    if not arguments.table:
        results = read_results()
        for name, arm in yaml.safe_load(STUDY.read_text()).items():
            for seed in arm.get("seeds", [0]):
                key = f"{name}/{seed}"
                if key in results or (arguments.arms and name not in arguments.arms):
                    continue
                result = measure(arm, seed, arguments.runs / f"{name}-{seed}", arguments.threads)
                # Another process may have added results in the meantime.
                results = read_results() | {key: result}
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    rewrite(PAGE, "quality", table(json.loads(RESULTS.read_text())))
    return 0


def read_results() -> dict[str, Any]:
    """The stored results, by arm and seed."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    return results


def measure(arm: dict[str, Any], seed: int, folder: Path, threads: int | None) -> dict[str, Any]:
    """Trains or resumes an arm with a seed, and scores it.

    An arm with several members trains as many runs at the same time, which share the threads, and scores their ensemble. Each
    member has a seed that no other ensemble of the arm uses.
    """
    count = arm.get("members", 1)
    folders = [folder] if count == 1 else [folder / str(member) for member in range(count)]
    threads = machine.set_threads(threads)
    if threads < count:
        raise SystemExit(f"{folder.name}: {count} members need a thread each, and there are {threads}")
    begun = any((path / "checkpoint.json").is_file() for path in folders)
    started = time.perf_counter()
    members = [train_process(arm, count * seed + number, path, threads // count) for number, path in enumerate(folders)]
    codes = [member.wait() for member in members]
    if any(codes):
        raise SystemExit(f"{folder.name}: training failed or was stopped; the same command resumes it")
    # From the text to the finished runs, with tokenizer, encoding and validations. A resumed run has no such time.
    wall = {} if begun else {"wall_seconds": round(time.perf_counter() - started, 1)}
    infos = [seqloom.load(path).info for path in folders]
    results = [info.finished for info in infos]
    run = seqloom.load(*folders)
    corpus = open_corpus(CORPUS)
    val = list(corpus.val.pairs())
    curves = [[round(point.val_loss, 4) for point in result.curve] for result in results]
    return {
        **arm,
        "seed": seed,
        "parameters": sum(info.parameters for info in infos),
        "steps": sum(result.steps for result in results),
        "tokens": sum(result.tokens for result in results),
        "train_seconds": max(result.train_seconds for result in results),
        **wall,
        "tokens_per_second": round(sum(result.tokens_per_second for result in results), 1),
        "val_loss": curves[0] if count == 1 else curves,
        "val_bleu": {str(beam): bleu(run, val, beam) for beam in (1, BEAM)},
        "val_nats_per_sentence": round(-math.fsum(target.log_prob for target in run.score(val)) / len(val), 3),
        **({"test_bleu": bleu(run, list(corpus.tests["test"].pairs()), BEAM)} if arm.get("test") else {}),
        "machine": machine.describe_machine(torch.device("cpu")),
    }


def train_process(arm: dict[str, Any], seed: int, folder: Path, threads: int) -> subprocess.Popen[bytes]:
    """Starts a process that trains a run, or resumes it if it has a checkpoint."""
    command = [sys.executable, "-m", "seqloom", "train", "--out", str(folder), "--threads", str(threads)]
    if (folder / "checkpoint.json").is_file():
        command.append("--resume")
    else:
        budget = next(name for name in ("tokens", "minutes") if name in arm)
        command += [arm["recipe"], "--data", CORPUS.data, f"--{budget}", str(arm[budget]), "--seed", str(seed)]
        command += ["--set", *arm["changes"]] if arm.get("changes") else []
    return subprocess.Popen(command)


def bleu(run: seqloom.Run, pairs: list[SentencePair], beam: int) -> float:
    """BLEU over the tokens of the corpus (0 to 100)."""
    outputs = [generation.text for generation in run.translate([pair.src for pair in pairs], beam=beam)]
    return round(score(METRIC, outputs, [pair.tgt for pair in pairs]).value, 2)


def table(results: dict[str, dict[str, Any]]) -> str:
    """A row for each run, in the order of the study. Changes that all tiny recipes share are in the line above the table."""
    changed = [set(result["changes"]) for result in results.values() if result["recipe"].endswith("-tiny")]
    common = set.intersection(*changed) if changed else set()
    lines = [
        f"All runs of tiny recipes also use {', '.join(f'`{change}`' for change in sorted(common))}.",
        "",
        "| arm | recipe and what else it changes | seed | target tokens | from text to model "
        "| BLEU, val, beam 5 | greedy | nats a sentence, val | BLEU, test |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for key, result in results.items():
        own = [change for change in result.get("changes", []) if change not in common]
        recipe = f"{result['members']} runs of {result['recipe']}:" if "members" in result else f"{result['recipe']}:"
        cells = [
            key.partition("/")[0],
            " ".join([recipe, *(f"`{change}`" for change in own)]),
            str(result["seed"]),
            f"{result['tokens']:,}",
            f"{result['wall_seconds'] / 60:.1f} min" if "wall_seconds" in result else "",
            f"{result['val_bleu'][str(BEAM)]:.1f}",
            f"{result['val_bleu']['1']:.1f}",
            f"{result['val_nats_per_sentence']:.2f}",
            f"{result['test_bleu']:.2f}" if "test_bleu" in result else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
