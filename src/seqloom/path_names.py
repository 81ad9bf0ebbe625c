"""Names of files and folders that the operating system accepts: checks a path, or shortens a name."""

import os
import re
import sys
from pathlib import Path, PureWindowsPath

from seqloom.errors import OutputError

_WINDOWS_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
_NOT_IN_WINDOWS_NAMES = re.compile(r'[<>:"|?*\x00-\x1f]|[ .]$')
# Bytes. Most systems allow names of 255 bytes; temporary names are longer than the name of the file.
_MAX_BYTES = 200


def check_name(path: Path) -> None:
    """Checks for names that Windows reads as devices, would shorten, or would read as a stream inside another file ("a:b").

    Raises:
        OutputError: this is Windows, and the path holds such a name.
    """
    if sys.platform != "win32":
        return
    whole = PureWindowsPath(str(path))
    for part in whole.parts[1:] if whole.anchor else whole.parts:
        if part.partition(".")[0].rstrip().upper() in _WINDOWS_DEVICES:
            why = "is the name of a device"
        elif part != ".." and _NOT_IN_WINDOWS_NAMES.search(part):
            why = 'is not possible: it holds one of <>:"|?*, or ends in a dot or a space'
        else:
            continue
        raise OutputError(f"{path}: cannot be written: on Windows, the name {part!r} {why}; choose another path")


def shortened(name: str) -> str:
    """The first 200 bytes of a file name, without a broken character at the end, which some systems refuse in names."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= _MAX_BYTES else encoded[:_MAX_BYTES].decode("utf-8", errors="ignore")
