"""seqloom's own files in an exported folder: the tokenizer, the recipe, and a manifest for engines.

    OUT/seqloom/{engine.json,recipe.yaml,tokenizer.json,characters.json}

This module does not import torch, so that an engine starts quickly.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqloom.errors import CheckpointError, ConfigError
from seqloom.files import check_folder, move, write_json
from seqloom.system_errors import as_os_error, output_error

FORMAT = 1
SEQLOOM_FOLDER = "seqloom"
MANIFEST = f"{SEQLOOM_FOLDER}/engine.json"

_MAX_BYTES = 1 << 20
_UNREADABLE = "is damaged; export the run again"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an engine needs to know about a model, besides its weights.

    Attributes:
        target: the program that the run was exported to.
        quantization: how the weights are stored; "none": as in the run.
        decoder_only: whether a source is the prompt of its target.
        max_len: the largest number of positions of a source or a target; for a decoder-only model of both together.
        reverse_source: whether the model reads sources backwards.
        decoding: the recipe's decoding settings.
        run: the name of the run's recipe.
        weights: SHA-256 of the run's weights.
        corpus: the name of the run's corpus.
        src_lang, tgt_lang: the languages of the corpus; None if unknown.
        format: the version of this file's format.
    """

    target: str
    quantization: str
    decoder_only: bool
    max_len: int
    reverse_source: bool
    decoding: dict[str, Any]
    run: str
    weights: str
    corpus: str = ""
    src_lang: str | None = None
    tgt_lang: str | None = None
    format: int = FORMAT

    def max_tgt_len(self, src_len: int) -> int:
        """As `models.base.Model.max_tgt_len`."""
        return max(0, self.max_len - src_len) if self.decoder_only else self.max_len

    def _check(self) -> None:
        texts = (self.target, self.quantization, self.run, self.weights, self.corpus)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a name in it is not a text")
        if not all(language is None or isinstance(language, str) for language in (self.src_lang, self.tgt_lang)):
            raise TypeError("a language in it is not a text")
        if not all(isinstance(flag, bool) for flag in (self.decoder_only, self.reverse_source)):
            raise TypeError("decoder_only or reverse_source is neither true nor false")
        if not isinstance(self.decoding, dict) or type(self.max_len) is not int or not 1 < self.max_len <= 1 << 20:
            raise TypeError("max_len or decoding is not what an export writes")

    def save(self, folder: Path) -> None:
        """Writes the manifest into an exported folder."""
        write_json(folder / MANIFEST, asdict(self))

    @classmethod
    def load(cls, folder: Path, target: str) -> "Manifest":
        """Reads the manifest of an exported folder.

        Args:
            target: the program that will open the folder.

        Raises:
            CheckpointError: the manifest is missing or damaged, has another format, or is for another program.
        """
        from seqloom.untrusted import read_json

        path = folder / MANIFEST
        try:
            values = read_json(path, max_bytes=_MAX_BYTES, within=folder)
        except FileNotFoundError as error:
            raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
        if not isinstance(values, dict) or "format" not in values:
            raise CheckpointError(f"{path}: {_UNREADABLE}")
        if values["format"] != FORMAT:
            raise CheckpointError(
                f"{path}: format {str(values['format'])[:40]}, this seqloom reads {FORMAT}; export the run again"
            )
        try:
            manifest = cls(**values)
            manifest._check()
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: {_UNREADABLE} ({str(error)[:200]})") from None
        if manifest.target != target:
            raise CheckpointError(
                f"{folder}: was exported to {manifest.target}, not to {target}; export the run again with --to {target}"
            )
        return manifest


def is_exported(folder: Path) -> bool:
    """Whether a folder is an exported one, and not a run folder."""
    return (folder / MANIFEST).is_file()


def file_hash(path: Path) -> str:
    """SHA-256 of a file (hex).

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None


def check_out(out: Path) -> None:
    """Checks that an export may write to `out`: a new or empty folder.

    Raises:
        ConfigError: it is a file, or a folder that is not empty.
    """
    check_folder(out.parent)
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"--out {out}: this folder is not empty; choose another, or remove it first")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: this is a file; name a folder")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `out` after the block, and removed if the block fails.

    Raises:
        OutputError: the folder cannot be written.
    """
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / SEQLOOM_FOLDER).mkdir(parents=True)
        yield partial
        for path in partial.rglob("*"):
            # Some programs write files that only their owner may read. Exported files get the permissions of the folder.
            if path.is_file():
                path.chmod(partial.stat().st_mode & 0o666)
        if out.is_dir():
            out.rmdir()
        move(partial, out)
    except Exception as error:
        os_error = as_os_error(error, out)
        if os_error is None:
            raise
        raise output_error(out, os_error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
