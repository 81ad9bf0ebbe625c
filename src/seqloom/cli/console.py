"""The console on which tables are printed: what comes from data is escaped, styles are not, and a reader may leave.

Renderables of rich enter, text leaves on a standard stream.
"""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from seqloom.cli.streams import printable, styled


class SafeConsole(Console):
    """A console that escapes control characters, and raises BrokenPipeError when its reader has gone."""

    def __init__(self, stream: TextIO | None = None, *, width: int | None = None, **settings: Any) -> None:
        """Creates a console.

        Args:
            stream: standard output where none is named.
            width: of what is no terminal.
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
    """A renderable whose text holds no control characters."""

    def __init__(self, renderable: Any) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _escape(console.render(self._renderable, options))


def _escape(segments: Iterable[Segment]) -> Iterable[Segment]:
    for segment in segments:
        yield segment if segment.control else Segment(printable(segment.text), segment.style)
