"""Measures how fast language models train on a CPU: seqloom, nanoGPT's own train.py and transformers' GPT-2, by turns.

    python -m benchmarks.lm_training --text input.txt --out benchmarks/results/lm-training.json --page benchmarks/README.md
    python -m benchmarks.lm_training --nanogpt ../nanoGPT --text input.txt          # a checkout that exists already

Characters of tinyshakespeare, the same shape (GPT-2, without biases where a program allows that), AdamW, fp32, no dropout, the same
number of tokens in each update. Without --nanogpt the script clones nanoGPT at a fixed revision below .bench/. Each program is a
process that is stopped while another one has its turn.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.environments import FOLDER
from benchmarks.marked import rewrite
from benchmarks.programs import DRIVERS, Command
from benchmarks.turns import ProgramError, TimedProgram
from seqloom import machine

REPOSITORY, REVISION = "https://github.com/karpathy/nanoGPT", "3adf61e154c3fe3fca428ad6bc3818b27a3b8291"
_ENDLESS_STEPS = 1_000_000
_WARM_STEPS = 4
_SEED = 1


@dataclass(frozen=True)
class Shape:
    """A GPT-2 and its batches.

    Attributes:
        rows: windows in a batch.
        window: tokens of a window.
    """

    name: str
    layers: int
    width: int
    heads: int
    rows: int
    window: int


SHAPES = (
    Shape("nanoGPT's configuration for CPUs", layers=4, width=128, heads=4, rows=12, window=64),
    Shape("windows of 256", layers=6, width=128, heads=4, rows=8, window=256),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, help="input.txt of tinyshakespeare; without it only the page is written")
    parser.add_argument("--nanogpt", type=Path, help="a checkout of nanoGPT")
    parser.add_argument("--threads", type=int, default=machine.available_cores())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="seconds of a turn (default: 6)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "lm-training.json")
    parser.add_argument("--page", type=Path, help="a page to write the table into")
    arguments = parser.parse_args()
    if arguments.text is not None:
        results = measure(arguments)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if arguments.page is not None:
        rewrite(arguments.page, "lm training", table(json.loads(arguments.out.read_text(encoding="utf-8"))))
    return 0


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All results."""
    folder = FOLDER / "lm-training"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nanogpt = prepare(arguments.nanogpt, arguments.text, folder)
    results = {shape.name: measure_shape(shape, nanogpt, folder, arguments) for shape in SHAPES}
    return {
        "revision": REVISION,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "load": round(os.getloadavg()[0], 1),
        "shapes": results,
        "machine": machine.describe_machine(torch.device("cpu")) | {"threads": str(arguments.threads)},
    }


def prepare(nanogpt: Path | None, text: Path, folder: Path) -> Path:
    """A copy of nanoGPT in which its own script has encoded the text."""
    copy = folder / "nanogpt"
    if nanogpt is None:
        subprocess.run(["git", "clone", "--quiet", REPOSITORY, str(copy)], check=True)
        subprocess.run(["git", "-C", str(copy), "checkout", "--quiet", REVISION], check=True)
    else:
        shutil.copytree(nanogpt, copy)
    data = copy / "data" / "shakespeare_char"
    shutil.copyfile(text, data / "input.txt")
    subprocess.run([sys.executable, "prepare.py"], cwd=data, check=True, stdout=subprocess.DEVNULL)
    return copy


def measure_shape(shape: Shape, nanogpt: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second of all programs on one shape; seqloom has a turn before each other one."""
    commands = {
        "seqloom": ours(shape, arguments.text, folder / f"{shape.window}-seqloom", arguments.threads),
        "nanoGPT's train.py": peer(
            "nanogpt_loop", shape, nanogpt, folder / f"{shape.window}-nanogpt", arguments.threads
        ),
        "transformers GPT-2, plain loop": peer(
            "gpt2_loop", shape, nanogpt, folder / f"{shape.window}-gpt2", arguments.threads
        ),
        "transformers GPT-2, tuned": peer(
            "gpt2_loop", shape, nanogpt, folder / f"{shape.window}-gpt2-tuned", arguments.threads, tuned=True
        ),
    }
    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    programs: dict[str, TimedProgram] = {}
    failed: dict[str, str] = {}
    try:
        for name, (command, place) in commands.items():
            programs[name] = TimedProgram(name, command, place)
            try:
                programs[name].start(environment, warm_steps=_WARM_STEPS, patience=180)
            except ProgramError as error:
                failed[name] = str(error)
                programs.pop(name).end()
        first = programs["seqloom"]
        ratios: dict[str, list[float]] = {name: [] for name in programs if name != "seqloom"}
        for _ in range(arguments.rounds):
            for name in ratios:
                own = first.take_turn(arguments.seconds).tokens_per_second
                ratios[name].append(own / programs[name].take_turn(arguments.seconds).tokens_per_second)
    finally:
        for program in programs.values():
            program.end()
    rows = {
        name: {
            "tokens_per_second": round(median(turn.tokens_per_second for turn in program.turns), 1),
            **({"speed_up": [round(value, 2) for value in ratios[name]]} if name in ratios else {}),
        }
        for name, program in programs.items()
    }
    return {**asdict(shape), "programs": rows, "failed": failed}


def ours(shape: Shape, text: Path, place: Path, threads: int) -> tuple[Command, Path]:
    """`seqloom train gpt2-tiny` with the sizes of the shape."""
    place.mkdir(parents=True)
    run = place / "run"
    changes = {
        "tokenizer.kind": "characters",
        "tokenizer.min_frequency": 1,
        "model.num_layers": shape.layers,
        "model.d_model": shape.width,
        "model.d_ff": 4 * shape.width,
        "model.num_heads": shape.heads,
        "model.bias": "false",
        "model.dropout": 0,
        "training.window": shape.window,
        "training.batch_tokens": shape.rows * shape.window,
        "training.optimizer": "adamw",
        "training.learning_rate": 0.001,
        "training.validations": 1,
    }
    words = [sys.executable, "-m", "seqloom", "train", "gpt2-tiny", "--data", str(text.resolve()), "--kind", "text"]
    words += [
        "--steps",
        str(_ENDLESS_STEPS),
        "--threads",
        str(threads),
        "--seed",
        str(_SEED),
        "--quiet",
        "--out",
        str(run),
    ]
    words += ["--set", *(f"{name}={value}" for name, value in changes.items())]
    # A line of progress.txt is the share of the budget before an update.
    return Command(words, run / "progress.txt", scale=_ENDLESS_STEPS * shape.rows * shape.window), place


def peer(
    driver: str, shape: Shape, nanogpt: Path, place: Path, threads: int, *, tuned: bool = False
) -> tuple[Command, Path]:
    """The driver of another program, and its job."""
    place.mkdir(parents=True)
    job = {
        **asdict(shape),
        "log": str(place / "steps.log"),
        "out": str(place / "out"),
        "nanogpt": str(nanogpt),
        "ids": str(nanogpt / "data" / "shakespeare_char" / "train.bin"),
        "vocab_size": 65,
        "learning_rate": 0.001,
        "threads": threads,
        "seed": _SEED,
        "tuned": tuned,
    }
    (place / "job.json").write_text(json.dumps(job, indent=1))
    return Command([sys.executable, str(DRIVERS / f"{driver}.py"), str(place / "job.json")], place / "steps.log"), place


def table(results: dict[str, Any]) -> str:
    """A table for each shape, as Markdown."""
    parts = []
    for shape in results["shapes"].values():
        parts += [
            f"**{shape['name']}: {shape['layers']} layers of {shape['width']}, batches of {shape['rows']} windows of "
            f"{shape['window']} characters**",
            "",
            "|  | tokens/s | seqloom is so many times as fast |",
            "| --- | ---: | ---: |",
        ]
        for name, row in shape["programs"].items():
            ratios = row.get("speed_up")
            shown = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
            label = f"**{name}**" if name == "seqloom" else name
            parts.append(f"| {label} | {row['tokens_per_second']:,.0f} | {shown} |")
        parts += [f"| {name} | not measured: {reason[:200]} |  |" for name, reason in shape["failed"].items()]
        parts.append("")
    environment = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    parts.append(
        f"Medians of {results['rounds']} rounds of {results['seconds']:g} s, nanoGPT at {results['revision'][:8]}; the load of "
        f"the machine was {results['load']:g}. Measured on: {environment}."
    )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
