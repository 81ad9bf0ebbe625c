"""Parsers of free phrasings on phrasings of players: what they understand, and how long that takes.

    seqloom fiction train-parser --games cloak,adventure --out RUN
    python -m benchmarks.phrasings RUN --data FILE.jsonl --data-dir FOLDER > benchmarks/results/phrasings.json
    python -m benchmarks.phrasings --table        writes the table of docs/fiction.md from that file

Besides the table of `seqloom fiction evaluate`, it gives the rates at several thresholds, the network without the constraint, the
rates on generated phrasings with held-out nouns and phrases, and the time of a parse on one thread.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.calibration import decisions
from seqloom.fiction.parsing.comparing import compare_parsers
from seqloom.fiction.parsing.evaluation import Phrasing, judge, merged_words, rates, read_phrasings
from seqloom.fiction.parsing.linking import MarkedText, link
from seqloom.fiction.parsing.network import NetworkParser
from seqloom.fiction.parsing.phrasings import SPLITS, examples
from seqloom.fiction.parsing.proposals import Candidate, PhrasingParser
from seqloom.fiction.parsing.rules import RuleParser
from seqloom.fiction.parsing.scene import Scene, game_words, scene_from_texts
from seqloom.fiction.parsing.trained import open_trained
from seqloom.run.load import load

THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
_GENERATED = 300
PAGE = Path("docs/fiction.md")
RESULTS = Path("benchmarks/results/phrasings.json")
BEGIN, END = "<!-- table: written by benchmarks/phrasings.py -->", "<!-- end of table -->"


class Remembering:
    """A parser that parses each text once, and keeps how long that took."""

    def __init__(self, parser: PhrasingParser, name: str = "") -> None:
        self.name = name or parser.name
        self.seconds: list[float] = []
        self._parser = parser
        self._known: dict[MarkedText, list[Candidate]] = {}

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The candidates of the parser."""
        if text not in self._known:
            start = time.perf_counter()
            self._known[text] = self._parser.parse(text, scene)
            self.seconds.append(time.perf_counter() - start)
        return self._known[text]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and prints the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--data-dir")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args(arguments)
    if options.table:
        write_table()
        return
    if options.run is None or options.data is None:
        parser.error("name a run and --data, or --table")
    phrasings = read_phrasings(options.data)
    games = list(dict.fromkeys(phrasing.game for phrasing in phrasings if phrasing.game))
    words = game_words(games, data_dir=options.data_dir)
    trained = open_trained(options.run)
    free = NetworkParser(load(options.run, device="cpu", threads=1), is_constrained=False)
    network, hybrid = Remembering(trained.network), Remembering(trained.parser)
    unconstrained = Remembering(free, f"{free.name}, unconstrained")
    rows = compare_parsers(
        phrasings,
        words,
        [(unconstrained, trained.threshold), (network, trained.threshold), (hybrid, trained.threshold)],
    )
    results = {
        "trained_on": trained.games,
        "parameters": sum(parameter.numel() for parameter in load(options.run, device="cpu").model.parameters()),
        "threshold": trained.threshold,
        "rows": [
            {"parser": row.parser, "threshold": row.threshold, "difference": row.difference, **asdict(row.total)}
            | {"by_writer": _understood(row.by_writer), "by_game": _understood(row.by_game)}
            for row in rows
        ],
        "by_threshold": [
            {"parser": parser.name, "threshold": threshold, **asdict(rates(judge(parser, phrasings, words, threshold)))}
            for parser in (Remembering(RuleParser()), network, hybrid)
            for threshold in THRESHOLDS
        ],
        "generated_right": {split: _generated(split, trained, words) for split in SPLITS},
        "milliseconds": {
            parser.name: {"median": _milliseconds(parser.seconds, 50), "p95": _milliseconds(parser.seconds, 95)}
            for parser in (network, hybrid)
        }
        | {"linking": _linking(phrasings, words)},
    }
    json.dump(results, sys.stdout, indent=1)
    print()


def write_table() -> None:
    """Writes the table of the page from the results."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(
        f"{before}{BEGIN}\n{table(json.loads(RESULTS.read_text(encoding='utf-8')))}\n{END}{after}", encoding="utf-8"
    )


def table(results: dict[str, Any]) -> str:
    """The rows of the parsers at their thresholds, and of the rules and the hybrid where they execute everything."""
    lines = [
        "| parser | understood | right among three offers | wrong | executed though no command | the last row minus this |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    everything = [row for row in results["by_threshold"] if row["threshold"] == 0 and row["parser"] == "hybrid"]
    for row in [*everything, *results["rows"]]:
        name = row["parser"] + (" that never asks" if row in everything else "")
        shares = [f"{100 * row[key] / row['commands']:.1f}%" for key in ("understood", "offered", "wrong")]
        interval = row.get("difference")
        difference = "" if interval is None else "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * part for part in interval))
        lines.append(
            f"| {name} | {' | '.join(shares)} | {row['noncommands_executed']} of {row['noncommands']} | {difference} |"
        )
    return "\n".join(lines)


def _understood(parts: dict[str, Any]) -> dict[str, float]:
    return {name: round(counts.share, 4) for name, counts in parts.items()}


def _generated(split: str, trained: Any, words: dict[str, Words]) -> dict[str, float]:
    """The share of generated texts that each parser reads right, whatever its confidence."""
    games = [words[game] for game in trained.games if game in words]
    sample = list(examples(games, split, _GENERATED, seed=99))
    parsers = (RuleParser(), trained.network, trained.parser)
    merged = merged_words(games)
    return {
        parser.name: round(float(np.mean([item.is_right for item in decisions(parser, sample, merged)])), 4)
        for parser in parsers
    }


def _linking(phrasings: Sequence[Phrasing], words: dict[str, Words]) -> dict[str, float]:
    seconds = []
    for phrasing in phrasings:
        if phrasing.game:
            scene = scene_from_texts(words[phrasing.game], phrasing.room_text, phrasing.inventory)
            start = time.perf_counter()
            link(phrasing.text, scene)
            seconds.append(time.perf_counter() - start)
    return {"median": _milliseconds(seconds, 50), "p95": _milliseconds(seconds, 95)}


def _milliseconds(seconds: Sequence[float], percentile: float) -> float:
    return round(1000 * float(np.percentile(seconds, percentile)), 2)


if __name__ == "__main__":
    main()
