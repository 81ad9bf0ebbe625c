"""Runs that were converted for CTranslate2 lie in the run folder, so that a run is converted once for its weights.

    RUN/engines/ctranslate2-HASH/

A run folder enters, a folder that CTranslate2 opens leaves. Only converting imports torch.
"""

import hashlib
import os
import shutil
from pathlib import Path

from seqloom.errors import CheckpointError
from seqloom.interop.folder import FORMAT, MANIFEST, atomic_folder, file_hash, is_exported

_SOURCES = ("weights/best.safetensors", "recipe.yaml", "tokenizer.json")


def converted(folder: Path) -> Path:
    """Where the model of a run, or of an exported folder, lies in CTranslate2's format.

    Raises:
        SeqloomError: the folder is not a run, cannot be converted, or cannot be written to.
    """
    if is_exported(folder):
        return folder
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such run folder")
    if not (folder / "recipe.yaml").is_file():
        raise CheckpointError(f"{folder}: this is not a run folder (there is no recipe.yaml in it)")
    digest = hashlib.sha256(f"format {FORMAT}\n".encode())
    for name in _SOURCES:
        digest.update(file_hash(folder / name).encode())
    if (folder / "engines").is_symlink():
        # What is written there, and what is removed as old, must lie in the run.
        raise CheckpointError(
            f"{folder}/engines: is a link to {os.path.realpath(folder / 'engines')}; remove it, and try again"
        )
    out = folder / "engines" / f"ctranslate2-{digest.hexdigest()[:16]}"
    if not (out / MANIFEST).is_file():
        from seqloom.interop.ctranslate2_export import write_ctranslate2
        from seqloom.interop.exported_run import ExportedRun

        source = ExportedRun.read(folder)
        with atomic_folder(out) as partial:
            write_ctranslate2(source, partial)
        for old in out.parent.glob("ctranslate2-*"):
            # Weights that are no longer the run's.
            if old != out:
                shutil.rmtree(old, ignore_errors=True)
    return out
