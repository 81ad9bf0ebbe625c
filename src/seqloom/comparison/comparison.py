"""Comparison: the results of a comparison as data. `report` draws them, the command line prints them, programs read the JSON.

The unit of a value is in its name. This module only defines types.
"""

from typing import Any, Literal

from pydantic import Field

from seqloom.config import Results
from seqloom.experiment.tuning import Trial

SCHEMA_VERSION = 1


class Interval(Results):
    """A confidence interval; `method` says how it was computed, and over which sentences and seeds."""

    low: float
    high: float
    level: float = 0.95
    method: str


class Quality(Results):
    """A score on one test split, over all seeds of an arm or for one run; never without its signature."""

    metric: str = Field(description="bleu, chrf, ter, exact_match, items, perplexity or bits_per_byte")
    label: str = Field(description='for people: "BLEU", "share of right commands"')
    value: float = Field(description="shares in percent")
    higher_is_better: bool = True
    interval: Interval | None = None
    signature: str


class LengthBin(Results):
    """The leading metric over the test sentences whose source has `low` to `high` words, both included."""

    low: int
    high: int
    num_sentences: int
    quality: Quality


class CurvePoint(Results):
    """The state of training at one validation."""

    step: int
    tokens: int = Field(description="real target tokens trained on so far")
    seconds: float = Field(description="seconds of updates so far")
    train_loss: float | None = Field(description="nats a token, label smoothing not included")
    val_loss: float = Field(description="nats a token")
    val_quality: float | None = Field(description="the leading metric on validation, greedy")


class Decoding(Results):
    """The speed of generation of a run."""

    beam: int
    sentences_per_second: float
    latency_ms: float = Field(description="median over single sentences")


class RunResult(Results):
    """One training run of one arm: one seed."""

    arm: str
    seed: int
    folder: str = Field(description="the run folder, relative to the comparison's folder")
    steps: int
    tokens: int
    epochs: float
    learning_rate: float
    train_seconds: float = Field(description="updates only")
    validation_seconds: float
    setup_seconds: float
    tokens_per_second: float
    padding_share: float = Field(description="share of target positions that were padding, 0 to 1")
    peak_memory_mib: float
    parameters: int
    parameters_without_embeddings: int
    decoding: Decoding
    curve: tuple[CurvePoint, ...]
    tests: dict[str, tuple[Quality, ...]] = Field(description="by test split, the leading metric first")
    by_length: dict[str, tuple[LengthBin, ...]] = Field(description="by test split")


class ArmResult(Results):
    """A recipe in a comparison, with all its runs; or an outside system whose outputs were scored (`runs` is empty)."""

    name: str
    label: str
    recipe: str | None = Field(description="the recipe as YAML, every default written out; None for an outside system")
    runs: tuple[RunResult, ...]
    tests: dict[str, tuple[Quality, ...]] = Field(
        description="by test split, over all seeds: mean and interval; leading metric first"
    )
    by_length: dict[str, tuple[LengthBin, ...]]
    tuning: tuple[Trial, ...] = ()


class Difference(Results):
    """Two arms on one test split, by the leading metric or the first that distinguishes them; positive if `better` is better."""

    test: str
    better: str
    worse: str
    difference: float
    interval: Interval
    p_value: float
    significant: bool
    scope: Literal["between these runs", "between architectures"]
    metric: str | None = Field(None, description="the metric that was compared; None: the comparison's")
    metric_label: str | None = Field(None, description="the same for people")
    note: str = Field(
        "", description="why the comparison's leading metric does not judge this pair; empty where it does"
    )


class Sample(Results):
    """One test sentence with the output of every arm (first seed)."""

    test: str
    src: str
    ref: str
    outputs: dict[str, str]


class Failure(Results):
    """A run of an arm that could not be trained or decoded."""

    arm: str
    label: str
    seed: int | None = Field(description="None where the arm failed before its first run")
    error: str = Field(description="the message")
    log: str | None = Field(None, description="the file with the traceback, relative to the comparison's folder")

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        log = "" if self.log is None else f" (traceback: {self.log})"
        return f"{self.label}{seed} FAILED: {self.error}{log}"


class ScalingPoint(Results):
    """What an arm reached after training on a part of the data, on the first test split."""

    num_items: int = Field(description="training items")
    steps: int
    loss: float = Field(description="bits per byte of the references")
    quality: Quality = Field(description="the leading metric")


class Predicted(Results):
    """The loss that a power law predicts for a number of training items."""

    num_items: int
    loss: float = Field(description="bits per byte of the references")
    interval: Interval


class DataScaling(Results):
    """An arm trained on parts of the data, and the power law through its losses: loss = a * items ** -exponent (first seed)."""

    arm: str
    label: str
    unit: str = Field(description='what the items are, in the plural: "pairs"')
    points: tuple[ScalingPoint, ...] = Field(description="the smallest part first; the last one is all of the data")
    exponent: float
    exponent_interval: Interval
    fitted: tuple[float, ...] = Field(description="the loss on the line for each point")
    predictions: tuple[Predicted, ...]


class CorpusFacts(Results):
    """The corpus of a comparison: name, languages, sizes, tokenizer."""

    name: str
    kind: str
    synthetic: bool
    src_lang: str | None
    tgt_lang: str | None
    licence: str | None
    sizes: dict[str, int] = Field(description="items by split")
    val_decoded: int | None = Field(None, description="validation items that val_quality is of; None: not known")
    notes: tuple[str, ...]
    fingerprint: str
    tokenizer: str = Field(description="the tokenizer's kind and sizes, in words")
    tokenizer_hash: str


class Comparison(Results):
    """One corpus, several recipes, one declared budget.

    `arms` are ordered by the leading metric on the first test split, best first; `differences` has every pair of arms.
    """

    schema_version: int = SCHEMA_VERSION
    title: str
    verdict: tuple[str, ...] = Field(
        description="sentences for people: who is better, by how much, how surely, at what cost"
    )
    corpus: CorpusFacts
    budget: str = Field(description='in words: "1500 steps per model"')
    seeds: tuple[int, ...]
    metric: str
    metric_label: str
    val_metric: str | None = Field(None, description="what val_quality is; None: the leading metric")
    val_metric_label: str | None = None
    test_labels: dict[str, str] = Field(description='by test split, for people: "within the trained range"')
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...]
    samples: tuple[Sample, ...]
    scaling: tuple[DataScaling, ...] = Field((), description="what parts of the training data gave, by arm; --curve")
    caveats: tuple[str, ...]
    failures: tuple[Failure, ...] = Field((), description="runs that failed; they are in no number of the report")
    environment: dict[str, str] = Field(description="machine, threads, versions, date")
    command: str = Field(description="what reproduces this, with the steps reached")
    details: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="by arm and test split: what the task adds (first seed)"
    )
