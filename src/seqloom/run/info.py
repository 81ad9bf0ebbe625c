"""RunInfo: the typed content of run.json.

A run folder may come from another person, so `read_info` checks types and ranges before any value is used. `write_info` writes the
same class, so reader and writer cannot differ.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from seqloom.errors import CheckpointError
from seqloom.files import write_json
from seqloom.tasks import TASKS
from seqloom.training.checkpoint import FORMAT, read_json

INFO_FILE = "run.json"

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=10_000)]


class _Stored(BaseModel):
    # Later versions may store more keys: these keys are kept.
    model_config = ConfigDict(strict=True, extra="allow", frozen=True, protected_namespaces=())

    def to_json(self) -> dict[str, Any]:
        """Plain values: the keys that were set, and unknown keys as they were read."""
        return self.model_dump(exclude_unset=True)


class CorpusInfo(_Stored):
    """The corpus of a run.

    Attributes:
        kind: "pairs", "text" or another kind of data that a task knows.
        metric: the name of the leading metric.
        bleu: the BLEU variant for the target language.
        item_separator: what separates the items of a target; None where targets are not lists.
        sizes: number of examples by split.
        origins: where each split came from.
        fingerprint: of the whole corpus; fingerprints: of each split.
    """

    name: Text
    kind: Text
    synthetic: bool = False
    src_lang: Text | None = None
    tgt_lang: Text | None = None
    licence: Text | None = None
    metric: Text
    bleu: Text | None = None
    item_separator: Text | None = None
    item_name: Text = "items"
    notes: list[Text] = []
    sizes: dict[Text, Count] = {}
    origins: dict[Text, Any] = {}
    fingerprint: Text | None = None
    fingerprints: dict[Text, Text] = {}

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: str) -> str:
        if kind not in TASKS:
            raise ValueError(f"there is no task for the kind {kind[:40]!r}; known kinds: {', '.join(TASKS)}")
        return kind

    def to_json(self) -> dict[str, Any]:
        """Plain values: all keys but those that versions before this one did not store."""
        return self.model_dump(exclude={"bleu", "fingerprints"} - self.model_fields_set)


class TokenizerInfo(_Stored):
    """The tokenizer of a run: in words, and the hash of its file."""

    description: Text
    hash: Text


class ValidationInfo(_Stored):
    """The validation data: the number of examples, and how many of them are decoded at each validation."""

    items: Count
    decoded: Count


class ValidationPoint(_Stored):
    """One validation.

    Attributes:
        seconds: of updates until then.
        val_loss, train_loss: nats a token. Training that diverges may end in a loss that is no number.
        val_quality: the leading metric; None where nothing was decoded.
    """

    step: Count
    tokens: Count
    seconds: Seconds
    train_loss: float | None = None
    val_loss: float
    val_quality: float | None = None


class ResultInfo(_Stored):
    """What training cost and reached; a finished run has it.

    Attributes:
        padding_share: share of the target positions that were padding.
        best: which weights were kept, in words.
        curve: the validations in order.
        other_cores: mean number of cores that other programs used meanwhile.
        processor_share: share of the time in which this process computed.
        notes: what fitting a model by counting has to say, such as discounts that were replaced.
    """

    steps: Count
    tokens: Count
    epochs: Seconds
    train_seconds: Seconds
    validation_seconds: Seconds
    tokens_per_second: Seconds
    padding_share: Seconds
    peak_memory_mib: Seconds
    best: Text
    curve: list[ValidationPoint]
    # Versions before 0.2 did not measure what other programs used.
    other_cores: Seconds = 0.0
    processor_share: Seconds = 1.0
    notes: list[Text] = []


class EnvironmentInfo(_Stored):
    """Where a run was trained: processor, device, threads, versions. Runs of other versions may store other keys."""

    threads: Any = None

    @property
    def num_threads(self) -> int | None:
        """The number of threads; None where the run does not store it."""
        text = str(self.threads)
        return int(text) if text.isdecimal() and 0 < int(text[:6]) <= 1024 and len(text) < 6 else None


class RunInfo(_Stored):
    """The content of run.json.

    Attributes:
        budget: the settings of a Budget, such as {"steps": 300}; empty where the model was fitted by counting.
        started: date and time (ISO 8601).
        started_from: the run whose weights training started from.
        model: the model settings; None in runs that did not store them.
        arranged: how the processor was set up, in words.
        setup_seconds: time before the first update.
        result: None until training has finished.
    """

    format: Any = FORMAT
    seed: Annotated[int, Field(ge=0)]
    budget: dict[Text, int | float | Text]
    started: Any = None
    started_from: Text | None = None
    corpus: CorpusInfo
    validation: ValidationInfo | None = None
    tokenizer: TokenizerInfo
    model: dict[Text, Any] | None = None
    parameters: Count
    parameters_without_embeddings: Count
    environment: EnvironmentInfo = EnvironmentInfo()
    arranged: list[Any] = []
    setup_seconds: Seconds = 0.0
    result: ResultInfo | None = None

    @property
    def finished(self) -> ResultInfo:
        """The result of a finished run.

        Raises:
            CheckpointError: the run is not finished.
        """
        if self.result is None:
            raise CheckpointError(f"a run on {self.corpus.name}, seed {self.seed}, is not finished: it has no result")
        return self.result

    def to_json(self) -> dict[str, Any]:
        """Plain values for run.json."""
        return {
            **self.model_dump(exclude_unset=True),
            "corpus": self.corpus.to_json(),
            "environment": self.environment.to_json(),
            "result": self.result.to_json() if self.result is not None else None,
        }

    def with_result(self, result: ResultInfo) -> Self:
        """The same with the result of training."""
        return self.model_copy(update={"result": result})


def read_info(folder: Path) -> RunInfo:
    """Reads run.json.

    Raises:
        CheckpointError: it is missing, damaged, or a value has a wrong type or range.
    """
    path = folder / INFO_FILE
    values = read_json(path, within=folder)
    try:
        return RunInfo.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])[:200]
        raise CheckpointError(
            f"{path}: damaged: {where or 'the whole'}: {problem['msg'].lower()}; take it from where the folder came from again"
        ) from None


def write_info(folder: Path, info: RunInfo) -> None:
    """Writes run.json.

    Raises:
        OutputError: the file cannot be written.
    """
    write_json(folder / INFO_FILE, info.to_json())


def check_model_settings(info: RunInfo, settings: Mapping[str, Any], folder: Path) -> None:
    """Compares a recipe's model settings with those that the run was trained with; some change no shape, only results.

    Args:
        settings: those of recipe.yaml, as plain values.

    Raises:
        CheckpointError: they differ.
    """
    for name, value in (info.model or {}).items():
        # Other versions of seqloom may know other settings.
        if name in settings and settings[name] != value:
            raise CheckpointError(
                f"{folder}/recipe.yaml: model.{name[:80]} is {str(settings[name])[:80]}, but the run was trained with "
                f"{str(value)[:80]} ({INFO_FILE}); set it back, or take both files from where the folder came from again"
            )
