"""What lies in an exported folder beside the other program's own files: our tokenizer, the recipe, and what an engine must know.

    OUT/seqloom/{engine.json,recipe.yaml,tokenizer.json,characters.json}

It needs no torch, so that an engine can start at once.
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
    """What an engine must know of a model beside its weights.

    Attributes:
        target: the program it was exported to.
        quantization: how its weights are stored, "none" where they are as they were.
        decoder_only: whether a source is the prompt of its target.
        max_len: the most positions of a source or a target; for a decoder-only model of both together.
        reverse_source: whether the model reads sources backwards.
        decoding: the recipe's decoding settings.
        run: the name of the run's recipe.
        weights: SHA-256 of the weights that were exported.
        corpus: what the run was trained on; src_lang, tgt_lang: its languages, where they are known.
        format: of this file.
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
            raise TypeError("a name in it is no text")
        if not all(language is None or isinstance(language, str) for language in (self.src_lang, self.tgt_lang)):
            raise TypeError("a language in it is no text")
        if not all(isinstance(flag, bool) for flag in (self.decoder_only, self.reverse_source)):
            raise TypeError("decoder_only or reverse_source is neither true nor false")
        if not isinstance(self.decoding, dict) or type(self.max_len) is not int or not 1 < self.max_len <= 1 << 20:
            raise TypeError("max_len or decoding is not what an export writes")

    def save(self, folder: Path) -> None:
        """Writes it into an exported folder."""
        write_json(folder / MANIFEST, asdict(self))

    @classmethod
    def load(cls, folder: Path, target: str) -> "Manifest":
        """Reads it.

        Raises:
            CheckpointError: it is missing, damaged, of another version, or for another program.
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
                f"{folder}: was exported to {manifest.target}, but {target} is to open it; export it once more by --to {target}"
            )
        return manifest


def is_exported(folder: Path) -> bool:
    """Whether a folder was exported, rather than trained."""
    return (folder / MANIFEST).is_file()


def file_hash(path: Path) -> str:
    """SHA-256 of a file (hex).

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None


def check_out(out: Path) -> None:
    """Sees to it that a folder may be written.

    Raises:
        ConfigError: something is there.
    """
    check_folder(out.parent)
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"--out {out}: this folder is not empty; choose another, or remove it first")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: this is a file; name a folder")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """A folder to write into that becomes `out` in one step when all is written, and vanishes when something fails.

    Raises:
        OutputError: it cannot be written.
    """
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / SEQLOOM_FOLDER).mkdir(parents=True)
        yield partial
        for path in partial.rglob("*"):
            # Some programs write weights for their owner alone; what is exported is to be shared, as far as the folder is.
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
