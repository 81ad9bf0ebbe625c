"""Retired words: no identifier in `src/` uses a word that was replaced by the field's own term (docs/glossary.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "seqloom"

# A retired word as a part of an identifier (`run_manner`, `RunManner`), and what to write instead.
PARTS = {
    "manner": "decoding settings, batch key",
    "ticket": "request, encoded input",
    "desk": "application state",
    "intake": "request parsing",
    "door": "middleware, socket",
    "journal": "access log",
    "refusal": "HTTP error, unsupported feature",
    "refused": "HTTP error, or the noun of what failed",
    "obstacle": "unsupported feature",
    "departure": "disconnect",
    "readings": "metric buffer",
    "heard": "token",
    "listener": "callback, or server_socket for a socket",
    "laboratory": "experiment runner",
    "fate": "status",
    "whoever": "say who",
    "nobody": "say who",
    "forgets": "discards",
}

# A retired word that is wrong only if it is the whole identifier.
WHOLE = {
    "measures": "metrics",
    "waiting": "results, pending",
    "hear": "on_token",
    "see": "capture",
    "look": "interim analysis",
    "moment": "checkpoint",
    "apart": "in_parallel, in_processes",
    "place": "position, index, path or device",
    "places": "positions, indexes, paths or devices",
    "room": "remaining length, capacity",
    "one": "item, or the noun of what it is",
    "found": "results, or the noun of what they are",
    "given": "overrides",
    "asked": "request, body",
    "told": "message, notes",
    "material": "data",
    "walk": "advance, visit",
}


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The identifiers of a syntax tree with their lines: names, attributes, functions, classes, arguments and imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name.rpartition(".")[2], node.lineno) for alias in names)
            case _:
                pass


def words_of(identifier: str) -> list[str]:
    """The words of an identifier in lower case: `_RunManner2` -> run, manner."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)]


def replacement(identifier: str) -> str | None:
    """What to write instead of an identifier with a retired word, or None."""
    words = words_of(identifier)
    for word in words:
        for form in (word, word.removesuffix("s")):
            if form in PARTS:
                return PARTS[form]
    return WHOLE.get(words[0]) if len(words) == 1 else None


def retired(path: Path, tree: ast.AST) -> list[str]:
    """The retired identifiers of a module, its own name included, each with its line and its replacement."""
    names = [(path.stem, 1), *identifiers(tree)]
    return [
        f"{path}:{line}: {name}: write {instead}" for name, line in names if (instead := replacement(name)) is not None
    ]


MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.as_posix())
def test_no_identifier_uses_a_retired_word(path: Path) -> None:
    assert not retired(path, ast.parse((SOURCE / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "code",
    [
        "class RunManner: ...",
        "self.manners = 3",
        "def f(ticket): ...",
        "f(hear=g)",
        "for one in items: ...",
        "import seqloom.serve.desk",
        "from seqloom.serve import intake",
        "async def refusal_of(): ...",
        "_place = 1",
        "try: ...\nexcept E as told: ...",
    ],
)
def test_the_rule_finds_retired_words(code: str) -> None:
    assert retired(Path("serve/x.py"), ast.parse(code))


@pytest.mark.parametrize("code", ["placeholder = one_hot(x)", "is_one_of = 'ticket'", "import found_it", "x.seen = 1"])
def test_the_rule_lets_other_names_pass(code: str) -> None:
    assert not retired(Path("serve/x.py"), ast.parse(code))
