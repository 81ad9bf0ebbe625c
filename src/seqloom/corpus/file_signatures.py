"""Recognises files that cannot be read by their first bytes or characters, and says what to do about them."""

import re

_BINARY: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document; extract its text first, for example with pdftotext"),
    (b"SQLite format 3\x00", "an SQLite database; export a table: sqlite3 -csv -header FILE 'select …' > NEW.csv"),
    (b"\x89PNG", "a picture (PNG); expected text"),
    (b"\xff\xd8\xff", "a picture (JPEG); expected text"),
    (b"GIF8", "a picture (GIF); expected text"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.xls or .doc); save it as CSV in UTF-8 or as plain text"),
    (b"\x93NUMPY", "a NumPy array; expected text"),
    (b"ARROW1", "an Arrow (Feather) file; convert it to Parquet"),
    (b"\x89HDF", "an HDF5 file; expected text"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive of files; unpack it and name one of its files"),
    (b"Rar!", "a RAR archive of files; unpack it and name one of its files"),
    (b"Obj\x01", "an Avro file; convert it to Parquet or JSON lines"),
    (b"ORC", "an ORC file; convert it to Parquet"),
    (b"\x7fELF", "a program; expected text"),
    (b"{\\rtf", "an RTF document; save it as plain text in UTF-8"),
)
# The first bytes and the suffix of compressed files.
COMPRESSIONS = {
    "gzip": (b"\x1f\x8b", ".gz"),
    "xz": (b"\xfd7zXZ\x00", ".xz"),
    "zstd": (b"\x28\xb5\x2f\xfd", ".zst"),
    "bzip2": (b"BZh", ".bz2"),
}
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\xff]")
_SUBTITLES = re.compile(
    r"\A\s*(?:\d+[ \t]*\r?\n)?(?:\d+:)?\d\d:\d\d[,.]\d{3}[ \t]+-->[ \t]+(?:\d+:)?\d\d:\d\d[,.]\d{3}"
)
# A file is not text if more than this share of its first lines have zero bytes.
_MAX_NUL_LINES = 0.1


def compression_suffix(start: bytes) -> str:
    """The suffix for the compression of a file, such as ".gz", from its first bytes; "" if it is not compressed."""
    return next((suffix for magic, suffix in COMPRESSIONS.values() if start.startswith(magic)), "")


def name_binary(head: bytes, suffix: str) -> str | None:
    """Says what a file is that is not text, and what to do about it, as the end of a sentence; None for text.

    Args:
        head: the first bytes.
        suffix: the suffix of the file name, such as ".xlsx".
    """
    for magic, description in _BINARY:
        if head.startswith(magic) and (magic not in (b"ORC", b"Obj\x01", b"Rar!") or b"\x00" in head[:200]):
            return f"is {description}"
    if head.startswith(b"RIFF"):
        return "is a media file (RIFF); expected text"
    if _PICKLE.match(head):
        return (
            "is a Python pickle, which can run any code when it is opened and is therefore not read; "
            "write its records as JSON lines or TSV"
        )
    if head.startswith(b"PK\x03\x04"):
        return _name_zip(head, suffix)
    if head[257:262] == b"ustar":
        return "is an archive of files; unpack it and name one of its files"
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "is UTF-32; convert it: iconv -f utf-32 -t utf-8 FILE > NEW"
    if b"\x00" in head:
        return _name_zero_bytes(head)
    return None


def name_markup(text: str) -> str | None:
    """Says in which form a text is that cannot be read, and what to do about it, as the end of a sentence; None if it can.

    Args:
        text: the first characters.
    """
    start = text[:4000].lstrip()
    lower = start.lower()
    if lower.startswith(("<!doctype html", "<html")):
        return "is a web page; probably the download returned a page about the file instead of the file"
    if start.startswith("WEBVTT") or _SUBTITLES.match(text[:200]):
        return (
            "holds subtitles (SRT or WebVTT), whose lines are not sentences and rarely correspond between two languages; "
            "align them first and give two files: --src FILE --tgt FILE"
        )
    if lower.startswith("<") and "<xliff" in lower:
        return "is XLIFF, which is not read; export it from your translation program as TMX, or as a table"
    if lower.startswith("<?xml") and "<tmx" not in text:
        return "is XML, but not TMX; expected a table of pairs (TSV, CSV, JSON lines, Parquet, TMX) or plain text"
    return None


def _name_zip(head: bytes, suffix: str) -> str:
    if suffix == ".xlsx" or b"xl/" in head:
        return "is an Excel workbook; save the sheet as CSV in UTF-8 (in Excel: Save As, CSV UTF-8)"
    if suffix == ".docx" or b"word/" in head:
        return "is a Word document; save it as plain text in UTF-8, or a table of two columns as CSV"
    if suffix == ".ods" or b"opendocument.spreadsheet" in head:
        return "is an OpenDocument spreadsheet; save the sheet as CSV in UTF-8"
    if suffix == ".odt" or b"opendocument.text" in head:
        return "is an OpenDocument text; save it as plain text in UTF-8"
    if suffix == ".npz":
        return "is a NumPy archive; expected text"
    return "is an archive of files; unpack it and name one of its files"


def _name_zero_bytes(head: bytes) -> str | None:
    for name, offset in (("utf-16le", 1), ("utf-16be", 0)):
        high_bytes = head[offset : 2 * (len(head) // 2) : 2]
        if len(high_bytes) > 3 and high_bytes.count(0) > 0.8 * len(high_bytes):
            return f"is UTF-16 without a byte order mark; convert it: iconv -f {name} -t utf-8 FILE > NEW"
    lines = head.split(b"\n")
    lines = lines[:-1] if len(lines) > 1 else lines
    # A few lines with zero bytes are bad lines of a text file, which readers report.
    if sum(b"\x00" in line for line in lines) > _MAX_NUL_LINES * len(lines):
        return "holds zero bytes, so it is not a text file; expected text in UTF-8"
    return None
