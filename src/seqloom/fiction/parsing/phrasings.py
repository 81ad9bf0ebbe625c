"""Training data for parsers of phrasings, made from the words of games.

    oh, there is a rusty lamp! please pick it up and go north   ->   take @1 ; north

Each example draws a scene of things, commands for them, phrases for the commands (`phrase_table`), a way of speaking (`frames`),
decoration and typing errors; then the text is linked to the scene as a player's text is, so that the examples contain the errors
of linking. One of eight nouns and one of ten phrases are held out of training; they depend on the words alone, not on the seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seqloom.corpus.generators.draw import Draw, bucket
from seqloom.errors import FictionError
from seqloom.fiction.interpreter import SceneObject, Words
from seqloom.fiction.parsing.forms import NO_COMMAND, SEPARATOR
from seqloom.fiction.parsing.frames import ADJECTIVES, ADVERBS, FRAMES, JOINS, LISTS, MENTIONS, NOT_DONE, TAILS
from seqloom.fiction.parsing.inflection import participle, third_person
from seqloom.fiction.parsing.linking import MarkedText, link
from seqloom.fiction.parsing.phrase_table import DIRECTIONS, MOVES, PHRASES, VERTICAL
from seqloom.fiction.parsing.remarks import REMARKS
from seqloom.fiction.parsing.scene import Scene

SPLITS = ("train", "val", "nouns", "phrases")
"""`val` is drawn as `train` is; `nouns` has held-out nouns only, `phrases` has a held-out phrase or remark in each item."""
_ONE_NOUN_IN, _ONE_PHRASE_IN = 8, 10
# How often an action is drawn, relative to the others, which have 1: players take, put down and move most of the time.
_WEIGHTS = {
    "take A": 14,
    "drop A": 9,
    "put A in B": 8,
    "put A on B": 4,
    "open A": 5,
    "examine A": 5,
    "turn on A": 4,
    "turn off A": 4,
    "attack A": 3,
    "attack A with B": 2,
    "read A": 3,
    "move A": 3,
    "unlock A with B": 2,
    "unlock A": 2,
    "close A": 2,
    "press A": 2,
    "wear A": 2,
    "pour A on B": 2,
    "wait": 4,
    "look": 4,
    "inventory": 4,
    "say A": 2,
    "give A to B": 2,
    "enter A": 2,
    "dig": 2,
    "climb A": 2,
    "take A from B": 2,
    "wave A": 2,
    "throw A at B": 2,
    "look in A": 2,
    "cross A": 2,
}
_NOT_DONE_SHARE, _INVENTED_SHARE = 0.05, 0.12
# Phrases whose other words tell the action whatever the verb is.
_CLEAR = {"put A in B", "put A on B", "take A from B", "D"}
_MOVES_SHARE, _REMARKS_SHARE = 0.2, 0.16
_SPOKEN = ("xyzzy", "plugh", "abracadabra", "sesame", "plover", "frotz", "hocus", "shazam", "odin", "merlin")
_SYLLABLES = ("fro", "bl", "zee", "mun", "gra", "sni", "plo", "tor", "vick", "dab", "lum", "cho", "rin", "ske", "wob")


@dataclass(frozen=True)
class Example:
    """A text with its canonical commands.

    Attributes:
        text: the marked text.
        commands: joined by `SEPARATOR`; `NO_COMMAND` alone if the text is no command.
        marked: the text with the things that its markers stand for.
        raw: the text before linking.
    """

    text: str
    commands: str
    marked: MarkedText
    raw: str


def examples(games: Sequence[Words], split: str, count: int, seed: int = 0) -> Iterator[Example]:
    """Draws examples; the same words, split and seed give the same examples.

    Raises:
        FictionError: the split does not exist, or a game has too few nouns.
    """
    if split not in SPLITS:
        raise FictionError(f"there is no split {split!r} of phrasings; expected {', '.join(SPLITS)}")
    nouns = [_nouns(words, held_out=split == "nouns") for words in games]
    if not games or min(map(len, nouns)) < 2:
        raise FictionError("a game without at least two nouns gives no phrasings; name other games")
    made = attempt = 0
    while made < count:
        draw = Draw(f"phrasings {split} {seed} {attempt}")
        attempt += 1
        number = draw.below(len(games))
        example = _Writer(draw, games[number], nouns[number], split).example()
        if example is not None:
            made += 1
            yield example


def _nouns(words: Words, *, held_out: bool) -> list[str]:
    return [
        noun
        for noun in words.nouns
        if noun.isalpha() and len(noun) > 2 and (bucket(noun, _ONE_NOUN_IN) == 0) == held_out
    ]


def is_held_out(phrase: str) -> bool:
    """Whether a phrase or remark is kept out of training."""
    return bucket(f"phrase {phrase}", _ONE_PHRASE_IN) == 0


def _owners() -> dict[str, str]:
    """Phrases that mean several actions -> the most frequent of these, since a marker does not show what a thing is."""
    owners: dict[str, str] = {}
    for command, phrases in PHRASES.items():
        for phrase in phrases:
            if phrase not in owners or _WEIGHTS.get(command, 1) > _WEIGHTS.get(owners[phrase], 1):
                owners[phrase] = command
    return owners


_OWNERS = _owners()
_ACTIONS = tuple(command for command in PHRASES for _ in range(_WEIGHTS.get(command, 1)))


class _Writer:
    """Writes one example."""

    def __init__(self, draw: Draw, words: Words, nouns: list[str], split: str) -> None:
        self._draw = draw
        self._words = words
        self._split = split
        chosen = draw.sample(nouns, min(len(nouns), draw.between(3, 7)))
        adjectives = [word for word in words.adjectives if word.isalpha()] or list(ADJECTIVES)
        self._things = [SceneObject(noun, (noun,), (draw.choice(adjectives),)) for noun in chosen]
        self._style = draw.choice(tuple(FRAMES))
        self._has_held_out = False

    def example(self) -> Example | None:
        """None if the draw does not belong to the split, or if linking loses a thing that a command needs."""
        draw = self._draw
        if draw.chance(_REMARKS_SHARE):
            remark = self._phrase(REMARKS)
            if remark is None:
                return None
            raw = self._finish(" ".join(self._remark_word(word) for word in remark.split()))
            return self._made(raw, [])
        if draw.chance(_NOT_DONE_SHARE):
            phrase = self._phrase(PHRASES[draw.choice(_ACTIONS)])
            if phrase is None:
                return None
            named = {slot: self._noun_phrase(thing.nouns[0]) for slot, thing in zip("AB", self._things, strict=False)}
            base = " ".join(named.get(part, part) for part in phrase.split())
            return self._made(self._finish(draw.choice(NOT_DONE).replace("{base}", base)), [])
        count = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)[draw.below(10)]
        commands: list[tuple[str, dict[str, str]]] = []
        texts: list[str] = []
        listed: list[bool] = []
        for _ in range(count):
            continues = bool(commands) and draw.chance(0.35)
            part = self._list_part(commands) if continues else self._part()
            if part is None:
                return None
            listed.append(continues)
            texts.append(part[1])
            commands.append(part[0])
        text = texts[0]
        for part_text, is_listed in zip(texts[1:], listed[1:], strict=True):
            text += draw.choice(LISTS if is_listed else JOINS) + part_text
        if len(texts) == 2 and not listed[1] and draw.chance(0.12):
            text = f"before I {texts[1]}, {texts[0]}"
        return self._made(self._finish(text), commands)

    def _made(self, raw: str, commands: list[tuple[str, dict[str, str]]]) -> Example | None:
        if self._split == "phrases" and not self._has_held_out:
            return None
        marked = link(raw, Scene(_with_spoken(self._words), tuple(self._things)))
        if not commands:
            return Example(marked.text, NO_COMMAND, marked, raw)
        written = [_with_markers(command, things, marked) for command, things in commands]
        if None in written:
            return None
        return Example(marked.text, SEPARATOR.join(dict.fromkeys(filter(None, written))), marked, raw)

    def _phrase(self, phrases: Sequence[str]) -> str | None:
        """A phrase that the split allows."""
        phrase = self._draw.choice(phrases)
        if is_held_out(phrase):
            self._has_held_out = True
            return phrase if self._split == "phrases" else None
        return phrase

    def _part(self) -> tuple[tuple[str, dict[str, str]], str] | None:
        """A command with its things, and a sentence that means it."""
        draw = self._draw
        if draw.chance(_MOVES_SHARE):
            return self._move()
        command = draw.choice(_ACTIONS)
        phrase = self._phrase(PHRASES[command])
        if phrase is None or _OWNERS[phrase] != command:
            return None
        slots: list[str] = [part for part in ("A", "B") if part in command.split()]
        chosen = draw.sample(self._things, 2)
        things = {slot: thing.nouns[0] for slot, thing in zip(slots, chosen, strict=False)}
        if command == "say A":
            things["A"] = draw.choice(_SPOKEN)
        named = {slot: self._noun_phrase(noun) for slot, noun in things.items()} | (
            {"A": things["A"]} if command == "say A" else {}
        )
        extra = {slot: self._noun_phrase(chosen[1].nouns[0]) for slot in ("A", "B") if slot not in named}
        if "A" in things and command != "say A" and draw.chance(0.12):
            pronoun = "them" if things["A"].endswith("s") else draw.choice(("it", "it", "it", "that", "this one"))
            rest = self._sentence(phrase, {**extra, **named, "A": pronoun}, command)
            return (command, things), draw.choice(MENTIONS).replace("{noun}", things["A"]).replace("{rest}", rest)
        return (command, things), self._sentence(phrase, {**extra, **named}, command)

    def _move(self) -> tuple[tuple[str, dict[str, str]], str] | None:
        draw = self._draw
        direction = draw.choice(DIRECTIONS)
        phrase = self._phrase(VERTICAL[direction] if direction in VERTICAL and draw.chance(0.7) else MOVES)
        if phrase is None or (direction in ("in", "out") and "D" in phrase.split()):
            return None
        return (direction, {}), self._sentence(phrase, {"D": direction}, "D" if "D" in phrase.split() else direction)

    def _list_part(self, commands: list[tuple[str, dict[str, str]]]) -> tuple[tuple[str, dict[str, str]], str] | None:
        """The command before with another thing, of which only the thing is named."""
        command, things = commands[-1]
        if "A" not in things or command == "say A":
            return None
        thing = self._draw.choice(self._things).nouns[0]
        if thing in things.values():
            return None
        return (command, {**things, "A": thing}), self._noun_phrase(thing)

    def _sentence(self, phrase: str, named: dict[str, str], command: str) -> str:
        draw = self._draw
        frame = draw.choice(FRAMES[self._style])
        base = " ".join(named.get(part, part) for part in phrase.split())
        verb, _, rest = base.partition(" ")
        if phrase.split()[0] in ("A", "B"):  # Phrases such as "A go in B".
            words = phrase.split()
            words[1] = third_person(words[1])
            sentence = " ".join(named.get(part, part) for part in words)
            return draw.choice(("{}", "the {}", "now {}", "I think {}", "{} now")).format(sentence)
        if command in _CLEAR and draw.chance(_INVENTED_SHARE):
            verb = "".join(draw.sample(_SYLLABLES, 2))
        adverb = draw.choice(ADVERBS) + " " if draw.chance(0.12) else ""
        first = "".join((adverb, verb, " ", rest)).strip()
        third = f"{adverb}{third_person(verb)} {rest}".strip().replace(" my ", " his ")
        ing = f"{participle(verb)} {rest}".strip()
        text = frame.replace("{base}", first).replace("{first}", first).replace("{third}", third).replace("{ing}", ing)
        text = " ".join(self._remark_word(word) for word in text.split())
        if self._style in ("narrator", "chatty", "nonnative", "plain"):
            tail = draw.choice(TAILS)
            text = text if text[-1] in "?!." else text + " ".join(self._remark_word(word) for word in tail.split(" "))
        return text

    def _remark_word(self, word: str) -> str:
        """`N` and `Ns` become a thing."""
        core = word.strip(",.!?")
        if core in ("N", "Ns"):
            return word.replace(core, self._draw.choice(self._things).nouns[0], 1)
        return word

    def _noun_phrase(self, noun: str) -> str:
        draw = self._draw
        adjective = draw.choice(ADJECTIVES) + " " if draw.chance(0.25) else ""
        drops = self._style in ("teen", "nonnative") and draw.chance(0.3)
        article = "" if drops else draw.choice(("the ", "the ", "the ", "the ", "my ", "that ", "this "))
        place_phrase = (
            draw.choice((" over there", " there", " that I have", " from before", " of mine"))
            if draw.chance(0.04)
            else ""
        )
        return f"{article}{adjective}{noun}{place_phrase}"

    def _finish(self, text: str) -> str:
        """Typing errors and the style's punctuation."""
        draw = self._draw
        words = text.split()
        errors = 0.06 if self._style == "teen" else 0.01
        words = [
            _misspelt(draw, word) if len(word) > 3 and word.isalpha() and draw.chance(errors) else word
            for word in words
        ]
        text = " ".join(words)
        if self._style == "teen":
            return text.replace("?", "").replace("the ", "" if draw.chance(0.2) else "the ")
        ending = "" if text[-1] in "?!." else draw.choice((".", ".", "", "!"))
        return text[0].upper() + text[1:] + ending


def _with_markers(command: str, things: dict[str, str], marked: MarkedText) -> str | None:
    parts = command.split()
    texts = [name.text.split()[-1] for name in marked.names]
    for slot, noun in things.items():
        if noun not in texts:
            return None
        parts = [f"@{texts.index(noun) + 1}" if part == slot else part for part in parts]
    return " ".join(parts)


def _misspelt(draw: Draw, word: str) -> str:
    at = draw.between(1, len(word) - 2)
    match draw.below(4):
        case 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + word[at] + word[at:]
        case _:
            return word[:at] + draw.choice("aeinorst") + word[at + 1 :]


def _with_spoken(words: Words) -> Words:
    return Words(
        words.grammar,
        words.nouns,
        words.adjectives,
        tuple(dict.fromkeys((*words.directions, *_SPOKEN))),
        words.num_letters,
    )
