"""Writes the terminal output and the pictures (report, explanation) that README.md shows.

    python -m benchmarks.first_screen                               # the lines and the pictures of the report
    python -m benchmarks.first_screen --explain runs/a runs/b       # also the pictures of an explanation of two runs

They come from files of results, by the code that prints and draws for users. The pictures need Chromium (on Debian: apt install
chromium) and playwright, which `make setup` installs.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from benchmarks.marked import filled
from seqloom.comparison.comparison import Comparison
from seqloom.report.page import write_report
from seqloom.report.terminal import comparison_table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
TEXT = "before you open the oak door, pick the brass lamp up and light it"
MOST_BYTES = 150_000
"""The size of a picture; more would make the page slow to load."""
COLUMNS = 120
SIZE = {"width": 1300, "height": 1080}
SCALE = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explain", nargs="+", type=Path, metavar="RUN", help="the runs that the explanation compares")
    parser.add_argument("--lines-only", action="store_true", help="write no pictures")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    readme.write_text(with_lines(readme.read_text(encoding="utf-8")), encoding="utf-8")
    if not arguments.lines_only:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.html"
            write_report(read("demo"), report)
            take_pictures(report, "report")
            if arguments.explain:
                page = Path(folder) / "explain.html"
                command = [sys.executable, "-m", "seqloom", "explain", *map(str, arguments.explain), "--text", TEXT]
                subprocess.run([*command, "--threads", "1", "--out", str(page)], check=True)
                take_pictures(page, "explain")
    return 0


def read(name: str) -> Comparison:
    """A stored comparison of benchmarks/results."""
    return Comparison.model_validate_json((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def with_lines(readme: str) -> str:
    """The README with the terminal output of the demo and the verdict of the comparison on Multi30k."""
    lines = terminal_lines(read("demo"))
    readme = filled(readme, "terminal", "```text\n" + "\n".join(lines) + "\n```")
    longer = read("multi30k-en-de")
    return filled(readme, "longer", f"> {longer.verdict[0]} ({longer.budget})")


def terminal_lines(comparison: Comparison) -> list[str]:
    """The heading, the table of scores and the table of costs of a printed comparison.

    The verdict in sentences, the table of further metrics and the remarks are left out, to keep the README short.
    """
    stream = StringIO()
    Console(file=stream, width=COLUMNS, color_system=None).print(comparison_table(comparison))
    paragraphs: list[list[str]] = [[]]
    for line in map(str.rstrip, stream.getvalue().splitlines()):
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    head, _, scores, *_, costs, _ = [paragraph for paragraph in paragraphs if paragraph]
    return [*head, "", *scores, "", *costs]


def take_pictures(page: Path, name: str) -> None:
    """Writes NAME-light.png and NAME-dark.png: the top of a page in both colour schemes."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport=SIZE, device_scale_factor=SCALE, color_scheme=scheme)
            tab.goto(page.as_uri())
            tab.wait_for_load_state("networkidle")
            tab.wait_for_timeout(1000)
            save(tab.screenshot(), IMAGES / f"{name}-{scheme}.png")
        browser.close()


def save(png: bytes, path: Path) -> None:
    """Writes a picture.

    Raises:
        SystemExit: it has more than `MOST_BYTES` bytes.
    """
    path.write_bytes(png)
    if len(png) > MOST_BYTES:
        raise SystemExit(f"{path}: {len(png):,} bytes; expected at most {MOST_BYTES:,}")


def chromium(names: Sequence[str] = ("chromium", "chromium-browser", "google-chrome")) -> str:
    """The path of the browser.

    Raises:
        SystemExit: none of the programs is installed.
    """
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise SystemExit("Chromium is not installed; on Debian: apt install chromium")
    return path


if __name__ == "__main__":
    sys.exit(main())
