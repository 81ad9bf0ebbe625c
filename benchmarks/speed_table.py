"""Writes the tables of training and decoding speed into a page of Markdown, from the files of results."""

import json
from pathlib import Path
from typing import Any

from benchmarks.marked import rewrite

NAME = "speed"


def write_table(page: Path, results: Path) -> None:
    """Fills the place for the tables in a page."""
    rewrite(page, NAME, speed_tables(results))


def speed_tables(results: Path) -> str:
    """The tables of all files of results that are there."""
    parts = []
    path = results / "training.json"
    if path.is_file():
        parts += [training_table(match) for match in json.loads(path.read_text())["matches"].values()]
    path = results / "decoding.json"
    if path.is_file():
        parts.append(decoding_table(json.loads(path.read_text(encoding="utf-8"))))
    return "\n\n".join(parts) or "Nothing has been measured yet."


def training_table(match: dict[str, Any]) -> str:
    """A row for each contestant, the fastest first."""
    measured = match["measured"]
    rows = [
        [
            "",
            "target tokens/s",
            "min to max",
            "seqloom speed-up",
            "GFLOP/s",
            "% of peak",
            "peak memory",
            "tokens a step",
        ],
        ["---", *["---:"] * 7],
    ]
    found = sorted(match["contestants"].items(), key=lambda item: -item[1].get("tokens_per_second", 0.0))
    for label, result in found:
        name = f"**{label}**" if result["kind"] == "ours" else label
        if "tokens_per_second" not in result:
            rows.append([name, "not measured", *[""] * 6])
            continue
        ratio = match["ratios"].get(label, {}).get("ratio")
        rows.append(
            [
                name,
                f"{result['tokens_per_second']:,.0f}",
                f"{result['least']:,.0f} to {result['largest']:,.0f}",
                f"{ratio:.2f}x" if ratio else "",
                f"{result['gflops']:,.0f}",
                f"{result['share_of_peak']:.0%}",
                f"{result['peak_memory_mib']:,.0f} MiB",
                f"{result['tokens_per_step']:,.0f}",
            ]
        )
    notes = [
        f"{label} is not measured: {_in_short(result['not_measured'])}."
        for label, result in found
        if "not_measured" in result
    ]
    best = [
        f"{ratio['ratio']:.2f}x the best {kind} peer ({ratio['peer']}; {ratio['least']:.2f} to {ratio['largest']:.2f})"
        for kind in ("stock", "tuned")
        if "ratio" in (ratio := match["ratios"].get(f"best {kind}", {}))
    ]
    if best:
        notes.insert(0, f"Ours is {' and '.join(best)}.")
        notes[1:1] = _further_ratios(match)
    return f"**{match['title']}**\n\n{_table(rows)}\n\n{' '.join(notes)} {_circumstances(measured)}".strip()


def _further_ratios(match: dict[str, Any]) -> list[str]:
    """Our further ways of training over the best peers: quotients of medians, since only the first stands beside every peer."""
    contestants = match["contestants"]
    ours = [label for label, result in contestants.items() if result["kind"] == "ours"]
    sentences = []
    for label in ours[1:]:
        ratios = [
            f"{contestants[label]['tokens_per_second'] / contestants[peer]['tokens_per_second']:.2f}x the best {kind} one"
            for kind in ("stock", "tuned")
            if "tokens_per_second" in contestants[label]
            and (peer := match["ratios"].get(f"best {kind}", {}).get("peer"))
        ]
        if ratios:
            sentences.append(f"{label}: {' and '.join(ratios)}, by medians.")
    return sentences


def decoding_table(found: dict[str, Any]) -> str:
    """A row for each program, the fastest first; cold starts below."""
    head = ["", "sentences/s in batches", "min to max", "one sentence", "min to max", "BLEU", "peak memory"]
    rows = [head, ["---", *["---:"] * 6]]
    order = sorted(found["contestants"].items(), key=lambda item: -item[1].get("sentences_per_second", 0.0))
    for label, result in order:
        name = f"**{label}**" if result["kind"] == "ours" else label
        if "sentences_per_second" not in result:
            rows.append([name, "not measured", *[""] * 5])
            continue
        rows.append(
            [
                name,
                f"{result['sentences_per_second']:,.0f}",
                f"{result['least']:,.0f} to {result['largest']:,.0f}",
                f"{result['single_ms']:.1f} ms",
                f"{result['single_ms_least']:.1f} to {result['single_ms_largest']:.1f} ms",
                f"{result['bleu']:.1f}",
                f"{result['peak_memory_mib']:,.0f} MiB",
            ]
        )
    notes = [
        f"{label} is not measured: {_in_short(result['not_measured'])}."
        for label, result in order
        if "not_measured" in result
    ]
    for engine, cold in found["cold_start"].items():
        if "seconds" in cold:
            notes.append(
                f"`seqloom translate --engine {engine}` answers its first sentence {cold['seconds']:.2f} s after it was started "
                f"({cold['first_seconds']:.2f} s the first time); translating all sentences it needs at most "
                f"{cold['peak_memory_mib']:,.0f} MiB."
            )
        else:
            notes.append(f"`seqloom translate --engine {engine}` is not measured: {_in_short(cold['not_measured'])}.")
    title = f"**Decoding with the same tiny weights, test_2016_flickr, beam {found['beam']}, no length penalty**"
    return f"{title}\n\n{_table(rows)}\n\n{' '.join(notes)} {_circumstances(found['measured'])}".strip()


def _circumstances(measured: dict[str, Any]) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in measured["machine"].items())
    peaks = ", ".join(f"{value:,.0f} ({name})" for name, value in measured["matrix_products_gflops"].items())
    reach = f" of {measured['seconds_a_turn']:g} s. Matrix products reach, in GFLOP/s: {peaks}" if peaks else ""
    note = f"{measured['note']} " if measured.get("note") else ""
    return f"{note}{measured['rounds']} rounds{reach}. Measured on {measured['date']}: {machine}."


def _in_short(reason: str) -> str:
    return reason if len(reason) <= 300 else f"{reason[:300]} …"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
