"""Progress: how long tasks report their progress. The command line shows it; Python callers may show it or not."""

from typing import Protocol


class Progress(Protocol):
    """The receiver of the reports of long tasks."""

    def say(self, text: str) -> None:
        """Reports a fact in a line: how many records were skipped, how data were split, where a run was saved."""

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Reports how much of a task is done. A task begins with its first report and ends at the fraction 1.

        Args:
            task: what is being done, the same text each time ("transformer-tiny, seed 0: training").
            fraction: how much is done, 0 to 1.
            facts: a few named values to show with it (loss, tokens per second).
        """


class Silent:
    """A Progress that shows nothing."""

    def say(self, text: str) -> None:
        """Ignores the fact."""

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Ignores the step."""
