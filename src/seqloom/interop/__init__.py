"""Interoperation: exports runs as models of other programs, and lets other programs decode instead of seqloom.

Importing this package registers the engines; the other programs are imported when an engine is opened.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqloom.decoding.engines import OPENERS, Engine


def _ctranslate2(folder: Path, decoding: Mapping[str, Any], *, device: str, threads: int | None) -> Engine:
    from seqloom.interop.ctranslate2_engine import open_ctranslate2

    return open_ctranslate2(folder, decoding, device=device, threads=threads)


OPENERS["ctranslate2"] = _ctranslate2
