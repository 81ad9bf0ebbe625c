"""The families of `recall-4`, `recall-8` and `recall-16`: size is the number of key-value pairs, or the distance back to a key.

A source is as long as those in training if its pairs fit; otherwise it is longer and has no fillers. A distance that does not fit
into such a source needs a source of twice or more its length. So as long as a size fits, it is the only difference from training.
"""

from collections.abc import Mapping
from functools import partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.recall import ASK, FILLER, KEYS, LENGTHS, SEPARATOR, VALUES, answer, distances

# A key, its value, the question mark, the key again.
_SMALLEST_DISTANCE = 3
# A key, its value, and the separator before the next answer.
_WORDS_AN_ANSWER = 2 + len(SEPARATOR.split())


def _draw_source(draw: Draw, num_pairs: int, length: int) -> Case:
    """A source as its generator makes it. The choices of a pair are adjacent, so that shrinking can remove a pair."""
    unused = list(KEYS)
    # A key and its value are adjacent, so together they take only one of the free positions.
    free = list(range(max(length - num_pairs, 2 * num_pairs + 1)))
    known: dict[str, str] = {}
    queries: list[str] = []
    source: list[int] = []
    for _ in range(num_pairs):
        key = unused.pop(draw.below(len(unused)))
        known[key] = draw.choice(VALUES)
        queries.insert(draw.between(0, len(queries)), key)
        source += [free.pop(draw.below(len(free))) for _ in range(2)]
    source.append(free.pop(draw.below(len(free))))
    written = [*(f"{key} {value}" for key, value in known.items()), ASK, *queries]
    at = dict(zip(sorted(source), written, strict=True))
    words = [at.get(position, FILLER) for position in range(len(source) + len(free))]
    return Case(" ".join(words), answer(known, queries))


def _draw_pairs(length: int, draw: Draw, size: int) -> Case:
    return _draw_source(draw, size, length)


def _draw_distance(num_pairs: int, length: int, draw: Draw, size: int) -> Case | None:
    case = _draw_source(draw, num_pairs, length * (size // length + 1))
    results = [query for query, distance in enumerate(distances(case.src)) if distance == size]
    return Case(case.src, case.truth, _WORDS_AN_ANSWER * draw.choice(results) + 1) if results else None


RECALL: Mapping[str, tuple[Family, ...]] = {
    f"recall-{num_pairs}": (
        Family(
            size_measure="pairs",
            unit="pair",
            units="pairs",
            draw=partial(_draw_pairs, length),
            trained=(num_pairs, num_pairs),
            default_max_size=len(KEYS) // 2,
            description=f"pairs of a key and its value in {length} words, or more if they need more, right if every value is",
        ),
        Family(
            size_measure="distance",
            unit="word back",
            units="words back",
            draw=partial(_draw_distance, num_pairs, length),
            trained=(_SMALLEST_DISTANCE, length - 1),
            default_max_size=4 * length,
            description=f"{num_pairs} pairs among {length} words, or more where the distance needs them; "
            "one value, whose key stands so far before its query, right in its place",
            min_size=_SMALLEST_DISTANCE,
        ),
    )
    for num_pairs, length in LENGTHS.items()
}
