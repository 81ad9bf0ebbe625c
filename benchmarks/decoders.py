"""Who is measured in decoding: ours, and programs that decode the same weights, exported by `seqloom export`."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.contestants import DRIVERS
from benchmarks.environments import ENVIRONMENTS

BEAM = 5
Format = Literal["run", "ctranslate2", "huggingface"]


class ExportError(Exception):
    """The weights cannot be had in a peer's format; says why."""


@dataclass(frozen=True)
class Decoder:
    """A driver that decodes the test sentences.

    Attributes:
        format: what it opens: our run, or what `seqloom export` writes.
        environment: the peer's; empty for ours.
        writes: whether its outputs are texts, lists of pieces, or ids.
    """

    label: str
    driver: str
    format: Format
    environment: str = ""
    writes: Literal["text", "pieces", "ids"] = "text"
    options: dict[str, Any] = field(default_factory=dict)

    def command(self, model: Path, data: Path, folder: Path, threads: int) -> list[str]:
        """What to start."""
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
    """The run in a format, exported once.

    Raises:
        ExportError: seqloom export refuses, or is not there.
    """
    if to == "run":
        return run
    out = folder / to
    if not out.is_dir():
        command = [sys.executable, "-m", "seqloom", "export", str(run), "--to", to, "--out", str(out)]
        command += ["--sentences", "0"]
        found = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if found.returncode:
            raise ExportError(f"seqloom export --to {to}: {' '.join(found.stderr.split())[-300:]}")
    return out
