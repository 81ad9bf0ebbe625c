"""The programs that are measured in decoding: seqloom, and others with the weights that `seqloom export` writes."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.environments import ENVIRONMENTS
from benchmarks.programs import DRIVERS

BEAM = 5
Format = Literal["run", "ctranslate2", "huggingface"]


class ExportError(Exception):
    """The run cannot be exported to a program's format, or its process ended; the message says why."""


@dataclass(frozen=True)
class Decoder:
    """A driver that decodes the test sentences.

    Attributes:
        format: what it opens: a run, or an export of a run.
        environment: the virtual environment of another program; empty for seqloom.
        writes: the form of its outputs: texts, lists of subwords, or ids.
    """

    label: str
    driver: str
    format: Format
    environment: str = ""
    writes: Literal["text", "pieces", "ids"] = "text"
    options: dict[str, Any] = field(default_factory=dict)

    def command(self, model: Path, data: Path, folder: Path, threads: int) -> list[str]:
        """Writes the job file; returns the command that starts the driver."""
        job = {"data": str(data), "model": str(model), "threads": threads, "beam": BEAM, **self.options}
        path = folder / "job.json"
        path.write_text(json.dumps(job, indent=1))
        python = str(ENVIRONMENTS[self.environment].python) if self.environment else sys.executable
        return [python, str(DRIVERS / f"{self.driver}.py"), str(path)]


def _ours(label: str, engine: str = "seqloom", **settings: Any) -> Decoder:
    return Decoder(label, "seqloom_answers", "run", options={"engine": engine, "settings": settings})


DECODERS = (
    _ours("seqloom"),
    _ours("seqloom, --stop likely", stop="likely"),
    _ours("seqloom, --shortlist 50", shortlist=50),
    _ours("seqloom, --stop likely --shortlist 50", stop="likely", shortlist=50),
    _ours("seqloom, --engine ctranslate2", engine="ctranslate2"),
    Decoder(
        "CTranslate2, fp32",
        "ctranslate2_answers",
        "ctranslate2",
        "ctranslate2",
        "pieces",
        {"compute_type": "float32"},
    ),
    Decoder(
        "CTranslate2, int8", "ctranslate2_answers", "ctranslate2", "ctranslate2", "pieces", {"compute_type": "int8"}
    ),
    Decoder("transformers", "transformers_answers", "huggingface", "transformers", "ids"),
)


def exported(run: Path, to: Format, folder: Path, environment: dict[str, str]) -> Path:
    """The run itself, or the folder of its export, which is made once.

    Raises:
        ExportError: `seqloom export` failed.
    """
    if to == "run":
        return run
    out = folder / to
    if not out.is_dir():
        command = [sys.executable, "-m", "seqloom", "export", str(run), "--to", to, "--out", str(out)]
        command += ["--sentences", "0"]
        completed = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if completed.returncode:
            raise ExportError(f"seqloom export --to {to}: {' '.join(completed.stderr.split())[-300:]}")
    return out
