"""The families of `parity` and `even-pairs`: size is the number of symbols. Guessing is right half of the time."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.lengths import TRAINED
from seqloom.corpus.generators.regular import ANSWERS, SYMBOLS, TASKS


def _draw(count: Callable[[Sequence[str]], int], draw: Draw, size: int) -> Case | None:
    # As in training, both answers are equally frequent at each size that has both.
    answer = draw.below(2)
    symbols = [draw.choice(SYMBOLS) for _ in range(size)]
    if count(symbols) % 2 != answer:
        symbols[-1] = SYMBOLS[1 - SYMBOLS.index(symbols[-1])]
    return Case(" ".join(symbols), ANSWERS[count(symbols) % 2])


REGULAR: Mapping[str, tuple[Family, ...]] = {
    name: (
        Family(
            size_measure="length",
            unit="symbol",
            units="symbols",
            draw=partial(_draw, count),
            trained=TRAINED,
            default_max_size=100,
            description="words over two symbols, right where the answer is",
            chance=0.5,
        ),
    )
    for name, (_, count, _) in TASKS.items()
}
