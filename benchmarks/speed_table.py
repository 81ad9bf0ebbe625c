"""Writes the tables of training and decoding speed, and of the shares of a step, into benchmarks/README.md."""

import json
from pathlib import Path
from typing import Any

from benchmarks.marked import rewrite

SPEED, SHARES = "speed", "shares"
# The columns of the table of shares: heading, file of results, profile in it.
_PROFILES = (
    ("train tiny, before", "profile-before.json", "training tiny"),
    ("train tiny, now", "profile-after.json", "training tiny"),
    ("train small, before", "profile-before.json", "training small"),
    ("train small, now", "profile-after.json", "training small"),
    ("decode, now", "profile-after.json", "decoding"),
)


def write_table(page: Path, results: Path) -> None:
    """Writes the tables of a folder of results between their marks in a page."""
    rewrite(page, SPEED, speed_tables(results))
    rewrite(page, SHARES, shares_table(results))


def shares_table(results: Path) -> str:
    """A row for each group of operations, a column for each profile: shares of the time, and the speed without profiler."""
    profiles = {}
    for heading, file, name in _PROFILES:
        path = results / file
        measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if name in measured:
            profiles[heading] = measured[name]
    if not profiles:
        return "Nothing has been measured yet."
    rows = [["", *profiles], ["---", *["---:"] * len(profiles)]]
    for group in dict.fromkeys(group for profile in profiles.values() for group in profile["share"]):
        shares = [profile["share"].get(group, 0.0) for profile in profiles.values()]
        if any(shares):
            rows.append([group, *(f"{share:.1%}" for share in shares)])
    rows.append(["speed, not profiled", *map(profiled_speed, profiles.values())])
    return _table(rows)


def profiled_speed(profile: dict[str, Any]) -> str:
    """What the profiled program reaches without the profiler: target tokens or sentences a second."""
    tokens = profile.get("target_tokens_per_second")
    return f"{tokens:,.0f} tokens/s" if tokens else f"{profile['sentences_per_second']:,.1f} sentences/s"


def speed_tables(results: Path) -> str:
    """The tables of training and decoding, for the files of results that exist."""
    parts = []
    path = results / "training.json"
    if path.is_file():
        parts += [training_table(benchmark) for benchmark in json.loads(path.read_text())["models"].values()]
    path = results / "decoding.json"
    if path.is_file():
        parts.append(decoding_table(json.loads(path.read_text(encoding="utf-8"))))
    return "\n\n".join(parts) or "Nothing has been measured yet."


def training_table(benchmark: dict[str, Any]) -> str:
    """A row for each program, the fastest first; below it the ratios to the best other programs, and the machine."""
    measured = benchmark["measured"]
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
    results = sorted(benchmark["programs"].items(), key=lambda item: -item[1].get("tokens_per_second", 0.0))
    for label, result in results:
        name = f"**{label}**" if result["kind"] == "ours" else label
        if "tokens_per_second" not in result:
            rows.append([name, "not measured", *[""] * 6])
            continue
        ratio = benchmark["ratios"].get(label, {}).get("ratio")
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
        for label, result in results
        if "not_measured" in result
    ]
    best = [
        f"{ratio['ratio']:.2f} times as fast as the best {kind} program "
        f"({ratio['peer']}; {ratio['least']:.2f} to {ratio['largest']:.2f})"
        for kind in ("stock", "tuned")
        if "ratio" in (ratio := benchmark["ratios"].get(f"best {kind}", {}))
    ]
    if best:
        notes.insert(0, f"seqloom is {' and '.join(best)}.")
        notes[1:1] = _further_ratios(benchmark)
    return f"**{benchmark['title']}**\n\n{_table(rows)}\n\n{' '.join(notes)} {_circumstances(measured)}".strip()


def _further_ratios(benchmark: dict[str, Any]) -> list[str]:
    """Ratios of further variants of seqloom: quotients of medians, because only the first variant has a turn before every peer."""
    programs = benchmark["programs"]
    ours = [label for label, result in programs.items() if result["kind"] == "ours"]
    sentences = []
    for label in ours[1:]:
        ratios = [
            f"{programs[label]['tokens_per_second'] / programs[peer]['tokens_per_second']:.2f} times as fast as "
            f"the best {kind} program"
            for kind in ("stock", "tuned")
            if "tokens_per_second" in programs[label]
            and (peer := benchmark["ratios"].get(f"best {kind}", {}).get("peer"))
        ]
        if ratios:
            sentences.append(f'"{label}" is {" and ".join(ratios)} (ratios of medians).')
    return sentences


def decoding_table(results: dict[str, Any]) -> str:
    """A row for each program, the fastest first; below it the start times and the machine."""
    head = ["", "sentences/s in batches", "min to max", "one sentence", "min to max", "BLEU", "peak memory"]
    rows = [head, ["---", *["---:"] * 6]]
    order = sorted(results["programs"].items(), key=lambda item: -item[1].get("sentences_per_second", 0.0))
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
    for engine, cold in results["cold_start"].items():
        if "seconds" in cold:
            notes.append(
                f"`seqloom translate --engine {engine}` translates its first sentence {cold['seconds']:.2f} s after the start "
                f"({cold['first_seconds']:.2f} s the first time); for all sentences it needs at most "
                f"{cold['peak_memory_mib']:,.0f} MiB."
            )
        else:
            notes.append(f"`seqloom translate --engine {engine}` is not measured: {_in_short(cold['not_measured'])}.")
    title = f"**Decoding with the same tiny weights, test_2016_flickr, beam {results['beam']}, no length penalty**"
    return f"{title}\n\n{_table(rows)}\n\n{' '.join(notes)} {_circumstances(results['measured'])}".strip()


def _circumstances(measured: dict[str, Any]) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in measured["machine"].items())
    peaks = ", ".join(f"{value:,.0f} ({name})" for name, value in measured["matrix_products_gflops"].items())
    turns = f" of {measured['seconds_a_turn']:g} s. Matrix products reach, in GFLOP/s: {peaks}" if peaks else ""
    note = f"{measured['note']} " if measured.get("note") else ""
    return f"{note}{measured['rounds']} rounds{turns}. Measured on {measured['date']}: {machine}."


def _in_short(reason: str) -> str:
    return reason if len(reason) <= 300 else f"{reason[:300]} …"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
