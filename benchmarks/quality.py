"""`python -m benchmarks.quality`: trains the arms of quality.yaml, keeps what they reach, and writes their table.

Every arm is a named recipe with changes, a seed and a budget in target tokens, so that the study means the same on a busy machine
and on an idle one; the time it took is kept beside it. Arms that stand in the results already are left alone, so the study may be
interrupted and goes on where it was. Everything is chosen on validation data; the test split is read only for arms that ask for it.
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
    parser.add_argument("arms", nargs="*", help="names of arms in quality.yaml; by default all that have no result yet")
    parser.add_argument("--threads", type=int, help="processor threads (default: one a core)")
    parser.add_argument("--runs", type=Path, default=Path("runs/quality"), help="where the runs are kept")
    parser.add_argument("--table", action="store_true", help="only write the table from the results")
    arguments = parser.parse_args()
    if not arguments.table:
        found = read_results()
        for name, arm in yaml.safe_load(STUDY.read_text()).items():
            for seed in arm.get("seeds", [0]):
                key = f"{name}/{seed}"
                if key in found or (arguments.arms and name not in arguments.arms):
                    continue
                result = measure(arm, seed, arguments.runs / f"{name}-{seed}", arguments.threads)
                # Another process may have written meanwhile.
                found = read_results() | {key: result}
                RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    rewrite(PAGE, "quality", table(json.loads(RESULTS.read_text())))
    return 0


def read_results() -> dict[str, Any]:
    """What has been measured so far."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    return found


def measure(arm: dict[str, Any], seed: int, folder: Path, threads: int | None) -> dict[str, Any]:
    """Trains an arm with one seed, or goes on with it, and scores it.

    An arm of several members trains so many runs beside each other, which share the threads, and scores their ensemble; the seeds
    of its members are those of no other ensemble of the arm.
    """
    count = arm.get("members", 1)
    folders = [folder] if count == 1 else [folder / str(member) for member in range(count)]
    threads = machine.set_threads(threads)
    if threads < count:
        raise SystemExit(f"{folder.name}: {count} members need a thread each, and there are {threads}")
    begun = any((one / "checkpoint.json").is_file() for one in folders)
    started = time.perf_counter()
    members = [train_process(arm, count * seed + number, one, threads // count) for number, one in enumerate(folders)]
    codes = [member.wait() for member in members]
    if any(codes):
        raise SystemExit(f"{folder.name}: training did not come to its end; the same command goes on with it")
    # From the text to the finished runs: tokenizer, encoding and validations count. What was gone on with has no such time.
    wall = {} if begun else {"wall_seconds": round(time.perf_counter() - started, 1)}
    infos = [seqloom.load(one).info for one in folders]
    results = [one.finished for one in infos]
    run = seqloom.load(*folders)
    corpus = open_corpus(CORPUS)
    val = list(corpus.val.pairs())
    curves = [[round(point.val_loss, 4) for point in result.curve] for result in results]
    return {
        **arm,
        "seed": seed,
        "parameters": sum(one.parameters for one in infos),
        "steps": sum(result.steps for result in results),
        "tokens": sum(result.tokens for result in results),
        "train_seconds": max(result.train_seconds for result in results),
        **wall,
        "tokens_per_second": round(sum(result.tokens_per_second for result in results), 1),
        "val_loss": curves[0] if count == 1 else curves,
        "val_bleu": {str(beam): bleu(run, val, beam) for beam in (1, BEAM)},
        "val_nats_per_sentence": round(-math.fsum(one.log_prob for one in run.score(val)) / len(val), 3),
        **({"test_bleu": bleu(run, list(corpus.tests["test"].pairs()), BEAM)} if arm.get("test") else {}),
        "machine": machine.describe_machine(torch.device("cpu")),
    }


def train_process(arm: dict[str, Any], seed: int, folder: Path, threads: int) -> subprocess.Popen[bytes]:
    """A process that trains a run, or goes on with it."""
    command = [sys.executable, "-m", "seqloom", "train", "--out", str(folder), "--threads", str(threads)]
    if (folder / "checkpoint.json").is_file():
        command.append("--resume")
    else:
        budget = next(name for name in ("tokens", "minutes") if name in arm)
        command += [arm["recipe"], "--data", CORPUS.data, f"--{budget}", str(arm[budget]), "--seed", str(seed)]
        command += ["--set", *arm["changes"]] if arm.get("changes") else []
    return subprocess.Popen(command)


def bleu(run: seqloom.Run, pairs: list[SentencePair], beam: int) -> float:
    """BLEU over the tokens of the corpus, in percent."""
    outputs = [generation.text for generation in run.translate([pair.src for pair in pairs], beam=beam)]
    return round(score(METRIC, outputs, [pair.tgt for pair in pairs]).value, 2)


def table(results: dict[str, dict[str, Any]]) -> str:
    """The arms in the order of the study, a row each; what all of them change is said once."""
    changed = [set(one["changes"]) for one in results.values() if one["recipe"].endswith("-tiny")]
    common = set.intersection(*changed) if changed else set()
    lines = [
        f"All runs of tiny recipes also use {', '.join(f'`{change}`' for change in sorted(common))}.",
        "",
        "| arm | recipe and what else it changes | seed | target tokens | from text to model "
        "| BLEU, val, beam 5 | greedy | nats a sentence, val | BLEU, test |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for key, one in results.items():
        own = [change for change in one.get("changes", []) if change not in common]
        recipe = f"{one['members']} runs of {one['recipe']}:" if "members" in one else f"{one['recipe']}:"
        cells = [
            key.partition("/")[0],
            " ".join([recipe, *(f"`{change}`" for change in own)]),
            str(one["seed"]),
            f"{one['tokens']:,}",
            f"{one['wall_seconds'] / 60:.1f} min" if "wall_seconds" in one else "",
            f"{one['val_bleu'][str(BEAM)]:.1f}",
            f"{one['val_bleu']['1']:.1f}",
            f"{one['val_nats_per_sentence']:.2f}",
            f"{one['test_bleu']:.2f}" if "test_bleu" in one else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
