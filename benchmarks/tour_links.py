"""Updates the line numbers in docs/tour.md: each link leads to the definition that its text names.

python -m benchmarks.tour_links
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOUR = ROOT / "docs" / "tour.md"
LINK = re.compile(r"\[`([\w.]+)`\]\(\.\./([\w./]+\.py)#L(\d+)\)")


def main() -> int:
    TOUR.write_text(updated(TOUR.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def updated(text: str) -> str:
    """The page with the present line numbers.

    Raises:
        SystemExit: a file, or a definition in it, does not exist.
    """
    return LINK.sub(lambda link: f"[`{link[1]}`](../{link[2]}#L{line_of(link[1], link[2])})", text)


def line_of(name: str, path: str) -> int:
    """The line of a class, a function, or a method (`Class.method`) in a file of the checkout."""
    file = ROOT / path
    if not file.is_file():
        raise SystemExit(f"docs/tour.md: there is no file {path}; name the file that has {name} now")
    lines = dict(_definitions(ast.parse(file.read_text(encoding="utf-8"))))
    if name not in lines:
        raise SystemExit(f"docs/tour.md: {path} has no definition of {name}; name another, or another file")
    return lines[name]


def _definitions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner.lineno


if __name__ == "__main__":
    sys.exit(main())
