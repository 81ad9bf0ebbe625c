"""Evaluation: a model and test data become scores, with the outputs and the timings behind them.

A Generator and pairs enter (text), Evaluation leaves. It does not know run folders or comparisons.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from seqloom.batching import Examples, batches_in_order
from seqloom.core_sharing import MOST_OTHER_CORES, OtherWork, share_cores
from seqloom.corpus import SentencePair
from seqloom.decoding.generator import Generator
from seqloom.errors import CheckpointError, ConfigError, CorpusError
from seqloom.messages import counted
from seqloom.metrics import (
    Score,
    Stats,
    aggregate,
    can_be_right,
    find_metric,
    is_bleu,
    likelihood_statistics,
    make_score,
    score,
    score_runs,
    statistics,
)
from seqloom.models.base import Model
from seqloom.objectives import CrossEntropy
from seqloom.progress import Progress, Silent
from seqloom.training.checkpoint import read_json
from seqloom.untrusted import MEBIBYTE

# Positions in a batch when only the loss is wanted.
_LOSS_TOKENS = 8192
# Of the outputs of a test split: more than a million sentences.
_MAX_OUTPUT_BYTES = 512 * MEBIBYTE
# How many single sentences the latency is the median of.
_LATENCY_SENTENCES = 25


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
        num_bytes = [len(reference.encode()) for reference in self.references]
        return likelihood_statistics(self.log_probs, self.num_tokens, num_bytes)


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
                        "latency_sentences": min(len(test.outputs), _LATENCY_SENTENCES),
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


def metrics_for(leading: str, item_separator: str | None, bleu: str = "bleu") -> list[str]:
    """The metrics of a report on pairs, the leading one first.

    Args:
        bleu: the BLEU whose tokenizer fits the targets.
    """
    # Of the BLEUs only one fits a corpus: over its own tokens where it is published tokenised, else over sacreBLEU's.
    bleus = [] if is_bleu(leading) else [bleu]
    ter = "ter" if bleu == "bleu" else "ter_segments"
    others = (["items"] if item_separator else []) + ["exact_match", *bleus, "chrf", ter, "perplexity"]
    return [leading, *(name for name in others if name != leading)]


def fitting_metric(name: str, bleu: str) -> str:
    """The metric that a user means: "bleu" and "ter" count what the targets' words are."""
    if bleu == "bleu":
        return name
    return {"bleu": bleu, "ter": "ter_segments"}.get(name, name)


def metric_value(
    metric: str, outputs: Sequence[str], references: Sequence[str], item_separator: str | None
) -> tuple[float, bool]:
    """A score of texts, and whether higher is better."""
    result = score(metric, outputs, references, item_separator=item_separator)
    return result.value, result.higher_is_better


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The negative log-likelihood of targets, and their number of tokens."""

    nll: float
    num_tokens: int

    @property
    def nats_per_token(self) -> float:
        """Cross-entropy."""
        return self.nll / max(1, self.num_tokens)


@torch.inference_mode()
def likelihood(model: Model, examples: Examples, *, device: torch.device) -> Likelihood:
    """The negative log-likelihood of examples, in batches of like lengths."""
    vocab = model.vocab
    objective = CrossEntropy()
    nll, count = 0.0, 0
    batches = batches_in_order(
        examples, batch_tokens=_LOSS_TOKENS, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id
    )
    with share_cores():
        for _, batch in batches:
            nll += float(objective(model, batch.to(device)).nll)
            count += batch.num_tokens
    return Likelihood(nll, count)


def generate_outputs(
    generator: Generator, pairs: Sequence[SentencePair], *, progress: Progress | None = None, task: str = "decoding"
) -> TestOutputs:
    """Decodes a test split, times it, and scores its references."""
    sources = [pair.src for pair in pairs]
    list(generator.generate(sources[:2]))  # what is made at first use is not part of the speed
    other_work, begin = OtherWork(), time.perf_counter()
    generations = list(generator.generate(sources, progress=progress, task=task))
    seconds = time.perf_counter() - begin
    latencies = []
    for source in sources[:: max(1, len(sources) // _LATENCY_SENTENCES)][:_LATENCY_SENTENCES]:
        begin = time.perf_counter()
        list(generator.generate([source]))
        latencies.append(time.perf_counter() - begin)
    other_cores = other_work.mean_cores()
    forced = list(generator.score(pairs))
    shared = []
    if other_cores > MOST_OTHER_CORES:
        shared = [f"other programs used {other_cores:.1f} cores while decoding was timed"]
    notes = [note for generation in generations for note in generation.notes]
    return TestOutputs(
        sources=tuple(sources),
        references=tuple(pair.tgt for pair in pairs),
        outputs=tuple(generation.text for generation in generations),
        log_probs=tuple(item.log_prob for item in forced),
        num_tokens=tuple(item.num_tokens for item in forced),
        sentences_per_second=len(sources) / max(1e-9, seconds),
        latency_ms=1000 * median(latencies),
        num_outputs_cut=sum(item.finish_reason == "length" for item in generations),
        num_sources_cut=sum(item.num_cut_tokens > 0 for item in generations),
        notes=(
            *(f"{notes.count(note):,} of {counted(len(sources), 'line')}: {note}" for note in dict.fromkeys(notes)),
            *shared,
        ),
    )


def evaluate_pairs(
    generator: Generator,
    tests: Mapping[str, Sequence[SentencePair]],
    *,
    leading: str,
    item_separator: str | None,
    item_name: str,
    bleu: str = "bleu",
    metrics: Sequence[str] | None = None,
    more_references: Sequence[Sequence[str]] = (),
    scopes: Mapping[str, Scope] | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Scores each test split, with intervals over its sentences.

    Args:
        leading: the metric that comes first, unless it says nothing about these references.
        bleu: the BLEU whose tokenizer fits the targets.
        metrics: what to measure instead of what fits the corpus.
        more_references: the references of further translators, for a single test split.
        scopes: what the splits are.
        notes: what is known of them already.
    """
    progress = progress or Silent()
    wanted = list(metrics) if metrics else metrics_for(fitting_metric(leading, bleu), item_separator, bleu)
    names = list(dict.fromkeys(fitting_metric(name, bleu) for name in wanted))
    for name in names:
        definition = find_metric(name)
        if name == "items" and not item_separator:
            raise ConfigError("metric items: the targets of this corpus are not lists of items; take another metric")
        if definition.count is not None:
            # Whether its tokenizer is there shows before hours of decoding.
            definition.sign(item_separator)
    for name, pairs in tests.items():
        if not pairs:
            raise CorpusError(f"the test split {name!r} is empty, so there is nothing to score; give at least one pair")
    _check_references(tests, more_references)
    scopes = dict(
        scopes or {name: Scope(len(pairs), "pairs", "all of the given pairs") for name, pairs in tests.items()}
    )
    said = [*notes, *(_renamed(name, bleu) for name in wanted if fitting_metric(name, bleu) != name)]
    outputs = {
        name: generate_outputs(generator, pairs, progress=progress, task=f"decoding {name}")
        for name, pairs in tests.items()
    }
    scores = {}
    for name, test in outputs.items():
        streams = [test.references, *more_references]
        useless = [metric for metric in names if not can_be_right(metric, streams, item_separator=item_separator)]
        said += [_says_nothing(metric, name) for metric in useless]
        # An order that the user gave stays.
        ordered = names if metrics else [*(metric for metric in names if metric not in useless), *useless]
        scores[name] = tuple(
            score_test(
                test, metric, item_separator=item_separator, item_name=item_name, more_references=more_references
            )
            for metric in ordered
        )
    return Evaluation(scores, outputs, scopes, 1 + len(more_references), tuple(dict.fromkeys(said)))


def _renamed(name: str, bleu: str) -> str:
    return f"{name} is measured as {fitting_metric(name, bleu)}: the words of the targets do not stand between spaces."


def _says_nothing(metric: str, test: str) -> str:
    label = find_metric(metric).label.format(items="items")
    why = ": no reference has four words in a row" if is_bleu(metric) else ""
    return f"{label} says nothing about {test}{why}; it is 0 even for outputs equal to their references."


def _check_references(tests: Mapping[str, Sequence[SentencePair]], more_references: Sequence[Sequence[str]]) -> None:
    """Refuses further references that do not belong to the sentences one by one."""
    if not more_references:
        return
    if len(tests) > 1:
        raise ConfigError(f"more references belong to one test split, but there are {len(tests)}: {', '.join(tests)}")
    ((name, pairs),) = tests.items()
    for number, stream in enumerate(more_references, start=2):
        if len(stream) != len(pairs):
            raise CorpusError(
                f"references {number}: {len(stream):,} were given for the {len(pairs):,} sentences of {name}; expected one for "
                "each sentence, in the same order"
            )


def score_test(
    test: TestOutputs,
    metric: str,
    *,
    item_separator: str | None,
    item_name: str,
    more_references: Sequence[Sequence[str]] = (),
) -> Score:
    """One metric on one split; with its interval where there are sentences enough for one."""
    stats = test.statistics(metric, item_separator, more_references)
    count = 1 + len(more_references)
    if len(stats) > 1:
        return score_runs(metric, [stats], item_separator=item_separator, item_name=item_name, num_references=count)
    return score_without_interval(metric, stats, item_separator, item_name, num_references=count)


def score_without_interval(
    metric: str, stats: Stats, item_separator: str | None, item_name: str, *, num_references: int = 1
) -> Score:
    """The score of all items together."""
    value = float(np.asarray(aggregate(metric, stats.sum(axis=0))))
    return make_score(metric, value, item_separator, item_name, num_references=num_references)
