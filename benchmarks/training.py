"""Measures training speed: all programs train the same model on the same data, one at a time.

seqloom has a turn before every two other programs. The ratio to a program compares its turn with seqloom's turn just before it, so
that changes of the machine's speed affect both. The results are medians over the rounds, with the least and the largest value.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks.dataset import Dataset
from benchmarks.environments import FOLDER, ROOT
from benchmarks.flops import flops_per_target_token
from benchmarks.programs import BF16, MODEL_BENCHMARKS, ModelBenchmark, Ours, Peer
from benchmarks.turns import ProgramError, TimedProgram, locked
from seqloom import machine

WARM_STEPS = 4
_PEERS_A_TURN = 2


@dataclass(frozen=True)
class Plan:
    """Duration and number of the measurements.

    Attributes:
        seconds: length of a turn.
        patience: seconds that a program may take for its first steps.
        locks: files that are locked while a program runs.
    """

    rounds: int = 3
    seconds: float = 8.0
    patience: float = 180.0
    threads: int = 2
    locks: tuple[Path, ...] = ()


def measure_model(
    benchmark: ModelBenchmark,
    dataset: Dataset,
    plan: Plan,
    peak_gflops: float,
    failures: dict[str, str],
    console: Console,
) -> dict[str, Any]:
    """Measures all programs on a model; returns the results as JSON.

    Args:
        failures: the error messages of environments that could not be installed.
    """
    folder = FOLDER / "training" / benchmark.name
    shutil.rmtree(folder, ignore_errors=True)
    programs: dict[str, TimedProgram] = {}
    results: dict[str, dict[str, Any]] = {}
    try:
        for entry in (*benchmark.ours, *benchmark.peers):
            results[entry.label] = {"kind": entry.kind}
            reason = failures.get(entry.environment) or _unsupported(entry)
            if reason:
                results[entry.label]["not_measured"] = reason
                continue
            started = _start(entry, benchmark, dataset, plan, folder / str(len(results)), console)
            if isinstance(started, TimedProgram):
                programs[entry.label] = started
            else:
                results[entry.label]["not_measured"] = started
        _play(benchmark, programs, results, plan, console)
        flops = flops_per_target_token(
            benchmark.size,
            dataset.src_lengths,
            dataset.tgt_lengths,
            dataset.facts["vocab_size"],
            attention=benchmark.attention,
            input_feeding=benchmark.input_feeding,
        )
        for label, program in programs.items():
            if program.turns:
                results[label] |= _summary(program, flops, peak_gflops)
    finally:
        for program in programs.values():
            program.end()
    return {
        "title": benchmark.title,
        "mflops_per_target_token": round(flops / 1e6, 2),
        "programs": results,
        "ratios": _ratios(benchmark, results),
    }


def _unsupported(entry: Ours | Peer) -> str | None:
    if entry.label == BF16.label and not machine.has_bf16_units():
        return "this processor has no bf16 units; it emulates bf16 products, far slower than fp32 ones (see the peaks)"
    return None


def _start(
    entry: Ours | Peer, benchmark: ModelBenchmark, dataset: Dataset, plan: Plan, folder: Path, console: Console
) -> TimedProgram | str:
    folder.mkdir(parents=True)
    program = TimedProgram(entry.label, entry.command(benchmark.size, dataset.folder, folder, plan.threads), folder)
    console.print(f"{benchmark.name}: starting {entry.label}")
    try:
        with locked(plan.locks):
            program.start(process_environment(plan.threads), warm_steps=WARM_STEPS, patience=plan.patience)
    except ProgramError as error:
        program.end()
        console.print(f"{entry.label}: {error}", markup=False)
        return str(error)
    except BaseException:
        program.end()
        raise
    return program


def process_environment(threads: int) -> dict[str, str]:
    """Environment variables of a measured process: the path of seqloom's sources, and the number of threads."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    return environment | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def _play(
    benchmark: ModelBenchmark,
    programs: dict[str, TimedProgram],
    results: dict[str, dict[str, Any]],
    plan: Plan,
    console: Console,
) -> None:
    first = benchmark.ours[0].label
    others = [label for label in programs if label != first]
    for round_number in range(plan.rounds):
        for at in range(0, len(others), _PEERS_A_TURN):
            group = [label for label in others[at : at + _PEERS_A_TURN] if label in programs]
            with locked(plan.locks):
                for label in (first, *group):
                    if label not in programs:
                        continue
                    try:
                        turn = programs[label].take_turn(plan.seconds)
                    except ProgramError as error:
                        results[label]["not_measured"] = str(error)
                        programs.pop(label).end()
                        continue
                    results[label].setdefault("turns", []).append(
                        {
                            "round": round_number,
                            "group": at // _PEERS_A_TURN,
                            "tokens_per_second": round(turn.tokens_per_second, 1),
                            "steps": turn.steps,
                            "tokens_per_step": round(turn.tokens / turn.steps, 1),
                        }
                    )
                    console.print(
                        f"{benchmark.name} {round_number + 1}: {label:40s} {turn.tokens_per_second:9,.0f} tokens/s"
                    )


def _summary(program: TimedProgram, flops: float, peak_gflops: float) -> dict[str, Any]:
    speeds = [turn.tokens_per_second for turn in program.turns]
    speed = median(speeds)
    return {
        "tokens_per_second": round(speed, 1),
        "least": round(min(speeds), 1),
        "largest": round(max(speeds), 1),
        "tokens_per_step": round(sum(t.tokens for t in program.turns) / sum(t.steps for t in program.turns), 1),
        "gflops": round(speed * flops / 1e9, 1),
        "share_of_peak": round(speed * flops / 1e9 / peak_gflops, 4),
        "peak_memory_mib": round(program.peak_memory_mib(), 1),
    }


def _ratios(benchmark: ModelBenchmark, results: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The speed of seqloom over that of each peer, and the names of the fastest stock and the fastest tuned peer."""
    ours = results[benchmark.ours[0].label]
    ratios: dict[str, dict[str, Any]] = {}
    for peer in benchmark.peers:
        ratio = turn_ratio(ours.get("turns", ()), results[peer.label].get("turns", ()))
        if ratio is not None:
            ratios[peer.label] = ratio
    for kind in ("stock", "tuned"):
        speeds = {
            peer.label: results[peer.label]["tokens_per_second"]
            for peer in benchmark.peers
            if peer.kind == kind and "tokens_per_second" in results[peer.label]
        }
        if speeds:
            best = max(speeds, key=lambda label: speeds[label])
            ratios[f"best {kind}"] = {"peer": best, **ratios.get(best, {})}
    return ratios


def turn_ratio(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """The median, least and largest ratio of neighbouring turns; None if there are none."""
    mine = {(turn["round"], turn["group"]): turn["tokens_per_second"] for turn in ours}
    ratios = [
        mine[key] / turn["tokens_per_second"] for turn in theirs if (key := (turn["round"], turn["group"])) in mine
    ]
    if not ratios:
        return None
    return {"ratio": round(median(ratios), 3), "least": round(min(ratios), 3), "largest": round(max(ratios), 3)}


def environments_of(names: Sequence[str]) -> list[str]:
    """The environments that the benchmarks of some models need."""
    return sorted({peer.environment for name in names for peer in MODEL_BENCHMARKS[name].peers})
