"""The families of `numbers-en-de` and its other target languages: size is the number of numbers in a list."""

from collections.abc import Mapping
from functools import partial

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.numbers import MOST_DIGITS, MOST_TRAINED, SEPARATOR, spell
from seqloom.corpus.generators.numbers import NUMBERS as GENERATORS


def _draw(lang: str, draw: Draw, size: int) -> Case:
    numbers = [draw.below(10 ** draw.between(1, MOST_DIGITS)) for _ in range(size)]
    src, truth = (SEPARATOR.join(spell(number, code) for number in numbers) for code in ("en", lang))
    return Case(src, truth)


NUMBERS: Mapping[str, tuple[Family, ...]] = {
    generator.name: (
        Family(
            size_measure="clauses",
            unit="number",
            units="numbers",
            draw=partial(_draw, generator.facts["tgt_lang"]),
            trained=(1, MOST_TRAINED),
            default_max_size=25,
            description="lists of numbers below 10,000, right where every number is",
            requires=generator.requires,
        ),
    )
    for generator in GENERATORS
}
