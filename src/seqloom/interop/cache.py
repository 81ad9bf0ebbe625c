"""A cache of runs that were converted for CTranslate2, in the run folder, so that each run is converted only once.

    RUN/engines/ctranslate2-HASH/

Input: a run folder; output: a folder that CTranslate2 opens. Only the conversion imports torch.
"""

import hashlib
import os
import shutil
from pathlib import Path

from seqloom.errors import CheckpointError
from seqloom.interop.folder import FORMAT, MANIFEST, atomic_folder, file_hash, is_exported

_SOURCES = ("weights/best.safetensors", "recipe.yaml", "tokenizer.json")


def converted(folder: Path) -> Path:
    """The folder of a run's model in CTranslate2's format; converts the run if needed. An exported folder is returned as it is.

    Raises:
        SeqloomError: the folder is not a run, the run cannot be converted, or the folder cannot be written.
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
        # Files are written and removed there, so it must be inside the run folder.
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
            # Remove models of earlier weights of the run.
            if old != out:
                shutil.rmtree(old, ignore_errors=True)
    return out
