"""Reads records in JSON: an object in each line, an array of objects, or an object that contains the list of records.

A record is a flat mapping of names to values. A document is decoded record by record, so it may be larger than memory.
Conversations (chat `messages`, ShareGPT's `conversations`) become a prompt and a response.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from seqloom.corpus.encodings import advise
from seqloom.corpus.input_file import InputFile, open_bytes
from seqloom.corpus.json_document import JsonDocument, parse_int
from seqloom.corpus.lines import report_zero_byte, text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError

Record = Mapping[str, Any]

_PIECE_BYTES = 1 << 18
_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
_EXPECTED = 'Expected objects like {"src": "…", "tgt": "…"}.'


class RecordError(ValueError):
    """A record that cannot be used.

    Attributes:
        reason: what such records are called in counts, a plural.
        remedy: a sentence that says what to do.
    """

    def __init__(self, reason: str, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.remedy = remedy


def parse_record(text: str) -> tuple[Record, bool]:
    """Parses a record. Returns it as a flat mapping, and whether a system message was put before its prompt.

    Raises:
        RecordError: the text is not a JSON object, or is a conversation of several turns.
    """
    return flatten(_decode(text))


def read_lines_of_objects(file: InputFile, read_pass: ReadPass) -> Iterator[tuple[int, Record]]:
    """The records of a file with one object in each line, each with its line, from 1.

    Raises:
        CorpusError: the file cannot be read (see `text_lines`), or a line holds no record and `read_pass` does not skip.
    """
    with closing(text_lines(file, read_pass)) as lines:
        for number, line in enumerate(lines, start=1):
            if line is None:
                continue
            if not line.strip():
                read_pass.skip("blank lines", f"{file}:{number}")
                continue
            record = _parse(line, f"{file}:{number}", read_pass)
            if record is not None:
                yield number, record


def read_document(file: InputFile, read_pass: ReadPass) -> Iterator[tuple[int, Record]]:
    """The records of an array, or of the first list of objects in an object, each with the line on which it begins, from 1.

    Raises:
        CorpusError: the file holds no list of records, or a record is broken and `read_pass` does not skip.
    """
    with open_bytes(file, read_pass) as stream:
        document = JsonDocument(file, lambda: stream.read(_PIECE_BYTES))
        try:
            document.find_list()
        except json.JSONDecodeError as error:
            raise CorpusError(f"{file}:{document.line}: not valid JSON: {error.msg}. {_EXPECTED}") from None
        except RecursionError:
            raise CorpusError(f"{file}:{document.line}: JSON that is nested too deeply. {_EXPECTED}") from None
        for number, text, problem in document.elements():
            location = f"{file}:{number}"
            if problem:
                read_pass.report_bad("records that are not JSON", location, f"not valid JSON: {problem}", _EXPECTED)
                continue
            if re.search("[\udc80-\udcff]", text):
                raw = text.encode("utf-8", "surrogateescape")
                read_pass.report_bad(
                    "records that are not valid UTF-8", location, "holds bytes that are not UTF-8", advise(raw)
                )
                continue
            record = _parse(text, location, read_pass)
            if record is not None:
                yield number, record


def is_lines_of_objects(lines: Sequence[str | None]) -> bool:
    """Whether the file has one record in each line: most lines are complete JSON arrays or objects."""
    nonblank = [line for line in lines if line is not None and line.strip()]
    if not nonblank or nonblank[0].strip() in ("[", "{"):
        return False
    tried = nonblank[:200]
    parsed = [value for line in tried if (value := _try_parse(line)) is not None]
    if len(parsed) * 2 <= len(tried):
        return False
    if len(nonblank) > 1:
        return True
    if not isinstance(parsed[0], dict):
        return False
    inner = [value for outer in parsed[0].values() if isinstance(outer, dict) for value in outer.values()]
    return not any(map(_is_list_of_records, [*parsed[0].values(), *inner]))


def looks_like_object(line: str) -> bool:
    """Whether a line is a complete JSON object."""
    return isinstance(_try_parse(line), dict)


def common_names(records: Iterator[tuple[int, Record]], limit: int) -> tuple[str, ...]:
    """The names that at least half of the first `limit` records have, in order of appearance."""
    counts: Counter[str] = Counter()
    total = 0
    for _, record in islice(records, limit):
        total += 1
        counts.update(record.keys())
    return tuple(name for name, count in counts.items() if count * 2 >= total)


def check_text(value: object, name: str) -> None:
    """Checks that a value is text that UTF-8 can encode.

    Args:
        name: the name of the value, for the message.

    Raises:
        RecordError: the value is not text, or contains a lone surrogate.
    """
    if not isinstance(value, str):
        shown = json.dumps(value, default=str)[:60]
        raise RecordError("lines whose value is not text", f"the value of {name!r} is {shown}", "Expected a string.")
    if not value.isascii() and re.search("[\ud800-\udfff]", value):
        raise RecordError(
            "lines with half a character",
            f"the value of {name!r} holds a lone surrogate, which is half of a character",
            r"Write both halves (\ud83d\ude00) or the character itself.",
        )


def checked_values(
    record: Record, names: Sequence[str], location: str, read_pass: ReadPass, unit: str = "Every line"
) -> list[str] | None:
    """The values of some names, checked to be text; None for a bad record, which is reported.

    Args:
        location: the file and line of the record, for messages.
        unit: what a record is, for messages.

    Raises:
        CorpusError: a value is missing or is not text, and `read_pass` does not skip.
    """
    for name in names:
        if name not in record:
            detail = f"no key {name!r}; it has {', '.join(map(_printable, record)) or 'none'}"
            read_pass.report_bad("lines without a wanted key", location, detail, f"{unit} needs the same keys.")
            return None
        try:
            check_text(record[name], name)
        except RecordError as error:
            read_pass.report_bad(error.reason, location, str(error), error.remedy)
            return None
        if "\x00" in record[name]:
            report_zero_byte(f"{location} ({name})", record[name].index("\x00"), read_pass)
            return None
    return [record[name] for name in names]


def flatten(value: Any) -> tuple[Record, bool]:
    """Flattens a record. Returns a flat mapping, and whether a system message was put before its prompt.

    `{"translation": {"de": …, "en": …}}`, as in data sets of Hugging Face, gets the names "translation.de" and "translation.en".
    A conversation becomes "prompt" and "response". An array of two texts becomes "src" and "tgt".

    Raises:
        RecordError: the value is not a record, or is a conversation of several turns.
    """
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
        value = {"messages": value}
    if isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value):
        return {"src": value[0], "tgt": value[1]}, False
    if not isinstance(value, dict):
        raise RecordError(
            "lines that are not a JSON object", f"not a JSON object: it is {type(value).__name__}", _EXPECTED
        )
    flat: dict[str, Any] = {}
    system = False
    for key, inner in value.items():
        if key in ("messages", "conversations", "conversation") and _is_conversation(inner):
            prompt, response, system = _single_turn(inner)
            flat.update({"prompt": prompt, "response": response})
        elif isinstance(inner, dict):
            flat.update({f"{key}.{name}": text for name, text in inner.items()})
        else:
            flat[key] = inner
    return flat, system


def _parse(text: str, location: str, read_pass: ReadPass) -> Record | None:
    try:
        record, system = parse_record(text)
    except RecordError as error:
        read_pass.report_bad(error.reason, location, str(error), error.remedy)
        return None
    if system:
        read_pass.num_changed["conversations had a system message, which was put before the prompt"] += 1
    return record


def _decode(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_to_dict, parse_int=parse_int)
    except RecursionError:
        detail = "JSON that is nested too deeply"
    except RecordError:
        raise
    except ValueError as error:
        detail = str(error)
    raise RecordError("lines that are not a JSON object", f"not a JSON object: {detail}", _EXPECTED)


def _try_parse(line: str) -> Any:
    """The array or object that a line is; None if it is neither."""
    try:
        value = json.loads(line, parse_int=parse_int)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _to_dict(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the items; raises a RecordError if a key is repeated."""
    record = dict(items)
    if len(record) < len(items):
        keys = [key for key, _ in items]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise RecordError("lines with a duplicate key", f"the key {repeated!r} occurs twice", "Keep one of them.")
    return record


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and not _is_conversation(value)


def _is_conversation(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, dict) and ("role" in turn or "from" in turn) for turn in value)
    )


def _single_turn(turns: list[dict[str, Any]]) -> tuple[Any, Any, bool]:
    """The prompt and the response of a conversation, and whether a system message was put before the prompt."""
    roles = [_ROLES.get(str(turn.get("role", turn.get("from"))).casefold(), "?") for turn in turns]
    texts = [_content(turn.get("content", turn.get("value"))) for turn in turns]
    system = texts.pop(0) if roles[0] == "system" else None
    if [role for role in roles if role != "system"] != ["user", "assistant"] or roles.count("system") > 1:
        raise RecordError(
            "conversations of several turns",
            f"a conversation of the turns {', '.join(str(turn.get('role', turn.get('from'))) for turn in turns)[:80]}",
            "Expected one turn of the user and one answer of the assistant; divide longer conversations into such pairs.",
        )
    prompt, response = texts
    if isinstance(system, str) and system.strip() and isinstance(prompt, str):
        return f"{system}\n{prompt}", response, True
    return prompt, response, False


def _content(value: Any) -> Any:
    # In newer formats, a message is a list of parts. Only parts of text are used.
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    return value
