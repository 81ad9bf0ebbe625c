"""Failures: an arm that fails is recorded, and the comparison continues with the other arms.

Exceptions become `Failure` records. This module does not know how a report shows them.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seqloom.comparison.comparison import Failure
from seqloom.errors import SeqloomError, TrainingError
from seqloom.files import write_json, write_text
from seqloom.progress import Progress
from seqloom.recipes import Recipe
from seqloom.training.checkpoint import checkpoint_folder, has_checkpoint, read_json

FILE = "failure.json"
ATTEMPT = "attempt.json"
"""The file that is in a run's folder while the run is trained. If it exists at the start, an earlier command was killed."""

_MOST_KILLED = 2


class Failures:
    """The runs of a comparison that failed.

    Attributes:
        failed: all of them, in the order in which they failed.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.failed: list[Failure] = []
        self._folder = folder
        self._progress = progress

    @contextmanager
    def kept(self, recipe: Recipe, seed: int | None, position: Path | None = None) -> Iterator[None]:
        """Records an exception of the block instead of raising it. Ctrl-C is raised.

        Args:
            seed: the seed of the run; None for work before the arm's runs.
            position: the run's folder. The failure is also written there, so that a repeated command can say that it tries again.
        """
        note = None if position is None else position / FILE
        if note is not None and note.is_file():
            with suppress(SeqloomError, KeyError, TypeError):
                before = read_json(note)["error"]
                self._progress.say(f"{recipe.label}, seed {seed}: failed before ({before}); trying again")
        if position is not None:
            self._begin(position)
        try:
            yield
        except Exception as error:
            self._note(recipe, seed, error, note)
        else:
            if note is not None:
                note.unlink(missing_ok=True)
        finally:
            # An exception was caught, so the process was not killed.
            if position is not None:
                (position / ATTEMPT).unlink(missing_ok=True)

    def was_killed(self, path: Path) -> bool:
        """Whether an earlier command was killed during this work, for example because memory ran out."""
        return _killed(path) > 0

    def given_up(self, recipe: Recipe, seed: int | None, path: Path) -> bool:
        """Whether this work was killed so often that it is not tried again, so that the other arms get a report; records a failure.

        Work that was killed once is tried again after all others; a message says so.
        """
        times = _killed(path)
        title = recipe.label if seed is None else f"{recipe.label}, seed {seed}"
        if times >= _MOST_KILLED:
            self._note(
                recipe,
                seed,
                TrainingError(
                    f"the process was killed {times} times while this was trained, so it is not tried again: memory may have run "
                    f"out (a smaller model, or smaller training.batch_tokens, needs less). To try again, remove {path / ATTEMPT}"
                ),
                None,
            )
            return True
        if times:
            self._progress.say(
                f"{title}: an earlier command was killed while this was trained, so it was left for last; trying again"
            )
        return False

    def _begin(self, path: Path) -> None:
        with suppress(SeqloomError):
            write_json(path / ATTEMPT, {"killed": _killed(path), "checkpoint": _checkpoint(path)})

    def _note(self, recipe: Recipe, seed: int | None, error: Exception, note: Path | None) -> None:
        message, log = str(error) or type(error).__name__, None
        if not isinstance(error, SeqloomError):
            # A bug, or memory ran out: the traceback is kept in a file.
            message = f"{type(error).__name__}: {message.splitlines()[0]}"
            position = self._folder / "failures" / f"{recipe.name}{'' if seed is None else f'-seed{seed}'}.txt"
            with suppress(SeqloomError):
                write_text(position, "".join(traceback.format_exception(error)))
                log = position.relative_to(self._folder).as_posix()
        failure = Failure(arm=recipe.name, label=recipe.label, seed=seed, error=message, log=log)
        self.failed.append(failure)
        self._progress.say(f"{failure}. The comparison continues with the other arms.")
        if note is not None:
            with suppress(SeqloomError):
                write_json(note, failure.model_dump(mode="json"))

    def before_training(self, recipe: Recipe) -> bool:
        """Whether an arm failed before its first run."""
        return any(failure.arm == recipe.name and failure.seed is None for failure in self.failed)

    def caveats(self) -> tuple[str, ...]:
        """The failures in sentences, for readers of the report."""
        if not self.failed:
            return ()
        again = "The same command, begun again, tries failed runs once more and trains no finished run again."
        return (
            *(f"{failure}." for failure in self.failed),
            f"The numbers of this report do not include failed runs. {again}",
        )

    def all_failed(self) -> TrainingError:
        """The error of a comparison in which all arms failed."""
        listed = "\n".join(f"  {failure}" for failure in self.failed)
        return TrainingError(f"all arms failed, so there is nothing to compare:\n{listed}")


def _killed(path: Path) -> int:
    """How often work was killed in a row without a new checkpoint."""
    file = path / ATTEMPT
    if not file.is_file():
        return 0
    with suppress(SeqloomError, AttributeError):
        before = read_json(file)
        times = before.get("killed")
        # A run that is killed repeatedly, but saves a later checkpoint each time, is completed in the end.
        if isinstance(times, int) and before.get("checkpoint") == _checkpoint(path):
            return times + 1
    return 1


def _checkpoint(path: Path) -> str | None:
    return checkpoint_folder(path).name if has_checkpoint(path) else None
