"""Reads message catalogues of gettext (.po): each message with its translation.

The header entry is not read. Fuzzy and obsolete entries are skipped and counted.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from seqloom.corpus.input_file import InputFile
from seqloom.corpus.lines import text_lines
from seqloom.corpus.read_pass import ReadPass

_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d+)\])?)[ \t]*)?"((?:[^"\\]|\\.)*)"[ \t]*')
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass
class _Entry:
    """An entry of a catalogue while it is read: the strings after each keyword, and the last keyword."""

    line: int = 0
    fuzzy: bool = False
    texts: dict[str, list[str]] = field(default_factory=dict)
    current: str = ""
    broken: bool = False

    def text(self, name: str) -> str:
        return "".join(self.texts.get(name, ()))


def read_messages(file: InputFile, read_pass: ReadPass) -> Iterator[tuple[int, str, str]]:
    """Messages and their translations, each with the line on which it begins, from 1.

    Each plural form is a pair: the first one with the singular of the message, the others with its plural.

    Raises:
        CorpusError: the file cannot be read (see `text_lines`), or a line is not part of a catalogue and `read_pass` does not skip.
    """
    entry = _Entry()
    with closing(text_lines(file, read_pass)) as lines:
        for number, line in enumerate(lines, start=1):
            if line is None:
                entry.broken = True
                continue
            text = line.strip()
            if not text:
                yield from _pairs_of(entry, file, read_pass)
                entry = _Entry()
            elif text.startswith("#"):
                if entry.texts:
                    yield from _pairs_of(entry, file, read_pass)
                    entry = _Entry()
                if text.startswith("#,") and "fuzzy" in text[2:].replace(",", " ").split():
                    entry.fuzzy = True
                elif text.startswith("#~") and re.match(r"#~\s*msgid\s", text):
                    read_pass.skip("obsolete entries", f"{file}:{number}")
            else:
                match = _LINE.fullmatch(text)
                if match is not None and match[1] in ("msgctxt", "msgid") and "msgstr" in "".join(entry.texts):
                    # Blank lines between entries are usual but not required.
                    yield from _pairs_of(entry, file, read_pass)
                    entry = _Entry()
                if match is None or not (match[1] or entry.current):
                    entry.broken = True
                    read_pass.report_bad(
                        "lines that are not part of a message",
                        f"{file}:{number}",
                        f"not a line of a message catalogue: {text[:60]!r}",
                        'Expected msgid "…" or msgstr "…", with quotes inside as \\".',
                    )
                    continue
                entry.line = entry.line or number
                entry.current = match[1] or entry.current
                entry.texts.setdefault(entry.current, []).append(_ESCAPE.sub(_unescape, match[3]))
    yield from _pairs_of(entry, file, read_pass)


def is_po(lines: list[str]) -> bool:
    """Whether these lines are the beginning of a message catalogue."""
    starts = [line.split(" ", 1)[0].split("[")[0] for line in lines if ' "' in line]
    return starts.count("msgid") > 0 and starts.count("msgstr") > 0


def _pairs_of(entry: _Entry, file: InputFile, read_pass: ReadPass) -> Iterator[tuple[int, str, str]]:
    if not entry.texts:
        return
    location = f"{file}:{entry.line}"
    if entry.broken:
        read_pass.skip("messages with a bad line", location)
        return
    message = entry.text("msgid")
    if not message:
        return  # the header
    if entry.fuzzy:
        read_pass.skip("fuzzy entries", location)
        return
    plural = entry.text("msgid_plural")
    if not plural:
        yield entry.line, message, entry.text("msgstr")
        return
    forms = sorted(name for name in entry.texts if name.startswith("msgstr["))
    if len(forms) == 1:
        yield entry.line, plural, entry.text(forms[0])
        return
    for name in forms:
        yield entry.line, message if name == "msgstr[0]" else plural, entry.text(name)


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)
