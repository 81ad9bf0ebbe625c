"""run.json, checked: what a run says of itself may come from somebody else, so types and ranges are looked at before use.

A run folder enters, plain values leave.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seqloom.checkpoint import read_json
from seqloom.errors import CheckpointError

FACTS = "run.json"
_FOLDERS = ("weights", "tensorboard")

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=10_000)]


class _Facts(BaseModel):
    # Later versions may say more.
    model_config = ConfigDict(strict=True, extra="allow")


class _Corpus(_Facts):
    name: Text
    kind: Literal["pairs", "text"]
    metric: Text
    synthetic: bool = False
    src_lang: Text | None = None
    tgt_lang: Text | None = None
    licence: Text | None = None
    item_separator: Text | None = None
    item_name: Text = "items"
    notes: list[Text] = []
    sizes: dict[Text, Count] = {}
    origins: dict[Text, Any] = {}
    fingerprint: Text | None = None


class _Tokenizer(_Facts):
    description: Text
    hash: Text


class _Point(_Facts):
    step: Count
    tokens: Count
    seconds: Seconds
    # Training that diverges may end in a validation without a number.
    val_loss: float
    train_loss: float | None = None
    val_quality: float | None = None


class _Result(_Facts):
    steps: Count
    tokens: Count
    epochs: Seconds
    train_seconds: Seconds
    validation_seconds: Seconds
    tokens_per_second: Seconds
    padding_share: Seconds
    peak_memory_mib: Seconds
    best: Text
    curve: list[_Point]
    # Of versions that measure what other programs use.
    other_cores: Seconds = 0.0
    processor_share: Seconds = 1.0


class _Run(_Facts):
    seed: Annotated[int, Field(ge=0)]
    budget: dict[Text, int | float | Text]
    corpus: _Corpus
    tokenizer: _Tokenizer
    # The settings of the model; runs of earlier versions do not say them.
    model: dict[Text, Any] | None = None
    parameters: Count
    parameters_without_embeddings: Count
    setup_seconds: Seconds = 0.0
    environment: dict[Text, Any] = {}
    result: _Result | None = None
    started: Any = None
    started_from: Text | None = None


def read_facts(folder: Path) -> dict[str, Any]:
    """What run.json says.

    Raises:
        CheckpointError: it is missing, damaged, or does not say what it should.
    """
    path = folder / FACTS
    values = read_json(path, within=folder)
    try:
        checked = _Run.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])[:200]
        raise CheckpointError(
            f"{path}: damaged: {where or 'the whole'}: {problem['msg'].lower()}; take it from where the folder came from again"
        ) from None
    corpus = {name: getattr(checked.corpus, name) for name in _Corpus.model_fields} | values["corpus"]
    return (
        {name: getattr(checked, name) for name in _Run.model_fields if name not in values} | values | {"corpus": corpus}
    )


def check_model_settings(facts: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Compares a recipe's model settings with those that the run was trained with; some change no shape, only results.

    Args:
        facts: what run.json says.
        settings: those of recipe.yaml, as plain values.

    Raises:
        CheckpointError: they differ.
    """
    for name, value in (facts["model"] or {}).items():
        # Other versions of seqloom may know other settings.
        if name in settings and settings[name] != value:
            raise CheckpointError(
                f"{folder}/recipe.yaml: model.{name[:80]} is {str(settings[name])[:80]}, but the run was trained with "
                f"{str(value)[:80]} ({FACTS}); set it back, or take both files from where the folder came from again"
            )


def check_links(folder: Path) -> None:
    """Refuses a folder to be written into where that would reach files elsewhere: a log may be a link to something precious.

    Raises:
        CheckpointError: a link in it leads out of it.
    """
    root = os.path.realpath(folder)
    for path in sorted((*folder.iterdir(), *(part for name in _FOLDERS for part in (folder / name).glob("*")))):
        if path.is_symlink() and not os.path.realpath(path).startswith(root + os.sep):
            raise CheckpointError(
                f"{path}: a link that leads out of {folder}, to {os.path.realpath(path)}, where training would write; remove it"
            )
