"""The queue: claims about quality, one after the other up their ladders, on one thread of this process.

The folder holds everything that is finished. Ctrl-C saves the run that is being trained. After any end, kill -9 included, the same
command goes on from the last checkpoint. Claims that are settled or open are not asked again. With a results file, finished runs
outlive the folder: on another machine, the same command with a copy of this file goes on after the last finished run.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from seqloom.claims.claim import Claim, find_claim
from seqloom.claims.running import FILE, read_verdicts, run_claims
from seqloom.claims.verdict import Verdict, Verdicts
from seqloom.errors import ConfigError
from seqloom.experiment.results_file import ResultsFile
from seqloom.files import check_folder
from seqloom.progress import Progress, Silent

ORDER = (3, 20, 21, 6, 8, 16, 19, 10, 18, 22, 9, 1, 2, 7)
"""The numbers of the claims, in the order of the queue. Claims that share arms are neighbours; those shown first come first."""

LOCK = "queue.lock"


def run_queue(
    out: Path | str,
    names: Sequence[str] | None = None,
    *,
    results: Path | None = None,
    progress: Progress | None = None,
) -> Verdicts:
    """Asks claims at effort "ladder", one after the other.

    Args:
        out: the folder of runs and verdicts; it is outside any repository, since runs take gigabytes.
        names: names or numbers of claims; by default `ORDER`.
        results: a file to which each finished run is added as a line; the run's weights are then removed. Runs in it count as
            finished.

    Raises:
        CheckpointError: a line of the results file is damaged.
        ConfigError: another queue works in the folder, or a claim has no ladder.
    """
    progress = progress or Silent()
    folder = Path(out)
    chosen = choose_claims(names)
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _Lock(folder / LOCK):
        kept = ResultsFile(results) if results is not None else None
        if kept is not None:
            progress.say(
                f"{kept.path}: {len(kept.runs)} finished runs. Weights of finished runs are removed from {folder}."
            )
        for claim in chosen:
            before = next((verdict for verdict in _known(folder).verdicts if verdict.claim == claim.name), None)
            if before is not None and _is_done(before, claim):
                progress.say(f"{claim.number}. {claim.name}: {before.status}, from an earlier command")
                continue
            run_claims([claim.name], effort="ladder", out=folder, workers=0, results=kept, progress=progress)
    return _known(folder)


def choose_claims(names: Sequence[str] | None = None) -> list[Claim]:
    """The claims of a queue: those named, or by default `ORDER`.

    Raises:
        ConfigError: one has no ladder.
    """
    chosen = [find_claim(name) for name in (names or [str(number) for number in ORDER])]
    without = [claim.name for claim in chosen if claim.ladder is None]
    if without:
        raise ConfigError(
            f"{', '.join(without)}: no ladder of budgets is declared; `seqloom claims show` lists the efforts"
        )
    return chosen


def _is_done(verdict: Verdict, claim: Claim) -> bool:
    """Whether asking again would change nothing: all arms have converged, or the ladder was climbed to its end."""
    if verdict.status is None or claim.ladder is None:
        return False
    return verdict.status != "still learning" or verdict.ladder[-1].steps >= claim.ladder.steps[-1]


def _known(folder: Path) -> Verdicts:
    return read_verdicts(folder) if (folder / FILE).exists() else Verdicts(verdicts=())


class _Lock:
    """Keeps a second queue out of a folder; the system releases it when the process ends in any way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            import fcntl
        except ImportError:
            # Windows has no fcntl; there two queues in one folder are not noticed.
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise ConfigError(
                f"{self._path.parent}: another queue works here; wait for it, or choose another --out"
            ) from None

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
