"""Places in a page of Markdown that scripts fill: what stands between two marks is theirs."""

from pathlib import Path


def rewrite(page: Path, name: str, content: str) -> None:
    """Puts content between the marks `<!-- NAME: ... -->` and `<!-- end of NAME -->` of a page."""
    page.write_text(filled(page.read_text(encoding="utf-8"), name, content), encoding="utf-8")


def filled(text: str, name: str, content: str) -> str:
    """The page with other content between the marks.

    Raises:
        SystemExit: the page has no such place.
    """
    opening, closing = f"<!-- {name}:", f"<!-- end of {name} -->"
    before, mark, rest = text.partition(opening)
    words, close, rest = rest.partition("-->")
    _, end, after = rest.partition(closing)
    if not (mark and close and end):
        raise SystemExit(
            f"the page has no place for it: expected a line that begins with {opening} and the line {closing}"
        )
    return f"{before}{mark}{words}{close}\n{content}\n{closing}{after}"
