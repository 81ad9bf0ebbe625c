"""Clauses: an instruction of a player, in the player's words and as commands.

Clauses are made in reading order, so that pronouns have referents:

- it, him, her: the last thing (or animal), man or woman that an earlier clause named. them: the last plural thing ("the boots") or
  the last things that were named together ("the lamp and the rope").
- After things that were named together, "it" has no referent until a single thing is named.
- A pronoun never refers within its own clause: in "put the coin in it", "it" was named before.

`discourse.py` joins clauses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product

from seqloom.corpus.generators.adventure.nouns import BY_KIND, DIRECTIONS, GROUP_OF, NOUNS, Gender, Noun
from seqloom.corpus.generators.adventure.verbs import VERBS, Form, Phrase, Verb
from seqloom.corpus.generators.draw import Draw

# The number of tries to draw a suitable noun or verb; in a long story, many nouns are already used.
_TRIES = 6

_SINGULAR = ("the", "the", "the", "the", "the", "the", "a", "that", "this", "my")
_PLURAL = ("the", "the", "the", "the", "the", "those", "these", "my")
_ADVERBS = ("carefully", "quickly", "quietly", "slowly")
_COMPASS = tuple(DIRECTIONS)

# Each entry is repeated by its weight, because uniform draws are cheap.
_DECK = tuple(verb for verb in VERBS for _ in range(verb.weight))
_USES: Mapping[str, tuple[tuple[Verb, int], ...]] = {
    noun.name: tuple((verb, slot) for verb in _DECK for slot, kind in enumerate(verb.objects) if kind in noun.kinds)
    for noun in NOUNS.values()
}


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A thing or person of the story: a noun with its adjectives."""

    noun: Noun
    adjectives: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name in commands: "old brass lamp"."""
        return " ".join((*self.adjectives, self.noun.name))


@dataclass(frozen=True, slots=True)
class Clause:
    """An instruction of a player, in words and as commands.

    Attributes:
        phrase: the player's phrase.
        objects: the text of each object.
        commands: the canonical commands, one for each of several objects.
        adverb: an adverb before the verb, or empty.
        adverb_last: an adverb at the end, or empty.
    """

    phrase: Phrase
    objects: tuple[str, ...]
    commands: tuple[str, ...]
    adverb: str = ""
    adverb_last: str = ""

    def text(self, form: Form = "base") -> str:
        """The words of the clause, with the verb in the given form."""
        words = (self.adverb, self.phrase.text(form, self.objects), self.adverb_last)
        return " ".join(word for word in words if word)


@dataclass
class Story:
    """The story so far, and the style of the player.

    Attributes:
        terse: whether the player omits "the".
        allows_pair: whether an adjective may be combined with a noun.
        entities: everything that was named.
        antecedents: the current referents of each pronoun; "them" can have several.
        commands: all commands so far.
    """

    terse: bool
    allows_pair: Callable[[str, str], bool]
    entities: list[Entity] = field(default_factory=list)
    antecedents: dict[Gender, tuple[Entity, ...]] = field(default_factory=dict)
    commands: set[str] = field(default_factory=set)

    def mention(self, entities: tuple[Entity, ...]) -> None:
        """Records that these entities were named together, as one object."""
        if len(entities) > 1:
            self.antecedents["them"] = entities
            self.antecedents.pop("it", None)
        elif entities:
            self.antecedents[entities[0].noun.gender] = entities
        self.entities += [entity for entity in entities if entity not in self.entities]


@dataclass(frozen=True, slots=True)
class _Object:
    """An object of a clause: its words, its entities, and its names in commands."""

    text: str
    entities: tuple[Entity, ...]
    names: tuple[str, ...]


def draw_clause(
    draw: Draw, story: Story, *, most_commands: int, allows: Callable[[Phrase], bool], alone: bool = True
) -> Clause | None:
    """Draws a clause, and records in the story what it names.

    Args:
        most_commands: the largest number of commands of the clause; each object is a command.
        allows: whether a phrase may be used here.
        alone: whether the clause is not part of a construction, so that lists with commas and words like "n" may occur in it.

    Returns:
        The clause; None if this draw gave no valid clause.
    """
    pronoun: tuple[int, _Object] | None = None
    verb = draw.choice(_DECK)
    if story.antecedents and draw.chance(0.4):
        gender = draw.choice(tuple(story.antecedents))
        referents = story.antecedents[gender]
        use = _draw_use(draw, referents) if len(referents) <= most_commands else None
        if use is not None:
            verb, slot = use
            pronoun = (slot, _Object(gender, referents, tuple(entity.name for entity in referents)))
    phrase = verb.phrases[0] if draw.chance(0.25) else draw.choice(verb.phrases)
    if not allows(phrase) or not (alone or phrase.inflects):
        return None
    objects: dict[int, _Object] = {}
    named: list[Entity] = []
    for position in phrase.order:
        drawn: _Object | None
        if pronoun is not None and position == pronoun[0]:
            drawn = None if position in phrase.no_pronoun else pronoun[1]
        elif verb.objects[position] == "direction":
            drawn = _draw_direction(draw, phrase)
        else:
            several = verb.several and position == 0 and not phrase.one_object and pronoun is None
            most = min(most_commands, 3 if alone else 2) if several else 1
            drawn = _draw_object(draw, story, verb, position, named, most)
        if drawn is None or any(entity in named for entity in drawn.entities):
            return None
        named += drawn.entities
        objects[position] = drawn
    clause = _make_clause(draw, verb, phrase, objects)
    if not story.commands.isdisjoint(clause.commands):
        return None
    story.commands.update(clause.commands)
    for position in phrase.order:
        story.mention(objects[position].entities)
    return clause


def _make_clause(draw: Draw, verb: Verb, phrase: Phrase, objects: Mapping[int, _Object]) -> Clause:
    ordered = [objects[position] for position in sorted(objects)]
    choices = [thing.names for thing in ordered]
    commands = tuple(verb.command.format(*names) for names in product(*choices))
    adverb = adverb_last = ""
    if phrase.inflects and any(thing.entities for thing in ordered) and draw.chance(0.08):
        word = draw.choice(_ADVERBS)
        adverb, adverb_last = (word, "") if draw.chance(0.5) else ("", word)
    return Clause(phrase, tuple(thing.text for thing in ordered), commands, adverb, adverb_last)


def _draw_use(draw: Draw, entities: tuple[Entity, ...]) -> tuple[Verb, int] | None:
    """Draws a verb that can have these entities as an object, and the index of that object."""
    for _ in range(_TRIES):
        verb, slot = draw.choice(_USES[entities[0].noun.name])
        together = len(entities) == 1 or (verb.several and slot == 0)
        if together and all(verb.objects[slot] in entity.noun.kinds for entity in entities):
            return verb, slot
    return None


def _draw_object(draw: Draw, story: Story, verb: Verb, position: int, named: list[Entity], most: int) -> _Object | None:
    kind = verb.objects[position]
    if verb.everything and position == 0 and draw.chance(0.06):
        return _draw_everything(draw, story, named)
    count = 1
    if most > 1 and draw.chance(0.2):
        count = 3 if most > 2 and draw.chance(0.3) else 2
    entities: list[Entity] = []
    for _ in range(count):
        entity = _draw_entity(draw, story, kind, [*named, *entities])
        if entity is None:
            return None
        entities.append(entity)
    texts = [_text(draw, story, entity) for entity in entities]
    text = ", ".join(texts[:-1]) + " and " + texts[-1] if count > 1 else texts[0]
    return _Object(text, tuple(entities), tuple(entity.name for entity in entities))


def _draw_everything(draw: Draw, story: Story, named: list[Entity]) -> _Object | None:
    if draw.chance(0.6):
        return _Object(draw.choice(("all", "everything")), (), ("all",))
    entity = _draw_entity(draw, story, "portable", named)
    if entity is None:
        return None
    words = draw.choice(("everything except", "everything but", "all except"))
    return _Object(f"{words} {_text(draw, story, entity)}", (entity,), (f"all except {entity.name}",))


def _draw_direction(draw: Draw, phrase: Phrase) -> _Object:
    name = draw.choice(_COMPASS)
    text = name
    if not phrase.inflects:
        text = draw.choice((name, DIRECTIONS[name]))
    elif name not in ("up", "down"):
        text = draw.choice((name, name, f"to the {name}", f"towards the {name}"))
    return _Object(text, (), (name,))


def _draw_entity(draw: Draw, story: Story, kind: str, named: list[Entity]) -> Entity | None:
    if story.entities and draw.chance(0.15):
        known = draw.choice(story.entities)
        if kind in known.noun.kinds and known not in named:
            return known
    used = {entity.noun for entity in (*story.entities, *named)}
    for _ in range(_TRIES):
        noun = draw.choice(BY_KIND[kind])
        if noun not in used:
            return Entity(noun, _draw_adjectives(draw, story, noun))
    return None


def _draw_adjectives(draw: Draw, story: Story, noun: Noun) -> tuple[str, ...]:
    if draw.chance(0.6):
        return ()
    first = draw.choice(noun.adjectives)
    if not story.allows_pair(first, noun.name):
        return ()
    if draw.chance(0.08):
        second = draw.choice(noun.adjectives)
        if GROUP_OF[first] != GROUP_OF[second] and story.allows_pair(second, noun.name):
            return (first, second) if GROUP_OF[first] < GROUP_OF[second] else (second, first)
    return (first,)


def _text(draw: Draw, story: Story, entity: Entity) -> str:
    if story.terse:
        return entity.name
    if entity.noun.gender in ("him", "her"):
        return f"the {entity.name}"
    determiner = draw.choice(_PLURAL if entity.noun.gender == "them" else _SINGULAR)
    if determiner == "a":
        if entity in story.entities or "mass" in entity.noun.kinds:
            determiner = "the"
        elif entity.name[0] in "aeiou":
            determiner = "an"
    return f"{determiner} {entity.name}"
