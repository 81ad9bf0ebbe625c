"""Generators of synthetic corpora: made from a seed, with targets that are right. `--data NAME` looks for a generator first."""

from collections.abc import Mapping

from seqloom.corpus.generators.agreement import AGREEMENT
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.finite import FiniteGenerator
from seqloom.corpus.generators.numbers import NUMBERS
from seqloom.corpus.generators.player_commands import PLAYER_COMMANDS
from seqloom.corpus.generators.recall import RECALL
from seqloom.corpus.generators.regular import REGULAR
from seqloom.corpus.generators.scan import SCAN
from seqloom.corpus.generators.sequences import SEQUENCES

_ALL: tuple[CorpusGenerator | FiniteGenerator, ...] = (
    PLAYER_COMMANDS,
    *SEQUENCES,
    *NUMBERS,
    *REGULAR,
    *RECALL,
    AGREEMENT,
    *SCAN,
)

GENERATORS: Mapping[str, CorpusGenerator | FiniteGenerator] = {generator.name: generator for generator in _ALL}

__all__ = ["GENERATORS", "CorpusGenerator", "FiniteGenerator"]
