"""TrainingSettings: the part of a recipe that says how a model is trained."""

from typing import Any, Literal

from pydantic import Field, model_validator

from seqloom.config import LONGEST, Settings
from seqloom.training.budget import Budget
from seqloom.training.optim import OptimizerName, PrecisionName, ScheduleName


class TrainingSettings(Settings):
    """How to train."""

    batch_tokens: int = Field(2048, gt=0, le=1 << 24, description="padded target positions in a batch")
    window: int = Field(128, gt=1, le=LONGEST, description="tokens of each window that a plain text is cut into")
    across_documents: bool = Field(
        True,
        description="whether a window may hold the end of a document and the beginning of the next, with eos between them; "
        "False: each document begins a window",
    )
    shift_windows: bool = Field(
        False,
        description="whether each epoch cuts a plain text into windows at other places, drawn from the seed and the epoch; "
        "windows that begin where documents begin stay",
    )
    accumulate: int = Field(
        1, gt=0, le=10_000, description="batches whose gradients are summed for one update, over all processes together"
    )
    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(2e-3, gt=0, description="the peak")
    weight_decay: float = Field(0.01, ge=0, description="on matrices only")
    betas: tuple[float, float] = Field((0.9, 0.98), description="AdamW's averages")
    schedule: ScheduleName = "linear"
    warmup_steps: int = Field(100, ge=0)
    decay_share: float = Field(
        0.3, gt=0, le=1, description="share of the budget, at its end, in which warmup-stable-decay falls to 0"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    bidirectional: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the budget, from its beginning, in which pairs are trained on in both directions",
    )
    clip_norm: float = Field(1.0, ge=0, description="the largest gradient norm; 0 for no limit")
    precision: PrecisionName = Field("fp32", description="bf16: matrix products in bfloat16, weights in fp32")
    compile: bool = Field(
        False,
        description="torch.compile the forward pass: the first updates are slow, the others faster on accelerators",
    )
    validations: int = Field(10, gt=0, description="how often to validate, evenly over the budget")
    validation_sentences: int = Field(500, ge=0, description="decoded at each validation; 0: validate by loss alone")
    select_by: Literal["metric", "loss"] = Field("metric", description="what chooses the best weights and stops early")
    patience: int | None = Field(None, gt=0, description="stop after so many validations without a better one")
    average_last: int = Field(
        4, gt=0, le=1_000, description="how many of the last validations' weights are averaged; 1: none"
    )
    tensorboard: bool = Field(
        False, description="write the log for TensorBoard too (needs the extra seqloom[tensorboard])"
    )
    checkpoint_minutes: float = Field(5.0, gt=0, description="how often to save between validations")
    budget: Budget | None = Field(None, description="used where the command names none")

    @model_validator(mode="before")
    @classmethod
    def _read_former_name(cls, values: Any) -> Any:
        """Recipes and run folders of version 0.1 say `both_ways`."""
        if isinstance(values, dict) and "both_ways" in values:
            share = values["both_ways"]
            return {name: value for name, value in values.items() if name != "both_ways"} | {"bidirectional": share}
        return values

    @model_validator(mode="after")
    def _fits(self) -> "TrainingSettings":
        if self.select_by == "metric" and self.validation_sentences == 0:
            raise ValueError("select_by metric needs validation_sentences above 0; or set select_by to loss")
        return self
