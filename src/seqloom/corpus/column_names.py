"""Reads the meaning of a column name: a side of a pair, a language, or that the column holds no text.

It understands names such as "Source text", "src_sentence", "target (fr)", "translation.de" and "DE".
"""

import re
from dataclasses import dataclass

from seqloom.corpus.languages import find_language, is_weak

PAIRS = (
    *(("src", "tgt"), ("src", "trg"), ("src", "ref"), ("src", "reference"), ("src", "translation")),
    *(
        ("source", "target"),
        ("source", "tgt"),
        ("source", "translation"),
        ("source", "reference"),
        ("original", "translation"),
    ),
    *(("input", "output"), ("input", "target"), ("input", "label"), ("input", "response"), ("question", "answer")),
    *(
        ("question", "response"),
        ("prompt", "response"),
        ("prompt", "completion"),
        ("prompt", "answer"),
        ("prompt", "output"),
    ),
    *(("instruction", "output"), ("instruction", "response"), ("query", "response"), ("query", "answer")),
    *(("text", "label"), ("text", "target"), ("text", "summary"), ("text", "translation"), ("sentence", "label")),
    *(("sentence", "translation"), ("document", "summary"), ("article", "summary"), ("article", "highlights")),
    *(("dialogue", "summary"), ("command", "action"), ("x", "y"), ("from", "to")),
)
"""Usual names of source and target."""

TEXTS = ("text", "content", "document", "body")
"""Usual names of a text for language models."""

CLASS_LABEL_NAMES = frozenset(("label", "output", "answer", "y", "target", "tgt", "trg", "response", "action"))
"""Names of targets whose values can be class labels or numbers instead of texts."""

# Words that do not change the meaning of a name.
_FILLERS = frozenset(
    (
        "text",
        "texts",
        "sentence",
        "sentences",
        "sent",
        "string",
        "str",
        "segment",
        "utterance",
        "column",
        "col",
        "side",
        "raw",
        "the",
    )
)
# Other words for the words in PAIRS.
_SYNONYMS = {
    **{
        "sources": "source",
        "targets": "target",
        "inputs": "input",
        "outputs": "output",
        "labels": "label",
        "answers": "answer",
    },
    **{"questions": "question", "prompts": "prompt", "responses": "response", "translations": "translation"},
    **{
        "translated": "translation",
        "references": "reference",
        "instructions": "instruction",
        "completions": "completion",
    },
    **{"class": "label", "commands": "command", "actions": "action"},
}
# Words of the names of columns that hold no text.
_NO_TEXT = """
id ids idx index uid uuid guid nr num number line row rowid score scores similarity sim laser labse comet bleu prob probability
confidence rating quality weight url uri link file filename path lang language langid locale domain corpus dataset date time
timestamp year split licence license attribution author user username speaker len length count rank hash md5 sha1 sha256
"""
_NO_TEXTS = frozenset(_NO_TEXT.split())
_WORDS = {word for pair in PAIRS for word in pair} | set(TEXTS)


@dataclass(frozen=True)
class ColumnName:
    """The meaning of a column's name.

    Attributes:
        word: the word for the side, such as "source" or "target", without languages and words such as "text" and "sentence". If
            nothing else is left, it is such a word, or a language code that is also a common word ("to", "no").
        language: the language in the name, if any.
        says_no_text: whether the column holds no text according to its name: "row_id", "similarity", "src_lang".
        known: whether every word of the name was understood.
    """

    word: str
    language: str | None = None
    says_no_text: bool = False
    known: bool = False


def read_column_name(name: str) -> ColumnName:
    """Reads the meaning of a column's name."""
    outer, _, last = name.strip().rpartition(".")
    read = _read(last)
    if outer and read.word in _FILLERS and read.language is None:
        # {"source": {"text": …}, "target": {"text": …}}
        inner = _read(outer.rpartition(".")[2])
        return inner if inner.known else read
    return read


def _read(name: str) -> ColumnName:
    whole = find_language(name)
    if whole is not None:
        return ColumnName(name.strip().casefold() if is_weak(name) else "", whole, known=True)
    words = [word for word in re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)) if word]
    language, words = _take_language(words)
    words = [_SYNONYMS.get(word.casefold(), word.casefold()) for word in words if not word.isdigit()]
    says_no_text = any(word in _NO_TEXTS for word in words)
    rest = [word for word in words if word not in _FILLERS]
    known = all(word in _WORDS or word in _NO_TEXTS for word in rest) and bool(words or language)
    word = " ".join(rest) or ("" if language else words[0] if words else "")
    return ColumnName(word, None if says_no_text else language, says_no_text, known)


def _take_language(words: list[str]) -> tuple[str | None, list[str]]:
    """The only language that the words name, or None if there are none or several; and the other words."""
    matches: list[tuple[str, int, int]] = []
    position = 0
    while position < len(words):
        for count in (3, 2, 1):
            part = words[position : position + count]
            code = find_language("-".join(part)) or find_language(" ".join(part)) if len(part) == count else None
            if code is not None:
                matches.append((code, position, position + count))
                position += count - 1
                break
        position += 1
    if len(matches) != 1:
        return None, words
    code, start, stop = matches[0]
    rest = words[:start] + words[stop:]
    # "text_it" may be Italian, "is_train" and "row_id" are something else.
    if is_weak(" ".join(words[start:stop])) and not all(word.casefold() in _FILLERS for word in rest):
        return None, words
    return code, rest
