"""Measures the n-gram model on tinyshakespeare: losses, times and memory, as JSON; and writes a table of them into a page.

    python -m benchmarks.ngram --text ../shared/data/tinyshakespeare/input.txt
    python -m benchmarks.ngram                  # writes the page anew, from the results

The first 90% of the characters are counted, the last 10% are scored, each character from the ones before it. Times are seconds of
processor time, so that other programs disturb them less; each is the least of several rounds. Each model runs in
a process of its own.
"""

import argparse
import gc
import json
import math
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.marked import rewrite
from seqloom import machine
from seqloom.data.batching import Example, Sources
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.models.ngram import NGram, NGramSettings
from seqloom.vocabulary import Vocabulary

RESULTS = Path(__file__).parent / "results" / "ngram.json"
PAGE = Path(__file__).parent / "README.md"
ORDERS = (5, 6, 7)
_SPECIAL = 3
_FIT_IDS = 1_000_000
_ROUNDS = 3
_TOKENS = 300


def encode(text: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Vocabulary]:
    """A number for each character, after pad, bos and eos."""
    alphabet = {character: number for number, character in enumerate(sorted(set(text)), start=_SPECIAL)}
    size = len(alphabet) + _SPECIAL
    return np.array([alphabet[character] for character in text]), Vocabulary(size, size, shared=True)


def example(ids: np.ndarray[Any, np.dtype[np.int64]]) -> Example:
    return Example(np.empty(0, dtype=np.int64), ids)


def fit(ids: np.ndarray[Any, np.dtype[np.int64]], vocab: Vocabulary, order: int) -> NGram:
    model = NGram(NGramSettings(order=order), vocab)
    model.fit([example(ids)], end=False)
    return model.eval()


def least(function: Callable[[], object]) -> float:
    """The least processor time of several rounds, in seconds."""
    times = []
    for _ in range(_ROUNDS):
        gc.collect()
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return round(min(times), 3)


def quality(path: Path, order: int) -> dict[str, float | int]:
    """Nats a character on the last 10%, after the first 90%; and how far sums of probabilities are from 1 over 1,000 contexts."""
    ids, vocab = encode(path.read_text(encoding="utf-8"))
    cut = int(0.9 * len(ids))
    model = fit(ids[:cut], vocab, order)
    # The context of the first held-out character is the end of the training text.
    prompt = Sources.pad([ids[cut - order : cut - 1]], pad_id=0)
    hidden, _ = model.advance(torch.from_numpy(ids[None, cut - 1 : -1].copy()), model.start(prompt))
    log_probs = model.target_log_probs(hidden[0], torch.from_numpy(ids[cut:].copy()))
    sums = model.log_probs(hidden[0, :: len(hidden[0]) // 1000][:1000]).exp().sum(dim=1)
    return {
        "order": order,
        "nats_per_character": round(-float(log_probs.mean()), 4),
        "n_grams": model.num_parameters(),
        "largest_difference_of_a_sum_from_1": float((sums - 1).abs().max()),
    }


def speed(path: Path, order: int) -> dict[str, float | int]:
    """Processor seconds to count a million characters, to score text, and to generate."""
    ids, vocab = encode(path.read_text(encoding="utf-8"))
    model = fit(ids[:_FIT_IDS], vocab, order)
    held_out = torch.from_numpy(ids[None, _FIT_IDS:].copy())
    hidden, _ = model.advance(held_out[:, :-1], model.start(Sources.pad([[]], pad_id=0)))
    score = least(lambda: model.target_log_probs(hidden[0], held_out[0, 1:]))
    settings = DecodingSettings(method="sample", max_len_ratio=0.0, max_len_offset=_TOKENS, min_len=_TOKENS)

    def generate(rows: int) -> None:
        with torch.inference_mode():
            search(model, Sources.pad([ids[:7]] * rows, pad_id=0), settings)

    return {
        "order": order,
        "characters": _FIT_IDS,
        "fit_cpu_seconds": least(lambda: fit(ids[:_FIT_IDS], vocab, order)),
        "scored_characters_per_cpu_second": round(held_out.shape[1] / score),
        "generated_characters_per_cpu_second": round(_TOKENS / least(lambda: generate(1))),
        "generated_characters_per_cpu_second_32_at_once": round(32 * _TOKENS / least(lambda: generate(32))),
    }


def memory(path: Path, order: int) -> dict[str, float | int]:
    """The peak of the process that counts a million characters, and what it had taken before."""
    ids, vocab = encode(path.read_text(encoding="utf-8"))
    before = machine.peak_memory_mib(torch.device("cpu"))
    fit(ids[:_FIT_IDS], vocab, order)
    after = machine.peak_memory_mib(torch.device("cpu"))
    return {"order": order, "before_mib": round(before, 1), "peak_mib": round(after, 1)}


def _send(function: Callable[..., Any], arguments: tuple[Any, ...], queue: Any) -> None:
    torch.set_num_threads(1)
    queue.put(function(*arguments))


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function in a fresh process with one thread."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_send, args=(function, arguments, queue))
    process.start()
    result = queue.get()
    process.join()
    return result


def main() -> None:
    """Measures everything if there is a text, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="input.txt of tinyshakespeare")
    path = parser.parse_args().text
    if path is not None:
        RESULTS.write_text(json.dumps(measure(path), indent=1) + "\n", encoding="utf-8")
    rewrite(PAGE, "n-gram", table(json.loads(RESULTS.read_text(encoding="utf-8"))))


def measure(path: Path) -> dict[str, Any]:
    """All results."""
    return {
        "quality": [in_a_process(quality, path, order) for order in ORDERS],
        "speed": in_a_process(speed, path, ORDERS[-1]),
        "memory": in_a_process(memory, path, ORDERS[-1]),
        "environment": machine.describe_machine(torch.device("cpu")),
    }


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    speed, memory = results["speed"], results["memory"]
    rows = [
        f"| {row['order']} | {row['nats_per_character']:.4f} | {row['nats_per_character'] / math.log(2):.3f} | {row['n_grams']:,} |"
        for row in results["quality"]
    ]
    environment = ", ".join(f"{name} {value}" for name, value in results["environment"].items())
    largest = max(row["largest_difference_of_a_sum_from_1"] for row in results["quality"])
    return "\n".join(
        [
            "| order | nats a character | bits a character | n-grams |",
            "| ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"Over 1,000 contexts the probabilities sum to 1 within {largest:.1g}. At order {speed['order']} counting "
            f"{speed['characters']:,} characters takes {speed['fit_cpu_seconds']:.2f} s of processor time and "
            f"{memory['peak_mib'] - memory['before_mib']:.0f} MiB more than the program with torch "
            f"({memory['before_mib']:.0f} MiB). Per second of processor time it scores "
            f"{speed['scored_characters_per_cpu_second']:,} characters, and generates "
            f"{speed['generated_characters_per_cpu_second']:,}, or "
            f"{speed['generated_characters_per_cpu_second_32_at_once']:,} where 32 texts are generated together. "
            f"Measured on: {environment}.",
        ]
    )


if __name__ == "__main__":
    main()
