"""Training speed: everybody trains the same model on the same data in turn; ours before each two peers.

The ratio to a peer is made within turns, ours over the peer's right after it, so that a machine that changes its speed
changes both; medians over the rounds are reported with their least and largest value.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks.contestants import BF16, MATCHES, Match, Ours, Peer
from benchmarks.dataset import Dataset
from benchmarks.environments import FOLDER, ROOT
from benchmarks.flops import flops_per_target_token
from benchmarks.turns import Contestant, ContestantError, locked
from seqloom import machine

WARM_STEPS = 4
_PEERS_A_TURN = 2


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure.

    Attributes:
        seconds: a turn.
        patience: how long a contestant may take to its first steps.
        locks: files that are locked while a contestant runs.
    """

    rounds: int = 3
    seconds: float = 8.0
    patience: float = 180.0
    threads: int = 2
    locks: tuple[Path, ...] = ()


def measure_match(
    match: Match, dataset: Dataset, plan: Plan, peak_gflops: float, failures: dict[str, str], console: Console
) -> dict[str, Any]:
    """One match, as data.

    Args:
        failures: environments that could not be installed, and why.
    """
    folder = FOLDER / "training" / match.name
    shutil.rmtree(folder, ignore_errors=True)
    contestants: dict[str, Contestant] = {}
    results: dict[str, dict[str, Any]] = {}
    try:
        for entry in (*match.ours, *match.peers):
            results[entry.label] = {"kind": entry.kind}
            reason = failures.get(entry.environment) or _needless(entry)
            if reason:
                results[entry.label]["not_measured"] = reason
                continue
            started = _start(entry, match, dataset, plan, folder / str(len(results)), console)
            if isinstance(started, Contestant):
                contestants[entry.label] = started
            else:
                results[entry.label]["not_measured"] = started
        _play(match, contestants, results, plan, console)
        flops = flops_per_target_token(
            match.size,
            dataset.src_lengths,
            dataset.tgt_lengths,
            dataset.facts["vocab_size"],
            attention=match.attention,
            input_feeding=match.input_feeding,
        )
        for label, contestant in contestants.items():
            if contestant.turns:
                results[label] |= _summary(contestant, flops, peak_gflops)
    finally:
        for contestant in contestants.values():
            contestant.end()
    return {
        "title": match.title,
        "mflops_per_target_token": round(flops / 1e6, 2),
        "contestants": results,
        "ratios": _ratios(match, results),
    }


def _needless(entry: Ours | Peer) -> str | None:
    if entry.label == BF16.label and not machine.has_bf16_units():
        return "this processor has no bf16 units; it emulates bf16 products, far slower than fp32 ones (see the peaks)"
    return None


def _start(
    entry: Ours | Peer, match: Match, dataset: Dataset, plan: Plan, folder: Path, console: Console
) -> Contestant | str:
    folder.mkdir(parents=True)
    contestant = Contestant(entry.label, entry.command(match.size, dataset.folder, folder, plan.threads), folder)
    console.print(f"{match.name}: starting {entry.label}")
    try:
        with locked(plan.locks):
            contestant.start(process_environment(plan.threads), warm_steps=WARM_STEPS, patience=plan.patience)
    except ContestantError as error:
        contestant.end()
        console.print(f"{entry.label}: {error}", markup=False)
        return str(error)
    except BaseException:
        contestant.end()
        raise
    return contestant


def process_environment(threads: int) -> dict[str, str]:
    """What a contestant's process sees: our sources, and as many threads for everybody."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    return environment | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def _play(
    match: Match, contestants: dict[str, Contestant], results: dict[str, dict[str, Any]], plan: Plan, console: Console
) -> None:
    first = match.ours[0].label
    others = [label for label in contestants if label != first]
    for round_number in range(plan.rounds):
        for at in range(0, len(others), _PEERS_A_TURN):
            group = [label for label in others[at : at + _PEERS_A_TURN] if label in contestants]
            with locked(plan.locks):
                for label in (first, *group):
                    if label not in contestants:
                        continue
                    try:
                        turn = contestants[label].take_turn(plan.seconds)
                    except ContestantError as error:
                        results[label]["not_measured"] = str(error)
                        contestants.pop(label).end()
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
                        f"{match.name} {round_number + 1}: {label:40s} {turn.tokens_per_second:9,.0f} tokens/s"
                    )


def _summary(contestant: Contestant, flops: float, peak_gflops: float) -> dict[str, Any]:
    speeds = [turn.tokens_per_second for turn in contestant.turns]
    speed = median(speeds)
    return {
        "tokens_per_second": round(speed, 1),
        "least": round(min(speeds), 1),
        "largest": round(max(speeds), 1),
        "tokens_per_step": round(sum(t.tokens for t in contestant.turns) / sum(t.steps for t in contestant.turns), 1),
        "gflops": round(speed * flops / 1e9, 1),
        "share_of_peak": round(speed * flops / 1e9 / peak_gflops, 4),
        "peak_memory_mib": round(contestant.peak_memory_mib(), 1),
    }


def _ratios(match: Match, results: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Ours over each peer, and which of the peers are the best stock and the best tuned one."""
    ours = results[match.ours[0].label]
    found: dict[str, dict[str, Any]] = {}
    for peer in match.peers:
        ratio = turn_ratio(ours.get("turns", ()), results[peer.label].get("turns", ()))
        if ratio is not None:
            found[peer.label] = ratio
    for kind in ("stock", "tuned"):
        speeds = {
            peer.label: results[peer.label]["tokens_per_second"]
            for peer in match.peers
            if peer.kind == kind and "tokens_per_second" in results[peer.label]
        }
        if speeds:
            best = max(speeds, key=lambda label: speeds[label])
            found[f"best {kind}"] = {"peer": best, **found.get(best, {})}
    return found


def turn_ratio(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """The median, least and largest ratio of turns that stood side by side; None where there are none."""
    mine = {(turn["round"], turn["group"]): turn["tokens_per_second"] for turn in ours}
    ratios = [
        mine[place] / turn["tokens_per_second"] for turn in theirs if (place := (turn["round"], turn["group"])) in mine
    ]
    if not ratios:
        return None
    return {"ratio": round(median(ratios), 3), "least": round(min(ratios), 3), "largest": round(max(ratios), 3)}


def environments_of(names: Sequence[str]) -> list[str]:
    """The environments that matches need."""
    return sorted({peer.environment for name in names for peer in MATCHES[name].peers})
