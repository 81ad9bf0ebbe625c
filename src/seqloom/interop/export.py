"""Export: writes a run as a folder that another program opens, with a report on whether both compute the same.

Input: a run folder; output: a folder with the other program's files, seqloom's files, `parity.json` and a model card. The folder is
written completely or not at all. If the other program does not support a setting, this is an error before anything is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seqloom.errors import ConfigError, SeqloomError
from seqloom.files import write_json, write_text
from seqloom.interop.card import model_card
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.folder import atomic_folder, check_out
from seqloom.interop.parity import Parity, ParityData, measure
from seqloom.interop.targets import TARGETS
from seqloom.progress import Progress, Silent
from seqloom.run.load import Run, load
from seqloom.tasks import task_of


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export.

    Attributes:
        out: the folder.
        target: the program.
        layout: its model class or specification.
        quantization: how weights are stored.
        versions: the versions of the packages that were used.
        notes: messages for the user.
        parity: None if it was not measured; `notes` give the reason.
    """

    out: Path
    target: str
    layout: str
    quantization: str
    versions: Mapping[str, str]
    notes: tuple[str, ...]
    parity: Parity | None

    def to_json(self) -> dict[str, Any]:
        """The content of `parity.json` and the folder, as plain values."""
        return {"out": str(self.out), **self.report()}

    def report(self) -> dict[str, Any]:
        """The content of `parity.json`."""
        parity = self.parity.to_json() if self.parity is not None else {"schema_version": 1, "measured": False}
        return {
            "target": self.target,
            "layout": self.layout,
            "quantization": self.quantization,
            "versions": dict(self.versions),
            "notes": list(self.notes),
            "parity": parity,
        }


def export(
    run: Path | str,
    out: Path | str,
    *,
    to: str,
    quantization: str = "none",
    data: ParityData | None = None,
    sentences: int = 100,
    beam: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Exports a run and measures parity.

    Its many parameters are the options of `seqloom export`, each with a default.

    Args:
        to: "ctranslate2" or "huggingface".
        quantization: see the target; "none" keeps weights as they are.
        data: what parity is measured on; by default the test split of the run's corpus.
        sentences: how many of its sentences are used; with 0 parity is not measured.
        beam: the beam size of the second comparison, after the greedy one; the recipe's by default.

    Raises:
        SeqloomError: the run cannot be opened, a package is not installed, the target does not support a setting, or `out` is not
            empty.
    """
    progress = progress or Silent()
    run, out = Path(run), Path(out)
    if to not in TARGETS:
        raise ConfigError(f"there is no target {to!r}; the targets are {', '.join(TARGETS)}")
    target = TARGETS[to]
    if quantization not in target.quantizations:
        raise ConfigError(f"--quantization {quantization}: {to} accepts {', '.join(target.quantizations)}")
    if target.open is None and (data is not None or beam is not None):
        raise ConfigError(
            f"--to {to}: no parity is measured, so --input, --ref and --beam would be ignored; leave them out"
        )
    check_out(out)
    source = ExportedRun.read(run)
    with atomic_folder(out) as folder:
        layout, notes = target.write(source, folder, quantization)
        progress.say(f"{run}: written for {to} as {layout}")
        parity = None
        if target.open is None:
            notes = (
                *notes,
                f"parity was not measured: {to} is a file format, and seqloom calls no program that reads it",
            )
        elif sentences:
            loaded = load(run, device=device, threads=threads)
            try:
                chosen = data or _test_data(loaded, progress)
            except SeqloomError as error:
                notes = (*notes, f"parity was not measured, because the run's corpus cannot be opened: {error}")
            else:
                chosen = _first(chosen, sentences)
                width = beam or loaded.recipe.decoding.beam
                parity = measure(loaded, target.open(folder, threads), chosen, beam=width)
        else:
            notes = (*notes, "parity was not measured, because 0 sentences were chosen")
        exported = Exported(out, to, layout, quantization, target.versions(), notes, parity)
        write_json(folder / "parity.json", exported.report())
        write_text(folder / "README.md", model_card(source, exported.report()))
    return exported


def _test_data(run: Run, progress: Progress) -> ParityData:
    corpus = run.open_corpus(progress)
    split = next(iter(corpus.tests.values()), corpus.val)
    origin = f"{corpus.name}, {split.name}"
    if not task_of(corpus.kind).has_sources:
        return ParityData(
            origin, tuple(document.text for document in islice(split.documents(), 1000)), running_text=True
        )
    pairs = list(islice(split.pairs(), 10_000))
    return ParityData(origin, tuple(pair.src for pair in pairs), tuple(pair.tgt for pair in pairs))


def _first(data: ParityData, count: int) -> ParityData:
    references = data.references[:count] if data.references else None
    return ParityData(data.origin, data.sources[:count], references, data.running_text)
