"""Decodes a JSON document piece by piece, so that the document may be larger than memory."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from seqloom.corpus.input_file import InputFile
from seqloom.errors import CorpusError

_LONGEST_RECORD = 1 << 24
_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT_RECORD = re.compile(r"[}\]][ \t\r\n]*,[ \t\r\n]*(?=[{\[])")


def parse_int(digits: str) -> int | float:
    """An integer; infinity for a number of a thousand digits or more."""
    # By default, Python raises an error for integers of more than 4,300 digits.
    return int(digits) if len(digits) < 1000 else float("inf")


class JsonDocument:
    """A JSON document that is decoded from pieces of its text, value by value.

    Args:
        file: the file, for messages.
        read: returns the next piece; b"" at the end.

    Attributes:
        line: the line of the current position, from 1.
    """

    def __init__(self, file: InputFile, read: Callable[[], bytes]) -> None:
        self._file = file
        self._read = read
        # Bytes that are not UTF-8 become lone surrogates, so that the reader can report the record that holds them.
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._json = json.JSONDecoder(parse_int=parse_int)
        self._text = ""
        self._position = 0
        self._ended = False
        self.line = 1

    def find_list(self) -> None:
        """Moves to the first element of the list of records: the document itself, or a value in it, or a value one level deeper.

        Raises:
            CorpusError: the document has no such list.
            json.JSONDecodeError: the text before the list is not valid JSON.
        """
        first = self._peek()
        if first == "[":
            self._advance(1)
            return
        if first != "{":
            raise json.JSONDecodeError("expected an array or an object", "", 0)
        self._advance(1)
        names: list[str] = []
        depth = 1
        while True:
            self._skip(",")
            if self._peek() == "}":
                self._advance(1)
                depth -= 1
                if depth == 0:
                    break
                continue
            name = self._value()
            if not isinstance(name, str) or not self._skip(":"):
                raise json.JSONDecodeError("expected a key and a colon", "", 0)
            names.append(name)
            if self._peek() == "[" and self._holds_records():
                self._advance(1)
                return
            if self._peek() == "{" and depth == 1:
                # The list may be one level deeper: {"data": {"rows": […]}}.
                self._advance(1)
                depth += 1
                continue
            self._value()
        shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        raise CorpusError(
            f"{self._file}: is one JSON object (with {shown or 'no keys'}) that holds no list of records; "
            'expected a list of objects: [{"src": "…", "tgt": "…"}, …], in an object or not, or one object a line'
        )

    def elements(self) -> Iterator[tuple[int, str, str]]:
        """For each element of the list: the line on which it begins, its text, and its error, "" if it has none."""
        while True:
            self._skip(",")
            start = self._peek()
            if start in ("]", ""):
                if not start:
                    yield self.line, "", "the list has no end; the file may be cut short"
                return
            number = self.line
            try:
                end = self._end_of_value()
            except (json.JSONDecodeError, RecursionError) as error:
                detail = (
                    f"{error.msg} (line {number + error.doc.count(chr(10), self._position, error.pos)})"
                    if isinstance(error, json.JSONDecodeError)
                    else "nested too deeply"
                )
                yield number, "", detail
                if not self._find_next_record(error.pos if isinstance(error, json.JSONDecodeError) else None):
                    return
                continue
            text = self._text[self._position : end]
            self._advance(end - self._position)
            yield number, text, ""

    def _holds_records(self) -> bool:
        """Whether the list at the position begins with an object or a list."""
        match = _SPACE.match(self._text, self._position + 1)
        while match is not None and match.end() >= len(self._text) and self._more():
            match = _SPACE.match(self._text, self._position + 1)
        return match is not None and self._text[match.end() : match.end() + 1] in ("{", "[")

    def _value(self) -> Any:
        self._peek()
        end = self._end_of_value()
        text = self._text[self._position : end]
        self._advance(end - self._position)
        return json.loads(text, parse_int=parse_int)

    def _end_of_value(self) -> int:
        while True:
            try:
                end = self._json.raw_decode(self._text, self._position)[1]
                # A number may continue in the next piece.
                if end < len(self._text) or not self._more():
                    return end
            except json.JSONDecodeError as error:
                certain = error.pos + 1000 < len(self._text) and not error.msg.startswith("Unterminated")
                if certain or len(self._text) - self._position > _LONGEST_RECORD or not self._more(double=True):
                    raise

    def _find_next_record(self, position: int | None) -> bool:
        """Moves to the next record after an error at `position`; False if there is none."""
        start = max(self._position + 1, (position or 0) - 1)
        while True:
            match = _NEXT_RECORD.search(self._text, start)
            if match is not None:
                self._advance(match.end() - self._position)
                return True
            start = max(start, self._text.rfind("}", start), len(self._text) - 4096)
            self._advance(start - self._position)
            if not self._more():
                return False
            start = self._position

    def _peek(self) -> str:
        """Skips spaces, and returns the next character without moving past it; "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._position)
            assert match is not None
            self._advance(match.end() - self._position)
            if self._position < len(self._text) or not self._more():
                return self._text[self._position : self._position + 1]

    def _skip(self, char: str) -> bool:
        """Moves past the next character if it is `char`."""
        if self._peek() != char:
            return False
        self._advance(1)
        return True

    def _advance(self, count: int) -> None:
        self.line += self._text.count("\n", self._position, self._position + count)
        self._position += count

    def _more(self, *, double: bool = False) -> bool:
        """Reads the next piece and drops the text before the position; False at the end of the document.

        Args:
            double: read as much text as there is after the position. A long value is then decoded only a few times.
        """
        num_needed = len(self._text) - self._position if double else 1
        pieces: list[str] = []
        while num_needed > 0 and not self._ended:
            raw = self._read()
            pieces.append(self._bytes.decode(raw, final=not raw))
            num_needed -= len(pieces[-1])
            self._ended = not raw
        following = "".join(pieces)
        # At the end, the text is not dropped, because an error may refer to a position in it.
        if following:
            self._text = self._text[self._position :] + following
            self._position = 0
        return bool(following)
