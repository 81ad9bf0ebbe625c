"""The corpus `agreement`: sentences whose verb agrees with a distant subject, with nouns of the other number between them.

    near the doors, the key to the old boxes that the king wants [be] rusty
    -> near the doors, the key to the old boxes that the king wants is rusty

In the source, the main verb is a lemma in brackets. The target repeats the source with the right form of the verb. So the task is
the same for models with a source and for models with a prompt. `contrast` gives the target with the wrong form of the verb. A
model is right if it gives the right target the higher probability (Linzen 2016; Tran 2018). Only the subject shows its number:
verbs inside relative clauses agree with other nouns or are in the past tense.
"""

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import belongs

MOST_TRAINED = 2
"""The largest number of attractors (nouns of the other number) in training."""

MOST = 4
"""The largest number of nouns between subject and verb."""


def _forms(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((singular, plural) for singular, plural in (word.split("/") for word in text.split()))


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
    """The number of nouns between subject and verb that differ from the subject in number."""
    (_, number), *between = _nouns(source.split())
    return sum(plural != number for _, plural in between)


def distance(source: str) -> int:
    """The number of words from the subject's noun to the verb; 1 if the verb follows directly."""
    words = source.split()
    return _verb(words) - _nouns(words)[0][0]


def contrast(pair: SentencePair) -> SentencePair:
    """The same pair with the wrong form of the verb in the target. A good model gives it a lower probability."""
    words = pair.tgt.split()
    sources = pair.src.split()
    position = _verb(sources)
    singular, plural = VERBS[sources[position].strip("[]")]
    words[position] = plural if words[position] == singular else singular
    return SentencePair(pair.src, " ".join(words))


def _verb(words: list[str]) -> int:
    return next(position for position, word in enumerate(words) if word.startswith("["))


def _nouns(words: list[str]) -> list[tuple[int, int]]:
    # Positions and numbers (0: singular) of the nouns before the verb, without those of an initial phrase that ends in a comma.
    first = next((position + 1 for position, word in enumerate(words) if word.endswith(",")), 0)
    return [
        (position, _NUMBER[words[position]]) for position in range(first, _verb(words)) if words[position] in _NUMBER
    ]


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
    """Draws a modifier of a noun that contains one noun with the given number."""
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


AGREEMENT = CorpusGenerator(
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
