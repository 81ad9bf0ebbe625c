"""The console on which tables are printed: control characters of data are escaped, styles are kept.

It prints renderables of rich as text on a standard stream.
"""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from seqloom.cli.streams import printable, styled


class SafeConsole(Console):
    """A console that escapes control characters, and raises BrokenPipeError if the program that reads its output has ended."""

    def __init__(self, stream: TextIO | None = None, *, width: int | None = None, **settings: Any) -> None:
        """Creates a console.

        Args:
            stream: the stream to print on; None is standard output.
            width: the width of a stream that is not a terminal.
        """
        super().__init__(file=styled(stream or sys.stdout), **settings)
        if width is not None and not self.is_terminal:
            self.width = width
        self.push_render_hook(_Escaping())

    def on_broken_pipe(self) -> None:
        """Raises the BrokenPipeError again."""
        raise


class _Escaping(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Escaped(renderable) for renderable in renderables]


class _Escaped:
    """A renderable whose control characters are escaped."""

    def __init__(self, renderable: Any) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _escape(console.render(self._renderable, options))


def _escape(segments: Iterable[Segment]) -> Iterable[Segment]:
    for segment in segments:
        yield segment if segment.control else Segment(printable(segment.text), segment.style)
