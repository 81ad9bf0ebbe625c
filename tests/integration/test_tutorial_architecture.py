"""The tutorial's architecture is built as the tutorial says, in a copy of the package, and passes the contract."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial-architecture.md"


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return str(found)


def edit(path: Path, before: str, replacement: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(before, lambda match: replacement.replace("MATCH", match[0]), text, count=1, flags=re.M)
    assert count == 1, f"{path.name} has nothing that looks like {before}"
    path.write_text(changed, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and of the tests with the tutorial's edits."""
    folder = tmp_path_factory.mktemp("checkout")
    without = shutil.ignore_patterns("__pycache__")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("src/seqloom/models/bag_gru.py", "bag-gru.yaml"):
        kind = "yaml" if name.endswith("yaml") else "python"
        (folder / name).write_text(block(f"{kind} file={name}"), encoding="utf-8")
    registry = folder / "src" / "seqloom" / "models" / "__init__.py"
    edit(registry, r"^_ARCHITECTURES = \(\n", f"MATCH    {block('text edit=entry')}")
    return folder


def run(folder: Path, *command: str, given: str | None = None) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_contract_holds(copy: Path) -> None:
    contract = "tests/unit/models/test_contract.py"
    told = run(copy, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "bag", contract)
    assert re.search(r"100%", told)


def test_it_trains_and_translates(copy: Path, corpus_folder: Path) -> None:
    shutil.copy(corpus_folder / "pairs.tsv", copy)
    script = re.sub(
        r"--minutes \S+", "--steps 2 --set training.validations=1 model.d_model=16", block("sh architecture")
    )
    script = re.sub(r"seqloom (\w+)", r"seqloom \1 --threads 1", script)
    run(copy, "sh", "-eu", "-c", script)
    assert (copy / "runs" / "bag" / "run.json").is_file()
