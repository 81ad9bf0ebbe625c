"""`python -m benchmarks.busy RUN`: what training, decoding and serving reach while other programs use the processor.

Each program is a process that is stopped (SIGSTOP) except while it is measured. In each round it is measured alone, then with one
busy process of equal priority, then with two. The first seconds of a measurement do not count, so that the program can adapt. Plain
torch loops over the same batches are measured in the same way.
"""

import argparse
import asyncio
import dataclasses
import datetime
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from benchmarks.dataset import prepare_dataset
from benchmarks.environments import FOLDER
from benchmarks.marked import rewrite
from benchmarks.programs import Command, Ours, Peer
from benchmarks.serving import Client, body_of, serving
from benchmarks.sizes import LSTM, TINY
from benchmarks.training import WARM_STEPS, process_environment
from benchmarks.turns import ProgramError, TimedProgram
from seqloom import machine

RESULTS = Path(__file__).parent / "results" / "busy.json"
PAGE = Path(__file__).parent / "README.md"
# Translates the lines of a file again and again; writes the number of translated lines to steps.log after each group.
DECODE = """
import itertools, sys
from seqloom import load
run = load(sys.argv[1])
texts = open(sys.argv[2], encoding="utf-8").read().splitlines()
done = 0
with open("steps.log", "a", buffering=1) as log:
    for begin in itertools.cycle(range(0, len(texts) - 128, 128)):
        run.translate(texts[begin : begin + 128])
        done += 128
        log.write(f"{done}\\n")
"""
_LOADS = (0, 1, 2)
_CLIENTS = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "run", type=Path, help="a trained run that translates English to German, for decoding and serving"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="measured seconds of a turn")
    parser.add_argument("--settle", type=float, default=3.0, help="seconds before them that do not count")
    parser.add_argument("--only", nargs="+", metavar="LABEL", help="measure only these programs (labels of the table)")
    parser.add_argument("--as", dest="program", choices=("serve",), help=argparse.SUPPRESS)
    parser.add_argument("--sentences", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.program == "serve":
        return serve(arguments.run, arguments.sentences)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(stderr=True)
    FOLDER.mkdir(exist_ok=True)
    dataset = prepare_dataset(FOLDER / "data")
    threads = machine.available_cores()
    folder = FOLDER / "busy"
    shutil.rmtree(folder, ignore_errors=True)
    timed_programs: list[TimedProgram] = []
    speeds: dict[str, dict[int, list[float]]] = {}
    try:
        for number, (label, make) in enumerate(commands(arguments.run.resolve()).items()):
            if arguments.only and label not in arguments.only:
                continue
            own = folder / str(number)
            own.mkdir(parents=True)
            program = TimedProgram(label, make(dataset.folder, own, threads), own)
            timed_programs.append(program)
            program.start(environment(label, threads), warm_steps=WARM_STEPS, patience=240)
            speeds[label] = {load: [] for load in _LOADS}
        for number, program, load in itertools.product(range(arguments.rounds), timed_programs, _LOADS):
            try:
                with busy_processes(load):
                    program.take_turn(arguments.settle)
                    turn = program.take_turn(arguments.seconds)
            except ProgramError as error:
                # The results of the other programs are kept.
                console.print(f"{program.label}, {load} busy processes: not measured: {error}", markup=False)
                continue
            speeds[program.label][load].append(round(turn.tokens_per_second, 2))
            console.print(f"round {number + 1}, {load} busy processes: {program.label}: {turn.tokens_per_second:,.1f}")
    finally:
        for program in timed_programs:
            program.end()
    result = {
        "measured": datetime.date.today().isoformat(),
        "environment": machine.describe_machine(torch.device("cpu")),
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "programs": {
            label: {str(load): values for load, values in by_load.items()} for label, by_load in speeds.items()
        },
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    rewrite(PAGE, "busy", table(result))
    return 0


def commands(run: Path) -> dict[str, Any]:
    """The measured programs: label -> a function (data, folder, threads) that makes the command."""

    def ours(size: Any) -> Any:
        return lambda data, folder, threads: Ours("seqloom").command(size, data, folder, threads)

    def plain(driver: str, size: Any) -> Any:
        def make(data: Path, folder: Path, threads: int) -> Command:
            command = Peer("plain", driver, "transformers").command(size, data, folder, threads)
            # The plain loops need torch alone, so they run in this environment.
            return dataclasses.replace(command, arguments=[sys.executable, *command.arguments[1:]])

        return make

    def decode(data: Path, folder: Path, threads: int) -> Command:
        return Command([sys.executable, "-c", DECODE, str(run), str(data / "test.text.src")], folder / "steps.log")

    def serve(data: Path, folder: Path, threads: int) -> Command:
        arguments = [sys.executable, "-m", "benchmarks.busy", str(run), "--as", "serve"]
        return Command([*arguments, "--sentences", str(data / "test.text.src")], folder / "steps.log")

    return {
        "seqloom trains, Transformer": ours(TINY),
        "plain torch loop, Transformer": plain("transformer_loop", TINY),
        "seqloom trains, RNN with attention": ours(LSTM),
        "plain torch loop, RNN with attention": plain("lstm_loop", LSTM),
        "seqloom translates, batches": decode,
        "seqloom serves, 8 clients": serve,
    }


def environment(label: str, threads: int) -> dict[str, str]:
    """Environment variables of a process. seqloom chooses its threads itself, as for users; plain loops are given a number."""
    base = process_environment(threads)
    base["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[1])
    if label.startswith("seqloom"):
        base = {name: value for name, value in base.items() if name not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return base


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """While the context lasts, `count` processes of equal priority keep the processor busy."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def serve(folder: Path, sentences: Path) -> int:
    """Runs a server and eight clients until the process is killed; writes the number of answers to steps.log."""
    bodies = [body_of(text, "en", "de") for text in sentences.read_text(encoding="utf-8").splitlines()]

    async def send_requests(port: int) -> None:
        done = itertools.count(1)
        with Path("steps.log").open("a", encoding="utf-8", buffering=1) as log:

            async def work(number: int) -> None:
                client = Client(port)
                for at in itertools.count(number * 7):
                    status, _ = await client.translate(bodies[at % len(bodies)])
                    if status == 200:
                        log.write(f"{next(done)}\n")

            await asyncio.gather(*map(work, range(_CLIENTS)))

    with serving(folder, []) as (port, _):
        asyncio.run(send_requests(port))
    return 0


def table(result: dict[str, Any]) -> str:
    """The table of the page in Markdown: a row for each program, medians, and ratios to the speed alone."""
    lines = [
        "|  | alone | with one busy process | relative to alone | with two | relative to alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for label, speeds_by_load in result["programs"].items():
        if not all(speeds_by_load[str(load)] for load in _LOADS):
            lines.append(f"| {label} | not measured | | | | |")
            continue
        alone, with_one, with_two = (median(speeds_by_load[str(load)]) for load in _LOADS)
        ours = f"**{label}**" if label.startswith("seqloom") else label
        lines.append(
            f"| {ours} | {alone:,.0f} | {with_one:,.0f} | {with_one / alone:.2f} | {with_two:,.0f} | {with_two / alone:.2f} |"
        )
    machine_facts = ", ".join(f"{name} {value}" for name, value in result["environment"].items())
    lines += [
        "",
        f"Target tokens a second in training, sentences a second in decoding and serving; medians of {result['rounds']} turns of "
        f"{result['seconds']:g} s. Measured on {result['measured']}: {machine_facts}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
