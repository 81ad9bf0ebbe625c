"""The corpora `copy`, `reverse`, `sort` and `duplicate`: lists of words, and the same words in another order.

Lists have 1 to 20 words in training, validation and `test`, and 21 to 40 in `beyond`. The words are symbols without meaning, so
the task measures how an architecture moves them.

`copy-long` and so on are the same tasks with tests of up to 100 words: `to-60` has 41 to 60 words, `to-100` 61 to 100. They are
separate corpora, because every arm of a comparison decodes every test, and long targets take most of that time. For the same
reason, their tests are small.
"""

from collections.abc import Callable
from functools import partial

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.corpus_generator import TEST_SIZES, CorpusGenerator
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import FURTHER, belongs, draw_length

# In alphabetical order.
_WORDS = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango
uniform victor whiskey xray yankee zulu
"""
SYMBOLS = tuple(_WORDS.split())
LONG_TEST_SIZES = {"test": 500, "beyond": 200, "to-60": 100, "to-100": 100}

_TASKS: dict[str, tuple[str, Callable[[list[str]], list[str]]]] = {
    "copy": ("Lists of words, to be said again", list),
    "reverse": ("Lists of words, to be said backwards", lambda words: words[::-1]),
    "sort": ("Lists of words, to be said in alphabetical order", sorted),
    "duplicate": ("Lists of words, each to be said twice", lambda words: [word for word in words for _ in range(2)]),
}


def _propose(change: Callable[[list[str]], list[str]], draw: Draw, split: str) -> SentencePair | None:
    words = [draw.choice(SYMBOLS) for _ in range(draw_length(draw, split))]
    src = " ".join(words)
    return SentencePair(src, " ".join(change(words))) if belongs(src, split) else None


def _generator(task: str, *, long: bool) -> CorpusGenerator:
    description, change = _TASKS[task]
    test_sizes = LONG_TEST_SIZES if long else TEST_SIZES
    further = [
        f"{name}: lists of {FURTHER[name][0]} to {FURTHER[name][1]} words." for name in test_sizes if name in FURTHER
    ]
    return CorpusGenerator(
        name=f"{task}-long" if long else task,
        description=f"{description}; tested to 100 words." if long else f"{description}.",
        version=1,
        propose=partial(_propose, change),
        facts={
            "metric": "exact_match",
            "item_separator": " ",
            "item_name": "words",
            "notes": ("Synthetic: lists of 1 to 20 random words.", *further),
        },
        test_sizes=test_sizes,
    )


SEQUENCES = tuple(_generator(task, long=long) for long in (False, True) for task in _TASKS)
