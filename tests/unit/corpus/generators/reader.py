"""Reads what players type, independently of the grammar that writes it: finds every reading of a text, and what each means.

It shares with the grammar the tables of words and nothing else. The corpus is a function of its sources where every reading of a
text amounts to the same commands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from seqloom.corpus.generators.adventure.nouns import ADJECTIVES, DIRECTIONS, NOUNS
from seqloom.corpus.generators.adventure.verbs import VERBS, Form, Verb, inflect

ANY = {word for words in ADJECTIVES.values() for word in words.split()}
MANNER = "(?:(?:carefully|quickly|quietly|slowly) )?"
MANNER_LAST = "(?: (?:carefully|quickly|quietly|slowly))?"
NAME = f"(?:(?:{'|'.join(ANY)}) )*(?:{'|'.join(NOUNS)})"
NAMED = f"(?:(?:the|a|an|that|this|my|those|these) )?{NAME}"
SEVERAL = f"{NAMED}(?:, {NAMED})* and {NAMED}"
EVERYTHING = f"(?:all|everything)(?: (?:except|but) {NAMED})?"
WAYS = "|".join(DIRECTIONS)
DIRECTION = f"(?:(?:to|towards) the )?(?:{WAYS})"
ABBREVIATED = f"{WAYS}|{'|'.join(DIRECTIONS.values())}"
OPENING = re.compile("(then |next, |after that, )")
PLEA = re.compile("(please |now |ok, |could you |i want to |i would like to |try to |go ahead and )")
TAIL = re.compile("( please|, please| now)$")
JOINT = re.compile("(, then | and then | then | and |, )")

# What begins the sentence and what stands between its halves, the forms of the halves, whether the second is done first.
CONSTRUCTIONS: list[tuple[str, str, Form, Form, bool]] = [
    ("before you ", ", ", "base", "base", True),
    ("after you ", ", ", "base", "base", False),
    ("once you have ", ", ", "participle", "base", False),
    ("before ", ", ", "gerund", "base", True),
    ("after ", ", ", "gerund", "base", False),
    ("", ", but first ", "base", "base", True),
    ("", " before you ", "base", "base", False),
    ("", " after you ", "base", "base", True),
    ("", " once you have ", "base", "participle", True),
    ("", " after ", "base", "gerund", True),
]


# What pronouns stand for.
Antecedents: TypeAlias = dict[str, tuple[str, ...]]
# The commands of a text in order, and what pronouns stand for afterwards.
Reading: TypeAlias = tuple[list[str], Antecedents]


@dataclass(frozen=True)
class Pattern:
    verb: Verb
    regex: re.Pattern[str]
    order: tuple[int, ...]


def _patterns(form: Form) -> list[Pattern]:
    patterns = []
    for verb in VERBS:
        for phrase in verb.phrases:
            if form != "base" and not phrase.inflects:
                continue
            head, space, rest = phrase.template.partition(" ")
            if form != "base" and head != "{0}":
                head = inflect(head, form)
            text = head + space + rest
            order = tuple(int(digit) for digit in re.findall(r"\{(\d)\}", text))
            for slot, kind in enumerate(verb.objects):
                if kind == "direction":
                    pattern = DIRECTION if phrase.inflects else ABBREVIATED
                else:
                    pattern = f"it|him|her|them|{SEVERAL}|{EVERYTHING}|{NAMED}"
                text = text.replace(f"{{{slot}}}", f"(?P<o{slot}>{pattern})")
            regex = re.compile(f"{MANNER}{text}{MANNER_LAST}$")
            patterns.append(Pattern(verb, regex, order))
    return patterns


FORMS: tuple[Form, ...] = ("base", "gerund", "participle")
PATTERNS = {form: _patterns(form) for form in FORMS}


def _strip(name: str) -> str:
    return re.sub("^(the|a|an|that|this|my|those|these) ", "", name)


def _object(
    text: str, kind: str, known: Antecedents, verb: Verb, slot: int
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Names and entities of an object, or None where it cannot be of this kind."""
    if kind == "direction":
        way = re.sub("^(to|towards) the ", "", text)
        back = {short: name for name, short in DIRECTIONS.items()}
        return (back.get(way, way),), ()
    if text in ("it", "him", "her", "them"):
        entities = known.get(text)
        if entities is None or (len(entities) > 1 and not (verb.several and slot == 0)):
            return None
    elif re.match("(all|everything)( |$)", text):
        if not (verb.everything and slot == 0):
            return None
        rest = re.sub("^(all|everything)( (except|but) )?", "", text)
        return ((f"all except {_strip(rest)}",), (_strip(rest),)) if rest else (("all",), ())
    else:
        entities = tuple(_strip(part) for part in re.split(", | and ", text))
        if len(entities) > 1 and not (verb.several and slot == 0):
            return None
    if any(kind not in NOUNS[entity.split()[-1]].kinds for entity in entities):
        return None
    return entities, entities


def _clauses(text: str, form: Form, known: Antecedents) -> Iterator[Reading]:
    """Every reading of clauses that are joined: their commands in order, and what pronouns stand for afterwards."""
    ends = [match.start() for match in re.finditer(JOINT, text)] + [len(text)]
    for end in ends:
        for commands, after in _clause(text[:end], form, known):
            if end == len(text):
                yield commands, after
                continue
            joint = JOINT.match(text, end)
            for more, last in _clauses(text[joint.end() :], form, after):
                yield commands + more, last


def _clause(text: str, form: Form, known: Antecedents) -> Iterator[Reading]:
    for pattern in PATTERNS[form]:
        match = pattern.regex.match(text)
        if not match:
            continue
        verb = pattern.verb
        objects = {slot: _object(match[f"o{slot}"], verb.objects[slot], known, verb, slot) for slot in pattern.order}
        if None in objects.values():
            continue
        names = [objects[slot][0] for slot in sorted(objects)]
        commands = [verb.command]
        if len(names) == 1:
            commands = [verb.command.format(name) for name in names[0]]
        elif names:
            commands = [verb.command.format(first, second) for first in names[0] for second in names[1]]
        after = dict(known)
        for slot in pattern.order:
            entities = objects[slot][1]
            if len(entities) > 1:
                after["them"] = entities
                after.pop("it", None)
            elif entities:
                after[NOUNS[entities[0].split()[-1]].gender] = entities
        yield commands, after


def _sentence(text: str, known: Antecedents) -> Iterator[Reading]:
    opened = OPENING.match(text)
    if opened and not text.startswith("then then"):
        yield from _sentence_proper(text[opened.end() :], known)
    yield from _sentence_proper(text, known)


def _sentence_proper(text: str, known: Antecedents) -> Iterator[Reading]:
    plea = PLEA.match(text)
    bare = text[plea.end() :] if plea else text
    for begin, middle, first_form, second_form, inverted in CONSTRUCTIONS:
        if not bare.startswith(begin):
            continue
        for match in re.finditer(re.escape(middle), bare):
            second_text = bare[match.end() :].removeprefix("please ") if begin else bare[match.end() :]
            for first, between in _clauses(bare[len(begin) : match.start()], first_form, known):
                for second, after in _clauses(second_text, second_form, between):
                    yield (second + first if inverted else first + second), after
    yield from _clauses(bare, "base", known)
    tail = TAIL.search(bare)
    if tail:
        yield from _clauses(bare[: tail.start()], "base", known)


def readings(text: str) -> set[tuple[str, ...]]:
    """The commands of every reading."""
    sentences = re.split(r"\. ", re.sub(r"[.!?]$", "", text.lower()))
    states: list[Reading] = [([], {})]
    for sentence in sentences:
        states = [(done + commands, after) for done, known in states for commands, after in _sentence(sentence, known)]
    return {tuple(commands) for commands, _ in states}
