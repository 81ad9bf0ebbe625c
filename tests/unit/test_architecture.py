"""Rules of the architecture that a test can check: the import order of packages, names of modules, sizes of files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqloom.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "seqloom"

# In import order: a package or module may import what stands before it, never what stands after it.
PACKAGES = (
    *(
        "lazy",
        "errors",
        "system_errors",
        "messages",
        "arguments",
        "untrusted",
        "path_names",
        "files",
        "yaml_text",
        "config",
    ),
    "vocabulary",
    *("progress", "machine", "core_sharing", "segments"),
    *("corpus", "tokenizer", "data", "nn", "models", "decoding", "metrics"),
    *("objectives", "training", "evaluation", "tasks", "recipes", "run"),
    *("experiment", "explain", "comparison", "claims", "report", "interop", "fiction", "serve"),
    *("cli", "__main__"),
)

# Tests of more than one module.
OF_SEVERAL = {
    "corpus/test_column_choice.py": "columns and what they hold, on files as people have them",
    "test_architecture.py": "rules for all files",
    "test_conftest.py": "tests/conftest.py",
    "test_words.py": "the words of identifiers",
    "nn/test_layers.py": "layers against torch's own",
    "models/test_contract.py": "the contract, over all architectures",
    "benchmarks/test_flops.py": "benchmarks/flops.py",
    "benchmarks/test_language_models.py": "benchmarks/language_models.py",
    "benchmarks/test_series.py": "benchmarks/series.py",
    "benchmarks/test_speed_table.py": "benchmarks/speed_table.py and benchmarks/training.py",
    "benchmarks/test_tour_links.py": "benchmarks/tour_links.py",
    "metrics/test_scores.py": "metrics against sacreBLEU and hand counts",
}

FOLDERS = ("src", "tests", "benchmarks")

FILES = sorted(SOURCE.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The seqloom modules that a syntax tree imports, wherever in it, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A relative import does not name its package, so it is an error below.
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.level == 0 else ["seqloom.<relative>"]
            )
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            text = node.args[0] if node.args else None
            names = [text.value] if isinstance(text, ast.Constant) else []
        else:
            continue
        yield from ((name, node.lineno) for name in names if name == "seqloom" or name.startswith("seqloom."))


def wrong_imports(package: str, text: str) -> list[str]:
    """The imports in a file of `package` that go against the order."""
    wrong = []
    for name, line in imported(ast.parse(text)):
        target = [*name.split("."), ""][1]
        if target == package:
            continue
        if target not in PACKAGES:
            wrong.append(f"line {line}: {name} is not in PACKAGES")
        elif PACKAGES.index(target) > PACKAGES.index(package):
            wrong.append(f"line {line}: {package} imports {name}, which stands after it")
    return wrong


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", [path for path in FILES if path != SOURCE / "__init__.py"], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_imports_go_one_way(path: Path) -> None:
    package = package_of(path)
    assert package in PACKAGES, f"{path}: add {package!r} to PACKAGES"
    assert not wrong_imports(package, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("models", "from seqloom.decoding.search import beam_search"),
        ("models", "def f():\n    import seqloom.tokenizer.x, seqloom.training"),
        ("corpus", "if TYPE_CHECKING:\n    from seqloom.tokenizer import Tokenizer"),
        ("corpus", "from seqloom import load"),
        ("corpus", "from . import files"),
        ("comparison", "importlib.import_module('seqloom.report')"),
    ],
)
def test_the_rule_finds_wrong_imports(package: str, text: str) -> None:
    assert wrong_imports(package, text)


def test_the_rule_lets_earlier_packages_pass() -> None:
    assert not wrong_imports("cli", "from seqloom.run import load\nimport json\nfrom seqloom.cli.lines import Lines")


def test_the_docs_list_the_packages_in_import_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("| package or module | input → output |")[1].split("\n\n")[0]
    listed = re.findall(r"^\| `(\w+/?)` \|", table, flags=re.MULTILINE)
    assert listed == [f"{name}/" if (SOURCE / name).is_dir() else name for name in PACKAGES if name != "__main__"]


def test_the_list_has_every_package() -> None:
    assert {package_of(path) for path in FILES} == {*PACKAGES, "__init__"}


KINDS = {*TASKS}


def comparisons_of_kinds(text: str) -> list[int]:
    """The lines of code that compare something called `kind`, or a key "kind", with a kind of data."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            literals = {side.value for side in sides if isinstance(side, ast.Constant)}
            names = {side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "") for side in sides}
            keys = {
                side.slice.value
                for side in sides
                if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Constant)
            }
            if literals & KINDS and "kind" in names | keys:
                lines.append(node.lineno)
        elif isinstance(node, ast.MatchValue) and getattr(node.value, "value", None) in KINDS:
            lines.append(node.lineno)
    return lines


def test_only_tasks_and_corpora_ask_for_the_kind_of_data() -> None:
    asking = {
        f"{path.relative_to(SOURCE)}:{line}"
        for path in FILES
        if package_of(path) not in ("corpus", "tasks")
        for line in comparisons_of_kinds(path.read_text(encoding="utf-8"))
    }
    assert not asking, "ask the task instead: seqloom.tasks.task_of(kind)"


@pytest.mark.parametrize("code", ["if corpus.kind == 'text': ...", "x = 'pairs' != facts['kind']", "kind == 'text'"])
def test_the_rule_finds_comparisons_of_kinds(code: str) -> None:
    assert comparisons_of_kinds(code)


def test_no_file_without_a_noun() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    unnamed = [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if nameless & {part.removesuffix(".py") for part in path.parts[-3:]}
    ]
    assert not unnamed


def test_files_are_of_a_readable_size() -> None:
    sizes = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
    }
    assert len(sizes) > 20
    limits = {path: 400 if path.is_relative_to(SOURCE) else 600 for path in sizes}
    assert not {str(path): size for path, size in sizes.items() if size > limits[path]}


def test_unit_tests_mirror_the_source() -> None:
    folder = ROOT / "tests" / "unit"
    misnamed = []
    for path in folder.rglob("test_*.py"):
        relative = path.relative_to(folder)
        name = relative.stem.removeprefix("test_")
        siblings = {module.stem for module in (SOURCE / relative.parent).glob("*")} | {relative.parent.name}
        # test_search_beam.py may hold a part of the tests of search.py.
        if str(relative) not in OF_SEVERAL and not any(
            name == module or name.startswith(f"{module}_") for module in siblings if module
        ):
            misnamed.append(str(relative))
    assert not misnamed, "name test files after what they test"


def test_modules_say_what_they_are_for() -> None:
    silent = [
        str(path)
        for path in FILES
        if (text := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert not silent


MOST_PARAMETERS = 8
# A docstring that gives the reason for more parameters speaks of them.
REASON = re.compile(r"parameter|keyword arguments")


def functions(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """All functions with their docstrings; a constructor is described by its class too."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                outer = ast.get_docstring(node) if isinstance(node, ast.ClassDef) else None
                yield child, f"{outer or ''}{ast.get_docstring(child) or ''}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_many_parameters_have_a_reason(path: Path) -> None:
    for function, docstring in functions(ast.parse(path.read_text(encoding="utf-8"))):
        parameters = function.args
        names = [item.arg for item in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        assert count <= MOST_PARAMETERS or REASON.search(docstring), f"{function.name}: {count} parameters, no reason"
