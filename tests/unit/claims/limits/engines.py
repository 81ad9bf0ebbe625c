"""Engines whose limits are known: they answer rightly, except where a test says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from seqloom.claims.limits.families import FAMILIES
from seqloom.claims.limits.family import Family
from seqloom.claims.limits.result import About, LimitSettings, LimitsResult
from seqloom.claims.limits.sizes import SizeSearch
from seqloom.decoding.hypothesis import Generation
from seqloom.progress import Silent


class KnownEngine:
    """Says what a function makes of a source, and counts how often it is asked."""

    tokenizer: Any = None

    def __init__(self, says: Callable[[str], str], notes: tuple[str, ...] = (), most: float = float("inf")) -> None:
        self.says, self.notes, self.most = says, notes, most
        self.asked: list[str] = []

    def generate(self, texts: Iterable[str], **_: Any) -> Iterator[Generation]:
        for text in texts:
            if len(self.asked) >= self.most:
                raise KeyboardInterrupt
            self.asked.append(text)
            yield Generation(text, (self.says(text),), (), self.notes)


def lucky(text: str, share: float, salt: object = "") -> bool:
    """True for that share of all texts, at random, and always the same for one."""
    return int.from_bytes(sha256(f"{salt}{text}".encode()).digest()[:8]) < share * 2**64


def family_of(corpus: str, on: str) -> Family:
    return next(family for family in FAMILIES[corpus] if family.size_measure == on)


def about(family: Family, **changes: Any) -> About:
    facts: Mapping[str, Any] = {
        "run": "runs/x",
        "recipe": "known",
        "corpus": "copy",
        "size_measure": family.size_measure,
        "unit": family.unit,
        "units": family.units,
        "description": family.description,
        "measure": "share right",
        "trained": family.trained,
    }
    return About(**{**facts, **changes})


def search(engine: KnownEngine, corpus: str = "copy", on: str = "length", **settings: Any) -> SizeSearch:
    family = family_of(corpus, on)
    return SizeSearch(engine, family, about(family, corpus=corpus), LimitSettings(**settings))


def limits(says: Callable[[str], str], corpus: str = "copy", on: str = "length", **settings: Any) -> LimitsResult:
    found = search(KnownEngine(says), corpus, on, **settings)
    found.run(Silent())
    return found.result()
