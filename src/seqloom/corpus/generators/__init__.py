"""Corpora that are made up from a seed, with exact truth: what `--data NAME` finds before it looks for files and downloads."""

from collections.abc import Mapping

from seqloom.corpus.generators.agreement import AGREEMENT
from seqloom.corpus.generators.finite import FiniteGenerator
from seqloom.corpus.generators.generator import Generator
from seqloom.corpus.generators.numbers import NUMBERS
from seqloom.corpus.generators.player_commands import PLAYER_COMMANDS
from seqloom.corpus.generators.recall import RECALL
from seqloom.corpus.generators.regular import REGULAR
from seqloom.corpus.generators.scan import SCAN
from seqloom.corpus.generators.sequences import SEQUENCES

_ALL: tuple[Generator | FiniteGenerator, ...] = (
    PLAYER_COMMANDS,
    *SEQUENCES,
    *NUMBERS,
    *REGULAR,
    *RECALL,
    AGREEMENT,
    *SCAN,
)

GENERATORS: Mapping[str, Generator | FiniteGenerator] = {generator.name: generator for generator in _ALL}

__all__ = ["GENERATORS", "FiniteGenerator", "Generator"]
