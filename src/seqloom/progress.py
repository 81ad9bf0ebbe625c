"""Progress: how long work tells whoever waits for it. The command line draws it; libraries may listen or stay silent."""

from typing import Protocol


class Progress(Protocol):
    """What long work reports to."""

    def say(self, text: str) -> None:
        """A fact worth a line of its own: lines skipped, the split that was made, where a run was saved."""

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """A task moved on. It begins when first named and ends at fraction 1.

        Args:
            task: what is being done, the same text each time ("transformer-tiny, seed 0: training").
            fraction: how much is done, 0 to 1.
            facts: a few named values to show beside it (loss, tokens a second).
        """


class Silent:
    """A Progress that tells nobody."""

    def say(self, text: str) -> None:
        """Ignores the fact."""

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Ignores the step."""
