"""A run that needs no training, for verbs that only hand data on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.progress import Progress
from seqloom.run.info import RunInfo
from tests.run_info import make_corpus_info, make_run_info


@dataclass
class Score:
    log_prob: float
    num_tokens: int
    token_log_probs: tuple[float, ...]
    notes: tuple[str, ...] = ()


class Tokenizer:
    def tgt_tokens(self, ids: Sequence[int]) -> list[str]:
        return [f"<{number}>" for number in ids]


class FakeGenerator:
    tokenizer = Tokenizer()

    def __init__(self, nbest: int) -> None:
        self.nbest = nbest

    def generate(self, texts: Iterable[str], *, alignments: bool = False, progress: Any = None) -> Iterator[Generation]:
        for text in texts:
            outputs = tuple(text.upper() + "!" * rank for rank in range(self.nbest))
            found = tuple(
                Hypothesis((5, 6), -0.5 - rank, -1.0 - rank, True, (-0.5, -0.5)) for rank in range(self.nbest)
            )
            notes = () if text.strip() else ("empty source",)
            yield Generation(text, outputs, found, notes, (0, 2) if alignments else None)


TypeIn = Callable[[bytes], None]


class FakeRun:
    """Translates to capitals; the n-th best output has n - 1 marks."""

    model: ClassVar[None] = None
    info: ClassVar[RunInfo] = make_run_info(corpus=make_corpus_info(kind="text"))

    def __init__(self, *folders: Path, **settings: Any) -> None:
        self.folders, self.settings = folders, settings
        self.asked: dict[str, Any] = {}
        self.facts_shown: dict[str, Any] = {"recipe": "fake"}

    def require_pairs(self, what: str) -> None:
        """A fake is of every kind."""

    def generator(self, *, progress: Progress | None = None, **settings: Any) -> "FakeGenerator":
        self.asked = settings
        return FakeGenerator(settings["nbest"])

    def generate(self, prompts: Sequence[str], **settings: Any) -> list[Generation]:
        self.asked = settings
        count = settings["num_samples"]
        found = tuple(Hypothesis((5,), -1.0, -1.0, True, (-1.0,)) for _ in range(count))
        return [Generation(prompt, tuple(f" text {n}" for n in range(count)), found) for prompt in prompts]

    def score(self, pairs: Iterable[Any]) -> Iterator[Score]:
        for pair in pairs:
            yield Score(-float(len(pair.src)), len(pair.tgt), (-1.0,))

    def describe(self) -> dict[str, Any]:
        return self.facts_shown


@pytest.fixture
def fake_run(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    """Takes the place of every run that a verb loads."""
    run = FakeRun()

    def load(*folders: Path, **settings: Any) -> FakeRun:
        run.folders, run.settings = folders, settings
        return run

    monkeypatch.setattr("seqloom.run.load.load", load)
    return run


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> TypeIn:
    """Gives bytes to standard input."""
    import io

    def type_in(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return type_in
