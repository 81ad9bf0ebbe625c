"""`python -m benchmarks`: measures seqloom and other programs, and writes the results and the tables (see `--help`)."""

import argparse
import datetime
import json
import os
import platform
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks.dataset import prepare_dataset
from benchmarks.decoders import DECODERS
from benchmarks.decoding import measure_decoding
from benchmarks.environments import ENVIRONMENTS, FOLDER, install_all
from benchmarks.peak import best_fp32, measured_peaks
from benchmarks.profiles import write_profiles
from benchmarks.programs import MODEL_BENCHMARKS
from benchmarks.speed_table import write_table
from benchmarks.training import Plan, environments_of, measure_model
from benchmarks.turns import locked
from seqloom import machine

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent / "README.md"
PARTS = ("training", "decoding", "profile")


def main() -> int:
    arguments = _arguments()
    # The measured programs are stopped and never end themselves: SIGTERM has to run the code that kills them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(stderr=True)
    if arguments.only == ["table"]:
        write_table(PAGE, RESULTS)
        return 0
    FOLDER.mkdir(exist_ok=True)
    with console.status("preparing Multi30k"):
        dataset = prepare_dataset(FOLDER / "data")
    plan = Plan(
        rounds=arguments.rounds or (1 if arguments.quick else 3),
        seconds=arguments.seconds or (3.0 if arguments.quick else 8.0),
        threads=arguments.threads or len(os.sched_getaffinity(0)),
        locks=tuple(arguments.lock),
    )
    torch.set_num_threads(plan.threads)
    if "training" in arguments.only:
        failures = install_all(environments_of(arguments.models))
        with locked(plan.locks):
            peaks = measured_peaks(plan.threads)
        console.print(f"matrix products reach {peaks} GFLOP/s")
        path = RESULTS / f"training{arguments.suffix}.json"
        results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        models = results.get("models", {})
        for name in arguments.models:
            models[name] = measure_model(MODEL_BENCHMARKS[name], dataset, plan, best_fp32(peaks), failures, console)
            models[name]["measured"] = _circumstances(plan, peaks, arguments.note)
            results = {"data": dataset.facts, "models": models}
            _write(path, results)
    if "decoding" in arguments.only:
        failures = install_all(sorted({decoder.environment for decoder in DECODERS if decoder.environment}))
        decoding = measure_decoding(
            dataset, plan, failures, console, run=arguments.run, singles=20 if arguments.quick else 100
        )
        decoding["measured"] = _circumstances(plan, {}, arguments.note)
        _write(RESULTS / f"decoding{arguments.suffix}.json", decoding)
    if "profile" in arguments.only:
        with locked(plan.locks):
            write_profiles(f"now{arguments.suffix}", ["tiny", "small"], ["training"])
    if not arguments.suffix:
        write_table(PAGE, RESULTS)
    return 0


def _write(path: Path, results: dict[str, Any]) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _circumstances(plan: Plan, peaks: dict[str, float], note: str) -> dict[str, Any]:
    versions = {name: environment.main_version for name, environment in ENVIRONMENTS.items()}
    about = machine.describe_machine(torch.device("cpu"))
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": about | {"threads": str(plan.threads), "kernel": platform.release()},
        "peers": versions,
        "matrix_products_gflops": peaks,
        "note": note,
        "rounds": plan.rounds,
        "seconds_a_turn": plan.seconds,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures seqloom and other programs with the same data, vocabulary, sizes, batches and threads.",
        epilog="Multi30k is read from SEQLOOM_DATA_DIR or downloaded. The other programs are installed below .bench/.",
    )
    parser.add_argument(
        "--only", nargs="+", choices=(*PARTS, "table"), default=list(PARTS), help="what to measure (default: all)"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        choices=list(MODEL_BENCHMARKS),
        default=list(MODEL_BENCHMARKS),
        help="which models (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round, to check that all programs work; the numbers mean little"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="how many turns each program has (default: 3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of a turn (default: 8)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of each program (default: one per core)")
    parser.add_argument(
        "--suffix",
        default="",
        metavar="TEXT",
        help="is added to the names of the result files; their results do not get into the tables",
    )
    parser.add_argument(
        "--run",
        type=Path,
        metavar="RUN",
        help="a trained tiny run for decoding (default: train one for four minutes)",
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="a remark that is stored with the results and shown below the tables"
    )
    parser.add_argument(
        "--lock",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="files that are locked while a program is measured, so that other users of the machine can wait",
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
