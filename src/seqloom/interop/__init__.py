"""The interop room: runs become other programs' models, and other programs decode in seqloom's place.

Importing it registers the engines; their packages are imported when an engine is opened.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqloom.decoding.engines import OPENERS, Engine


def _ctranslate2(folder: Path, decoding: Mapping[str, Any], *, device: str, threads: int | None) -> Engine:
    from seqloom.interop.ctranslate2_engine import open_ctranslate2

    return open_ctranslate2(folder, decoding, device=device, threads=threads)


OPENERS["ctranslate2"] = _ctranslate2
