"""Families of `copy`, `reverse`, `sort` and `duplicate`: by the number of words, and by how far back a word stands.

How far back: the words from where a word stands in the source to where the target says it, source and target read as one text.
In a copy of n words that is n for each of them, in a reversed list 1 for the first and 2n - 1 for the last. A word of a sorted
list stands at no distance that the task decides.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import TRAINED
from seqloom.corpus.generators.sequences import SYMBOLS

MOST = 100

# For each word of the target, the place in the source where it stands.
Positions = Callable[[Sequence[str]], Sequence[int]]

TASKS: Mapping[str, Positions] = {
    "copy": lambda words: range(len(words)),
    "reverse": lambda words: range(len(words))[::-1],
    "sort": lambda words: sorted(range(len(words)), key=words.__getitem__),
    "duplicate": lambda words: [position for position in range(len(words)) for _ in range(2)],
}
_BY_DISTANCE = ("copy", "reverse", "duplicate")


def answer(positions: Positions, words: Sequence[str]) -> str:
    """The target of a list of words."""
    return " ".join(words[position] for position in positions(words))


def _case(positions: Positions, words: Sequence[str], wanted: int | None = None) -> Case:
    return Case(" ".join(words), answer(positions, words), wanted)


def _draw_length(positions: Positions, draw: Draw, size: int) -> Case:
    return _case(positions, [draw.choice(SYMBOLS) for _ in range(size)])


def _draw_distance(positions: Positions, draw: Draw, size: int) -> Case | None:
    known = _with_distance(positions, size)
    if not known:
        return None
    # Drawn first, so that a word may be left out without changing which one is wanted.
    length, wanted = draw.choice(known)
    return _case(positions, [draw.choice(SYMBOLS) for _ in range(length)], wanted)


@cache
def _with_distance(positions: Positions, distance: int) -> tuple[tuple[int, int], ...]:
    """The lengths, and places in the target, at which a word stands so far back: in lists as trained on, or a little longer."""
    known: list[tuple[int, int]] = []
    for length in range(1, max(TRAINED[1], distance) + 1):
        if length > TRAINED[1] and known:
            break
        known += [
            (length, target) for target, results in enumerate(_distances(positions, length)) if results == distance
        ]
    return tuple(known)


def _distances(positions: Positions, length: int) -> list[int]:
    return [length - position + target for target, position in enumerate(positions(SYMBOLS[:1] * length))]


def _families(name: str) -> tuple[Family, ...]:
    positions = TASKS[name]
    by_length = Family(
        on="length",
        unit="word",
        units="words",
        draw=partial(_draw_length, positions),
        trained=TRAINED,
        most=MOST,
        judged="lists of random words, right where every word is",
    )
    if name not in _BY_DISTANCE:
        return (by_length,)
    trained = [distance for length in range(TRAINED[0], TRAINED[1] + 1) for distance in _distances(positions, length)]
    by_distance = Family(
        on="distance",
        unit="word back",
        units="words back",
        draw=partial(_draw_distance, positions),
        trained=(min(trained), max(trained)),
        most=MOST,
        judged=f"one word of a list of random words, of {TRAINED[1]} at most where the distance allows, right in its place",
        step=2 if name == "reverse" else 1,
    )
    return by_length, by_distance


# `copy-long` and its like are trained on the same lists.
LISTS: Mapping[str, tuple[Family, ...]] = {
    f"{name}{ending}": _families(name) for name in TASKS for ending in ("", "-long")
}
