"""The session in docs/fiction.md is what `seqloom play` answers to its lines.

`python -m tests.integration.test_fiction_page` writes the answers anew.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fiction.md"
_SESSION = re.compile(r"(<!-- session: [^\n]*-->\n```text\n)(.*?)(```\n)", re.DOTALL)


def answers(session: str) -> str:
    """What the terminal shows of a game with the lines of a session."""
    lines = re.findall(r"^> (.*)$", session, flags=re.MULTILINE)
    played = subprocess.run(
        [sys.executable, "-m", "seqloom", "play"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return "".join(f"{line}\n" for line in _wrapped(played.stdout.rstrip("\n")))


def _wrapped(text: str) -> list[str]:
    return [part for line in text.split("\n") for part in textwrap.wrap(line, 100, subsequent_indent="") or [""]]


def test_the_session_is_a_real_one() -> None:
    match = _SESSION.search(PAGE.read_text(encoding="utf-8"))
    assert match is not None
    assert match[2].count("\n> ") > 8
    assert answers(match[2]) == match[2]


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_SESSION.sub(lambda match: match[1] + answers(match[2]) + match[3], page), encoding="utf-8")
