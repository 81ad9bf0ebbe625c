"""The files of a folder of texts: which files are read, in which order, and which are left out and why.

The folder and all folders in it are searched, in the order of their names. Hidden files, files that are not text, empty files and
links to folders are left out, and a note names them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seqloom.corpus.file_signatures import compression_suffix, name_binary, name_markup
from seqloom.corpus.formats import is_table_name
from seqloom.corpus.input_file import InputFile, open_bytes, read_start
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError
from seqloom.messages import counted

_HEAD_BYTES = 1 << 16
_MOST_NAMED = 5
# For each reason to leave a file out, a noun for such files, in the singular and in the plural.
_NOUNS = {
    "hidden": ("hidden file or folder", "hidden files or folders"),
    "empty": ("empty file", "empty files"),
    "binary": ("file that is not text", "files that are not text"),
    "folder link": ("link to a folder", "links to folders"),
    "dangling link": ("link without a file", "links without a file"),
    "stream": ("pipe or device", "pipes or devices"),
}


@dataclass(frozen=True)
class TextFolder:
    """The files of a folder.

    Attributes:
        path: the folder.
        texts: files of plain text, in order.
        tables: files with a suffix of a format with records, such as .jsonl, .parquet and .csv.
        left_out: for each reason, the files that are not read, as paths relative to the folder.
    """

    path: Path
    texts: tuple[InputFile, ...] = ()
    tables: tuple[InputFile, ...] = ()
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each reason for which files were left out."""
        return tuple(f"{self.path}: left out {_describe(reason, names)}." for reason, names in self.left_out.items())


def read_folder(path: Path) -> TextFolder:
    """Sorts the files of a folder into texts, tables and others.

    Raises:
        CorpusError: the folder has no texts and no tables, or a file or folder in it cannot be read.
    """
    texts: list[InputFile] = []
    tables: list[InputFile] = []
    left_out: dict[str, list[str]] = {}
    for file, reason in _files(path):
        input_file = InputFile(file)
        reason = reason or _why_not_text(input_file)
        if reason is not None:
            left_out.setdefault(reason, []).append(file.relative_to(path).as_posix())
        elif is_table_name(input_file.name):
            tables.append(input_file)
        else:
            texts.append(input_file)
    folder = TextFolder(path, tuple(texts), tuple(tables), left_out)
    if not texts and not tables:
        others = "; ".join(_describe(reason, names) for reason, names in left_out.items())
        raise CorpusError(
            f"{path}: this folder {f'holds no text: {others}' if others else 'is empty'}; expected files of plain text, JSON "
            "lines or Parquet, in it or in folders inside it"
        )
    return folder


def _files(path: Path) -> Iterator[tuple[Path, str | None]]:
    """The files of a folder and of folders in it, each with the reason to leave it out, or None."""
    try:
        entries = sorted(path.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise CorpusError(f"{path}: this folder cannot be read: {error.strerror}") from None
    for entry in entries:
        if entry.name.startswith("."):
            yield entry, "hidden"
        elif entry.is_dir():
            if entry.is_symlink():
                yield entry, "folder link"
            else:
                yield from _files(entry)
        elif entry.is_file():
            yield entry, None
        else:
            yield entry, "dangling link" if entry.is_symlink() else "stream"


def _why_not_text(file: InputFile) -> str | None:
    """The reason to leave a file out, from its first bytes; None for text and Parquet."""
    suffix = compression_suffix(read_start(file))
    if suffix not in ("", file.path.suffix):
        return "binary"  # such as .tgz
    with open_bytes(file, ReadPass()) as stream:
        head = stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
    if not head:
        return "empty"
    if head.startswith(b"PAR1"):
        return None
    is_other = name_binary(head, Path(file.name).suffix.lower()) or name_markup(head.decode("utf-8", errors="replace"))
    return "binary" if is_other else None


def _describe(reason: str, names: list[str]) -> str:
    """The files that were left out for a reason, in words: how many, and the names of the first ones."""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{counted(len(names), *_NOUNS[reason])} ({', '.join(names[:_MOST_NAMED])}{more})"
