"""Failures: an arm that fails is noted, and the others go on.

Exceptions enter, notes of them leave. What an exception means for a report is not known here.
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
"""Lies in a run's folder while it is trained; one that is found there was left by a command that was killed."""

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
        """Notes what fails inside, instead of raising it. Ctrl-C is raised.

        Args:
            seed: of the run; None for work that comes before the arm's runs.
            place: the run's folder, where the failure is written, so that a repeated command can say that it tries again.
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
            # Whatever can be caught was no kill.
            if position is not None:
                (position / ATTEMPT).unlink(missing_ok=True)

    def was_killed(self, path: Path) -> bool:
        """Whether an earlier command was killed in the middle of this work, by the system or by its memory running out."""
        return _killed(path) > 0

    def given_up(self, recipe: Recipe, seed: int | None, path: Path) -> bool:
        """Whether work has been killed so often that another try would keep the report of the others away; that is noted.

        What has been killed once is tried once more, after all others, which is said.
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
            # A bug, or memory that ran out: its traceback must not be lost.
            message = f"{type(error).__name__}: {message.splitlines()[0]}"
            position = self._folder / "failures" / f"{recipe.name}{'' if seed is None else f'-seed{seed}'}.txt"
            with suppress(SeqloomError):
                write_text(position, "".join(traceback.format_exception(error)))
                log = position.relative_to(self._folder).as_posix()
        failure = Failure(arm=recipe.name, label=recipe.label, seed=seed, error=message, log=log)
        self.failed.append(failure)
        self._progress.say(f"{failure}. The other arms go on.")
        if note is not None:
            with suppress(SeqloomError):
                write_json(note, failure.model_dump(mode="json"))

    def before_training(self, recipe: Recipe) -> bool:
        """Whether an arm failed before its first run."""
        return any(failure.arm == recipe.name and failure.seed is None for failure in self.failed)

    def caveats(self) -> tuple[str, ...]:
        """What readers of the report must know."""
        if not self.failed:
            return ()
        again = "The same command, begun again, tries failed runs once more and trains no finished run again."
        return (*(f"{failure}." for failure in self.failed), f"Failed runs are in no number of this report. {again}")

    def all_failed(self) -> TrainingError:
        """The error of a comparison of which nothing is left."""
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
        # A run that is killed again and again, but gets further each time, ends one day.
        if isinstance(times, int) and before.get("checkpoint") == _checkpoint(path):
            return times + 1
    return 1


def _checkpoint(path: Path) -> str | None:
    return checkpoint_folder(path).name if has_checkpoint(path) else None
