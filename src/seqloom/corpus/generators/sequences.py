"""The corpora `copy`, `reverse`, `sort` and `duplicate`: lists of words, and the same words in another order.

A seed enters, a Corpus leaves. Lists have 1 to 20 words in training, validation and `test`, and 21 to 40 in `beyond`.
The words stand for symbols only, so what is measured is how an architecture moves them.
"""

from collections.abc import Callable
from functools import partial

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.generator import Draw, Generator, bucket

# In alphabetical order.
_WORDS = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango
uniform victor whiskey xray yankee zulu
"""
SYMBOLS = tuple(_WORDS.split())
MOST_TRAINED = 20
LONGEST = 40

_TASKS: dict[str, tuple[str, Callable[[list[str]], list[str]]]] = {
    "copy": ("Lists of words, to be said again.", list),
    "reverse": ("Lists of words, to be said backwards.", lambda words: words[::-1]),
    "sort": ("Lists of words, to be said in alphabetical order.", sorted),
    "duplicate": ("Lists of words, each to be said twice.", lambda words: [word for word in words for _ in range(2)]),
}

# Of ten sources one belongs to validation and one to test.
_PARTS = {0: "val", 1: "test"}


def _propose(change: Callable[[list[str]], list[str]], draw: Draw, split: str) -> SentencePair | None:
    length = draw.between(MOST_TRAINED + 1, LONGEST) if split == "beyond" else draw.between(1, MOST_TRAINED)
    words = [draw.choice(SYMBOLS) for _ in range(length)]
    src = " ".join(words)
    if split != "beyond" and _PARTS.get(bucket(src, 10), "train") != split:
        return None
    return SentencePair(src, " ".join(change(words)))


SEQUENCES = tuple(
    Generator(
        name=name,
        description=description,
        version=1,
        propose=partial(_propose, change),
        facts={
            "metric": "exact_match",
            "item_separator": " ",
            "item_name": "words",
            "notes": ("Synthetic: lists of 1 to 20 random words.", "beyond: lists of 21 to 40 words."),
        },
    )
    for name, (description, change) in _TASKS.items()
)
