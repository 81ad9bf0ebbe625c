"""Several processes that train together, as torchrun starts them, without the seconds that torchrun takes for itself.

`run_ranks` spawns a Python for each rank. Each runs this file, which joins the others once and then runs the commands.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Outcome:
    """What a command did on one rank."""

    status: int
    stdout: str
    stderr: str


def run_ranks(
    folder: Path, commands: Sequence[Sequence[Sequence[str]]], *, timeout: float = 120
) -> list[list[Outcome]]:
    """Runs commands of seqloom on several ranks.

    Args:
        folder: for what they print.
        commands: for each command the arguments of every rank.

    Returns:
        For each command the outcome of every rank.
    """
    size = len(commands[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    together = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size), "PYTHONPATH": source}
    ranks = []
    for rank in range(size):
        job = folder / f"commands-{rank}.json"
        job.write_text(json.dumps([command[rank] for command in commands]), encoding="utf-8")
        environment = {**os.environ, **together, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        ranks.append(subprocess.Popen([sys.executable, __file__, str(job)], env=environment))
    try:
        assert [rank.wait(timeout=timeout) for rank in ranks] == [0] * size
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    outcomes = [json.loads((folder / f"commands-{rank}.json.done").read_text(encoding="utf-8")) for rank in range(size)]
    return [[Outcome(*outcome) for outcome in command] for command in zip(*outcomes, strict=True)]


def _run_rank(job: Path) -> None:
    import contextlib
    import io
    import warnings

    from seqloom.cli import main
    from seqloom.training.distributed import joined

    warnings.simplefilter("error")
    outcomes = []
    with joined("cpu"):
        for command in json.loads(job.read_text(encoding="utf-8")):
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    status = main(command)
                except SystemExit as end:
                    status = int(str(end.code))
            outcomes.append((status, out.getvalue(), err.getvalue()))
    Path(f"{job}.done").write_text(json.dumps(outcomes), encoding="utf-8")


if __name__ == "__main__":
    _run_rank(Path(sys.argv[1]))
