"""The parser of Cloak of Darkness: a line of the player becomes commands, or a parser error with its message."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqloom.fiction.cloak.grammar import DIRECTIONS, FORMS, VERBS, Form
from seqloom.fiction.cloak.world import THINGS, State, Thing
from seqloom.fiction.interpreter import DIRECTION, TEXT, THING, ParserError
from seqloom.fiction.interpreter import THINGS as THINGS_SLOT

ARTICLES = {"the", "a", "an", "some", "this", "that"}
_PRONOUNS = {"it", "them"}
_ALL = {"all", "everything"}
_PREPOSITIONS = {
    word for form in FORMS for element in form.pattern if not element.startswith("<") for word in element.split("/")
}
KNOWN = (
    VERBS
    | set(DIRECTIONS)
    | ARTICLES
    | _PRONOUNS
    | _ALL
    | _PREPOSITIONS
    | {"and", "then"}
    | {word for thing in THINGS.values() for word in (*thing.nouns, *thing.adjectives)}
)
"""All words that the game knows."""


@dataclass(frozen=True)
class Command:
    """An action with the keys of its things, or with a direction."""

    action: str
    things: tuple[Thing, ...] = ()
    direction: str = ""


class NotUnderstoodError(Exception):
    """The line is no command; `reason` says why, `word` is the word that the message is about."""

    def __init__(self, message: str, reason: ParserError, word: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.word = word


class ClarificationError(Exception):
    """The line is the beginning of a command, and the message asks for the rest.

    Attributes:
        before, after: the words around the missing part.
        candidates: the things that it may be; empty: any.
    """

    def __init__(self, message: str, before: Sequence[str], after: Sequence[str], candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.before = list(before)
        self.after = list(after)
        self.candidates = list(candidates)


def split_words(line: str) -> list[str]:
    """The words of a line in lower case; `.` and `;` stay, since they separate commands."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*|[.;,!?]", line.lower())


def split_commands(line: str) -> list[list[str]]:
    """The words of each command of a line: commands are separated by `.`, `;` or `then`, or by `and` before a verb."""
    commands: list[list[str]] = [[]]
    words = [word for word in split_words(line) if word not in "!?"]
    for position, word in enumerate(words):
        following = words[position + 1 : position + 2]
        is_and = word in ("and", ",") and bool(commands[-1])
        starts_command = following and (following[0] in VERBS or following[0] in DIRECTIONS)
        if word in (".", ";", "then") or (is_and and (starts_command or following == ["then"])):
            commands.append([])
        elif word != "," or is_and:
            commands[-1].append("and" if word == "," else word)
    return [command for command in commands if command] or [[]]


def parse(words: Sequence[str], state: State) -> Command:
    """The command that the words of one command stand for.

    Raises:
        NotUnderstoodError: they are no command.
        ClarificationError: something is missing, or a noun names several things.
    """
    if not words:
        raise NotUnderstoodError("Say something, or type HELP.", ParserError.SYNTAX)
    if len(words) == 1 and words[0] in DIRECTIONS:
        return Command("go", direction=DIRECTIONS[words[0]])
    if words[0] not in VERBS:
        if words[0] in KNOWN:
            raise NotUnderstoodError("Begin with a verb, such as TAKE or EXAMINE.", ParserError.SYNTAX, words[0])
        raise NotUnderstoodError(f"I don't know the verb “{words[0]}”.", ParserError.UNKNOWN_VERB, words[0])
    problem: NotUnderstoodError | ClarificationError | None = None
    for form in FORMS:
        if words[0] not in form.verbs:
            continue
        for slots in _match(form.pattern, list(words[1:])):
            try:
                return _fill(form, list(words), slots, state)
            except (NotUnderstoodError, ClarificationError) as error:
                problem = problem or error
    if problem is not None:
        raise problem
    raise _unmatched(words)


Slot = tuple[str, int, int]
"""A slot of a pattern and the positions of its words: of the first, and after the last."""


def _match(pattern: tuple[str, ...], words: list[str], start: int = 1) -> Iterator[list[Slot]]:
    """All ways in which words fill a pattern, those with short first slots before others."""
    if not pattern:
        if not words:
            yield []
        return
    element, rest = pattern[0], pattern[1:]
    if not element.startswith("<"):
        if words and words[0] in element.split("/"):
            yield from _match(rest, words[1:], start + 1)
        elif words and words[0] in ARTICLES and rest[:1] == (DIRECTION,):
            yield from _match(pattern, words[1:], start + 1)
        return
    if element == DIRECTION:
        skipped = int(bool(words) and words[0] in ARTICLES)
        if words[skipped : skipped + 1] and words[skipped] in DIRECTIONS:
            end = start + skipped + 1
            for slots in _match(rest, words[skipped + 1 :], end):
                yield [(element, end - 1, end), *slots]
        return
    for length in range(1, len(words) + 1):
        for slots in _match(rest, words[length:], start + length):
            yield [(element, start, start + length), *slots]


def _fill(form: Form, words: list[str], slots: list[Slot], state: State) -> Command:
    things: list[Thing] = []
    for kind, start, end in slots:
        if kind == DIRECTION:
            return Command(form.action, direction=DIRECTIONS[words[start]])
        if kind == THING:
            things.append(find_thing(words, start, end, state))
        elif kind == THINGS_SLOT:
            things += _find_things(words, start, end, state)
        else:
            assert kind == TEXT
    return Command(form.action, tuple(things))


def _find_things(words: list[str], start: int, end: int, state: State) -> list[Thing]:
    if all(word in _ALL | ARTICLES for word in words[start:end]) and set(words[start:end]) & _ALL:
        things = [thing for thing in state.in_scope() if thing.key == "cloak"]
        if not things:
            raise NotUnderstoodError("There is nothing suitable here.", ParserError.NOT_IN_SCOPE, words[start])
        return things
    things = []
    for position in [*(p for p in range(start, end) if words[p] == "and"), end]:
        things.append(find_thing(words, start, position, state))
        start = position + 1
    return things


def find_thing(words: Sequence[str], start: int, end: int, state: State) -> Thing:
    """The thing in scope that `words[start:end]` name.

    Raises:
        NotUnderstoodError: they name nothing, or nothing in scope.
        ClarificationError: they name several things.
    """
    phrase = [word for word in words[start:end] if word not in ARTICLES]
    unknown = next((word for word in phrase if word not in KNOWN), None)
    if unknown is not None:
        raise NotUnderstoodError(f"I don't know the word “{unknown}”.", ParserError.UNKNOWN_NOUN, unknown)
    in_scope = list(state.in_scope())
    if len(phrase) == 1 and phrase[0] in _PRONOUNS:
        matches = [thing for thing in in_scope if thing.key == state.last]
        if not matches:
            raise NotUnderstoodError(
                f"I don't know what “{phrase[0]}” stands for.", ParserError.NOT_IN_SCOPE, phrase[0]
            )
        return matches[0]
    matches = _named(phrase, in_scope)
    if not matches:
        if _named(phrase, THINGS.values()):
            raise NotUnderstoodError("You can't see any such thing.", ParserError.NOT_IN_SCOPE, " ".join(phrase))
        named = " ".join(phrase)
        raise NotUnderstoodError(f"I don't know what “{named}” is.", ParserError.SYNTAX, named)
    if len(matches) > 1:
        names = [f"the {thing.name}" for thing in matches]
        question = f"Which do you mean, {', '.join(names[:-1])} or {names[-1]}?"
        raise ClarificationError(question, words[:start], words[end:], [thing.key for thing in matches])
    return matches[0]


def _named(phrase: Sequence[str], things: Iterable[Thing]) -> list[Thing]:
    """The things that a phrase names: the last word is a noun of it, or, if it is of none, all words are adjectives."""
    candidates = [
        thing for thing in things if phrase and all(word in thing.nouns or word in thing.adjectives for word in phrase)
    ]
    return [thing for thing in candidates if phrase[-1] in thing.nouns] or candidates


def _unmatched(words: Sequence[str]) -> Exception:
    """Asks for what is missing, or says which word is not understood, or that the form is unknown."""
    verb = words[0]
    for form in FORMS:
        if verb in form.verbs and len(form.pattern) > len(words) - 1:
            preceding, missing = form.pattern[: len(words) - 1], form.pattern[len(words) - 1 :]
            literal = all(
                not element.startswith("<") and word in element.split("/")
                for element, word in zip(preceding, words[1:], strict=True)
            )
            if literal and missing in ((THING,), (THINGS_SLOT,)):
                return ClarificationError(f"What do you want to {' '.join(words)}?", words, (), ())
            if literal and missing == (DIRECTION,):
                return ClarificationError("In which direction?", words, (), ())
    unknown = next((word for word in words if word not in KNOWN), None)
    if unknown is not None:
        return NotUnderstoodError(f"I don't know the word “{unknown}”.", ParserError.UNKNOWN_NOUN, unknown)
    if len(words) == 1:
        return NotUnderstoodError(f"I need more than “{verb}”.", ParserError.SYNTAX, verb)
    return NotUnderstoodError(f"I know the verb “{verb}”, but not in such a sentence.", ParserError.SYNTAX, verb)
