"""Finds the catalogue's files in a mirror folder or in the cache, or downloads them. Checksums are verified.

Environment variables: SEQLOOM_DATA_DIR is a mirror folder. SEQLOOM_MIRROR_URL is the address of a server with the same files.
SEQLOOM_CACHE_DIR is a cache folder to use instead of the default one.
"""

import gzip
import hashlib
import os
import re
from pathlib import Path
from typing import IO, Any

from seqloom.corpus.cache import cache_folder
from seqloom.corpus.catalogue import FileEntry
from seqloom.errors import CorpusError
from seqloom.progress import Progress, Silent

_SECONDS_WITHOUT_DATA = 60
_AGENT = {"User-Agent": "seqloom (a Python package that trains translation models)"}


def mirror_folder(data_dir: str | None) -> Path | None:
    """The mirror folder that the setting or SEQLOOM_DATA_DIR names; None if neither is set.

    Raises:
        CorpusError: the folder does not exist.
    """
    configured = data_dir or os.environ.get("SEQLOOM_DATA_DIR")
    if not configured:
        return None
    folder = Path(configured).expanduser()
    if not folder.is_dir():
        source = "--data-dir" if data_dir else "SEQLOOM_DATA_DIR"
        raise CorpusError(
            f"{source} {configured}: there is no such folder; it should hold the catalogue's files as a mirror"
        )
    return folder


def download_folder() -> Path:
    """The folder of downloaded files, in the cache."""
    return cache_folder("data")


def locate(name: str, file: FileEntry, *, data_dir: str | None = None, progress: Progress | None = None) -> Path:
    """The path of a file of the catalogue, downloaded if necessary.

    Args:
        name: the path of the file in a mirror and in the cache. A mirror may hold it compressed, with ".gz" after its name.
        file: its entry in the catalogue.
        data_dir: a mirror folder; None: that of the environment, if any.
        progress: receives the progress of a download.

    Raises:
        CorpusError: the file is not in the mirror, cannot be downloaded, or has a wrong checksum.
    """
    folder = mirror_folder(data_dir)
    if folder is not None:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                _check(path, file, unpack=path.name != Path(name).name)
                return path
    cached = download_folder() / name
    if cached.is_file():
        _check(cached, file, unpack=False)
        return cached
    base = os.environ.get("SEQLOOM_MIRROR_URL")
    url = f"{base.rstrip('/')}/{name}" if base else file.url
    if folder is not None and base is None:
        hint = f"; unset the mirror to download it from {file.url}" if file.url else ""
        raise CorpusError(f"{name}: the mirror folder {folder} does not hold it{hint}")
    if url is None:
        raise CorpusError(
            f"{name}: is not published in this form; it comes from a mirror folder: --data-dir FOLDER or SEQLOOM_DATA_DIR"
        )
    return _download(name, url, file, progress or Silent())


def _download(name: str, url: str, file: FileEntry, progress: Progress) -> Path:
    import pooch
    import requests

    target = download_folder() / name
    pooch.get_logger().setLevel("WARNING")
    bar = _Bar(f"downloading {name}", progress)
    download = pooch.HTTPDownloader(progressbar=bar, timeout=_SECONDS_WITHOUT_DATA, headers=_AGENT)

    def fetch(address: str, path: str, caller: Any) -> None:
        with open(path, "wb") as stream:
            download(address, _LimitedFile(stream, url, file.bytes), caller)

    expected = f"sha256:{file.sha256}" if file.sha256 else None
    try:
        # pooch writes to a temporary file in the same folder and renames it when its checksum is right.
        downloaded = pooch.retrieve(url, known_hash=expected, fname=target.name, path=target.parent, downloader=fetch)
    except ValueError as error:
        actual = re.search(r"but got '?(?:sha256:)?([0-9a-f]{64})", str(error))
        raise CorpusError(_mismatch(url, file, actual[1] if actual else "another one")) from None
    except (requests.RequestException, OSError) as error:
        raise CorpusError(
            f"{url}: cannot be downloaded ({error}). Check the network, or give a folder that holds {name}: --data-dir FOLDER"
        ) from None
    if file.sha256 is None:
        progress.say(
            f"{name}: downloaded from {url}; its checksum is not known to the catalogue, so it was not verified."
        )
    return Path(downloaded)


def _check(path: Path, file: FileEntry, *, unpack: bool) -> None:
    """Checks the checksum of a file, after decompression if `unpack` is set; raises a CorpusError if it is wrong."""
    if file.sha256 is None:
        return
    digest = hashlib.sha256()
    with gzip.open(path) if unpack else path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != file.sha256:
        raise CorpusError(_mismatch(str(path), file, digest.hexdigest()))


def _mismatch(location: str, file: FileEntry, actual: str) -> str:
    origin = (
        ""
        if file.verified
        else " The catalogue's checksum was taken from a copy, so the published file may have changed."
    )
    return (
        f"{location}: has another SHA-256 than the catalogue says: expected {file.sha256}, got {actual}. "
        f"The file is damaged or was changed: delete it and fetch it again.{origin}"
    )


class _LimitedFile:
    """A file that accepts at most the number of bytes in the catalogue, so that a server cannot fill the disk."""

    def __init__(self, stream: IO[bytes], url: str, max_bytes: int | None) -> None:
        self._stream = stream
        self._url = url
        self._num_left = max_bytes
        self._max_bytes = max_bytes

    def write(self, data: bytes) -> int:
        if self._num_left is not None:
            self._num_left -= len(data)
            if self._num_left < 0:
                raise CorpusError(
                    f"{self._url}: sends more than the {self._max_bytes:,} bytes that the catalogue lists, so the download was "
                    "stopped; the file was changed, or the address returns an error page: check the address, or use another mirror"
                )
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


class _Bar:
    """The progress bar that pooch updates; it reports to a `Progress`."""

    def __init__(self, task: str, progress: Progress) -> None:
        self.total = 0
        self._task = task
        self._progress = progress
        self._done = 0

    def update(self, count: int) -> None:
        self._done += count
        megabytes = f"{self._done / 1e6:.1f} MB"
        self._progress.update(self._task, min(1.0, self._done / self.total) if self.total else 0.0, received=megabytes)

    def reset(self) -> None:
        # At the end, pooch resets the bar and then updates it with the total.
        self._done = 0

    def close(self) -> None:
        self._progress.update(self._task, 1.0)
