"""The commands of the README and of docs/ run, and their numbers are those of the files of results that they are made from."""

import os
import re
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import first_screen, lecture_answers
from seqloom.cli import COMMANDS, build_parser
from seqloom.comparison.comparison import Comparison
from tests.comparison_factory import make

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DEMO = ROOT / "docs" / "demo.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Pages whose blocks marked `sh test` run, in this order and in one folder.
RUN = (README, *(ROOT / "docs" / f"{name}.md" for name in ("usage", "tutorial-language-pair")))
RESULTS = ROOT / "benchmarks" / "results" / "demo.json"

BRIEF = "model.d_model=32 training.validations=1 decoding.max_len_ratio=0.5 decoding.max_len_offset=3"


def blocks(page: Path, kind: str) -> list[str]:
    """The blocks of code of a kind; `sh( test)?` finds all of the shell."""
    text = page.read_text(encoding="utf-8")
    return [found[-1] for found in re.findall(rf"^```({kind})\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


def small(commands: str) -> str:
    """The same commands with small models, a budget of a moment, and one thread."""
    lines = []
    for line in re.sub(r"--(minutes|steps|tokens) \S+", "--steps 2", commands).splitlines():
        line = line.partition("  #")[0].rstrip()
        if re.search(r"seqloom (train|compare) ", line) and "train ngram" not in line:
            line += f" --set {BRIEF}"
        if not re.search(r"seqloom (inspect|data|show|export) ", line):
            line = re.sub(r"(seqloom \w+)", r"\1 --threads 1", line)
        lines.append(line)
    return "\n".join(lines)


def test_commands_run_in_their_order(corpus_folder: Path, tmp_path: Path) -> None:
    for name in ("pairs.tsv", "sources.txt", "references.txt", "text.txt"):
        (tmp_path / name).write_bytes((corpus_folder / name).read_bytes())
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done: set[str] = set()
    for page in RUN:
        assert blocks(page, "sh test"), f"{page.name} has no block that is run"
        for block in blocks(page, "sh test"):
            # The pages share commands; each runs once.
            commands = [line for line in small(block).splitlines() if line not in done]
            done.update(commands)
            script = "\n".join(commands)
            ended = subprocess.run(
                ["sh", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert ended.returncode == 0, f"{page.name}: {script}\n{ended.stderr}"
    assert len((tmp_path / "translations.txt").read_text().splitlines()) == 20
    assert (tmp_path / "comparisons" / "mine" / "report.html").is_file()
    assert len((tmp_path / "scores.tsv").read_text().splitlines()) == 20


def test_all_commands_of_all_pages_are_understood() -> None:
    parser, _ = build_parser()
    seen = 0
    for page in PAGES:
        for block in blocks(page, "sh(?: test)?"):
            for line in block.replace("\\\n", " ").splitlines():
                for words in re.findall(r"""(?:^|\| |&& )seqloom ((?:'[^']*'|"[^"]*"|[^|#>&'"])+)""", line):
                    if "…" in words:
                        continue
                    arguments = parser.parse_args(shlex.split(words))
                    assert arguments.command in COMMANDS
                    seen += 1
    assert seen > 40


def test_python_runs(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pairs.tsv").write_bytes((corpus_folder / "pairs.tsv").read_bytes())
    [block] = blocks(ROOT / "docs" / "python.md", "python test")
    changes = {"training": {"validations": 1}, "decoding": {"max_len_ratio": 0.5, "max_len_offset": 3}}
    brief = block.replace("Budget(minutes=10)", f"Budget(steps=2), threads=1, changes={changes}")
    brief = brief.replace('load("runs/python")', 'load("runs/python", threads=1)')
    assert brief.count("threads=1") == 2
    monkeypatch.chdir(tmp_path)
    exec(compile(brief, "python.md", "exec"), {})


def test_the_lecture_names_every_claim() -> None:
    from seqloom.claims import claims

    text = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert not [name for name in claims() if name not in text]
    named = re.findall(r"(\d+) ?`?,? `([a-z-]+)`", text)
    known = {claim.name: claim.number for claim in claims().values()}
    assert all(known[name] == int(number) for number, name in named if name in known)


def test_the_answers_of_the_lecture_are_those_of_the_results() -> None:
    text = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert lecture_answers.with_answers(text) == text


def script() -> ModuleType:
    spec = spec_from_file_location("readme_table", ROOT / "benchmarks" / "readme_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_that_of_the_results() -> None:
    if not RESULTS.is_file():
        pytest.skip("the demo has not been measured yet: make bench-demo")
    comparison = Comparison.model_validate_json(RESULTS.read_text(encoding="utf-8"))
    text = DEMO.read_text(encoding="utf-8")
    assert script().filled(text, comparison) == text


def test_the_table_takes_the_place_of_the_old_one() -> None:
    module, comparison = script(), make()
    once = module.filled(DEMO.read_text(encoding="utf-8"), comparison)
    assert module.filled(once, comparison) == once
    for arm in comparison.arms:
        if arm.runs:
            assert f"| {arm.label} | " in once
    assert comparison.arms[0].tests["test"][0].signature in once
    with pytest.raises(SystemExit, match="lacks the marks of the table"):
        module.filled("# another file", comparison)


def test_the_first_screen_is_that_of_the_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert first_screen.with_lines(text) == text
    assert len(text.splitlines()) < 150


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#\s]+)|(?:src|srcset)=\"([^\"]+)\"", text):
            target = link[0] or link[1]
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


@pytest.mark.parametrize("name", ["architecture", "tour", "tutorial-architecture", "serving"])
def test_files_that_a_page_names_exist(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    roots = (ROOT, ROOT / "src", ROOT / "src" / "seqloom", ROOT / "src" / "seqloom" / "serve" / "assets")
    named = {path for path in re.findall(r"`([\w/]+\.(?:py|js|css))`", text) if "bag_gru" not in path}
    lost = [path for path in sorted(named) if not any((root / path).exists() for root in roots)]
    assert not lost, f"{name}.md names files that are not there"


def test_pictures_of_the_first_screen_are_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    assert all(picture.stat().st_size <= first_screen.MOST_BYTES for picture in pictures)


def test_the_number_of_claims_is_right() -> None:
    from seqloom.claims import claims

    assert f"seqloom holds {len(claims())} such claims" in (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
