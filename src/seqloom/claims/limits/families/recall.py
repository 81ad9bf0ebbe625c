"""The families of `recall-4`, `recall-8` and `recall-16`: by the pairs of a key and its value, and by how far back a key stands.

Sources are as long as those of training, as far as their pairs fit; with more pairs there are no fillers left. Distances that do
not fit into such sources stand in sources of twice as many words, or more. So up to training's length only one thing changes.
"""

from collections.abc import Mapping
from functools import partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.recall import ASK, FILLER, KEYS, LENGTHS, SEPARATOR, VALUES, answer, distances

# A key, its value, the question mark, the key again.
_SMALLEST_DISTANCE = 3
# A key, its value, and what separates them from the next.
_WORDS_AN_ANSWER = 2 + len(SEPARATOR.split())


def _draw_source(draw: Draw, num_pairs: int, length: int) -> Case:
    """A source as its generator makes it; each pair's choices stand together, so that a pair may be left out."""
    unused = list(KEYS)
    # A key and its value stand together, so they take one place of those among which all is spread.
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
            on="pairs",
            unit="pair",
            units="pairs",
            draw=partial(_draw_pairs, length),
            trained=(num_pairs, num_pairs),
            most=len(KEYS) // 2,
            judged=f"pairs of a key and its value among {length} words, or more where they need them, right where every value is",
        ),
        Family(
            on="distance",
            unit="word back",
            units="words back",
            draw=partial(_draw_distance, num_pairs, length),
            trained=(_SMALLEST_DISTANCE, length - 1),
            most=4 * length,
            judged=f"{num_pairs} pairs among {length} words, or more where the distance needs them; "
            "one value, whose key stands so far before its query, right in its place",
            smallest=_SMALLEST_DISTANCE,
        ),
    )
    for num_pairs, length in LENGTHS.items()
}
