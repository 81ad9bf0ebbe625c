"""Opens thousands of damaged run folders, each in a process with limits; says how they ended, and which ended badly.

    python -m tests.system.fuzz_runs --cases 10000 --seed 0

A case follows from its seed alone: --seed N --cases 1 does the case N again. The runs that are damaged are trained first, for
six steps each, unless --runs names a folder of runs and a file pairs.tsv.
"""

import argparse

# Before torch is imported: a fork inherits no threads.
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tests.sent_folders import CPU_SECONDS, Sender

RECIPES = ("transformer-tiny", "rnn-tiny", "attention-rnn-tiny", "transformer-lm-tiny")


def prepare(room: Path) -> tuple[list[Path], Path]:
    """Trains a tiny run of each architecture."""
    from tests.integration.conftest import WORDS, train

    words = list(WORDS)
    lines = [f"{a} {b} {c}\t{WORDS[a]} {WORDS[b]} {WORDS[c]}\n" for a in words for b in words for c in words[:3]]
    pairs = room / "pairs.tsv"
    pairs.write_text("".join(lines), encoding="utf-8")
    return [train(pairs, recipe, room / "runs" / recipe, "--steps", 6) for recipe in RECIPES], pairs


def main() -> int:
    """Runs the cases; the exit status is 1 where one ended badly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--runs", type=Path, help="a folder of good runs, beside pairs.tsv")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        if arguments.runs:
            runs, pairs = sorted(arguments.runs.iterdir()), arguments.runs.parent / "pairs.tsv"
        else:
            runs, pairs = prepare(room)
        (room / "source.txt").write_text("rot blau\n", encoding="utf-8")
        os.environ["SEQLOOM_CACHE_DIR"] = str(room / "cache")
        sender, counts, slow, peak = Sender(runs, pairs, room), Counter[str](), Counter[str](), 0.0
        sender.warm_up()
        begin = time.monotonic()
        for seed in range(arguments.seed, arguments.seed + arguments.cases):
            case, outcome = sender.send(seed)
            counts[outcome.kind] += 1
            peak = max(peak, outcome.peak_mib)
            slow[case.verb] += outcome.cpu_seconds > CPU_SECONDS
            if not outcome.is_good or outcome.cpu_seconds > CPU_SECONDS or arguments.cases == 1:
                print(f"seed {seed}: {case.verb}: {case.damage}: {outcome.kind}, {outcome.cpu_seconds:.1f} s")
                print("    " + "\n    ".join(outcome.text.splitlines()[-12:]), flush=True)
            if (seed + 1) % 500 == 0:
                print(
                    f"{seed + 1}: {dict(counts)}, at most {peak:.0f} MiB, {time.monotonic() - begin:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    print(f"{arguments.cases} cases from seed {arguments.seed}: {dict(sorted(counts.items()))}; at most {peak:.0f} MiB")
    print(f"more than {CPU_SECONDS:g} s of processor time: {dict(+slow) or 'none'}")
    return 1 if set(counts) - {"right", "message"} else 0


if __name__ == "__main__":
    sys.exit(main())
