"""`python -m benchmarks.series FOLDER`: writes the real series of docs/tutorial-task.md as CSV files, from statsmodels.

With `--table` it trains a run on each series (unless the run exists), evaluates it, and writes the scores into
benchmarks/results/forecast.json and into the page.

co2.csv: monthly means of atmospheric CO2 at Mauna Loa in ppm, 1958-2001 (526 months; months without a measurement are
interpolated).
sunspots.csv: the yearly number of sunspots, 1700-2008 (309 years).
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "forecast.json"
PAGE = ROOT / "docs" / "tutorial-task.md"

# The changes to the recipe by series. The cycle of sunspots has about eleven years.
TASKS: dict[str, dict[str, Any]] = {
    "co2": {},
    "sunspots": {"column": "sunspots", "season": 11, "horizon": 11, "context": 44, "num_bins": 64},
}
_BETWEEN = re.compile(r"(<!-- figures: [^\n]* -->\n).*(<!-- end of figures -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the series and the runs")
    parser.add_argument("--table", action="store_true", help="train, evaluate, and write the table of scores")
    arguments = parser.parse_args()
    write_series(arguments.folder)
    if arguments.table:
        results = {name: evaluate(arguments.folder, name, changes) for name, changes in TASKS.items()}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return 0


def evaluate(folder: Path, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The scores of the trained model and of the simple forecasts, by forecast; trains the run if it is missing."""
    import seqloom

    run = folder / name
    if not (run / "weights" / "last.safetensors").is_file():
        seqloom.train("forecast-tiny", folder / f"{name}.csv", out=run, changes={"task": changes})
    return seqloom.load(run).evaluate().to_json()


def with_figures(page: str, results: dict[str, Any]) -> str:
    """The page with the table of results."""
    lines = ["| series | forecast | MASE | weighted quantile loss (%) |", "| --- | --- | --- | --- |"]
    for name, forecasts in results.items():
        for forecast, result in forecasts.items():
            scores = {score["metric"]: score for score in result["scores"]}
            shown = [
                f"{score['value']:.2f} [{score['interval'][0]:.2f}, {score['interval'][1]:.2f}]"
                for score in (scores["mase"], scores["wql"])
            ]
            label = forecast.removeprefix("test, ") if forecast != "test" else "forecast-tiny"
            lines.append(f"| {name} | {label} | {shown[0]} | {shown[1]} |")
    return _BETWEEN.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], page)


def write_series(folder: Path) -> None:
    """Writes co2.csv and sunspots.csv into the folder."""
    from statsmodels.datasets import co2, sunspots

    folder.mkdir(parents=True, exist_ok=True)
    months = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    _write(folder / "co2.csv", ("month", "ppm"), ((f"{month:%Y-%m}", f"{ppm:.3f}") for month, ppm in months.items()))
    years = sunspots.load_pandas().data
    _write(
        folder / "sunspots.csv",
        ("year", "sunspots"),
        ((f"{year:.0f}", f"{count:g}") for year, count in zip(years["YEAR"], years["SUNACTIVITY"], strict=True)),
    )


def _write(path: Path, names: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
