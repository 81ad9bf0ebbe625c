"""The corpora `parity` and `even-pairs`: words over two symbols, and whether a count in them is even (Delétang 2023).

    a b b a b -> odd     (parity: three b)
    a b b a b -> odd     (even pairs: three times, a symbol is followed by the other symbol)

Both languages are regular: an automaton with two states that reads from left to right recognises them. Sources have 1 to 20
symbols in training and validation, and up to 100 in tests. Long tests cost little, because targets have one word. Both answers
are equally frequent in every split.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import FURTHER, TRAINED, belongs

SYMBOLS = ("a", "b")
ANSWERS = ("even", "odd")
TEST_SIZES = {"test": 1_000, "beyond": 500, "to-60": 200, "to-100": 200}

# There are only 30 sources of at most this number of symbols, too few to divide, so all of them belong to training.
LONGEST_NEVER_HELD_OUT = 4


def _count_unequal_neighbours(symbols: Sequence[str]) -> int:
    return sum(symbol != following for symbol, following in pairwise(symbols))


# The function that counts, and the smallest number of symbols for which its count can be odd.
TASKS: dict[str, tuple[str, Callable[[Sequence[str]], int], int]] = {
    "parity": (
        "Words over two symbols, and whether the second symbol occurs an even number of times.",
        lambda symbols: symbols.count("b"),
        1,
    ),
    "even-pairs": (
        "Words over two symbols, and whether unequal neighbours occur an even number of times.",
        _count_unequal_neighbours,
        2,
    ),
}


def _propose(count: Callable[[Sequence[str]], int], shortest_odd: int, draw: Draw, split: str) -> SentencePair | None:
    # The answer is drawn first, so that both are equally frequent at every length.
    answer = draw.below(2)
    shortest, longest = FURTHER.get(split, TRAINED)
    length = draw.between(max(shortest, shortest_odd) if answer else shortest, longest)
    symbols = [draw.choice(SYMBOLS) for _ in range(length)]
    if count(symbols) % 2 != answer:
        # In both languages another last symbol gives the other answer.
        symbols[-1] = "b" if symbols[-1] == "a" else "a"
    src = " ".join(symbols)
    in_split = split == "train" if length <= LONGEST_NEVER_HELD_OUT else belongs(src, split)
    return SentencePair(src, ANSWERS[answer]) if in_split else None


REGULAR = tuple(
    CorpusGenerator(
        name=name,
        description=description,
        version=1,
        propose=partial(_propose, count, shortest_odd),
        facts={
            "metric": "exact_match",
            "notes": (
                "Synthetic: words of 1 to 20 symbols; half of the answers are even.",
                "Validation and test: of 5 symbols or more, since training sees all shorter ones.",
                *(f"{split}: words of {low} to {high} symbols." for split, (low, high) in FURTHER.items()),
            ),
        },
        test_sizes=TEST_SIZES,
    )
    for name, (description, count, shortest_odd) in TASKS.items()
)
