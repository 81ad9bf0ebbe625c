"""Evaluation: a model and test data become scores, with the outputs and the timings behind them.

A Generator and pairs enter (text), Evaluation leaves. It does not know run folders or comparisons.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from seqloom.batching import Examples, batches_in_order
from seqloom.corpus import Corpus, SentencePair
from seqloom.decoding.generator import Generator
from seqloom.errors import ConfigError, CorpusError
from seqloom.metrics import Score, Stats, aggregate, find_metric, likelihood_statistics, score, score_runs, statistics
from seqloom.models.base import Model
from seqloom.progress import Progress, Silent
from seqloom.store import open_store
from seqloom.tokenizer import Tokenizer
from seqloom.training import batch_loss

# Positions in a batch when only the loss is wanted.
_LOSS_TOKENS = 8192
# How many single sentences the latency is the median of.
_LATENCY_SENTENCES = 25


@dataclass(frozen=True, slots=True)
class TestOutputs:
    """What a run made of one test split.

    Attributes:
        sentences_per_second: over the whole split, in batches.
        latency_ms: median over single sentences, one at a time.
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

    __test__ = False  # not a test class, whatever its name begins with

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TestOutputs":
        """What `dataclasses.asdict` and JSON made plain."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**plain)

    def statistics(self, metric: str, item_separator: str | None) -> Stats:
        """The metric's counts for each sentence."""
        if find_metric(metric).count is not None:
            return statistics(metric, self.outputs, self.references, item_separator=item_separator)
        num_bytes = [len(reference.encode()) for reference in self.references]
        return likelihood_statistics(self.log_probs, self.num_tokens, num_bytes)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores by test split, the leading metric first, with the outputs behind them (none for plain text)."""

    scores: Mapping[str, tuple[Score, ...]]
    tests: Mapping[str, TestOutputs]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            name: {
                "scores": [
                    {
                        "metric": one.metric,
                        "label": one.label,
                        "value": one.value,
                        "interval": list(one.interval) if one.interval else None,
                        "higher_is_better": one.higher_is_better,
                        "signature": one.signature,
                    }
                    for one in scores
                ],
                **(
                    {
                        "sentences": len(test.outputs),
                        "sentences_per_second": round(test.sentences_per_second, 1),
                        "latency_ms": round(test.latency_ms, 2),
                        "notes": list(test.notes),
                    }
                    if (test := self.tests.get(name)) is not None
                    else {}
                ),
            }
            for name, scores in self.scores.items()
        }

    def __str__(self) -> str:
        return "\n".join(f"{name}: {', '.join(map(str, scores))}" for name, scores in self.scores.items())


def metrics_for(leading: str, item_separator: str | None) -> list[str]:
    """The metrics of a report on pairs, the leading one first."""
    # Of the two BLEUs only one fits a corpus: over its own tokens where it is published tokenised, else over sacreBLEU's.
    bleu = [] if leading == "bleu_tokenised" else ["bleu"]
    others = (["items"] if item_separator else []) + ["exact_match", *bleu, "chrf", "ter", "perplexity"]
    return [leading, *(name for name in others if name != leading)]


def metric_value(
    metric: str, outputs: Sequence[str], references: Sequence[str], item_separator: str | None
) -> tuple[float, bool]:
    """A score of texts, and whether higher is better."""
    found = score(metric, outputs, references, item_separator=item_separator)
    return found.value, found.higher_is_better


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a model finds given targets."""

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
    nll, count = 0.0, 0
    for _, batch in batches_in_order(
        examples, batch_tokens=_LOSS_TOKENS, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id
    ):
        nll += float(batch_loss(model, batch.to(device))[1])
        count += batch.num_tokens
    return Likelihood(nll, count)


def generate_outputs(
    generator: Generator, pairs: Sequence[SentencePair], *, progress: Progress | None = None, task: str = "decoding"
) -> TestOutputs:
    """Decodes a test split, times it, and scores its references."""
    sources = [pair.src for pair in pairs]
    list(generator.generate(sources[:2]))  # what is made at first use is not part of the speed
    begin = time.perf_counter()
    generations = list(generator.generate(sources, progress=progress, task=task))
    seconds = time.perf_counter() - begin
    latencies = []
    for source in sources[:: max(1, len(sources) // _LATENCY_SENTENCES)][:_LATENCY_SENTENCES]:
        begin = time.perf_counter()
        list(generator.generate([source]))
        latencies.append(time.perf_counter() - begin)
    forced = list(generator.score(pairs))
    notes = [note for generation in generations for note in generation.notes]
    return TestOutputs(
        sources=tuple(sources),
        references=tuple(pair.tgt for pair in pairs),
        outputs=tuple(generation.text for generation in generations),
        log_probs=tuple(one.log_prob for one in forced),
        num_tokens=tuple(one.num_tokens for one in forced),
        sentences_per_second=len(sources) / max(1e-9, seconds),
        latency_ms=1000 * median(latencies),
        notes=tuple(f"{notes.count(note):,} of {len(sources):,} lines: {note}" for note in dict.fromkeys(notes)),
    )


def evaluate_pairs(
    generator: Generator,
    tests: Mapping[str, Sequence[SentencePair]],
    *,
    leading: str,
    item_separator: str | None,
    item_name: str,
    metrics: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Scores each test split, with intervals over its sentences."""
    progress = progress or Silent()
    names = list(metrics) if metrics else metrics_for(leading, item_separator)
    for name in names:
        find_metric(name)
        if name == "items" and not item_separator:
            raise ConfigError("metric items: the targets of this corpus are not lists of items; take another metric")
    for name, pairs in tests.items():
        if not pairs:
            raise CorpusError(f"the test split {name!r} is empty, so there is nothing to score; give at least one pair")
    outputs = {
        name: generate_outputs(generator, pairs, progress=progress, task=f"decoding {name}")
        for name, pairs in tests.items()
    }
    scores = {
        name: tuple(score_test(test, metric, item_separator=item_separator, item_name=item_name) for metric in names)
        for name, test in outputs.items()
    }
    return Evaluation(scores, outputs)


def score_test(test: TestOutputs, metric: str, *, item_separator: str | None, item_name: str) -> Score:
    """One metric on one split; with its interval where there are sentences enough for one."""
    stats = test.statistics(metric, item_separator)
    if len(stats) > 1:
        return score_runs(metric, [stats], item_separator=item_separator, item_name=item_name)
    return _without_interval(metric, stats, item_separator, item_name)


def evaluate_text(
    model: Model,
    tokenizer: Tokenizer,
    corpus: Corpus,
    *,
    window: int,
    device: torch.device,
    progress: Progress | None = None,
) -> Evaluation:
    """Bits per byte and perplexity of a language model on the test splits of a plain text."""
    scores = {}
    for name, split in corpus.tests.items():
        store = open_store(split, tokenizer, progress=progress)
        room = model.max_tgt_len(0)
        examples = store.windows(window if room is None else min(window, room - 1))
        found = likelihood(model, examples, device=device)
        stats = likelihood_statistics([-found.nll], [found.num_tokens], [examples.num_bytes])
        scores[name] = tuple(
            _without_interval(metric, stats, None, "items") for metric in ("bits_per_byte", "perplexity")
        )
    return Evaluation(scores, {})


def _without_interval(metric: str, stats: Stats, item_separator: str | None, item_name: str) -> Score:
    found = find_metric(metric)
    value = float(np.asarray(aggregate(metric, stats.sum(axis=0))))
    return Score(metric, found.label.format(items=item_name), value, found.higher_is_better, found.sign(item_separator))
