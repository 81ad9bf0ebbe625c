"""Targets: the programs that a run can be exported to, by name, with functions that write and open their folders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqloom.decoding.hypothesis import Generation
from seqloom.interop import arpa_export, ctranslate2_engine, ctranslate2_export, huggingface_export
from seqloom.interop.ctranslate2_engine import CTranslate2Engine
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.parity import Peer


@dataclass(frozen=True, slots=True)
class Target:
    """A program to export to.

    Attributes:
        quantizations: the supported types of stored weights, "none" first.
        write: writes a run into an empty folder; returns the layout and notes for the user.
        open: opens such a folder, to measure parity; None for a file format that no program here decodes with.
        versions: returns the versions of the packages that were used.
    """

    quantizations: tuple[str, ...]
    write: Callable[[ExportedRun, Path, str], tuple[str, tuple[str, ...]]]
    open: Callable[[Path, int | None], Peer] | None
    versions: Callable[[], Mapping[str, str]]


class _CTranslate2Peer:
    """Runs an exported folder with CTranslate2."""

    def __init__(self, folder: Path, threads: int | None) -> None:
        self._folder, self._threads = folder, threads
        self._greedy = self._engine(1)

    def outputs(self, texts: Sequence[str], beam: int) -> list[Generation]:
        return list(self._engine(beam).generate(texts))

    def token_log_probs(self, examples: Any, *, end: bool = True) -> list[tuple[float, ...]]:
        return self._greedy.token_log_probs(examples, end=end)

    def search_difference(self, beam: int) -> str:
        if beam == 1:
            return ""
        return (
            f"CTranslate2 ends a search when {beam} hypotheses have ended; seqloom continues until no unfinished hypothesis can "
            "become better than these. Both rank by the recipe's length penalty. So beam outputs may differ if greedy outputs "
            "agree."
        )

    def _engine(self, beam: int) -> CTranslate2Engine:
        decoding = {"method": "beam", "beam": beam, "nbest": 1}
        return CTranslate2Engine(self._folder, decoding, device="cpu", threads=self._threads)


def _write_ctranslate2(source: ExportedRun, folder: Path, quantization: str) -> tuple[str, tuple[str, ...]]:
    ctranslate2_export.write_ctranslate2(source, folder, quantization=quantization)
    layout = "TransformerSpec" if source.recipe.model.architecture == "transformer" else "TransformerDecoderModelSpec"
    return f"ctranslate2.specs.{layout}", ()


def _open_huggingface(folder: Path, threads: int | None) -> Peer:
    from seqloom.interop.huggingface_peer import HuggingFacePeer

    return HuggingFacePeer(folder)


def _versions(*packages: str) -> Mapping[str, str]:
    from importlib.metadata import version

    return {package: version(package) for package in ("seqloom", *packages)}


TARGETS: dict[str, Target] = {
    ctranslate2_engine.NAME: Target(
        ctranslate2_export.QUANTIZATIONS, _write_ctranslate2, _CTranslate2Peer, lambda: _versions("ctranslate2")
    ),
    huggingface_export.NAME: Target(
        huggingface_export.QUANTIZATIONS,
        huggingface_export.write_huggingface,
        _open_huggingface,
        lambda: _versions("transformers", "tokenizers", "torch"),
    ),
    arpa_export.NAME: Target(("none",), arpa_export.write_arpa_run, None, _versions),
}
