"""Divides a marked text into clauses, in the order in which their actions happen."""

import re
from dataclasses import dataclass

_ENDS = {".", "!", ";", "?"}
_LINKS = {
    "and",
    "then",
    "before",
    "after",
    "so",
    "but",
    "while",
    "once",
    "because",
    "since",
    "when",
    "as",
    "if",
    "until",
}
_BACKGROUND = {"because", "since", "when", "if", "until", "so", "while", "as"}


@dataclass(frozen=True)
class Clause:
    """A part of a text.

    Attributes:
        tokens: its words and markers, without punctuation.
        is_background: whether it tells a reason or a condition.
        starts_sentence: whether a sentence begins with it.
        is_question: whether its sentence ends with a question mark.
    """

    tokens: tuple[str, ...]
    is_background: bool = False
    starts_sentence: bool = False
    is_question: bool = False


def is_marker(token: str) -> bool:
    """Whether a token stands for a thing."""
    return re.fullmatch(r"@\d", token) is not None


def clauses(tokens: tuple[str, ...]) -> list[Clause]:
    """The clauses of a text; those behind "before" and "after" stand where their actions do."""
    ordered: list[Clause] = []
    for sentence, is_question in _sentences(tokens):
        ordered += _ordered(_parts(sentence), is_question=is_question)
    return ordered


def _sentences(tokens: tuple[str, ...]) -> list[tuple[list[str], bool]]:
    sentences: list[tuple[list[str], bool]] = []
    current: list[str] = []
    for token in (*tokens, "."):
        if token in _ENDS:
            if current:
                sentences.append((current, token == "?"))
            current = []
        else:
            current.append(token)
    return sentences


def _parts(sentence: list[str]) -> list[tuple[str, list[str]]]:
    """(the word that links it, tokens) of each part of a sentence."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for token in sentence:
        if token in (",", ":") or token in _LINKS:
            link = token if token in _LINKS else ""
            if parts[-1][1]:
                parts.append((link, []))
            elif link:
                parts[-1] = (link, [])
        else:
            parts[-1][1].append(token)
    return [part for part in parts if part[1]]


def _ordered(parts: list[tuple[str, list[str]]], *, is_question: bool) -> list[Clause]:
    ordered = list(parts)
    for index, (link, _) in enumerate(parts):
        if link == "before" and index == 0 and len(parts) > 1:
            ordered = [*parts[1:], parts[0]]
        elif link == "after" and index > 0:
            ordered = [parts[index], *parts[:index], *parts[index + 1 :]]
    return [
        Clause(tuple(tokens), link in _BACKGROUND, part is parts[0], is_question)
        for part in ordered
        for link, tokens in (part,)
    ]
