"""Measures a corpus that is larger than memory, from its text to the first updates: speed, time and peak memory of each stage.

    python benchmarks/corpus.py --size 10000000 --out benchmarks/results/corpus.json

Each stage runs in a new process, so that its peak memory is measured alone. The pairs are sentences of the generator
`player-commands`, each addressed to one of 4,096 pairs of names: words repeat, whole pairs rarely do. Times are elapsed seconds and
processor seconds (`cpu_seconds`); other work on the machine changes the latter less.

There are two kinds of memory. `anonymous` memory belongs to the process. `file` memory consists of pages of mapped files, which the
system can drop when memory is short. Both are maxima of ten samples a second; `resident` is the kernel's own peak of their sum.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

MEBIBYTE = 1 << 20
_BEGIN, _END = "<!-- corpus: written by benchmarks/corpus.py -->", "<!-- end of corpus -->"
RECIPE = "transformer-tiny"


def write_pairs(path: Path, size: int) -> None:
    """Writes `size` pairs: sentences of the generator, each addressed to two people."""
    from seqloom.corpus.generators import GENERATORS

    clauses = [GENERATORS["player-commands"].item("train", 0, i) for i in range(4000)]
    beginnings = ["ba", "be", "bi", "bo", "da", "de", "di", "do", "ka", "ke", "ki", "ko", "la", "le", "li", "lo"]
    names = [begin + end for begin in beginnings for end in ("ran", "ten", "tin", "tun")]
    draw = random.Random(0).random
    with path.open("w", encoding="utf-8") as file:
        for _ in range(size):
            clause = clauses[int(draw() * len(clauses))]
            first_name, second_name = names[int(draw() * len(names))], names[int(draw() * len(names))]
            file.write(
                f"{first_name} and {second_name}, {clause.src}\t{clause.tgt} ; thank {first_name} ; thank {second_name}\n"
            )


class Memory:
    """Samples the memory of this process while a stage runs."""

    def __init__(self) -> None:
        self.peaks = {"VmHWM": 0, "RssAnon": 0, "RssFile": 0}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            self._sample()

    def _sample(self) -> None:
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in self.peaks:
                self.peaks[name] = max(self.peaks[name], int(value.split()[0]) // 1024)

    def stop(self) -> dict[str, int]:
        """Ends the sampling; returns the peaks in MiB."""
        self._end.set()
        self._thread.join()
        self._sample()
        return dict(zip(("resident_mib", "anonymous_mib", "file_mib"), self.peaks.values(), strict=True))


class Timed:
    """A progress report that stores the beginning and the end of each task, in elapsed and in processor seconds."""

    def __init__(self) -> None:
        self.begin = time.perf_counter()
        self.tasks: dict[str, list[float]] = {}
        self.cores: dict[str, list[float]] = {}

    def say(self, text: str) -> None:
        """Messages are not kept."""

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        now = time.perf_counter() - self.begin
        self.tasks.setdefault(task, [now, now])[1] = now
        core = time.process_time()
        self.cores.setdefault(task, [core, core])[1] = core


def generate(size: int) -> dict[str, Any]:
    """Speed of the generator on one core, for at most 20,000 pairs."""
    from seqloom.corpus import CorpusSettings, open_corpus

    count = min(size, 20_000)
    corpus = open_corpus(CorpusSettings(data="player-commands", size=count))
    begin, core = time.perf_counter(), time.process_time()
    assert sum(1 for _ in corpus.train) == count
    seconds, core = time.perf_counter() - begin, time.process_time() - core
    return {"lines": count, "lines_per_second": round(count / seconds), "lines_per_cpu_second": round(count / core)}


def read(data: str) -> dict[str, Any]:
    """Opens the corpus: reads all lines to check, count and split them."""
    from seqloom.corpus import open_corpus

    begin = time.perf_counter()
    corpus = open_corpus(data)
    return {"seconds": round(time.perf_counter() - begin, 2), "lines": corpus.train.size, "notes": list(corpus.notes)}


def tokenize(data: str) -> dict[str, Any]:
    """Trains the tokenizer, encodes all pairs and stores them."""
    from seqloom.corpus import open_corpus
    from seqloom.progress import Silent
    from seqloom.recipes import load_recipe
    from seqloom.run.prepare import prepare

    corpus = open_corpus(data, Silent())
    progress = Timed()
    prepared = prepare(corpus, load_recipe(RECIPE), progress=progress)
    first, last = progress.tasks.get("encoding train", (0.0, 0.0))
    trained = progress.tasks.get("tokenizer", [0.0, 0.0])
    lines = len(prepared.train)
    core = progress.cores.get("encoding train", (0.0, 0.0))
    return {
        "tokenizer_seconds": round(trained[1] - trained[0], 2),
        "encoding_seconds": round(last - first, 2),
        "lines": lines,
        "lines_per_second": round(lines / (last - first)) if last > first else None,
        "lines_per_cpu_second": round(lines / (core[1] - core[0])) if last > first else None,
        "src_tokens": prepared.train.num_src_tokens,
        "tgt_tokens": prepared.train.num_tgt_tokens,
        "seconds": round(time.perf_counter() - progress.begin, 3),
    }


def batches(data: str) -> dict[str, Any]:
    """Opens corpus, tokenizer and stores from the cache; measures the first batch and 500 more."""
    from itertools import islice

    from seqloom.corpus import open_corpus
    from seqloom.data.batching import Batches
    from seqloom.models import make_model
    from seqloom.progress import Silent
    from seqloom.recipes import load_recipe
    from seqloom.run.prepare import prepare

    recipe = load_recipe(RECIPE)
    begin = time.perf_counter()
    corpus = open_corpus(data)
    opened = time.perf_counter()
    prepared = prepare(corpus, recipe)
    stored = time.perf_counter()
    vocab = prepared.tokenizer.vocab
    examples = prepared.task.examples(prepared.train, make_model(recipe.model, vocab), recipe, "training", Silent())
    fitted = time.perf_counter()
    made = Batches(
        examples,
        batch_tokens=recipe.training.batch_tokens,
        seed=0,
        pad_id=vocab.pad_id,
        bos_id=vocab.bos_id,
        eos_id=vocab.eos_id,
    )
    stream = made.epoch(0)
    next(stream)
    first = time.perf_counter()
    count = sum(1 for _ in islice(stream, 500))
    done = time.perf_counter()
    return {
        "open_corpus_seconds": round(opened - begin, 3),
        "open_tokenizer_and_stores_seconds": round(stored - opened, 3),
        "fitting_seconds": round(fitted - stored, 3),
        "first_batch_seconds": round(first - fitted, 3),
        "milliseconds_a_batch": round(1000 * (done - first) / max(1, count), 3),
    }


def train(data: str, steps: int) -> dict[str, Any]:
    """Trains from the cache, as `seqloom train` does, for a number of steps."""
    import seqloom
    from seqloom.corpus import CorpusSettings
    from seqloom.progress import Progress

    progress: Any = Timed()
    reporter: Progress = progress
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        changes = ["training.validations=1", "training.validation_sentences=20"]
        run = seqloom.train(
            RECIPE,
            CorpusSettings(data=data),
            budget=seqloom.Budget(steps=steps),
            out=Path(folder) / "run",
            changes=changes,
            progress=reporter,
        )
        facts = json.loads((run.folder / "run.json").read_text())
        first_update = next(begun for task, (begun, _) in progress.tasks.items() if task.endswith("training"))
        return {
            "seconds": round(time.perf_counter() - begin, 2),
            "seconds_to_first_update": round(first_update, 2),
            "steps": steps,
            "tokens_per_second": facts["result"]["tokens_per_second"],
            "train_seconds": facts["result"]["train_seconds"],
        }


def stage(name: str, data: str, size: int, steps: int) -> dict[str, Any]:
    """Runs a stage in this process; returns its results, times and peak memory."""
    memory = Memory()
    begin, core = time.perf_counter(), time.process_time()
    measured: dict[str, Any]
    if name == "generate":
        measured = generate(size)
    elif name == "train":
        measured = train(data, steps)
    else:
        measured = {"read": read, "tokenize": tokenize, "batches": batches}[name](data)
    cpu = round(time.process_time() - core, 2)
    return {**measured, "stage_seconds": round(time.perf_counter() - begin, 2), "cpu_seconds": cpu, **memory.stop()}


# The stages in order: function, and name in the results.
STAGES = (
    ("generate", "generate"),
    ("read", "read"),
    ("read", "read_again"),
    ("tokenize", "tokenize"),
    ("tokenize", "tokenize_again"),
    ("batches", "batches"),
    ("train", "train"),
)


def main() -> None:
    """Runs each stage in a new process; skips stages that are in the file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="pairs in the file (default: 1,000,000)")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("corpus.json"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "seqloom-corpus")
    parser.add_argument("--stages", nargs="*", help="run only these stages")
    parser.add_argument("--page", type=Path, help="a page into which the table is written, between its marks")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    data = chosen.folder / f"pairs-{chosen.size}.tsv"
    if chosen.stage:
        print(json.dumps(stage(chosen.stage, str(data), chosen.size, chosen.steps)))
        return
    if not data.exists():
        partial = data.with_suffix(".partial")
        write_pairs(partial, chosen.size)
        partial.replace(data)
        # seqloom caches facts about a file only if its last change is some seconds old.
        time.sleep(3)
    environment = {**os.environ, "SEQLOOM_CACHE_DIR": str(chosen.folder / "cache")}
    results = json.loads(chosen.out.read_text()) if chosen.out.exists() else {"stages": {}}
    for name, title in STAGES:
        if title in results["stages"] or (chosen.stages and title not in chosen.stages):
            continue
        sizes = ["--size", str(chosen.size), "--steps", str(chosen.steps), "--folder", str(chosen.folder)]
        done = subprocess.run(
            [sys.executable, __file__, "--stage", name, *sizes],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        results["stages"][title] = json.loads(done.stdout.splitlines()[-1])
        print(title, json.dumps(results["stages"][title], ensure_ascii=False), flush=True)
        results |= describe(chosen.size, data)
        chosen.out.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
    if chosen.page is not None:
        write_table(results, chosen.page)


def describe(size: int, data: Path) -> dict[str, Any]:
    """The size of the file, the recipe and the machine: the numbers depend on them."""
    import torch

    from seqloom.machine import describe_machine, set_threads

    set_threads(None)  # as training does
    return {
        "pairs": size,
        "file_mib": data.stat().st_size // MEBIBYTE,
        "recipe": RECIPE,
        "machine": describe_machine(torch.device("cpu")),
        "cores": os.cpu_count(),
    }


def write_table(results: dict[str, Any], page: Path) -> None:
    """Writes the table of the stages between the marks of the page."""
    stages = results["stages"]
    read, encoded, batched, trained = (stages[name] for name in ("read", "tokenize", "batches", "train"))
    lines, generated = read["lines"], stages["generate"]

    def memory(stage: dict[str, Any]) -> str:
        return f"{stage['resident_mib']:,} MiB ({stage['anonymous_mib']:,} anonymous)"

    opened = batched["open_corpus_seconds"] + batched["open_tokenizer_and_stores_seconds"]
    start = opened + batched["fitting_seconds"] + batched["first_batch_seconds"]
    rows = [
        ("generating `player-commands`", f"{generated['lines_per_second']:,} pairs/s", memory(generated)),
        (
            "reading, checking, splitting (two passes)",
            f"{read['seconds']:,.0f} s, {lines / read['seconds']:,.0f} lines/s",
            memory(read),
        ),
        ("training the tokenizer (one pass)", f"{encoded['tokenizer_seconds']:,.0f} s", memory(encoded)),
        (
            "tokenizing and storing (one pass)",
            f"{encoded['encoding_seconds']:,.0f} s, {encoded['lines_per_second']:,} lines/s",
            memory(encoded),
        ),
        ("opening corpus, tokenizer and stores again", f"{opened:.3f} s", memory(batched)),
        ("from there to the first batch", f"{start - opened:.2f} s", memory(batched)),
        ("each further batch", f"{batched['milliseconds_a_batch']:.2f} ms", memory(batched)),
        (
            f"`seqloom train`, {trained['steps']} steps, cached",
            f"first update's report after {trained['seconds_to_first_update']:.1f} s",
            memory(trained),
        ),
    ]
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    table = [
        "| stage | time | peak resident memory |",
        "| --- | ---: | ---: |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    caption = f"{results['pairs']:,} pairs, {results['file_mib']:,} MiB of text. Measured on: {machine}."
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text("\n".join([before + _BEGIN, *table, "", caption, _END + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
