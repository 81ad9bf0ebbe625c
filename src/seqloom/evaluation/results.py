"""What an evaluation consists of: the outputs of a run on test data, what they speak of, and the scores.

Plain data. This module knows neither models nor run folders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from seqloom.corpus import Corpus, SentencePair
from seqloom.errors import CheckpointError
from seqloom.metrics import Score, Stats, find_metric, likelihood_statistics, statistics
from seqloom.segments import num_segments
from seqloom.training.checkpoint import read_json
from seqloom.untrusted import MEBIBYTE

# Of the outputs of a test split: more than a million sentences.
_MAX_OUTPUT_BYTES = 512 * MEBIBYTE
# The latency is the median of so many single sentences.
LATENCY_SENTENCES = 25


@dataclass(frozen=True, slots=True)
class TestOutputs:
    """What a run made of one test split.

    Attributes:
        sentences_per_second: over the whole split, in batches.
        latency_ms: median over single sentences, one at a time.
        num_outputs_cut: outputs that their length limit ended.
        num_sources_cut: sources that were too long to be read whole.
        stats: the counts of metrics that the task measures itself, by metric: a row for each item.
        details: what the task adds for reports.
        log_probs: of the references, by forced decoding; num_tokens their tokens, eos included.
    """

    sources: tuple[str, ...]
    references: tuple[str, ...]
    outputs: tuple[str, ...]
    log_probs: tuple[float, ...]
    num_tokens: tuple[int, ...]
    sentences_per_second: float
    latency_ms: float
    notes: tuple[str, ...]
    num_outputs_cut: int = 0
    num_sources_cut: int = 0
    stats: Mapping[str, list[list[float]]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    __test__ = False  # not a test class, whatever its name begins with

    def statistics(
        self, metric: str, item_separator: str | None, more_references: Sequence[Sequence[str]] = ()
    ) -> Stats:
        """The metric's counts for each sentence.

        Args:
            more_references: of further translators; what is made of log-probabilities is of the first one's alone.
        """
        if metric in self.stats:
            return np.asarray(self.stats[metric], dtype=np.float64)
        if find_metric(metric).count is not None:
            streams = [self.references, *more_references]
            return statistics(metric, self.outputs, streams, item_separator=item_separator)
        return likelihood_statistics(
            self.log_probs,
            self.num_tokens,
            [len(reference.encode()) for reference in self.references],
            [len(reference) for reference in self.references],
            [num_segments(reference) for reference in self.references],
        )


def read_outputs(path: Path, *, within: Path | None = None) -> TestOutputs:
    """Reads outputs that `dataclasses.asdict` and `write_json` wrote.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    values = read_json(path, within=within, max_bytes=_MAX_OUTPUT_BYTES)
    try:
        outputs = TypeAdapter(TestOutputs).validate_python(values)
        if len({len(part) for part in (outputs.sources, outputs.references, outputs.outputs)}) > 1:
            raise ValueError("not as many outputs as sources")
    except ValueError as error:
        reason = str(error)
        if isinstance(error, ValidationError):
            problem = error.errors()[0]
            reason = f"{'.'.join(map(str, problem['loc']))[:200]}: {problem['msg'].lower()}"
        raise CheckpointError(f"{path}: damaged: {reason}; remove it, and it will be made again") from None
    return outputs


@dataclass(frozen=True, slots=True)
class Scope:
    """What scores speak of: how many items, and which.

    Attributes:
        unit: what is counted, in the plural: pairs, or bytes of running text.
        what: "all of new.tsv", "the test split of the run's own corpus".
    """

    num_items: int
    unit: str
    what: str

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.num_items == 1 else self.unit
        return f"{self.num_items:,} {unit}, {self.what}"


@dataclass(frozen=True)
class TestData:
    """Test data by name, and how they are scored.

    Attributes:
        corpus: where they come from; None where pairs were given.
        pairs: none for running text, whose splits are in `corpus`.
        scopes: by name, what they are.
        notes: what the user should know, one sentence each.
        leading: the metric that comes first.
        bleu: the BLEU whose tokenizer fits the targets.
        item_separator: what separates the items of a target; None where there are none.
        item_name: what an item is called in the plural.
        is_own: whether they are the test splits of the corpus that the run was trained on.
    """

    corpus: Corpus | None
    pairs: Mapping[str, Sequence[SentencePair]]
    scopes: Mapping[str, Scope]
    notes: tuple[str, ...] = ()
    leading: str = "bleu"
    bleu: str = "bleu"
    item_separator: str | None = None
    item_name: str = "items"
    is_own: bool = False

    __test__ = False  # not a test class, although its name begins with "Test"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores by test split, the leading metric first, with the outputs behind them (none for plain text).

    Attributes:
        scopes: by test split, what the scores speak of.
        num_references: how many references each sentence has.
        notes: what the user should know of the numbers, one sentence each.
    """

    scores: Mapping[str, tuple[Score, ...]]
    tests: Mapping[str, TestOutputs]
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    num_references: int = 1
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            name: {
                "scores": [
                    {
                        "metric": item.metric,
                        "label": item.label,
                        "value": item.value,
                        "interval": list(item.interval) if item.interval else None,
                        "higher_is_better": item.higher_is_better,
                        "signature": item.signature,
                    }
                    for item in scores
                ],
                **(
                    {"items": scope.num_items, "unit": scope.unit, "scored": scope.what, "notes": list(self.notes)}
                    if (scope := self.scopes.get(name)) is not None
                    else {}
                ),
                **(
                    {
                        "sentences": len(test.outputs),
                        "references": self.num_references,
                        "sentences_per_second": round(test.sentences_per_second, 1),
                        "latency_ms": round(test.latency_ms, 2),
                        "latency_sentences": min(len(test.outputs), LATENCY_SENTENCES),
                        "outputs_cut": test.num_outputs_cut,
                        "sources_cut": test.num_sources_cut,
                        "notes": [*self.notes, *test.notes],
                    }
                    if (test := self.tests.get(name)) is not None
                    else {}
                ),
            }
            for name, scores in self.scores.items()
        }

    def __str__(self) -> str:
        return "\n".join(f"{self.heading(name)}: {', '.join(map(str, scores))}" for name, scores in self.scores.items())

    def heading(self, name: str) -> str:
        """The name of a test split, with what its scores speak of."""
        scope = self.scopes.get(name)
        return name if scope is None else f"{name} ({scope})"
