"""`python -m benchmarks.identity BEFORE AFTER`: checks that two checkouts compute the same bits, and compares their speed.

Both train every architecture on the same data with the same seed, are interrupted and resumed, translate, generate,
evaluate and test one claim. Weights, outputs and scores must be identical. Then their speeds in training and decoding are
measured in alternation, and the ratio is printed. To check a refactoring: `git worktree add ../before REVISION`, then this
command.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.busy import DECODE
from benchmarks.programs import Command
from benchmarks.turns import TimedProgram

RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny", "transformer-lm-tiny")
_SMALL = ["training.validations=2", "training.validation_sentences=20", "tokenizer.vocab_size=400"]
_STEPS = 60
_CLAIM = "copying"


@dataclass
class Checkout:
    """A version of the source code, with a folder for its runs.

    Attributes:
        results: digests of what it computed, by a description.
    """

    name: str
    source: Path
    folder: Path
    results: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, input: str | None = None, check: bool = True) -> str:
        """The standard output of a seqloom command.

        Raises:
            SystemExit: the command failed and `check` is set.
        """
        done = subprocess.run(
            [sys.executable, "-m", "seqloom", *arguments],
            input=input,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self.environment,
        )
        if check and done.returncode:
            raise SystemExit(f"{self.name}: seqloom {' '.join(arguments)}: {done.stderr[-800:]}")
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        cache = str(self.folder / "cache")
        return os.environ | {"PYTHONPATH": str(self.source / "src"), "XDG_CACHE_HOME": cache, "PYTHONSAFEPATH": "1"}

    def interrupted(self, arguments: list[str], run: str, after: int) -> None:
        """Starts training and sends SIGINT (Ctrl-C) after `after` steps."""
        process = subprocess.Popen(
            [sys.executable, "-m", "seqloom", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        log = self.folder / run / "progress.txt"
        while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= after):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout")
    parser.add_argument("after", type=Path, help="another checkout")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--no-claim", action="store_true", help="leave out the claim, which takes minutes")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the speed measurement (default: 5; 0: none)")
    parser.add_argument("--seconds", type=float, default=6.0, help="seconds of each measurement (default: 6)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="identity-"))
    try:
        checkouts = []
        for name in ("before", "after"):
            checkouts.append(Checkout(name, getattr(arguments, name).resolve(), folder / name))
            (folder / name).mkdir()
            write_data(folder / name)
            compute(checkouts[-1], arguments.threads, claim=not arguments.no_claim)
        before, after = checkouts
        different = [what for what in before.results if before.results[what] != after.results.get(what)]
        for what in before.results:
            print(f"{'DIFFERENT' if what in different else 'identical'}  {what}")
        if arguments.rounds:
            compare_speeds(before, after, arguments)
        return 1 if different else 0
    finally:
        shutil.rmtree(folder)


def write_data(folder: Path) -> None:
    """Writes random pairs and a text, in formats that all versions read."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 7))) for _ in range(300)]
    pairs = []
    for _ in range(3000):
        source = draw.choices(words, k=draw.randint(3, 12))
        pairs.append((" ".join(source), " ".join(word[::-1] for word in source)))
    lines = [f"{src}\t{tgt}\n" for src, tgt in pairs]
    (folder / "pairs.tsv").write_text("src\ttgt\n" + "".join(lines), encoding="utf-8")
    (folder / "text.txt").write_text("".join(f"{src}. {tgt}.\n" for src, tgt in pairs), encoding="utf-8")
    (folder / "sources.txt").write_text("".join(f"{src}\n" for src, _ in pairs[:60]), encoding="utf-8")
    (folder / "many.txt").write_text("".join(f"{src}\n" for src, _ in pairs), encoding="utf-8")


def compute(checkout: Checkout, threads: str, *, claim: bool) -> None:
    """Fills `checkout.results`: trains, resumes and uses every architecture, and tests a claim."""
    for recipe in RECIPES:
        print(f"{checkout.name}: {recipe}", file=sys.stderr)
        data = "text.txt" if "lm" in recipe else "pairs.tsv"
        metric = [] if "lm" in recipe else ["--metric", "bleu"]
        common = ["train", recipe, "--data", data, *metric, "--steps", str(_STEPS), "--threads", threads, "--quiet"]
        checkout.run(*common, "--out", recipe, "--set", *_SMALL)
        checkout.results[f"{recipe}: weights"] = weights(checkout.folder / recipe)
        checkout.interrupted([*common, "--out", f"{recipe}-resumed", "--set", *_SMALL], f"{recipe}-resumed", 25)
        checkout.run("train", "--resume", "--out", f"{recipe}-resumed", "--quiet")
        checkout.results[f"{recipe}: weights after an interruption"] = weights(checkout.folder / f"{recipe}-resumed")
        use = ["--threads", threads]
        if "lm" not in recipe:
            for name, options in {
                "beam": [],
                "nbest": ["--nbest", "3", "--beam", "4"],
                "greedy": ["--beam", "1"],
            }.items():
                output = checkout.run("translate", recipe, "--input", "sources.txt", *use, *options)
                checkout.results[f"{recipe}: translate, {name}"] = digest(output)
            output = checkout.run("score", recipe, "--src", "sources.txt", "--ref", "sources.txt", *use)
            checkout.results[f"{recipe}: score"] = digest(output)
        prompt = "abc de" if "lm" not in recipe else "abc"
        generated = checkout.run("generate", recipe, "--prompt", prompt, "--max-tokens", "20", "--seed", "3", *use)
        checkout.results[f"{recipe}: generate"] = digest(generated)
        scores = json.loads(checkout.run("evaluate", recipe, "--json", *use))
        checkout.results[f"{recipe}: evaluate"] = digest(json.dumps(values(scores)))
    if claim:
        print(f"{checkout.name}: claim {_CLAIM}", file=sys.stderr)
        checkout.run("claims", "run", _CLAIM, "--effort", "quick", "--out", "claims")
        verdicts = json.loads((checkout.folder / "claims" / "verdicts.json").read_text(encoding="utf-8"))
        questions = [question["contrast"] for verdict in verdicts["verdicts"] for question in verdict["questions"]]
        checkout.results[f"claim {_CLAIM}: values"] = digest(json.dumps(questions, sort_keys=True))


def values(scores: Any) -> list[tuple[str, float]]:
    """Names and values of all scores in JSON, at any depth."""
    if isinstance(scores, dict):
        own = [(str(scores.get("metric", scores.get("name"))), scores["value"])] if "value" in scores else []
        return own + [pair for inner in scores.values() for pair in values(inner)]
    return [pair for inner in scores for pair in values(inner)] if isinstance(scores, list) else []


def weights(run: Path) -> str:
    """A digest of all weight files of a run."""
    return digest("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.glob("weights/*"))))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def compare_speeds(before: Checkout, after: Checkout, arguments: argparse.Namespace) -> None:
    """Measures both in alternation; each is a process that is stopped while the other one is measured."""
    for task in ("training", "decoding"):
        programs = {}
        try:
            for checkout in (before, after):
                own = checkout.folder / task
                own.mkdir()
                programs[checkout.name] = TimedProgram(
                    checkout.name, command(task, checkout, own, arguments.threads), own
                )
                programs[checkout.name].start(checkout.environment, warm_steps=4, patience=120)
            ratios = []
            for _ in range(arguments.rounds):
                first = programs["before"].take_turn(arguments.seconds).tokens_per_second
                second = programs["after"].take_turn(arguments.seconds).tokens_per_second
                ratios.append(second / first)
            print(f"{task}: after is {median(ratios):.3f} of before ({min(ratios):.3f} to {max(ratios):.3f})")
        finally:
            for program in programs.values():
                program.end()


def command(task: str, checkout: Checkout, folder: Path, threads: str) -> Command:
    """The command of a task, `training` or `decoding`, that runs until it is killed."""
    if task == "training":
        run = folder / "run"
        words = ["train", "transformer-tiny", "--data", str(checkout.folder / "pairs.tsv"), "--metric", "bleu"]
        words += ["--steps", "1000000", "--threads", threads, "--quiet", "--out", str(run)]
        words += ["--set", "training.validations=1", *_SMALL[1:]]
        return Command([sys.executable, "-m", "seqloom", *words], run / "progress.txt", scale=1_000_000)
    words = [str(checkout.folder / "transformer-tiny"), str(checkout.folder / "many.txt")]
    return Command([sys.executable, "-c", DECODE, *words], folder / "steps.log")


if __name__ == "__main__":
    sys.exit(main())
