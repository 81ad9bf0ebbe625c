"""Links the words of a text to the things of the scene and replaces them by markers.

    set my brass lantern down here  ->  set my @1 down here, with @1 = lantern

After linking, a text is the same for all games: a parser that was trained with some games also reads the things of others.
"""

from dataclasses import dataclass

from seqloom.fiction.interpreter import SceneObject, Words
from seqloom.fiction.parsing.inflection import forms
from seqloom.fiction.parsing.phrase_table import DIRECTION_OF, MOVES, PHRASES, VERTICAL
from seqloom.fiction.parsing.scene import Scene
from seqloom.fiction.parsing.spelling import COMMON_WORDS, is_near, number_forms, split
from seqloom.fiction.parsing.thesaurus import SYNONYMS
from seqloom.fiction.parsing.word_sets import word_set

MAX_THINGS = 6
_ARTICLES = word_set("the a an my this that some these those your his her its our any another both each")
_DETERMINERS = _ARTICLES | word_set("of with in on into from at to and by")
_SURFACES = {"floor", "ground", "room", "side", "wall"}
_UNLINKED = word_set(
    "her him them he she we us me my myself self yourself own i you it floor ground room here all everything thing "
    "things side hall null nowhere place what there on off up down in out over back left right look say no yes and "
    "to go get take one way"
)
_COMPASS = {word for word, name in DIRECTION_OF.items() if name not in ("up", "down", "in", "out") and len(word) > 1}
_LETTERS = {"n": "and", "w": "with", "u": "you", "y": "why", "r": "are"}
_LINKS = {"", "and", "then", "n", ",", ".", ";", "!", "?"}
_PLACEHOLDERS = {"thing", "things", "one", "ones", "stuff", "object", "item"}
_SAYING = {
    form
    for verb in (
        "say",
        "speak",
        "shout",
        "yell",
        "whisper",
        "utter",
        "chant",
        "call",
        "cry",
        "mutter",
        "pronounce",
        "use",
        "try",
    )
    for form in forms(verb)
}
_MOVING = {
    form
    for phrase in (
        *MOVES,
        *VERTICAL["up"],
        *VERTICAL["down"],
        *PHRASES["enter A"],
        *PHRASES["cross A"],
    )
    for form in forms(phrase.split()[0])
} - {"take", "takes", "taking", "took", "use", "try"}
_WAYS = word_set(
    "path passage corridor tunnel door doorway exit way road trail crack hole opening stairs staircase steps "
    "hallway street slope"
)
_KNOWN = (
    {word for phrases in PHRASES.values() for phrase in phrases for word in phrase.split()}
    | {form for phrases in PHRASES.values() for phrase in phrases for form in forms(phrase.split()[0])}
    | {word for phrase in MOVES for word in phrase.split()}
    | _MOVING
    | _DETERMINERS
    | set(DIRECTION_OF)
    | word_set(
        "please then first now just very would could should will there where when which have been good well long little "
        "more like want need this that"
    )
)
# Verbs that are nouns too: they are verbs where a thing or a determiner follows and none goes before.
_VERBS = {phrase.split()[0] for phrases in PHRASES.values() for phrase in phrases}


@dataclass(frozen=True)
class Name:
    """What a marker stands for.

    Attributes:
        text: the words that name it in a command.
        kind: `thing`, `place` (a word that goes there) or `word` (a word to say, such as a magic word).
    """

    text: str
    kind: str = "thing"


@dataclass(frozen=True)
class MarkedText:
    """A text whose things are markers.

    Attributes:
        tokens: words, punctuation marks and markers `@1`, `@2`, …
        names: what the markers stand for, in their order.
    """

    tokens: tuple[str, ...]
    names: tuple[Name, ...]

    @property
    def text(self) -> str:
        """The tokens with spaces between them."""
        return " ".join(self.tokens)


def link(text: str, scene: Scene) -> MarkedText:
    """Replaces the things that a text names by markers, the same marker for the same thing."""
    return _Linker(scene).link(split(text))


class _Linker:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._words = scene.words
        self._nouns = {self._cut(word): word for word in reversed(scene.words.nouns)}
        self._adjectives = {self._cut(word) for word in scene.words.adjectives}
        self._spoken = {self._cut(word) for word in _spoken(scene.words)}
        self._place_words = {word for word in scene.words.directions if word not in DIRECTION_OF and len(word) > 2}
        self._names: list[Name] = []
        self._moves = False

    def link(self, tokens: list[str]) -> MarkedText:
        tokens = self._without_abbreviations(tokens)
        self._moves = any(token in _COMPASS for token in tokens)
        marked: list[str] = []
        position = 0
        while position < len(tokens):
            name, length = self._name_at(tokens, position, marked)
            if name is None:
                token = tokens[position]
                marked.append(DIRECTION_OF.get(token, token) if len(token) < 3 or token in DIRECTION_OF else token)
                position += 1
                continue
            marker = self._marker(name)
            position += length
            if marker is None:
                continue
            # "the golden chain of gold": a repeated marker beside itself says nothing.
            if not marked or marked[-1] != marker:
                marked.append(marker)
        return MarkedText(tuple(self._with_ways(marked)), tuple(self._names))

    def _cut(self, word: str) -> str:
        return word[: self._words.num_letters]

    def _marker(self, name: Name) -> str | None:
        if name not in self._names:
            if len(self._names) == MAX_THINGS:
                return None
            self._names.append(name)
        return f"@{self._names.index(name) + 1}"

    def _without_abbreviations(self, tokens: list[str]) -> list[str]:
        """Single letters are directions after a move or alone; else they stand for `and`, `with` and `you`."""
        read = []
        for index, token in enumerate(tokens):
            before = tokens[index - 1] if index else ""
            after = tokens[index + 1] if index + 1 < len(tokens) else ""
            is_direction = before in _MOVING | {"", "to", ",", "and", "then", "n", "."} and after in _LINKS
            read.append(token if is_direction else _LETTERS.get(token, token))
        return read

    def _name_at(self, tokens: list[str], position: int, marked: list[str]) -> tuple[Name | None, int]:
        """The name that begins at a position, and its length in tokens."""
        token, before = tokens[position], marked[-1] if marked else ""
        if not token[0].isalpha():
            return None, 0
        if self._cut(token) in self._spoken and set(marked[-6:]) & _SAYING:
            return Name(token, "word"), 1
        if token in _UNLINKED or (token in DIRECTION_OF and self._cut(token) not in self._nouns):
            return None, 0
        after = tokens[position + 1] if position + 1 < len(tokens) else ""
        is_noun_phrase = before.startswith("@") or _follows_article(marked) or before in _DETERMINERS - {"and", "to"}
        if token in _VERBS and not is_noun_phrase and (after in _ARTICLES or self._is_name(after)):
            return None, 0
        best: tuple[int, int, Name] | None = None
        if token in _WAYS and self._moves:
            return None, 0
        for thing in self._scene.things:
            match = self._thing_at(thing, tokens, position)
            if match and (best is None or match[:2] > best[:2]):
                best = match
        if best is not None:
            end = position + best[0]
            return (None, 0) if end < len(tokens) and tokens[end] in _SURFACES else (best[2], best[0])
        return self._dictionary_name(tokens, position, is_noun_phrase=is_noun_phrase)

    def _thing_at(self, thing: SceneObject, tokens: list[str], position: int) -> tuple[int, int, Name] | None:
        """(tokens, quality, name) if the thing's name begins here."""
        nouns = {self._cut(word): word for word in thing.nouns if word not in _UNLINKED}
        adjectives = {self._cut(word): word for word in thing.adjectives if word not in _UNLINKED}
        noun, quality, end = "", 0, position
        used = []
        while end < len(tokens) and tokens[end][0].isalpha():
            token = tokens[end]
            cut = self._cut(token)
            if cut in nouns and token not in _UNLINKED:
                noun, quality = nouns[cut], 3
            elif cut in adjectives and token not in _UNLINKED:
                used.append(adjectives[cut])
            elif noun and token == "of" and end + 1 < len(tokens):
                rest = tokens[end + 1 :]
                skipped = 1 if rest[0] in ("the", "my") else 0
                if len(rest) <= skipped or not self._is_word(self._cut(rest[skipped])):
                    break
                end += skipped + 1
            else:
                near = "" if noun else self._variant(token, list(nouns.values()))
                if not near:
                    break
                noun, quality = near, 2
            end += 1
        if not noun and used:
            placeholder = end < len(tokens) and tokens[end] in _PLACEHOLDERS
            rivals = [other for other in self._scene.things if other is not thing and used[0] in other.adjectives]
            alone = not rivals or (not thing.held and all(other.held for other in rivals))
            if not alone or not (placeholder or (used[0] not in _KNOWN and self._cut(used[0]) in self._adjectives)):
                return None
            noun, quality, end = thing.nouns[0], 1, end + int(placeholder)
        if not noun or (noun in _WAYS and self._moves):
            return None
        return end - position, quality * 10 + len(used), Name(self._shown(thing, noun, used))

    def _shown(self, thing: SceneObject, noun: str, used: list[str]) -> str:
        """The words for a command: the noun, with an adjective where other things in scope share the noun."""
        others = [other for other in self._scene.things if other is not thing and noun in other.nouns]
        if not others:
            return noun
        adjective = used[0] if used else next(iter(thing.adjectives), "")
        return f"{adjective} {noun}".strip()

    def _variant(self, token: str, nouns: list[str]) -> str:
        """A noun of which the token is another number, a synonym or a misspelling."""
        for noun in nouns:
            if token in number_forms(noun) or noun in number_forms(token):
                return noun
        if token in _UNLINKED:
            return ""
        for noun in nouns:
            if noun in SYNONYMS.get(token, ()):
                return noun
        if token in _KNOWN or token in COMMON_WORDS:
            return ""
        return next((noun for noun in nouns if is_near(token, noun)), "")

    def _dictionary_name(self, tokens: list[str], position: int, *, is_noun_phrase: bool) -> tuple[Name | None, int]:
        """A noun of the game that is not in scope, as far as the scene tells; or a place."""
        token = tokens[position]
        if token in self._place_words and token not in _KNOWN and self._cut(token) not in self._nouns:
            return (Name(token, "place"), 1) if is_noun_phrase and set(tokens[:position]) & _MOVING else (None, 0)
        end, used = position, ""
        while end < len(tokens) and self._cut(tokens[end]) in self._adjectives and tokens[end] not in _UNLINKED:
            used = used or tokens[end]
            end += 1
        at_end = tokens[end] if end < len(tokens) else ""
        if end + 1 < len(tokens) and tokens[end + 1] in _SURFACES:
            return None, 0
        if at_end and self._cut(at_end) not in self._nouns and at_end not in _KNOWN and at_end not in COMMON_WORDS:
            at_end = next((noun for noun in self._nouns.values() if is_near(at_end, noun)), at_end)
        if at_end and self._cut(at_end) in self._nouns and at_end not in _UNLINKED:
            noun, end = at_end, end + 1
        elif used and end > position and self._cut(tokens[end - 1]) in self._nouns:
            noun = tokens[end - 1]
        else:
            return None, 0
        if noun in _VERBS and not is_noun_phrase and end == position + 1:
            return None, 0
        if end + 1 < len(tokens) and tokens[end] == "of" and self._is_word(self._cut(tokens[end + 1])):
            end += 2
        return Name(noun), end - position

    def _is_word(self, cut: str) -> bool:
        return cut in self._nouns or cut in self._adjectives

    def _is_name(self, token: str) -> bool:
        return bool(token) and token not in _UNLINKED and token not in _KNOWN and self._is_word(self._cut(token))

    def _with_ways(self, tokens: list[str]) -> list[str]:
        """Words for the ways of the room become directions, where the player moves and names none."""
        if set(tokens) & set(DIRECTION_OF) - {"in", "out"} or not set(tokens) & (_MOVING | _WAYS):
            return tokens
        return [
            self._scene.ways.get(token, token) if token not in _KNOWN or token in _WAYS else token for token in tokens
        ]


def _follows_article(marked: list[str]) -> bool:
    """Whether an article with at most two other words after it goes before."""
    for token in reversed(marked[-3:]):
        if token in _ARTICLES:
            return True
        if token in _VERBS or token in _DETERMINERS or not token[0].isalpha():
            return False
    return False


def _spoken(words: Words) -> set[str]:
    """Words that are commands of their own and no everyday words: what a player might say, such as a magic word."""
    alone = {verb for line in words.grammar if not line.pattern for verb in line.verbs} | set(words.directions)
    return {word for word in alone if word not in _KNOWN and len(word) > 2 and word not in DIRECTION_OF}
