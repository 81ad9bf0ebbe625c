"""The README's commands run, and its numbers are those of the file of results that it is made from."""

import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from seqloom.comparison.comparison import Comparison
from tests.comparison_factory import make

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results" / "demo.json"

BLOCKS = re.findall(r"^```sh test\n(.*?)^```$", README.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


BRIEF = "model.d_model=32 training.validations=1 decoding.max_len_ratio=0.5 decoding.max_len_offset=3"


def small(commands: str) -> str:
    """The same commands with small models, a budget of a moment, and one thread."""
    lines = []
    for line in re.sub(r"--(minutes|steps|tokens) \S+", "--steps 2", commands).splitlines():
        line = line.partition("  #")[0]
        if re.search(r"seqloom (train|compare) ", line):
            line += f" --set {BRIEF}"
        if not re.search(r"seqloom (inspect|data|show|export) ", line):
            line = re.sub(r"(seqloom \w+)", r"\1 --threads 1", line)
        lines.append(line)
    return "\n".join(lines)


def test_commands_run_in_their_order(corpus_folder: Path, tmp_path: Path) -> None:
    assert len(BLOCKS) >= 4
    for name in ("pairs.tsv", "sources.txt", "references.txt", "text.txt"):
        (tmp_path / name).write_bytes((corpus_folder / name).read_bytes())
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in BLOCKS:
        script = small(block)
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"
    assert len((tmp_path / "translations.txt").read_text().splitlines()) == 20
    assert (tmp_path / "comparisons" / "mine" / "report.html").is_file()
    assert len((tmp_path / "scores.tsv").read_text().splitlines()) == 20


def test_python_runs(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pairs.tsv").write_bytes((corpus_folder / "pairs.tsv").read_bytes())
    [block] = re.findall(
        r"^```python test\n(.*?)^```$", README.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    changes = {"training": {"validations": 1}, "decoding": {"max_len_ratio": 0.5, "max_len_offset": 3}}
    brief = block.replace("Budget(minutes=10)", f"Budget(steps=2), threads=1, changes={changes}")
    brief = brief.replace('load("runs/python")', 'load("runs/python", threads=1)')
    assert brief.count("threads=1") == 2
    monkeypatch.chdir(tmp_path)
    exec(compile(brief, "README.md", "exec"), {})


def test_the_lecture_names_every_claim() -> None:
    from seqloom.claims import claims

    text = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert not [name for name in claims() if name not in text]
    named = re.findall(r"(\d+) ?`?,? `([a-z-]+)`", text)
    known = {claim.name: claim.number for claim in claims().values()}
    assert all(known[name] == int(number) for number, name in named if name in known)


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
    text = README.read_text(encoding="utf-8")
    assert script().filled(text, comparison) == text


def test_the_table_takes_the_place_of_the_old_one() -> None:
    module, comparison = script(), make()
    once = module.filled(README.read_text(encoding="utf-8"), comparison)
    assert module.filled(once, comparison) == once
    for arm in comparison.arms:
        if arm.runs:
            assert f"| {arm.label} | " in once
    assert comparison.arms[0].tests["test"][0].signature in once
    with pytest.raises(SystemExit, match="no place for the table"):
        module.filled("# another file", comparison)
