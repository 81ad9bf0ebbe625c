"""Compares the small language models on tinyshakespeare, and writes the numbers and the pictures of docs/language-models.md.

    python -m benchmarks.language_models --measure runs/language-models    # trains, evaluates, writes results, tables, pictures
    python -m benchmarks.language_models --pictures runs/language-models   # tables and pictures of runs that are there
    python -m benchmarks.language_models                                   # tables, from benchmarks/results/language-models.json

Pictures need Chromium (on Debian: apt install chromium) and playwright, which `make setup` installs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.first_screen import IMAGES, ROOT, SCALE, chromium, save
from benchmarks.marked import filled
from seqloom.comparison.comparison import Comparison
from seqloom.report import wording
from seqloom.report.text_charts import HELD_OUT, details_by_test, gain_ends_at

RESULTS = ROOT / "benchmarks" / "results" / "language-models.json"
PAGE = ROOT / "docs" / "language-models.md"
RECIPES = ("ngram", "ngram-subwords", "rnn-lm-tiny", "gpt2-tiny", "transformer-lm-tiny")
MIXED = ("ngram-subwords", "rnn-lm-tiny")
"""The runs that are interpolated: an n-gram model and a neural one with the same tokenizer."""
COMPARED = ("ngram", "rnn-lm-tiny")
"""The runs in the picture of surprise."""
COMMAND = (
    f"seqloom compare {' '.join(RECIPES)} --data tinyshakespeare --minutes 5 --threads 1 --out runs/language-models"
)
# The part of the test text in the picture.
_BEGIN, _CHARACTERS = 40_000, 330
_WIDTH = 1200
_MARGIN = 16


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=Path, metavar="FOLDER", help="train in this folder, or go on there")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="the folder of a comparison that is there")
    arguments = parser.parse_args()
    if arguments.measure is not None:
        words = COMMAND.split()[1:-1]
        subprocess.run([sys.executable, "-m", "seqloom", *words, str(arguments.measure)], check=True)
        RESULTS.write_text(
            json.dumps(results_of(arguments.measure), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    PAGE.write_text(with_numbers(PAGE.read_text(encoding="utf-8"), read_results()), encoding="utf-8")
    folder = arguments.measure or arguments.pictures
    if folder is not None:
        take_pictures(folder)
    return 0


def read_results() -> dict[str, Any]:
    """The stored results."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def results_of(folder: Path) -> dict[str, Any]:
    """The comparison in a folder, and the score of a mixture of two of its runs."""
    from seqloom.run.load import load

    comparison = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    runs = [folder / "runs" / f"{name}-seed0" for name in MIXED]
    mixture = load(*runs, threads=1, weights="tune")
    (scores,) = mixture.evaluate().scores.values()
    score = next(item for item in scores if item.metric == "bits_per_byte")
    return {
        "comparison": comparison,
        "mixture": {
            "runs": list(MIXED),
            "weights": [float(weight) for weight in mixture.model.weights],
            "bits_per_byte": score.value,
            "interval": score.interval,
            "signature": score.signature,
        },
    }


def with_numbers(page: str, results: dict[str, Any]) -> str:
    """The page with the tables of the results."""
    comparison = Comparison.model_validate(results["comparison"])
    page = filled(page, "scores", scores_table(comparison, results["mixture"]))
    return filled(page, "inside", inside_table(comparison))


def scores_table(comparison: Comparison, mixture: dict[str, Any]) -> str:
    """Bits per byte, time and speed of each model, and of the mixture."""
    lines = [
        "| model | bits per byte, test | training | updates | training tokens a second |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for arm in comparison.arms:
        quality, run = arm.tests["test"][0], arm.runs[0]
        time = f"{run.train_seconds:.1f} s" if run.train_seconds < 60 else f"{run.train_seconds / 60:.1f} min"
        lines.append(
            f"| {arm.label} (`{arm.name}`) | {wording.score_with_interval(quality)} | {time} | "
            f"{wording.number(run.steps) if run.steps else 'counted'} | {wording.number(run.tokens_per_second)} |"
        )
    low, high = mixture["interval"]
    weights = " and ".join(
        f"{weight:.3f} of `{name}`" for name, weight in zip(mixture["runs"], mixture["weights"], strict=True)
    )
    lines.append(f"| mixture: {weights} | {mixture['bits_per_byte']:.3f} [{low:.3f}, {high:.3f}] | | | |")
    environment = ", ".join(f"{name} {value}" for name, value in comparison.environment.items())
    caveats = [caveat for caveat in comparison.caveats if "other programs" in caveat or "Still improving" in caveat]
    return "\n".join(
        [
            *lines,
            "",
            f"{comparison.budget[:1].upper()}{comparison.budget[1:]}; seed 0. In brackets: 95% intervals over passages of the test "
            f"text. Measured on: {environment}. {' '.join(caveats)}",
        ]
    )


def inside_table(comparison: Comparison) -> str:
    """Where more context stops helping, and the words of samples."""
    (details,) = details_by_test(comparison).values()
    labels = wording.arm_labels(comparison)
    lines = [
        "| model | loss without context | loss with its longest context | falls up to | samples: words never in training | "
        "distinct words of all |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, item in details.items():
        ends = gain_ends_at(item.context)
        lines.append(
            f"| {labels[name]} | {item.context[0].bits_per_byte:.2f} | {item.context[-1].bits_per_byte:.2f} | "
            f"{wording.number(ends.characters)} characters | {item.words.unseen.value:.1f}% | "
            f"{100 * len(item.words.counts) / item.words.num_words:.0f}% |"
        )
    human = next(iter(details.values())).human_words
    distinct = f"{100 * len(human.counts) / human.num_words:.0f}%"
    lines.append(f"| {HELD_OUT} | | | | {human.unseen.value:.1f}% | {distinct} |")
    return "\n".join(lines)


def take_pictures(folder: Path) -> None:
    """Writes pictures of a text coloured by surprise, and of the report's part on context and words, in both colour schemes."""
    from playwright.sync_api import sync_playwright

    from seqloom.run.load import load

    runs = [folder / "runs" / f"{name}-seed0" for name in COMPARED]
    test = next(iter(load(runs[0], threads=1).open_corpus().tests.values()))
    text = "".join(document.text for document in test.documents())
    begin = text.index("\n\n", min(_BEGIN, len(text) // 2)) + 2
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "surprise.html"
        shown = text[begin : text.rindex("\n", begin, begin + _CHARACTERS)]
        command = [sys.executable, "-m", "seqloom", "explain", *map(str, runs), "--text", shown, "--threads", "1"]
        subprocess.run([*command, "--out", str(page), "--quiet"], check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
            for scheme in ("light", "dark"):
                size = {"width": _WIDTH, "height": 900}
                tab = browser.new_page(viewport=size, device_scale_factor=SCALE, color_scheme=scheme)
                tab.goto(page.as_uri())
                # The piece whose details are shown stands in the lower half, so that they do not hide the names of the models.
                pieces = tab.locator("[data-surprise='1'] .piece")
                pieces.nth(2 * pieces.count() // 3).focus()
                save(picture_of(tab, "section[aria-labelledby=surprise] .runs"), IMAGES / f"surprise-{scheme}.png")
                tab.goto((folder / "report.html").as_uri())
                for name in ("context-0", "words-0"):
                    tab.locator(f"[data-chart='{name}'] svg").wait_for()
                save(picture_of(tab, "section[aria-labelledby=task]"), IMAGES / f"context-{scheme}.png")
                tab.close()
            browser.close()


def picture_of(tab: Any, selector: str) -> bytes:
    """A part of a page with a margin, as PNG."""
    tab.evaluate("window.scrollTo(0, 0)")
    box = tab.locator(selector).bounding_box()
    clip = {
        "x": max(0, box["x"] - _MARGIN),
        "y": box["y"] - _MARGIN,
        "width": min(_WIDTH, box["width"] + 2 * _MARGIN),
        "height": box["height"] + 2 * _MARGIN,
    }
    png: bytes = tab.screenshot(full_page=True, clip=clip)
    return png


if __name__ == "__main__":
    sys.exit(main())
