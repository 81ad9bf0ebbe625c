"""`python -m benchmarks.series FOLDER`: writes the real series of docs/tutorial-task.md as CSV files, from statsmodels.

co2.csv: monthly means of atmospheric CO2 at Mauna Loa in ppm, 1958-2001 (526 months; months without a measurement are
interpolated).
sunspots.csv: the yearly number of sunspots, 1700-2008 (309 years).
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path


def main() -> int:
    from statsmodels.datasets import co2, sunspots

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    months = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    _write(folder / "co2.csv", ("month", "ppm"), ((f"{month:%Y-%m}", f"{ppm:.3f}") for month, ppm in months.items()))
    years = sunspots.load_pandas().data
    _write(
        folder / "sunspots.csv",
        ("year", "sunspots"),
        ((f"{year:.0f}", f"{count:g}") for year, count in zip(years["YEAR"], years["SUNACTIVITY"], strict=True)),
    )
    return 0


def _write(path: Path, names: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
