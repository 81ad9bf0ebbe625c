"""Checks that a tag, the version of the package and the changelog agree.

    python .ci/check_release.py v0.1.0

The changelog needs a section "## 0.1.0 (2026-12-24)". "(unreleased)" in place of the date is an error.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def problem(tag: str, pyproject: str, changelog: str) -> str | None:
    """Returns what is wrong, or None."""
    version = tomllib.loads(pyproject)["project"]["version"]
    if tag != f"v{version}":
        return f"the tag is {tag}, but the version in pyproject.toml is {version}; expected the tag v{version}"
    section = re.search(rf"^## {re.escape(version)} \((.*)\)$", changelog, flags=re.MULTILINE)
    if section is None:
        return f'CHANGELOG.md has no section for {version}; expected a line "## {version} (YYYY-MM-DD)"'
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", section[1]):
        return f'CHANGELOG.md has "({section[1]})" for {version}; expected the date of the release, "(YYYY-MM-DD)"'
    return None


def main() -> int:
    """Checks the files of this checkout."""
    if len(sys.argv) != 2:
        print("usage: python .ci/check_release.py TAG", file=sys.stderr)
        return 2
    pyproject, changelog = ((ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CHANGELOG.md"))
    wrong = problem(sys.argv[1], pyproject, changelog)
    if wrong is not None:
        print(f"check_release: {wrong}", file=sys.stderr)
        return 1
    print(f"{sys.argv[1]}: tag, version and changelog agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
