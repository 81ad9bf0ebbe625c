"""A model and test data become scores, with the outputs and the timings behind them.

Input: a Generator and pairs (text); output: an Evaluation. It does not know run folders or comparisons.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from seqloom.core_sharing import MOST_OTHER_CORES, OtherWork, share_cores
from seqloom.corpus import SentencePair
from seqloom.data.batching import Examples, batches_in_order
from seqloom.decoding.generator import Generator
from seqloom.errors import ConfigError, CorpusError
from seqloom.evaluation.results import LATENCY_SENTENCES, Evaluation, TestData, TestOutputs
from seqloom.messages import counted
from seqloom.metrics import (
    Score,
    Stats,
    aggregate,
    can_be_right,
    find_metric,
    is_bleu,
    make_score,
    score,
    score_runs,
)
from seqloom.models.base import Model
from seqloom.objectives import CrossEntropy
from seqloom.progress import Progress, Silent

# Positions in a batch when only the loss is wanted.
_LOSS_TOKENS = 8192


def metrics_for(leading: str, item_separator: str | None, bleu: str = "bleu") -> list[str]:
    """The metrics of a report on pairs, the leading one first.

    Args:
        bleu: the BLEU whose tokenizer fits the targets.
    """
    # Of the BLEUs only one fits a corpus: over its own tokens where it is published tokenised, else over sacreBLEU's.
    bleus = [] if is_bleu(leading) else [bleu]
    # "items" counts the errors of lists already, and sacreBLEU's TER takes minutes for a thousand long ones.
    ter = [] if item_separator else ["ter" if bleu == "bleu" else "ter_segments"]
    others = (["items"] if item_separator else []) + ["exact_match", *bleus, "chrf", *ter, "perplexity"]
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
    for source in sources[:: max(1, len(sources) // LATENCY_SENTENCES)][:LATENCY_SENTENCES]:
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
    data: TestData,
    *,
    metrics: Sequence[str] | None = None,
    more_references: Sequence[Sequence[str]] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Scores each test split, with intervals over its sentences.

    Args:
        data: its leading metric comes first, unless it says nothing about these references.
        metrics: what to measure instead of what fits the corpus.
        more_references: the references of further translators, for a single test split.

    Raises:
        SeqloomError: a split is empty, or the references or metrics do not fit.
    """
    tests, bleu, item_separator = data.pairs, data.bleu, data.item_separator
    progress = progress or Silent()
    wanted = list(metrics) if metrics else metrics_for(fitting_metric(data.leading, bleu), item_separator, bleu)
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
    said = [*data.notes, *(_renamed(name, bleu) for name in wanted if fitting_metric(name, bleu) != name)]
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
                test, metric, item_separator=item_separator, item_name=data.item_name, more_references=more_references
            )
            for metric in ordered
        )
    return Evaluation(scores, outputs, data.scopes, 1 + len(more_references), tuple(dict.fromkeys(said)))


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


def score_statistics(metric: str, stats: Stats, *, item_name: str) -> Score:
    """The score of counts (items, k), with its interval over the items where there are several."""
    if len(stats) > 1:
        return score_runs(metric, [stats], item_name=item_name)
    return score_without_interval(metric, stats, None, item_name)


def score_without_interval(
    metric: str, stats: Stats, item_separator: str | None, item_name: str, *, num_references: int = 1
) -> Score:
    """The score of all items together."""
    value = float(np.asarray(aggregate(metric, stats.sum(axis=0))))
    return make_score(metric, value, item_separator, item_name, num_references=num_references)
