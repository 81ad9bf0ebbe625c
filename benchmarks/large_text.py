"""Measures one large text file for a language model, from its text to the first updates: time and peak memory of each stage.

    python -m benchmarks.large_text --megabytes 1000 --out benchmarks/results/large-text.json

The text is made: words of a vocabulary of 50,000 with Zipf's frequencies, in sentences and paragraphs. Each stage runs in a new
process, so that its peak memory is measured alone. `benchmarks/corpus.py` says what the kinds of memory are.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import MEBIBYTE, Memory, Timed

RECIPE = "transformer-lm-tiny"
_BEGIN, _END = "<!-- large text: written by benchmarks/large_text.py -->", "<!-- end of large text -->"
STAGES = ("read", "prepare", "open_again", "train")


def write_text(path: Path, num_bytes: int) -> None:
    """Writes a text of about so many bytes, the same each time."""
    draw = np.random.default_rng(0)
    syllables = [first + vowel for first in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "an", "er", "is")]
    counts = draw.integers(1, 5, 50_000)
    words = np.array(["".join(draw.choice(syllables, count)) for count in counts], dtype=object)
    chances = 1 / np.arange(1, len(words) + 1)
    chances /= chances.sum()
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < num_bytes:
            for paragraph in np.split(words[draw.choice(len(words), 500 * 100, p=chances)], 500):
                sentences = [" ".join(part).capitalize() + "." for part in np.split(paragraph, 5)]
                written += file.write(" ".join(sentences) + "\n\n")


def read(data: str) -> dict[str, Any]:
    """Opens the corpus: reads the file to check and cut it."""
    from seqloom.corpus import open_corpus

    corpus = open_corpus(data)
    return {"passages": corpus.train.size, "notes": list(corpus.notes)}


def prepare(data: str) -> dict[str, Any]:
    """Trains the tokenizer on a sample, and encodes train and val into memory-mapped files."""
    from seqloom.corpus import open_corpus
    from seqloom.recipes import load_recipe
    from seqloom.run.prepare import prepare

    progress = Timed()
    prepared = prepare(open_corpus(data), load_recipe(RECIPE), progress=progress)
    spans = {task: round(end - begin, 1) for task, (begin, end) in progress.tasks.items()}
    return {
        "tokens": prepared.train.num_tgt_tokens,
        "bytes": prepared.train.num_bytes,
        "passages": len(prepared.train.documents),
        "task_seconds": spans,
    }


def train(data: str, steps: int) -> dict[str, Any]:
    """Trains from what is prepared, as `seqloom train` does."""
    import seqloom

    with tempfile.TemporaryDirectory() as folder:
        changes = ["training.validations=1"]
        run = seqloom.train(
            RECIPE,
            data,
            budget=seqloom.Budget(steps=steps),
            out=Path(folder) / "run",
            changes=changes,
            progress=Timed(),
        )
        facts = json.loads((run.folder / "run.json").read_text())["result"]
    return {"steps": steps, **{name: facts[name] for name in ("train_seconds", "tokens_per_second")}}


def stage(name: str, data: str, steps: int) -> dict[str, Any]:
    """Runs a stage in this process; returns its results, times and peak memory."""
    memory = Memory()
    begin, core = time.perf_counter(), time.process_time()
    measured = {
        "read": read,
        "prepare": prepare,
        "open_again": prepare,
        "train": lambda data: train(data, steps),
    }[name](data)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - core
    return {**measured, "stage_seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), **memory.stop()}


def main() -> None:
    """Writes the text, and runs each stage in a new process; skips stages that are in the file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="the size of the file (default: 1000)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("large-text.json"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "seqloom-large-text")
    parser.add_argument("--page", type=Path, help="a page into which the table is written, between its marks")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    data = chosen.folder / f"text-{chosen.megabytes}.txt"
    if chosen.stage:
        print(json.dumps(stage(chosen.stage, str(data), chosen.steps)))
        return
    if not data.exists():
        partial = data.with_suffix(".partial")
        write_text(partial, chosen.megabytes * 1_000_000)
        partial.replace(data)
        # seqloom caches facts about a file only if its last change is some seconds old.
        time.sleep(3)
    environment = {**os.environ, "SEQLOOM_CACHE_DIR": str(chosen.folder / "cache")}
    results: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {"stages": {}}
    results |= {"recipe": RECIPE, "cores": os.cpu_count(), "file_mib": data.stat().st_size // MEBIBYTE}
    for name in STAGES:
        if name in results["stages"]:
            continue
        load = os.getloadavg()[0]
        words = [sys.executable, "-m", "benchmarks.large_text", "--stage", name, "--steps", str(chosen.steps)]
        words += ["--megabytes", str(chosen.megabytes), "--folder", str(chosen.folder)]
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        results["stages"][name] = {**json.loads(done.stdout.splitlines()[-1]), "load_average_before": round(load, 1)}
        print(name, json.dumps(results["stages"][name], ensure_ascii=False), flush=True)
        chosen.out.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
    if chosen.page is not None:
        write_table(results, chosen.page)


def write_table(results: dict[str, Any], page: Path) -> None:
    """Writes the table of the stages between the marks of the page."""
    stages = results["stages"]
    names = {
        "read": "reading, checking, cutting",
        "prepare": "training the tokenizer, encoding train and val",
        "open_again": "opening corpus, tokenizer and stores again, imports included",
        "train": f"`seqloom train`, {stages['train']['steps']} steps with a validation, prepared",
    }
    table = [
        "| stage | time | processor time | peak resident memory | anonymous |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, title in names.items():
        row = stages[name]
        times = f"{row['stage_seconds']:,.0f} s | {row['cpu_seconds']:,.0f} s"
        table.append(f"| {title} | {times} | {row['resident_mib']:,} MiB | {row['anonymous_mib']:,} MiB |")
    caption = (
        f"{results['file_mib']:,} MiB of text, {stages['prepare']['tokens']:,} training tokens, {results['cores']} cores, shared "
        "with other work: compare processor times."
    )
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text("\n".join([before + _BEGIN, *table, "", caption, _END + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
