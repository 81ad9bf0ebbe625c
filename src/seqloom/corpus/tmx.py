"""Reads translation memories (TMX): for each unit, its text in each language.

The file is parsed in pieces, so it may be larger than memory. Entity declarations are an error, because a few hundred bytes of
them can expand to gigabytes.
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from seqloom.corpus.input_file import InputFile, open_bytes
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.utf16 import Utf16Stream
from seqloom.errors import CorpusError

Unit = dict[str, str]
"""The text of a unit by language code."""

_PIECE_BYTES = 1 << 16
# The content of these elements is markup of a document (TMX 1.4, section 4), not text.
_CODES = frozenset(("bpt", "ept", "ph", "it", "ut"))
_MAX_SEGMENT_CHARS = 1 << 24


def read_units(file: InputFile, read_pass: ReadPass) -> Iterator[tuple[int, Unit]]:
    """The units of a translation memory, each with the line on which it begins, from 1.

    Raises:
        CorpusError: the file is not well-formed XML, declares entities, or cannot be opened (see `open_bytes`).
    """
    with open_bytes(file, read_pass) as stream:
        # `open_bytes` turns UTF-16 into UTF-8, so the encoding in the XML declaration no longer holds.
        parser = _UnitParser(file, read_pass, encoding="utf-8" if isinstance(stream, Utf16Stream) else None)
        while True:
            piece = stream.read(_PIECE_BYTES)
            parser.feed(piece)
            yield from parser.take_units()
            if not piece:
                return


class _UnitParser:
    """Parses the bytes of a translation memory, and collects its units as they are completed."""

    def __init__(self, file: InputFile, read_pass: ReadPass, *, encoding: str | None) -> None:
        self._file = file
        self._read_pass = read_pass
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._reject_entity
        self._complete: list[tuple[int, Unit]] = []
        # The first spelling of each language code, by its normalised form.
        self._spellings: dict[str, str] = {}
        self._unit: Unit | None = None
        self._line = 0
        self._language = ""
        self._segment: list[str] | None = None
        self._length = 0
        # How many elements of `_CODES` are open.
        self._code_depth = 0

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise CorpusError(
                f"{self._file}:{error.lineno}: not well-formed XML: {expat.ErrorString(error.code)}. "
                "Nothing after a broken element can be read; correct it, or export the memory again"
            ) from None
        except (LookupError, ValueError) as error:  # an encoding that Python does not know
            raise CorpusError(
                f"{self._file}:1: {error}; convert the file to UTF-8 and say so in its first line"
            ) from None

    def take_units(self) -> list[tuple[int, Unit]]:
        """The units that were completed since the last call."""
        complete, self._complete = self._complete, []
        return complete

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.lower()
        if name == "tu":
            self._unit, self._line = {}, self._parser.CurrentLineNumber
        elif name == "tuv":
            code = attributes.get("xml:lang") or attributes.get("lang") or ""
            # The case of a language code does not matter.
            self._language = self._spellings.setdefault(code.replace("_", "-").casefold(), code)
        elif name == "seg" and self._unit is not None:
            self._segment, self._length, self._code_depth = [], 0, 0
        elif self._segment is not None:
            if name in _CODES:
                self._code_depth += 1
            self._read_pass.num_changed["inline tags were left out of segments"] += 1

    def _end(self, tag: str) -> None:
        name = tag.lower()
        if name == "seg" and self._unit is not None and self._segment is not None:
            text = "".join(self._segment)
            if self._language in self._unit:
                self._read_pass.skip(
                    "further translations of a unit into the same language",
                    f"{self._file}:{self._parser.CurrentLineNumber}",
                )
            elif self._language:
                self._unit[self._language] = text
            self._segment = None
        elif name == "tu" and self._unit is not None:
            self._complete.append((self._line, self._unit))
            self._unit = None
        elif self._segment is not None and name in _CODES:
            self._code_depth -= 1

    def _text(self, text: str) -> None:
        if self._segment is not None and not self._code_depth:
            self._length += len(text)
            if self._length > _MAX_SEGMENT_CHARS:
                raise CorpusError(
                    f"{self._file}:{self._line}: a segment of more than 16 MiB; expected a sentence or two"
                )
            self._segment.append(text)

    def _reject_entity(self, name: str, *rest: Any) -> None:
        raise CorpusError(
            f"{self._file}:{self._parser.CurrentLineNumber}: declares the entity {name!r}, which is not read, because entities "
            "can expand to gigabytes; write the text itself"
        )


def is_tmx(text: str) -> bool:
    """Whether a text is the beginning of a translation memory."""
    return re.search(r"<tmx[\s>]", text[:8000], re.IGNORECASE) is not None and text.lstrip("\ufeff \r\n\t").startswith(
        "<"
    )
