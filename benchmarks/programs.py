"""The programs that are measured in training: `seqloom train`, and drivers of other programs in their own environments.

Each program has a command and a step log: a file that gets a line after each update. The number of real target tokens so far
follows from the line.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.environments import ENVIRONMENTS
from benchmarks.sizes import (
    BATCH_TOKENS,
    BETAS,
    DROPOUT,
    LABEL_SMOOTHING,
    LEARNING_RATE,
    LSTM,
    SEED,
    SMALL,
    TINY,
    UPDATES_ONLY,
    Size,
    our_recipe,
)

DRIVERS = Path(__file__).parent / "drivers"
# More than any measurement needs. The share of the budget times this is the number of tokens.
_ENDLESS_TOKENS = 10_000_000_000

Kind = Literal["ours", "stock", "tuned"]


@dataclass(frozen=True)
class Command:
    """A command line and its step log. The number in a line of the log times `scale` is the number of target tokens so far."""

    arguments: list[str]
    log: Path
    scale: float = 1.0


@dataclass(frozen=True)
class Ours:
    """`seqloom train` with a recipe and changed settings."""

    label: str
    changes: dict[str, Any] = field(default_factory=dict)
    kind: Kind = "ours"
    environment: str = ""

    def command(self, size: Size, data: Path, folder: Path, threads: int) -> Command:
        recipe = our_recipe(size, **UPDATES_ONLY, **self.changes)
        run = folder / "run"
        arguments = [sys.executable, "-m", "seqloom", "train", recipe.recipe, "--data", "multi30k"]
        arguments += ["--from-lang", "en", "--to-lang", "de", "--tokens", str(_ENDLESS_TOKENS), "--out", str(run)]
        arguments += ["--threads", str(threads), "--seed", str(SEED), "--set", *recipe.assignments()]
        # progress.txt holds the share of the budget before each update.
        return Command(arguments, run / "progress.txt", scale=_ENDLESS_TOKENS)


@dataclass(frozen=True)
class Peer:
    """Another program: a driver in its virtual environment."""

    label: str
    driver: str
    environment: str
    kind: Kind = "stock"
    options: dict[str, Any] = field(default_factory=dict)

    def command(self, size: Size, data: Path, folder: Path, threads: int) -> Command:
        facts = json.loads((data / "facts.json").read_text())
        log = folder / "steps.log"
        job = {
            "data": str(data),
            "out": str(folder / "out"),
            "log": str(log),
            "threads": threads,
            "seed": SEED,
            "size": size.as_numbers(),
            "vocab_size": facts["vocab_size"],
            "dropout": DROPOUT,
            "label_smoothing": LABEL_SMOOTHING,
            "learning_rate": LEARNING_RATE,
            "betas": list(BETAS),
            "batch_tokens": BATCH_TOKENS,
            "tuned": self.kind == "tuned",
            **self.options,
        }
        path = folder / "job.json"
        path.write_text(json.dumps(job, indent=1))
        python = str(ENVIRONMENTS[self.environment].python)
        return Command([python, str(DRIVERS / f"{self.driver}.py"), str(path)], log)


@dataclass(frozen=True)
class ModelBenchmark:
    """A model, and the programs that train it. Ratios compare the first of `ours` with the peers."""

    name: str
    title: str
    size: Size
    ours: tuple[Ours, ...]
    peers: tuple[Peer, ...]
    attention: str = "luong"
    input_feeding: bool = False


_TRANSFORMER_PEERS = (
    Peer("Joey NMT 2.3", "joeynmt_loop", "joeynmt"),
    Peer("EOLE 0.6.4", "eole_loop", "eole"),
    Peer("fairseq 0.12", "fairseq_loop", "fairseq"),
    Peer("transformers Marian, plain loop", "marian_loop", "transformers"),
    Peer("torch.nn.Transformer, plain loop", "transformer_loop", "transformers"),
    Peer("torch.nn.Transformer, tuned", "transformer_loop", "transformers", "tuned"),
    Peer("Marian, tuned", "marian_loop", "transformers", "tuned"),
)
BF16 = Ours("seqloom, bf16 products", {"training__precision": "bf16"})

MODEL_BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        ModelBenchmark(
            "tiny", "tiny: 4+4 layers, d 128, ff 256, 4 heads", TINY, (Ours("seqloom"), BF16), _TRANSFORMER_PEERS
        ),
        ModelBenchmark(
            "small", "small: 3+3 layers, d 256, ff 1,024, 4 heads", SMALL, (Ours("seqloom"), BF16), _TRANSFORMER_PEERS
        ),
        ModelBenchmark(
            "lstm",
            "LSTM, 2 layers of 256, Luong attention",
            LSTM,
            (Ours("seqloom"),),
            (
                Peer(
                    "Joey NMT 2.3 (step loop)",
                    "joeynmt_loop",
                    "joeynmt",
                    options={"attention": "luong", "input_feeding": False},
                ),
                Peer("plain torch, fused over time", "lstm_loop", "transformers"),
                Peer("plain torch, fused over time, tuned", "lstm_loop", "transformers", "tuned"),
            ),
        ),
        ModelBenchmark(
            "lstm-input-feeding",
            "LSTM, 2 layers of 256, Luong attention with input feeding",
            LSTM,
            (Ours("seqloom", {"model__input_feeding": True}),),
            (Peer("Joey NMT 2.3", "joeynmt_loop", "joeynmt", options={"attention": "luong", "input_feeding": True}),),
            input_feeding=True,
        ),
        ModelBenchmark(
            "lstm-bahdanau",
            "LSTM, 2 layers of 256, Bahdanau attention",
            LSTM,
            (Ours("seqloom", {"model__attention": "bahdanau"}),),
            (
                Peer(
                    "Joey NMT 2.3", "joeynmt_loop", "joeynmt", options={"attention": "bahdanau", "input_feeding": True}
                ),
            ),
            attention="bahdanau",
        ),
    )
}
