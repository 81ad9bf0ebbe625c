"""The two windows of a Z-machine, from the display commands that fernz emits in a turn, such as `<top>` and `<at 1 2>`.

Text stands between the commands, with `<<` for `<`.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"<<|<([a-z-]+)((?: [^>]*)?)>|[^<]+")
_MAX_ROWS = 200
_MAX_COLUMNS = 255


@dataclass
class Screen:
    """What was printed.

    Attributes:
        lower: the text of the lower window, in which a story tells what happens.
        upper: the rows of the upper window that were painted: a status line, a menu or a quotation.
    """

    lower: str = ""
    upper: dict[int, str] = field(default_factory=dict)

    def upper_lines(self) -> list[str]:
        """The painted rows of the upper window from top to bottom, without the spaces after them."""
        return [self.upper[row].rstrip() for row in sorted(self.upper)]


def read_screen(stream: str, *, in_upper: bool) -> Screen:
    """Paints a stream.

    Args:
        in_upper: whether the upper window is selected at the beginning.
    """
    screen = Screen()
    lower: list[str] = []
    row, column = 1, 1
    for match in _TOKEN.finditer(stream):
        token = "<" if match[0] == "<<" else match[0] if match[1] is None else ""
        if token and not in_upper:
            lower.append(token)
        elif token:
            for position, line in enumerate(token.split("\n")):
                if position:
                    row, column = row + 1, 1
                column = _paint(screen, row, column, line)
        elif match[1] in ("top", "bottom", "reset"):
            in_upper = match[1] == "top"
        elif match[1] == "at" and in_upper:
            numbers = [int(number) for number in re.findall(r"\d+", match[2])]
            row, column = numbers[-2:] if len(numbers) >= 2 else (row, column)
        elif match[1] == "clear" and match[2].strip() in ("top", "all"):
            screen.upper.clear()
    screen.lower = "".join(lower)
    return screen


def _paint(screen: Screen, row: int, column: int, text: str) -> int:
    """Writes text into a row of the upper window, and returns the column after it."""
    if text and row <= _MAX_ROWS:
        before = screen.upper.get(row, "").ljust(column - 1)
        end = column - 1 + len(text)
        screen.upper[row] = (before[: column - 1] + text + before[end:])[:_MAX_COLUMNS]
    return column + len(text)
