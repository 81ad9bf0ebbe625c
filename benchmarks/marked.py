"""Replaces generated parts of a Markdown page: the text between two marks."""

from pathlib import Path


def rewrite(page: Path, name: str, content: str) -> None:
    """Replaces the text between the marks `<!-- NAME: ... -->` and `<!-- end of NAME -->` in a file.

    Raises:
        SystemExit: the page lacks one of the marks.
    """
    page.write_text(filled(page.read_text(encoding="utf-8"), name, content), encoding="utf-8")


def filled(text: str, name: str, content: str) -> str:
    """The text of a page with new content between the marks.

    Raises:
        SystemExit: the page lacks one of the marks.
    """
    opening, closing = f"<!-- {name}:", f"<!-- end of {name} -->"
    before, mark, rest = text.partition(opening)
    words, close, rest = rest.partition("-->")
    _, end, after = rest.partition(closing)
    if not (mark and close and end):
        raise SystemExit(
            f"the page lacks the marks of {name}: expected a line that begins with {opening} and the line {closing}"
        )
    return f"{before}{mark}{words}{close}\n{content}\n{closing}{after}"
