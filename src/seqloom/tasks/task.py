"""The contract of tasks: everything that depends on the kind of data a model is trained on.

A corpus becomes examples, a validation and an evaluation. Training, comparison, serving and the command line use this contract, and
never ask which kind of data they hold.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.data.store import ExampleStore, StoredExamples
from seqloom.decoding.hypothesis import PairScore, TokenPrediction
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import ConfigError
from seqloom.models import ModelSettings, model_class
from seqloom.models.base import Model
from seqloom.progress import Progress
from seqloom.tasks.settings import TaskSettings
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from seqloom.training.selection import Validation
from seqloom.training.settings import TrainingSettings

if TYPE_CHECKING:
    from seqloom.decoding.generator import Generator
    from seqloom.evaluation import Evaluation, TestData, TestOutputs


class RecipeParts(Protocol):
    """What a task reads of a recipe."""

    @property
    def name(self) -> str:
        """The recipe's name, for messages."""

    @property
    def task(self) -> TaskSettings | None:
        """The settings of its task, where the task has any."""

    @property
    def model(self) -> ModelSettings:
        """The architecture and its sizes."""

    @property
    def training(self) -> TrainingSettings:
        """How the model is trained."""

    @property
    def decoding(self) -> DecodingSettings:
        """How the model decodes."""


class TrainedRun(Protocol):
    """What a task uses of a trained run."""

    @property
    def recipe(self) -> RecipeParts:
        """The recipe that the run follows."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer."""

    @property
    def model(self) -> Model:
        """The trained model."""

    @property
    def device(self) -> torch.device:
        """Where the model is."""

    def generator(self, *, progress: Progress | None = None, **decoding: Any) -> "Generator":
        """Text in, generations out."""


@dataclass(frozen=True, slots=True)
class TextPredictions:
    """What a language model predicted at each token of a text.

    Attributes:
        tokens: in the order of the text.
        window: how many tokens were read together.
        stride: how far each window was after the one before it.
    """

    tokens: tuple[TokenPrediction, ...]
    window: int
    stride: int


class Task(ABC):
    """What is learned from one kind of data.

    Attributes:
        kind: the kind of data, `Corpus.kind`.
        description: the kind of data in words, for messages.
        noun: an item of the data, in the singular.
        unit: what scoring counts, in the plural.
        test_item: an item of a test split, in the singular: what the speed of decoding counts.
        command: the command that uses a trained run.
        predicts_text: whether a run predicts each token of a plain text (`predict_text`).
        has_sources: whether an item has a source and a target. Only such data have a direction, can be compared by their
            outputs, and can be trained on in both directions.
        details_version: changes whenever `report_details` does, so that stored details are made again.
        default_recipes: what a comparison compares where no recipes are named.
    """

    kind: ClassVar[str]
    description: ClassVar[str]
    noun: ClassVar[str]
    unit: ClassVar[str]
    test_item: ClassVar[str]
    command: ClassVar[str]
    predicts_text: ClassVar[bool] = False
    has_sources: ClassVar[bool]
    details_version: ClassVar[int] = 1
    default_recipes: ClassVar[tuple[str, ...]] = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")

    def check(self, recipe: RecipeParts, corpus_name: str) -> None:
        """Checks that a recipe can be trained on this kind of data; called before any work is done.

        Raises:
            ConfigError: it cannot, or a setting would be ignored.
        """
        if self.has_sources and not model_class(recipe.model).trains_on_pairs:
            raise ConfigError(
                f"{recipe.name} is a language model of plain text, but {corpus_name} is {self.description}: give plain text, "
                "or train a model that reads sources, such as transformer-tiny"
            )

    def tokenizer_settings(self, settings: TokenizerSettings, corpus: Corpus) -> TokenizerSettings:
        """The settings of the tokenizer for this kind of data."""
        del corpus
        return settings

    def tokenizer_split(self, corpus: Corpus) -> Split:
        """What the tokenizer is trained on."""
        return corpus.train

    def metrics(self, corpus: Corpus) -> list[str]:
        """The metrics of a comparison, the leading one first."""
        from seqloom.evaluation import metrics_for

        return metrics_for(corpus.metric, corpus.item_separator, corpus.bleu)

    def shown_texts(self, pair: SentencePair) -> tuple[str, str]:
        """The source and the target of a pair as a reader of a report should see them."""
        return pair.src, pair.tgt

    @abstractmethod
    def examples(
        self, store: ExampleStore, model: Model, recipe: RecipeParts, what: str, progress: Progress
    ) -> StoredExamples:
        """The examples that are trained on, or validated with.

        Args:
            store: an encoded split.
            what: names the split in messages: "training".

        Raises:
            CorpusError: no example fits into the model.
        """

    def validation_examples(
        self, store: ExampleStore, model: Model, recipe: RecipeParts, progress: Progress
    ) -> StoredExamples:
        """The examples whose loss is measured at each validation: all, unless the task says otherwise.

        Args:
            store: the validation split.
            progress: receives a message where they are not all.
        """
        return self.examples(store, model, recipe, "validation", progress)

    @abstractmethod
    def validation_items(self, corpus: Corpus, recipe: RecipeParts, num_items: int) -> list[SentencePair]:
        """The items of the validation split that are decoded at each validation; none: validation is by loss alone.

        Args:
            num_items: how many items the split has.
        """

    @abstractmethod
    def validator(
        self,
        corpus: Corpus,
        items: Sequence[SentencePair],
        examples: StoredExamples,
        recipe: RecipeParts,
        tokenizer: Tokenizer,
        device: torch.device,
    ) -> Callable[[Model], Validation]:
        """The function that measures a model during training.

        Args:
            items: what `validation_items` returned.
            examples: of the whole validation split.
        """

    @abstractmethod
    def evaluate(
        self,
        run: TrainedRun,
        data: "TestData",
        *,
        metrics: Sequence[str] | None = None,
        more_references: Sequence[Sequence[str]] = (),
        decoding: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> "Evaluation":
        """Scores a run on test data.

        Args:
            metrics: what to measure instead of what fits the data.
            more_references: the references of further translators.
            decoding: decoding settings that replace the recipe's.

        Raises:
            SeqloomError: the data do not fit each other, the metrics or the task.
        """

    def score_text(self, run: TrainedRun, texts: Sequence[str], *, are_documents: bool = False) -> list[PairScore]:
        """The log-probability of each part of a running text.

        Args:
            texts: lines without their line ends, which are scored with them; or documents.
            are_documents: which of the two. The end of each document but the last is scored with it.

        Raises:
            ConfigError: the run is not a language model of plain text.
            CorpusError: there is no text.
        """
        del run, texts, are_documents
        raise ConfigError(
            "--text: this run is a model of pairs, which scores targets given their sources: use --src and --ref"
        )

    def predict_text(self, run: TrainedRun, text: str, *, num_top: int) -> TextPredictions:
        """What the model predicts at each token of a text.

        Args:
            num_top: the most probable tokens to name at each position.

        Raises:
            ConfigError: the run is not a language model of plain text.
            CorpusError: there is no text.
        """
        del run, text, num_top
        raise ConfigError("this run is a model of pairs; only a language model predicts each token of a text")

    def test_items(self, split: Split) -> list[SentencePair]:
        """The items of a test split that models are compared on."""
        return list(split.pairs())

    def tune_weights(self, runs: Sequence[TrainedRun], split: Split) -> tuple[float, ...]:
        """The weights of a mixture of runs that predicts a split best.

        Raises:
            ConfigError: the task has no such weights.
        """
        raise ConfigError(f"weights are tuned for language models; these runs learned from {self.description}")

    def report_details(
        self, run: TrainedRun, corpus: Corpus, items: Sequence[SentencePair], progress: Progress
    ) -> dict[str, Any]:
        """What a report on several runs tells of a run beside its outputs, as plain values; empty where there is nothing more.

        Args:
            corpus: its training split may be read.
            items: of a test split, as `test_items` returns them.
        """
        del run, corpus, items, progress
        return {}

    def outputs(
        self, run: TrainedRun, pairs: Sequence[SentencePair], *, beam: int, progress: Progress | None, title: str
    ) -> "TestOutputs":
        """What a run makes of a test split, for a comparison of several runs."""
        # What scores takes longer to import than the first translation takes to make.
        from seqloom.evaluation import generate_outputs

        return generate_outputs(run.generator(beam=beam), pairs, progress=progress, task=title)
