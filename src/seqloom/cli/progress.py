"""Progress on standard error: live bars in a terminal, a line every ten seconds in files and pipes, nothing with --quiet.

It draws the reports of `seqloom.progress.Progress` as lines and bars. This module does not know what the tasks are.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from seqloom.cli.streams import printable
from seqloom.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_LABELS = {
    "tokens_per_second": "tok/s",
    "sentences_per_second": "sent/s",
    "lines_per_second": "lines/s",
    "learning_rate": "lr",
    "train_loss": "loss",
    "val_loss": "val loss",
}


# A task that takes fewer seconds than this gets no line at its end.
WORTH_TELLING = 1.0


@contextmanager
def shown(*, quiet: bool = False, stream: TextIO | None = None) -> Iterator[Progress]:
    """A Progress that draws on standard error while the block runs, and removes its bars afterwards.

    Args:
        quiet: whether nothing is shown.
        stream: what to draw on instead of standard error.
    """
    stream = stream or sys.stderr
    if quiet:
        yield Silent()
    elif stream.isatty():
        from seqloom.cli.console import SafeConsole

        bars = Bars(SafeConsole(stream))
        try:
            yield bars
        finally:
            bars.stop()
    else:
        yield Lines(stream)


class Bars:
    """A bar for each running task; a finished task becomes a line above the bars."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn(
                "{task.fields[facts]}",
                markup=False,
                style="cyan",
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            transient=True,
            refresh_per_second=5,
        )
        self._tasks: dict[str, tuple[TaskID, float]] = {}

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Moves the task's bar; the bar of a finished task becomes a line."""
        if task not in self._tasks:
            self._bars.start()
            self._tasks[task] = (self._bars.add_task(printable(task), total=1.0, facts=""), time.monotonic())
        bar, begun = self._tasks[task]
        if fraction < 1:
            # A task of unknown length stays at 0: its bar only shows that it runs.
            total = 1.0 if fraction > 0 else None
            self._bars.update(bar, completed=fraction, total=total, facts=printable(show_facts(facts)))
            return
        self._bars.remove_task(bar)
        del self._tasks[task]
        seconds = time.monotonic() - begun
        if seconds >= WORTH_TELLING:
            self.say(_done(task, seconds, show_facts(facts)))
        if not self._tasks:
            self._bars.stop()

    def stop(self) -> None:
        """Removes the bars."""
        self._bars.stop()


@dataclass
class _Pace:
    """Time and fraction of a task's first report (resumed work does not begin at 0), and the time of its last report."""

    begun: float
    begun_at: float
    reported: float


class Lines:
    """A line for each task at its end, and every ten seconds before: for logs and pipes."""

    def __init__(self, stream: TextIO, *, every: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._every = every
        self._clock = clock
        self._tasks: dict[str, _Pace] = {}

    def say(self, text: str) -> None:
        """Prints the line."""
        print(text, file=self._stream, flush=True)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Prints how much of the task is done, unless its last line was printed less than ten seconds ago."""
        now = self._clock()
        pace = self._tasks.setdefault(task, _Pace(now, fraction, now))
        if fraction >= 1:
            del self._tasks[task]
            if now - pace.begun >= WORTH_TELLING:
                self.say(_done(task, now - pace.begun, show_facts(facts)))
        elif now - pace.reported >= self._every:
            pace.reported = now
            parts = [show_facts(facts)]
            if fraction > 0:
                parts.insert(0, f"{fraction:.0%}")
            if fraction > pace.begun_at:
                left = (now - pace.begun) * (1 - fraction) / (fraction - pace.begun_at)
                parts.append(f"about {_duration(left)} left")
            self.say(f"{task}: {', '.join(part for part in parts if part)}")


def show_facts(facts: dict[str, float | str]) -> str:
    """Facts in a line: `loss 3.214, 12,340 tok/s, lr 1.0e-03`."""
    return ", ".join(_fact(name, value) for name, value in facts.items())


def _fact(name: str, value: float | str) -> str:
    label = _LABELS.get(name, name.replace("_", " "))
    if isinstance(value, str):
        return value if name == "status" else f"{label} {value}"
    text = _number(value)
    return f"{text} {label}" if label.endswith("/s") else f"{label} {text}"


def _number(value: float) -> str:
    size = abs(value)
    if isinstance(value, int) or size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.01 else f"{value:.1e}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _done(task: str, seconds: float, facts: str) -> str:
    return f"{task}: done in {_duration(seconds)}{f' ({facts})' if facts else ''}"
