"""The parser of rules: matches the phrases of the table in each clause, with gaps, and keeps the best match."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from seqloom.fiction.parsing.clauses import Clause, clauses, is_marker
from seqloom.fiction.parsing.forms import render
from seqloom.fiction.parsing.inflection import forms, past
from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.phrase_table import DIRECTION_OF, DIRECTIONS, MOVES, PHRASES, VERTICAL
from seqloom.fiction.parsing.proposals import Candidate
from seqloom.fiction.parsing.scene import Scene
from seqloom.fiction.parsing.word_sets import word_set

_PRONOUNS = {"it", "them", "that", "this", "him", "her", "one", "these", "those", "both", "there"}
_SUBJECTS = {"i", "we", "you", "he", "she", "they"}
_HELPERS = word_set(
    "to will would please let me us am are going can could shall may must should want like have just now then and "
    "quickly carefully gently slowly do need try rather better first next finally also be is not all right start "
    "begin decide choose want's go at last lets ok okay well oh ah hey so ready about"
)
_DETERMINERS = word_set("the a an my this his her our your its no some any of in on with into from at")
_ARTICLES = word_set("the a an my this that some your his her")
_PERFECT = {"have", "has", "had"}
_QUESTIONS = word_set("who why where when how is are does did was were has had do")
_ABSENT = (
    ("i", "wish"),
    ("if", "only"),
    ("would", "that"),
    ("should", "have"),
    ("could", "have"),
    ("used", "to"),
    ("not", "want"),
    ("did", "not"),
    ("remember", "when"),
    ("i", "hope"),
    ("i", "wonder"),
    ("last", "time"),
    ("you", "can", "not"),
    ("can", "not"),
    ("will", "not"),
)
_SAME = {
    "into": "in",
    "within": "in",
    "inside": "in",
    "onto": "on",
    "upon": "on",
    "towards": "to",
    "toward": "to",
    "over": "on",
}
_FRONTED = {"with", "in", "on", "from", "to", "at", "by"}
# Verbs that mean an action in their base form only: "let me have it", not "having it".
_STATES = {"have", "need", "want", "keep", "hold", "lose"}
_LITERAL, _SLOT, _GAP, _UNUSED, _START = 2.0, 1.6, 0.22, 1.2, 0.06
_STRAY = 0.4
_GUESS = 3.0
_LONGEST_GAP = 6


@dataclass(frozen=True)
class _Phrase:
    """A phrase of the table as tokens; its verb is in any form."""

    command: str
    tokens: tuple[str, ...]
    verb: int


@dataclass(frozen=True)
class _Match:
    command: str
    score: float
    first: str = ""
    """The marker of the first slot, for pronouns in the clauses that follow."""
    second: str = ""


@cache
def _by_base() -> frozenset[str]:
    """The base forms of all verbs."""
    return frozenset(phrase.tokens[phrase.verb] for phrases in _by_verb().values() for phrase in phrases)


@cache
def _by_verb() -> dict[str, tuple[_Phrase, ...]]:
    """Forms of verbs -> the phrases with that verb."""
    phrases_by_form: dict[str, list[_Phrase]] = defaultdict(list)

    def add(command: str, text: str) -> None:
        tokens = tuple(_SAME.get(token, token) for token in text.split())
        verb = next(index for index, token in enumerate(tokens) if token not in ("A", "B", "D"))
        phrase = _Phrase(command, tokens, verb)
        for form in forms(tokens[verb]) if tokens[verb] not in _STATES else [tokens[verb]]:
            phrases_by_form[form].append(phrase)

    for command, phrases in PHRASES.items():
        for text in phrases:
            add(command, text)
    for text in MOVES:
        add("D", text)
    for direction, listed in VERTICAL.items():
        for text in listed:
            add(direction, text)
    for verb in ("go", "walk", "head", "run", "return", "enter", "move", "hurry"):
        add("go to A", f"{verb} to A" if verb != "enter" else "enter A")
    return {form: tuple(phrases) for form, phrases in phrases_by_form.items()}


class RuleParser:
    """The rules; they learn nothing."""

    name = "rules"

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """At most one candidate; its confidence is the share of the words that the rules can account for."""
        if _is_question(text.tokens):
            return []

        @cache
        def possible(command: str) -> bool:
            return render(command, text.names, scene.words) is not None

        commands: dict[str, float] = {}
        antecedents, previous = dict[str, str](), ""
        pending: list[
            str
        ] = []  # Things of a list before its verb phrase is complete: "put the lamp, the rope and the map in the sack".
        direction = _only_direction(text.tokens)
        for clause in clauses(tuple(_SAME.get(token, token) for token in text.tokens)):
            clause = replace(clause, tokens=_in_usual_order(clause.tokens))
            match = _best(clause, antecedents, possible)
            markers = [token for token in clause.tokens if is_marker(token)]
            if match is None and previous and markers and len(clause.tokens) <= 5 and not clause.is_background:
                match = _repeated(previous, markers)
            if match is None and len(clause.tokens) <= 8 and not clause.is_question:
                match = _bare_direction(clause)
            if match is None:
                pending += markers if len(markers) == 1 and clause.tokens[-1] == markers[0] else []
            elif not (clause.is_background and match.score < 3):
                confidence = match.score / max(3.0, 1.0 * _num_content(clause.tokens))
                is_bare = len([token for token in clause.tokens if token not in _ARTICLES]) == 3
                for marker in pending if is_bare and match.command.startswith("put ") else ():
                    commands.setdefault(match.command.replace(match.first, marker, 1), confidence)
                commands.setdefault(match.command, confidence)
                previous, pending = match.command, []
                if match.second:
                    antecedents["B"] = match.second
            if markers or (match is not None and match.first):
                antecedents["A"] = match.first if match is not None and match.first else (markers or [""])[0]
        if not commands and direction and set(text.tokens) & _moving():
            return [Candidate((direction,), 0.5)]
        if not commands:
            return []
        confidence = min(1.0, sum(commands.values()) / len(commands))
        return [Candidate(tuple(commands), confidence)]


def _num_content(tokens: tuple[str, ...]) -> int:
    """The number of words that say what is done, or to what."""
    return sum(token not in _HELPERS | _DETERMINERS | _SUBJECTS for token in tokens)


def _in_usual_order(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Moves a phrase that stands before the verb behind it: "into the case I put it", "use the key to open the door"."""
    at = next((index for index, token in enumerate(tokens) if is_marker(token)), 0)
    if "use" in tokens[:at] or "using" in tokens[:at]:
        if tokens[at + 1 : at + 2] == ("to",) and len(tokens) > at + 3:
            return (*tokens[at + 2 :], "with", tokens[at])
    elif at and tokens[0] in _FRONTED and at <= 4 and len(tokens) > at + 2 and not is_marker(tokens[at + 1]):
        return (*tokens[at + 1 :], tokens[0], tokens[at])
    return tokens


def _is_question(tokens: tuple[str, ...]) -> bool:
    """Whether a text asks something else than to do something."""
    asks = tokens[:1] and tokens[0] in _QUESTIONS and tokens[1:2] not in (("i",), ("we",), ("not",))
    return bool(asks and "?" in tokens)


def _is_wish(tokens: tuple[str, ...]) -> bool:
    """Whether a clause says what is not done."""
    return any(tokens[start : start + len(words)] == words for words in _ABSENT for start in range(len(tokens)))


def _best(clause: Clause, antecedents: dict[str, str], possible: Callable[[str], bool]) -> _Match | None:
    """The best match with a command that the game has."""
    matches: list[_Match] = []
    if _is_wish(clause.tokens):
        return None
    for start, token in enumerate(clause.tokens):
        if start and not _may_be_verb(clause.tokens, start):
            continue
        for phrase in _by_verb().get(token, ()):
            match = _match(phrase, clause.tokens, start, antecedents)
            if match is not None:
                matches.append(match)
    matches += _by_preposition(clause.tokens)
    matches.sort(key=lambda match: -match.score)
    best = next((match for match in matches if possible(match.command)), None)
    return best if best is not None and best.score > 1.2 else None


def _by_preposition(tokens: tuple[str, ...]) -> list[_Match]:
    """What a verb that is not in the table does with two things, as the word between them tells: "heave @1 into @2"."""
    at = [index for index, token in enumerate(tokens) if is_marker(token)]
    core = [token for token in tokens if token not in _ARTICLES]
    if (
        len(core) == 3 == len(at) + 1 and core[1] in ("in", "on") and core[0] != core[2]
    ):  # "@1 in the @2", without a verb.
        return [_Match(f"put {' '.join(core)}", _GUESS, core[0], core[2])]
    if (
        len(at) != 2
        or at[0] == 0
        or tokens[at[0]] == tokens[at[1]]
        or not set(tokens[: at[0]]) - _HELPERS - _DETERMINERS - _SUBJECTS
    ):
        return []
    first, second = tokens[at[0]], tokens[at[1]]
    between = [token for token in tokens[at[0] + 1 : at[1]] if token in ("in", "on", "from", "out", "off")]
    if between[:1] in (["in"], ["on"]):
        return [_Match(f"put {first} {between[0]} {second}", _GUESS, first, second)]
    return [_Match(f"take {first}", _GUESS, first)] if between else []


def _may_be_verb(tokens: tuple[str, ...], position: int) -> bool:
    before = tokens[position - 1]
    if before in _DETERMINERS or before == "not" or (tokens[max(0, position - 2)] == "not" and before != "to"):
        return False
    if tokens[position] in _PERFECT and before not in ("to", "me", "us", "let"):
        return tokens[position + 1 : position + 2] == ("a",)  # "I have a look"
    if before in _PERFECT and tokens[position] not in _by_base():
        return False
    if before in _HELPERS or before in _SUBJECTS or before.endswith(("ly", "ing")) or is_marker(before):
        return True
    return position <= 3 or bool(set(tokens[:position]) & (_SUBJECTS | {"let", "please"}))


def _match(phrase: _Phrase, tokens: tuple[str, ...], verb_at: int, antecedents: dict[str, str]) -> _Match | None:
    slots: dict[str, str] = {}
    before = [token for token in tokens[:verb_at] if is_marker(token)]
    if not before and "A" in antecedents and set(tokens[:verb_at]) & _PRONOUNS:
        before = [antecedents["A"]]
    for token in phrase.tokens[: phrase.verb]:  # Phrases such as "A goes in B".
        if not before:
            return None
        slots[token] = before.pop(0)
    score = _LITERAL + _SLOT * len(slots) - _START * verb_at
    position, direction = verb_at + 1, ""
    for word in phrase.tokens[phrase.verb + 1 :]:
        filler = _find(word, tokens, position, antecedents, slots)
        if filler is None and word == "A" and before:  # "The lamp I take."
            slots["A"] = before.pop(0)
            score += 0.5
            continue
        if filler is None:
            return None
        at, value = filler
        score -= _GAP * sum(token not in _DETERMINERS for token in tokens[position:at])
        score += _SLOT if word in ("A", "B", "D") else _LITERAL * (0.6 if word in _DETERMINERS else 1)
        if word == "D":
            direction = value
        elif word in ("A", "B"):
            slots[word] = value
        position = at + 1
    if not slots and not direction:
        score -= _STRAY * max(0, _num_content(tokens) - len(phrase.tokens))
    unused = {token for token in tokens if is_marker(token)} - set(slots.values())
    score -= _UNUSED * len(unused)
    if not direction and any(token in DIRECTIONS and token not in ("in", "out", "up", "down") for token in tokens):
        score -= _UNUSED * (phrase.command not in DIRECTIONS or 2)
    if tokens[verb_at] == past(phrase.tokens[phrase.verb]) != phrase.tokens[phrase.verb]:
        score -= 0.8
    command = direction if phrase.command == "D" else phrase.command
    for letter, marker in slots.items():
        command = " ".join(marker if part == letter else part for part in command.split())
    if {"A", "B"} & set(command.split()):
        return None
    return _Match(command, score, slots.get("A", ""), slots.get("B", ""))


def _find(
    word: str, tokens: tuple[str, ...], start: int, antecedents: dict[str, str], slots: dict[str, str]
) -> tuple[int, str] | None:
    """The place of a word of a phrase among the next tokens, and what fills it."""
    longest = _LONGEST_GAP + 4 if word == "D" else _LONGEST_GAP
    for at in range(start, min(len(tokens), start + longest + 1)):
        token = tokens[at]
        if word in ("A", "B"):
            if is_marker(token):
                return (at, token) if token not in slots.values() else None
            meant = antecedents.get(word) or antecedents.get("A", "")
            if token in _PRONOUNS and meant and meant not in slots.values():
                return at, meant
        elif word == "D":
            if token in DIRECTION_OF:
                return at, DIRECTION_OF[token]
        elif token == word:
            return at, token
        elif is_marker(token) and word not in ("A", "B"):
            return None
    return None


def _repeated(previous: str, markers: list[str]) -> _Match | None:
    """The command before with another thing: "take the lamp and the keys"."""
    parts = previous.split()
    slots = [index for index, part in enumerate(parts) if is_marker(part)]
    if not slots or markers[0] in parts:
        return None
    for slot, marker in zip(slots, markers, strict=False):
        parts[slot] = marker
    return _Match(" ".join(parts), 2.5, markers[0])


@cache
def _moving() -> frozenset[str]:
    """All forms of the verbs that say that somebody moves."""
    return frozenset(form for phrase in MOVES for form in forms(phrase.split()[0])) - {"take", "takes", "taking"}


def _only_direction(tokens: tuple[str, ...]) -> str:
    """The only point of the compass that a text names."""
    named = {DIRECTION_OF[token] for token in tokens if token in DIRECTION_OF} - {"in", "out", "up", "down"}
    return next(iter(named)) if len(named) == 1 else ""


def _bare_direction(clause: Clause) -> _Match | None:
    named = [
        DIRECTION_OF[token] for token in clause.tokens if token in DIRECTION_OF and token not in ("in", "out", "up")
    ]
    others = [token for token in clause.tokens if is_marker(token)]
    return _Match(named[0], 2.0, "") if len(named) == 1 and not others else None
