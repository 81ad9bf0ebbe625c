"""Families of `copy`, `reverse`, `sort` and `duplicate`: size is the number of words, or the distance back to a needed word.

The distance of a target word is the number of positions from its word in the source to itself, in the text "source, then target".
In a copy of n words it is n for every word; in a reversed list it is 1 for the first target word and 2n - 1 for the last. In a
sorted list it depends on the words, so `sort` has no family by distance.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import TRAINED
from seqloom.corpus.generators.sequences import SYMBOLS

MOST = 100

# For each word of the target, its position in the source.
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


def _case(positions: Positions, words: Sequence[str], judged_index: int | None = None) -> Case:
    return Case(" ".join(words), answer(positions, words), judged_index)


def _draw_length(positions: Positions, draw: Draw, size: int) -> Case:
    return _case(positions, [draw.choice(SYMBOLS) for _ in range(size)])


def _draw_distance(positions: Positions, draw: Draw, size: int) -> Case | None:
    options = _with_distance(positions, size)
    if not options:
        return None
    # Drawn first, so that removing the choice of a word while shrinking does not change which word is judged.
    length, judged_index = draw.choice(options)
    return _case(positions, [draw.choice(SYMBOLS) for _ in range(length)], judged_index)


@cache
def _with_distance(positions: Positions, distance: int) -> tuple[tuple[int, int], ...]:
    """All (length, target position) with this distance: up to the longest training length, or else of the shortest longer one."""
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
        size_measure="length",
        unit="word",
        units="words",
        draw=partial(_draw_length, positions),
        trained=TRAINED,
        default_max_size=MOST,
        description="lists of random words, right where every word is",
    )
    if name not in _BY_DISTANCE:
        return (by_length,)
    trained = [distance for length in range(TRAINED[0], TRAINED[1] + 1) for distance in _distances(positions, length)]
    by_distance = Family(
        size_measure="distance",
        unit="word back",
        units="words back",
        draw=partial(_draw_distance, positions),
        trained=(min(trained), max(trained)),
        default_max_size=MOST,
        description=f"one word of a list of random words, of {TRAINED[1]} at most where the distance allows, right in its place",
        step=2 if name == "reverse" else 1,
    )
    return by_length, by_distance


# `copy-long` and the other `-long` corpora have the same training lists; only their tests differ.
LISTS: Mapping[str, tuple[Family, ...]] = {
    f"{name}{ending}": _families(name) for name in TASKS for ending in ("", "-long")
}
