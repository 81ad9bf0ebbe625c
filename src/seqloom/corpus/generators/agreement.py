"""The corpus `agreement`: sentences whose verb agrees with a subject far before it, with nouns of the other number between.

    near the doors, the key to the old boxes that the king wants [be] rusty
    -> near the doors, the key to the old boxes that the king wants is rusty

A seed enters, a Corpus leaves. The source has the main verb's lemma in brackets, the target its form; all else is repeated. So
every architecture is asked the same thing, whether it reads a source or a prompt, and the number must come from the subject:
`contrast` gives the same target with the verb's other form, and a model agrees where it finds the right target more likely than
that one (Linzen 2016; Tran 2018). Nothing before the verb gives the number of the subject but the subject itself: verbs inside
relative clauses agree with nouns of their own or are past.

Between subject and verb stand 0 to 4 noun phrases. Those of the other number are attractors: 0 to 2 in training, validation and
`test`, 3 or 4 in `beyond`, whose sentences are not longer than training's longest.
"""

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.generator import Draw, Generator
from seqloom.corpus.generators.lengths import belongs

MOST_TRAINED = 2
MOST = 4


def _forms(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, other) for one, other in (word.split("/") for word in text.split()))


# Singular and plural.
PEOPLE = _forms(
    "king/kings guard/guards sailor/sailors girl/girls thief/thieves man/men woman/women child/children cook/cooks spy/spies"
)
THINGS = _forms(
    """
    key/keys door/doors lamp/lamps box/boxes knife/knives coin/coins ring/rings bottle/bottles chair/chairs map/maps shelf/shelves
    rope/ropes candle/candles statue/statues
    """
)
NOUNS = PEOPLE + THINGS
PRESENT = _forms("wants/want sees/see likes/like knows/know follows/follow remembers/remember")
PAST = ("found", "hid", "pushed", "moved", "lost", "touched")
PREPOSITIONS = ("near", "behind", "beside", "above", "below", "with")
ADJECTIVES = ("old", "new", "red", "green", "small", "large", "strange", "plain")
COMPLEMENTS = ("rusty", "ready", "quiet", "lucky", "clean", "famous", "heavy", "pretty")
VERBS = {
    "be": ("is", "are"),
    "seem": ("seems", "seem"),
    "look": ("looks", "look"),
    "remain": ("remains", "remain"),
    "grow": ("grows", "grow"),
}

_NUMBER = {form: number for forms in NOUNS for number, form in enumerate(forms)}


def attractors(source: str) -> int:
    """How many nouns between subject and verb have the other number than the subject."""
    (_, number), *between = _nouns(source.split())
    return sum(other != number for _, other in between)


def distance(source: str) -> int:
    """How many words the verb stands after the subject's noun; 1 where it follows at once."""
    words = source.split()
    return _verb(words) - _nouns(words)[0][0]


def contrast(pair: SentencePair) -> SentencePair:
    """The same pair with the verb of its target in the other number: what a model must find less likely."""
    words = pair.tgt.split()
    sources = pair.src.split()
    place = _verb(sources)
    singular, plural = VERBS[sources[place].strip("[]")]
    words[place] = plural if words[place] == singular else singular
    return SentencePair(pair.src, " ".join(words))


def _verb(words: list[str]) -> int:
    return next(place for place, word in enumerate(words) if word.startswith("["))


def _nouns(words: list[str]) -> list[tuple[int, int]]:
    # Places and numbers (0: singular) of the nouns between a phrase in front, which ends in a comma, and the verb.
    first = next((place + 1 for place, word in enumerate(words) if word.endswith(",")), 0)
    return [(place, _NUMBER[words[place]]) for place in range(first, _verb(words)) if words[place] in _NUMBER]


def _propose(draw: Draw, split: str) -> SentencePair | None:
    num_attractors = draw.between(MOST_TRAINED + 1, MOST) if split == "beyond" else draw.between(0, MOST_TRAINED)
    num_between = draw.between(num_attractors, MOST)
    number = draw.below(2)
    between = [1 - number] * num_attractors + [number] * (num_between - num_attractors)
    front = f"{_locate(draw, draw.below(2))}, " if draw.chance(0.25) else ""
    subject = " ".join(
        [_phrase(draw, draw.choice(NOUNS)[number]), *(_modify(draw, n) for n in draw.sample(between, num_between))]
    )
    lemma = draw.choice(tuple(VERBS))
    complement = draw.choice(COMPLEMENTS)
    src, tgt = (f"{front}{subject} {verb} {complement}" for verb in (f"[{lemma}]", VERBS[lemma][number]))
    return SentencePair(src, tgt) if belongs(src, split) else None


def _modify(draw: Draw, number: int) -> str:
    """What follows a noun and holds one noun of that number."""
    kind = draw.below(4)
    if kind == 0:
        return f"that {_phrase(draw, draw.choice(PEOPLE)[number])} {draw.choice(PRESENT)[number]}"
    if kind == 1:
        return f"that {draw.choice(PAST)} {_phrase(draw, draw.choice(THINGS)[number])}"
    return _locate(draw, number)


def _locate(draw: Draw, number: int) -> str:
    return f"{draw.choice(PREPOSITIONS)} {_phrase(draw, draw.choice(NOUNS)[number])}"


def _phrase(draw: Draw, noun: str) -> str:
    return f"the {draw.choice(ADJECTIVES)} {noun}" if draw.chance(0.25) else f"the {noun}"


AGREEMENT = Generator(
    name="agreement",
    description="Sentences whose verb is to agree with its subject across nouns of the other number; made by a toy grammar.",
    version=1,
    propose=_propose,
    facts={
        "src_lang": "en",
        "metric": "exact_match",
        "notes": (
            "Synthetic: a toy grammar; 0 to 4 noun phrases between subject and verb, of which 0 to 2 have the other number.",
            "beyond: 3 or 4 of the other number.",
        ),
    },
)
