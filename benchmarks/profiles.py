"""Profiles the training steps and the decoding of seqloom; writes the time of each group of operators as JSON and Markdown.

    python -m benchmarks.profiles before --sizes tiny small

`seqloom.train` and `Run.translate` run as users call them; only the batches are counted, to find the end of the warm-up. The
profiler slows small operators, so the time of a step without it is measured too.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.attribution import GROUPS, labelled_modules, milliseconds, profiler
from benchmarks.dataset import CORPUS
from benchmarks.sizes import SIZES, UPDATES_ONLY, VOCAB_SIZE, Size, our_recipe
from benchmarks.speed_table import profiled_speed
from seqloom import Budget, load, machine, open_corpus, train
from seqloom.run import training_run

RESULTS = Path(__file__).parent / "results"
WARM_STEPS, STEPS = 5, 4
SENTENCES = 64


def training_profile(size: Size, folder: Path, **changes: Any) -> dict[str, Any]:
    """Milliseconds of each group in a training step: the mean of `STEPS` steps after a warm-up."""
    watched = profiler()
    times: list[float] = []
    tokens: list[int] = []

    class Watched(training_run.Batches):
        def make(self, k: int, indices: Any) -> Any:
            batch = super().make(k, indices)
            times.append(time.perf_counter())
            tokens.append(batch.num_tokens)
            # First without the profiler, then with it.
            if len(times) == WARM_STEPS + STEPS + 1:
                watched.start()
            if len(times) == WARM_STEPS + 2 * STEPS + 1:
                watched.stop()
            return batch

    original, training_run.Batches = training_run.Batches, Watched  # type: ignore[misc]
    try:
        with labelled_modules():
            recipe = our_recipe(size, **UPDATES_ONLY, **changes)
            train(
                recipe.recipe,
                CORPUS,
                budget=Budget(steps=WARM_STEPS + 2 * STEPS + 1),
                out=folder,
                changes=recipe.assignments(),
                seed=1,
            )
    finally:
        training_run.Batches = original  # type: ignore[misc]
    first, last = WARM_STEPS, WARM_STEPS + STEPS
    seconds = times[last] - times[first]
    return {
        "step_ms": round(1000 * seconds / STEPS, 2),
        "target_tokens_per_second": round(sum(tokens[first:last]) / seconds, 1),
        "profiled_step_ms": round(1000 * (times[last + STEPS] - times[last]) / STEPS, 2),
        **_grouped(watched, STEPS, "ms_a_step", VOCAB_SIZE),
    }


def decoding_profile(folder: Path, beam: int = 5) -> dict[str, Any]:
    """Milliseconds per sentence of each group, for decoding a batch of test sentences of the run's corpus."""
    run = load(folder)
    corpus = open_corpus(run.recipe.corpus or CORPUS)
    sentences = [pair.src for pair in next(iter(corpus.tests.values())).pairs()][:SENTENCES]
    run.translate(sentences, beam=beam)
    begin = time.perf_counter()
    run.translate(sentences, beam=beam)
    seconds = time.perf_counter() - begin
    watched = profiler()
    with labelled_modules(), watched:
        run.translate(sentences, beam=beam)
    return {
        "sentences": len(sentences),
        "beam": beam,
        "sentences_per_second": round(len(sentences) / seconds, 1),
        **_grouped(watched, len(sentences), "ms_a_sentence", run.tokenizer.vocab.tgt_size),
    }


def _grouped(watched: torch.profiler.profile, count: int, unit: str, vocab_size: int) -> dict[str, Any]:
    groups, operators = milliseconds(watched.events(), vocab_size)
    total = sum(groups.values())
    return {
        unit: {group: round(groups[group] / count, 4) for group in GROUPS},
        "share": {group: round(groups[group] / total, 4) for group in GROUPS},
        "operators": {
            group: {name: round(ms / count, 4) for name, ms in sorted(times.items(), key=lambda item: -item[1])[:8]}
            for group, times in operators.items()
            if times
        },
    }


def markdown(profiles: dict[str, Any]) -> str:
    """The shares as a table: a row for each group, a column for each profile."""
    names = [name for name in profiles if name != "machine"]
    rows = [["", *names], ["---", *["---:"] * len(names)]]
    rows += [[group, *(f"{profiles[name]['share'][group]:.1%}" for name in names)] for group in GROUPS]
    rows.append(["not profiled", *(profiled_speed(profiles[name]) for name in names)])
    about = ", ".join(f"{key} {value}" for key, value in profiles["machine"].items())
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\nMeasured on: {about}.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label", help="the name of the profile, for example before or after")
    parser.add_argument("--sizes", nargs="+", default=["tiny", "small"], choices=list(SIZES))
    parser.add_argument("--parts", nargs="+", default=["training", "decoding"], choices=["training", "decoding"])
    parser.add_argument("--run", type=Path, help="a trained run for decoding (default: decoding is not profiled)")
    arguments = parser.parse_args()
    profiles = write_profiles(arguments.label, arguments.sizes, arguments.parts, arguments.run)
    print(markdown(profiles))
    return 0


def write_profiles(label: str, sizes: list[str], parts: list[str], run: Path | None = None) -> dict[str, Any]:
    """Profiles and writes `profile-LABEL.json` and `.md`; earlier results of other parts stay in the file."""
    path = RESULTS / f"profile-{label}.json"
    profiles: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for name in sizes:
        if "training" in parts:
            with tempfile.TemporaryDirectory() as temporary:
                profiles[f"training {name}"] = training_profile(SIZES[name], Path(temporary) / name)
    if "decoding" in parts and run is not None:
        # The run must be trained: an untrained model does not end its outputs before the limit.
        profiles["decoding"] = decoding_profile(run)
    profiles["machine"] = machine.describe_machine(torch.device("cpu"))
    path.write_text(json.dumps(profiles, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown(profiles))
    return profiles


if __name__ == "__main__":
    raise SystemExit(main())
