"""The tables of the benchmarks, and the ratios in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.marked import filled
from benchmarks.speed_table import (
    SHARES,
    SPEED,
    decoding_table,
    shares_table,
    speed_tables,
    training_table,
    write_table,
)
from benchmarks.training import turn_ratio

ROOT = Path(__file__).resolve().parents[3]


def turns(*speeds: float) -> list[dict[str, Any]]:
    return [{"round": number, "group": 0, "tokens_per_second": speed} for number, speed in enumerate(speeds)]


def benchmark() -> dict[str, Any]:
    def measured(kind: str, speed: float) -> dict[str, Any]:
        return {
            "kind": kind,
            "tokens_per_second": speed,
            "least": speed - 1,
            "largest": speed + 1,
            "tokens_per_step": 4000.0,
            "gflops": 20.0,
            "share_of_peak": 0.25,
            "peak_memory_mib": 900.0,
        }

    return {
        "title": "tiny: a model",
        "programs": {
            "seqloom": measured("ours", 3000.0),
            "plain loop": measured("stock", 1000.0),
            "broken": {"kind": "stock", "not_measured": "pip install broken failed"},
        },
        "ratios": {
            "plain loop": {"ratio": 3.0, "least": 2.9, "largest": 3.1},
            "best stock": {"peer": "plain loop", "ratio": 3.0, "least": 2.9, "largest": 3.1},
        },
        "measured": {
            "date": "2026-01-01",
            "machine": {"processor": "a processor", "threads": "2"},
            "matrix_products_gflops": {"fp32, oneDNN": 80.0},
            "rounds": 3,
            "seconds_a_turn": 8.0,
        },
    }


def test_a_peer_that_failed_stands_in_the_table_with_its_reason() -> None:
    table = training_table(benchmark())
    assert "| broken | not measured |" in table
    assert "broken is not measured: pip install broken failed." in table


def test_the_fastest_stands_first_with_its_ratio() -> None:
    rows = [line for line in training_table(benchmark()).splitlines() if line.startswith("|")]
    assert rows[2].startswith("| **seqloom** | 3,000 |")
    assert rows[3].startswith("| plain loop | 1,000 | 999 to 1,001 | 3.00x |")
    assert "seqloom is 3.00 times as fast as the best stock program (plain loop; 2.90 to 3.10)" in training_table(
        benchmark()
    )


def test_our_further_ways_are_compared_by_medians() -> None:
    results = benchmark()
    results["programs"]["seqloom, bf16 products"] = {**results["programs"]["seqloom"], "tokens_per_second": 4500.0}
    assert (
        '"seqloom, bf16 products" is 4.50 times as fast as the best stock program (ratios of medians).'
        in training_table(results)
    )
    results["programs"]["seqloom, bf16 products"] = {"kind": "ours", "not_measured": "no units"}
    assert "ratios of medians" not in training_table(results)


def test_ratios_are_made_of_turns_side_by_side() -> None:
    # The machine became half as fast in the second round, for both.
    assert turn_ratio(turns(300, 150, 300), turns(100, 50, 90)) == {"ratio": 3.0, "least": 3.0, "largest": 3.333}
    assert turn_ratio(turns(300, 150), []) is None


def test_a_turn_without_ours_beside_it_makes_no_ratio() -> None:
    assert turn_ratio(turns(300), turns(100, 50)) == {"ratio": 3.0, "least": 3.0, "largest": 3.0}


def test_the_tables_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(
        "before\n<!-- speed: by a script -->\nold\n<!-- end of speed -->\n"
        "<!-- shares: by a script -->\nold\n<!-- end of shares -->\nafter\n"
    )
    (tmp_path / "training.json").write_text(json.dumps({"models": {"tiny": benchmark()}}))
    write_table(page, tmp_path)
    once = page.read_text()
    write_table(page, tmp_path)
    assert page.read_text() == once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert "| **seqloom** |" in once


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# a page")
    with pytest.raises(SystemExit, match="lacks the marks"):
        write_table(page, tmp_path)


def test_the_page_has_the_tables_of_the_results() -> None:
    page, results = ROOT / "benchmarks" / "README.md", ROOT / "benchmarks" / "results"
    text = page.read_text(encoding="utf-8")
    assert filled(text, SPEED, speed_tables(results)) == text
    assert filled(text, SHARES, shares_table(results)) == text


def test_decoding_has_a_row_for_each_program_and_its_cold_starts() -> None:
    results = {
        "beam": 5,
        "programs": {
            "seqloom": {
                "kind": "ours",
                "sentences_per_second": 600.0,
                "least": 590.0,
                "largest": 610.0,
                "single_ms": 7.0,
                "single_ms_least": 6.9,
                "single_ms_largest": 7.5,
                "bleu": 30.0,
                "peak_memory_mib": 390.0,
            },
            "another": {"kind": "peer", "not_measured": "it printed nothing"},
        },
        "cold_start": {
            "seqloom": {"seconds": 1.5, "first_seconds": 2.5, "peak_memory_mib": 380.0},
            "ctranslate2": {"not_measured": "not installed"},
        },
        "measured": benchmark()["measured"],
    }
    table = decoding_table(results)
    assert "| **seqloom** | 600 | 590 to 610 | 7.0 ms | 6.9 to 7.5 ms | 30.0 | 390 MiB |" in table
    assert "another is not measured: it printed nothing." in table
    assert "translates its first sentence 1.50 s" in table
    assert "`seqloom translate --engine ctranslate2` is not measured: not installed." in table
