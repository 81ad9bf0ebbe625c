"""Joins clauses into the text of a player. The order of the text can differ from the order of the actions.

The result is a source text and its commands in the order of execution. These rules make the order unambiguous: a construction
such as "before you …, …" is a sentence of its own; a subordinate clause at the beginning ends at the comma, one at the end ends
with the sentence; "but first" refers to everything before it in the sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from seqloom.corpus.generators.adventure.clauses import Clause, Story, draw_clause
from seqloom.corpus.generators.adventure.verbs import Form
from seqloom.corpus.generators.draw import Draw

PLAIN = "plain"


@dataclass(frozen=True, slots=True, eq=False)
class Construction:
    """A way to join two groups of clauses, X and then Y in reading order.

    Attributes:
        name: its name, which also decides which phrases are held out of training in it.
        template: the text, with {x} and {y}.
        forms: the verb forms of X and of Y.
        inverted: whether the actions of Y come before those of X.
    """

    name: str
    template: str
    forms: tuple[Form, Form]
    inverted: bool

    @property
    def main_first(self) -> bool:
        """Whether the sentence begins with its main clause. X is then a single clause, so that its beginning is unambiguous."""
        return self.template.startswith("{x}")


CONSTRUCTIONS: tuple[Construction, ...] = (
    Construction("before you X, Y", "before you {x}, {y}", ("base", "base"), True),
    Construction("before Xing, Y", "before {x}, {y}", ("gerund", "base"), True),
    Construction("after you X, Y", "after you {x}, {y}", ("base", "base"), False),
    Construction("after Xing, Y", "after {x}, {y}", ("gerund", "base"), False),
    Construction("once you have Xed, Y", "once you have {x}, {y}", ("participle", "base"), False),
    Construction("X before you Y", "{x} before you {y}", ("base", "base"), False),
    Construction("X after you Y", "{x} after you {y}", ("base", "base"), True),
    Construction("X after Ying", "{x} after {y}", ("base", "gerund"), True),
    Construction("X once you have Yed", "{x} once you have {y}", ("base", "participle"), True),
    Construction("X, but first Y", "{x}, but first {y}", ("base", "base"), True),
)

_JOINTS = (" and ", " and ", " and ", ", then ", ", then ", " and then ", ", ", " then ")
_OPENINGS = ("", "", "", "", "", "", "then ", "then ", "next, ", "after that, ")
_PLEAS = (
    "please ",
    "please ",
    "now ",
    "ok, ",
    "could you ",
    "i want to ",
    "i would like to ",
    "try to ",
    "go ahead and ",
)
_TAILS = (" please", ", please", " now")


@dataclass(frozen=True, slots=True)
class CombinationRules:
    """Which combinations of words are allowed.

    Attributes:
        allows_pair: whether an adjective may be combined with a noun.
        allows_phrase: whether a phrase, given by its template, may be used in a slot: PLAIN, or a construction's name with
            "/x" or "/y".
    """

    allows_pair: Callable[[str, str], bool]
    allows_phrase: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class PlayerText:
    """The text of a player, with its meaning.

    Attributes:
        text: the text.
        commands: its meaning, in the order of execution.
        pairs: each adjective with its noun.
        phrases: the template of each phrase with its slot.
    """

    text: str
    commands: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    phrases: tuple[tuple[str, str], ...]


@dataclass
class _Turn:
    """The state of one text: the random choices, the story so far, and the phrases that were used."""

    draw: Draw
    rules: CombinationRules
    story: Story
    commands: list[str] = field(default_factory=list)
    phrases: list[tuple[str, str]] = field(default_factory=list)


def draw_player_text(draw: Draw, num_commands: int, rules: CombinationRules) -> PlayerText | None:
    """Draws a text of a player that means `num_commands` commands.

    Returns:
        The text with its meaning; None if this draw gave no valid text.
    """
    turn = _Turn(draw, rules, Story(terse=draw.chance(0.12), allows_pair=rules.allows_pair))
    sentences: list[str] = []
    while len(turn.commands) < num_commands:
        left = num_commands - len(turn.commands)
        opening = draw.choice(_OPENINGS) if sentences else ""
        if left > 1 and draw.chance(0.4):
            sentence = _draw_joined(turn, left)
        else:
            sentence = _draw_plain(turn, left if draw.chance(0.5) else draw.between(1, left))
        if sentence is None:
            return None
        sentences.append(opening + sentence)
    pairs = [(adjective, entity.noun.name) for entity in turn.story.entities for adjective in entity.adjectives]
    return PlayerText(_punctuate(draw, sentences), tuple(turn.commands), tuple(pairs), tuple(turn.phrases))


def _draw_group(turn: _Turn, slot: str, *, most_commands: int, most_clauses: int) -> list[Clause] | None:
    """Draws clauses until one of the two limits is reached; None after too many tries."""
    clauses: list[Clause] = []
    left = most_commands
    for _ in range(12 * most_clauses):
        clause = draw_clause(
            turn.draw,
            turn.story,
            most_commands=left,
            allows=lambda phrase: turn.rules.allows_phrase(phrase.template, slot),
            alone=slot == PLAIN,
        )
        if clause is None:
            continue
        clauses.append(clause)
        turn.phrases.append((clause.phrase.template, slot))
        left -= len(clause.commands)
        if not left or len(clauses) == most_clauses:
            return clauses
    return None


def _draw_plain(turn: _Turn, most_commands: int) -> str | None:
    clauses = _draw_group(turn, PLAIN, most_commands=most_commands, most_clauses=most_commands)
    if clauses is None:
        return None
    text = _plea(turn.draw) + clauses[0].text() if clauses[0].phrase.inflects else clauses[0].text()
    for clause in clauses[1:]:
        text += turn.draw.choice(_JOINTS) + clause.text()
    turn.commands += [command for clause in clauses for command in clause.commands]
    return text + _tail(turn.draw)


def _draw_joined(turn: _Turn, most_commands: int) -> str | None:
    draw = turn.draw
    construction = draw.choice(CONSTRUCTIONS)
    texts: list[str] = []
    meanings: list[list[str]] = []
    for slot, form in zip("xy", construction.forms, strict=True):
        # At least one command must remain for Y.
        limit = most_commands - 1 if slot == "x" else most_commands - len(meanings[0])
        most_clauses = 2 if draw.chance(0.3) and not (slot == "x" and construction.main_first) else 1
        group = _draw_group(turn, f"{construction.name}/{slot}", most_commands=limit, most_clauses=most_clauses)
        if group is None:
            return None
        texts.append(" and ".join(clause.text(form) for clause in group))
        meanings.append([command for clause in group for command in clause.commands])
    if construction.main_first:
        texts[0] = _plea(draw) + texts[0]
    elif draw.chance(0.1):
        texts[1] = "please " + texts[1]
    for meaning in reversed(meanings) if construction.inverted else meanings:
        turn.commands += meaning
    return construction.template.format(x=texts[0], y=texts[1])


def _plea(draw: Draw) -> str:
    return draw.choice(_PLEAS) if draw.chance(0.15) else ""


def _tail(draw: Draw) -> str:
    return draw.choice(_TAILS) if draw.chance(0.06) else ""


def _punctuate(draw: Draw, sentences: list[str]) -> str:
    if draw.chance(0.3):
        sentences = [sentence[0].upper() + sentence[1:] for sentence in sentences]
    end = ""
    if draw.chance(0.5):
        end = "?" if "could you " in sentences[-1].lower() else "!" if draw.chance(0.1) else "."
    return ". ".join(sentences) + end
