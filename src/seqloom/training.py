"""The one loop: batches and a model enter, trained weights and a log leave, whatever the architecture.

Everything random derives from (seed, step) or (seed, epoch), so a checkpoint is weights, optimizer state and a few integers, and
a run that was killed goes on bit by bit as if it had not been. The loop does not know text: validation is a function it is given.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import nn

from seqloom.batching import Batches, PairBatch
from seqloom.checkpoint import (
    average_weights,
    checkpoint_folder,
    fill_from,
    load_checkpoint,
    save_checkpoint,
    save_weights,
    update_counters,
)
from seqloom.compilation import compiled
from seqloom.config import LONGEST, Settings
from seqloom.counters import Counters as Counters
from seqloom.errors import CheckpointError, ConfigError, TrainingError
from seqloom.files import append_text, cut, sync_size, write_bytes
from seqloom.losses import linear_cross_entropy
from seqloom.messages import command_line, counted
from seqloom.models.base import Model
from seqloom.optim import (
    OptimizerName,
    PrecisionName,
    ScheduleName,
    learning_rate_factor,
    make_optimizers,
    set_learning_rate,
)
from seqloom.prefetch import Prefetch
from seqloom.progress import Progress, Silent
from seqloom.readings import Reading, Readings
from seqloom.untrusted import MEBIBYTE, read_text

# A line in the log and on the screen for every so many updates.
_SHOW_EVERY = 20
# Of the progress of a run to repeat: some ten million updates.
_MAX_PROGRESS_BYTES = 256 * MEBIBYTE


class Budget(Settings):
    """How long to train: exactly one of the four.

    Minutes count updates only; reading data, validation and checkpoints are reported apart. `like` repeats a run that was bounded
    by minutes: it names its progress.txt, which holds the share of the budget spent before each update.
    """

    steps: int | None = Field(None, gt=0, description="updates")
    tokens: int | None = Field(None, gt=0, description="real target tokens")
    minutes: float | None = Field(None, gt=0, description="minutes of updates")
    like: Path | None = Field(None, description="the progress.txt of a run to repeat")

    @model_validator(mode="after")
    def _one(self) -> "Budget":
        if sum(value is not None for value in (self.steps, self.tokens, self.minutes, self.like)) != 1:
            raise ValueError("give exactly one of steps, tokens and minutes (--steps, --tokens, --minutes)")
        return self

    def share(self, fraction: float) -> "Budget":
        """A part of the budget."""
        if self.steps is not None:
            return Budget(steps=max(1, round(self.steps * fraction)))
        if self.tokens is not None:
            return Budget(tokens=max(1, round(self.tokens * fraction)))
        if self.minutes is None:
            raise ConfigError(
                "a budget that repeats another run cannot be divided; give --steps, --tokens or --minutes"
            )
        return Budget(minutes=self.minutes * fraction)

    def __str__(self) -> str:
        if self.steps is not None:
            return counted(self.steps, "step")
        if self.tokens is not None:
            return counted(self.tokens, "target token")
        return (
            f"{self.minutes:g} {'minute' if self.minutes == 1 else 'minutes'} of updates"
            if self.minutes is not None
            else f"the updates of {self.like}"
        )


class TrainingSettings(Settings):
    """How to train."""

    batch_tokens: int = Field(2048, gt=0, le=1 << 24, description="padded target positions in a batch")
    window: int = Field(128, gt=1, le=LONGEST, description="tokens in each piece that a plain text is cut into")
    accumulate: int = Field(1, gt=0, le=10_000, description="batches whose gradients are summed for one update")
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
    both_ways: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the budget, from its beginning, in which pairs are trained on in both directions",
    )
    clip_norm: float = Field(1.0, ge=0, description="the largest gradient norm; 0 for no limit")
    precision: PrecisionName = Field("fp32", description="bf16: matrix products in bfloat16, weights in fp32")
    compile: bool = Field(False, description="torch.compile the forward pass: slow to begin, pays on accelerators")
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

    @model_validator(mode="after")
    def _fits(self) -> "TrainingSettings":
        if self.select_by == "metric" and self.validation_sentences == 0:
            raise ValueError("select_by metric needs validation_sentences above 0; or set select_by to loss")
        return self


@dataclass(frozen=True)
class Validation:
    """What a validation found: nats a token, and the leading metric by greedy decoding where there is one."""

    loss: float
    metric: float | None
    higher_is_better: bool = True

    def merit(self, select_by: str) -> list[float]:
        """What selection maximises: the metric, and among equals (a metric of 0, early on) the loss."""
        if select_by == "loss" or self.metric is None:
            return [-self.loss]
        return [self.metric if self.higher_is_better else -self.metric, -self.loss]


class _Part(NamedTuple):
    """A batch on its device, with what would have to be read back from there; `number` counts the epoch's batches, from 1."""

    epoch: int
    number: int
    num_tokens: int
    batch: PairBatch


class Trainer:
    """Trains one model into one run folder.

    Args:
        validate: measures the model as it stands; called with the model in evaluation mode.
        both_ways: the batches of the first part of the budget, as `settings.both_ways` divides it: the same pairs, and their
            turned ones (Ding 2021).
        title: what progress is reported as.
    """

    def __init__(
        self,
        model: Model,
        batches: Batches,
        settings: TrainingSettings,
        budget: Budget,
        folder: Path,
        *,
        validate: Callable[[Model], Validation],
        both_ways: Batches | None = None,
        seed: int,
        device: torch.device,
        title: str = "training",
        progress: Progress | None = None,
    ) -> None:
        self.model = model.to(device)
        self.batches = batches
        self.settings = settings
        self.budget = budget
        self.folder = folder
        self.validate = validate
        self.seed = seed
        self.device = device
        self.title = title
        self.progress = progress or Silent()
        self._both_ways = both_ways
        self.counters = Counters(both_ways=both_ways is not None and settings.both_ways > 0)
        self.optimizers = make_optimizers(
            self.model,
            settings.optimizer,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=settings.betas,
            precision=settings.precision,
        )
        # Shares its weights with the model; validation, which meets each shape once, takes the plain one.
        self._trained = compiled(self.model, device) if settings.compile else self.model
        self._readings = Readings(device)
        self._board = _open_board(folder / "tensorboard") if settings.tensorboard else None
        self._clock = _LikeRun(budget.like) if budget.like is not None else None

    def train(self, *, resume: bool = False) -> Counters:
        """Trains to the end of the budget, or to the end of patience.

        Raises:
            TrainingError: the loss is not a number any more.
            KeyboardInterrupt: after Ctrl-C, when everything has been saved.
        """
        if resume:
            self._restore()
        else:
            write_bytes(self.folder / "metrics.jsonl", b"")
            write_bytes(self.folder / "progress.txt", b"")
            self._save()
        with _InterruptLater() as interrupted, ExitStack() as streams:
            stream = streams.enter_context(closing(self._stream()))
            saved = time.monotonic()
            while not self.counters.finished:
                before = self.counters.progress
                if self.counters.both_ways and before >= self.settings.both_ways:
                    counters = self.counters
                    counters.both_ways, counters.epoch, counters.batch = False, counters.epoch + 1, 0
                    streams.close()
                    stream = streams.enter_context(closing(self._stream()))
                self._update(stream)
                self.counters.finished = self.counters.progress >= 1.0
                crossed = int(self.counters.progress * self.settings.validations) > int(
                    before * self.settings.validations
                )
                if crossed or self.counters.finished:
                    self._validate()
                late = time.monotonic() - saved > 60 * self.settings.checkpoint_minutes
                if crossed or late or self.counters.finished or interrupted():
                    self._save()
                    saved = time.monotonic()
                if interrupted() and not self.counters.finished:
                    self.progress.say(
                        f"Saved at step {self.counters.step:,}. To go on: "
                        f"{command_line('train', '--resume', '--out', self.folder)}"
                    )
                    raise KeyboardInterrupt
        self._finish()
        return self.counters

    def _stream(self) -> "Generator[_Part] | Prefetch[_Part]":
        # On a CPU making a batch takes about a millisecond of an update of hundreds, on the cores that the update wants.
        parts = self._parts(self.counters.epoch, self.counters.batch)
        return parts if self.device.type == "cpu" else Prefetch(parts)

    def _parts(self, epoch: int, start: int) -> Generator[_Part]:
        """The batches of all epochs from a place on, each on the device. May run ahead of the updates, so it counts by itself."""
        batches = self._both_ways if self.counters.both_ways and self._both_ways is not None else self.batches
        while True:
            for number, batch in enumerate(batches.epoch(epoch, start_batch=start), start=start + 1):
                yield _Part(epoch, number, batch.num_tokens, batch.to(self.device, non_blocking=True))
            epoch, start = epoch + 1, 0

    def _update(self, stream: Iterator[_Part]) -> None:
        counters, settings = self.counters, self.settings
        begin = time.perf_counter()
        parts = [next(stream) for _ in range(settings.accumulate)]
        counters.epoch, counters.batch = parts[-1].epoch, parts[-1].number
        num_tokens = sum(part.num_tokens for part in parts)
        factor = learning_rate_factor(
            settings.schedule,
            step=counters.step,
            progress=counters.progress,
            warmup_steps=settings.warmup_steps,
            decay_share=settings.decay_share,
        )
        set_learning_rate(self.optimizers, settings.learning_rate * factor)
        # Dropout's masks follow (seed, step) alone, so a resumed run draws the same ones.
        torch.manual_seed((self.seed * 1_000_003 + counters.step) % 2**63)
        self.model.train()
        nlls = []
        for part in parts:
            loss, nll = batch_loss(
                self._trained, part.batch, label_smoothing=settings.label_smoothing, precision=settings.precision
            )
            (loss / num_tokens).backward()
            nlls.append(nll)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm or math.inf)
        self._readings.add(counters.step + 1, nlls, norm, num_tokens, (counters.epoch, counters.batch))
        shows = counters.step % _SHOW_EVERY == _SHOW_EVERY - 1 or counters.step == 0
        if shows or self._readings.are_due:
            self._read()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        append_text(self.folder / "progress.txt", f"{counters.progress!r}\n")
        counters.step += 1
        counters.examples += sum(len(part.batch.tgt_in) for part in parts)
        counters.tokens += num_tokens
        counters.positions += sum(part.batch.num_positions for part in parts)
        counters.seconds += time.perf_counter() - begin
        counters.progress = self._spent()
        if shows:
            self._show(settings.learning_rate * factor)

    def _read(self) -> None:
        """Reads the numbers of the updates so far; nothing may be kept of a run before it is known that they are numbers."""
        counters = self.counters
        for reading in self._readings.read():
            if not reading.is_finite:
                self._fail(reading)
            counters.report_nll += reading.nll
            counters.report_tokens += reading.num_tokens
            counters.window_nll += reading.nll
            counters.window_tokens += reading.num_tokens

    def _spent(self) -> float:
        counters, budget = self.counters, self.budget
        if self._clock is not None:
            return self._clock.after(counters.step)
        if budget.steps is not None:
            return counters.step / budget.steps
        if budget.tokens is not None:
            return min(1.0, counters.tokens / budget.tokens)
        assert budget.minutes is not None
        return min(1.0, counters.seconds / (60 * budget.minutes))

    def _show(self, learning_rate: float) -> None:
        counters = self.counters
        loss = counters.report_nll / counters.report_tokens
        counters.report_nll, counters.report_tokens = 0.0, 0
        speed = counters.tokens / max(1e-9, counters.seconds)
        self._log(loss=loss, learning_rate=learning_rate)
        self.progress.update(
            self.title,
            min(counters.progress, 0.9999),
            loss=round(loss, 3),
            **{"tokens/s": round(speed)},
            step=counters.step,
        )

    def _log(self, **values: Any) -> None:
        counters = self.counters
        line = {
            "step": counters.step,
            "tokens": counters.tokens,
            "seconds": round(counters.seconds, 3),
            "progress": counters.progress,
            "tokens_per_second": round(counters.tokens / max(1e-9, counters.seconds), 1),
            "padding_share": round(1 - counters.tokens / max(1, counters.positions), 4),
            **values,
        }
        append_text(self.folder / "metrics.jsonl", json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in line.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(name, value, counters.step)
            self._board.flush()

    def _validate(self) -> None:
        counters = self.counters
        self._read()
        begin = time.perf_counter()
        self.progress.update(self.title, min(counters.progress, 0.9999), status="validating")
        result = self._measure()
        counters.validation_seconds += time.perf_counter() - begin
        train_loss = counters.window_nll / counters.window_tokens if counters.window_tokens else None
        counters.window_nll, counters.window_tokens = 0.0, 0
        point = {
            "step": counters.step,
            "tokens": counters.tokens,
            "seconds": counters.seconds,
            "train_loss": train_loss,
            "val_loss": result.loss,
            "val_quality": result.metric,
        }
        counters.curve.append(point)
        self._log(train_loss=train_loss, val_loss=result.loss, val_quality=result.metric)
        save_weights(self._weights(f"step-{counters.step}"), self.model.state_dict())
        counters.snapshots.append(counters.step)
        merit = result.merit(self.settings.select_by)
        if merit > counters.best_merit:
            counters.best_merit, counters.best_step, counters.since_best = merit, counters.step, 0
            save_weights(self._weights("best"), self.model.state_dict())
        else:
            counters.since_best += 1
            if self.settings.patience is not None and counters.since_best >= self.settings.patience:
                self.progress.say(f"{self.title}: no better validation in {counters.since_best}; stopped early.")
                counters.finished = True
        for old in counters.snapshots[: -self.settings.average_last]:
            self._weights(f"step-{old}").unlink(missing_ok=True)
        counters.snapshots = counters.snapshots[-self.settings.average_last :]

    def _measure(self) -> Validation:
        self.model.eval()
        with torch.inference_mode():
            return self.validate(self.model)

    def _finish(self) -> None:
        """Tries the average of the last validations' weights, and keeps it as the best where validation says so."""
        counters = self.counters
        save_weights(self._weights("last"), self.model.state_dict())
        files = [self._weights(f"step-{step}") for step in counters.snapshots]
        if len(files) > 1:
            trained = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            averaged = average_weights(files, within=self.folder)
            save_weights(self._weights("averaged"), averaged)
            self.model.load_state_dict(averaged)
            result = self._measure()
            merit = result.merit(self.settings.select_by)
            self._log(averaged=counters.snapshots, val_loss=result.loss, val_quality=result.metric)
            if merit > counters.best_merit:
                counters.best_merit, counters.best_is_average = merit, True
                save_weights(self._weights("best"), averaged)
                self._measure_logs()
                update_counters(self.folder, counters.step, asdict(counters))
            self.model.load_state_dict(trained)
        fill_from(self.model, self._weights("best"), within=self.folder)
        self.model.eval()
        self.progress.update(self.title, 1.0, step=counters.step)

    def _weights(self, name: str) -> Path:
        return self.folder / "weights" / f"{name}.safetensors"

    def _measure_logs(self) -> None:
        """Notes how long the logs are, once they surely lie on the disk."""
        self.counters.metrics_bytes = sync_size(self.folder / "metrics.jsonl")
        self.counters.progress_bytes = sync_size(self.folder / "progress.txt")

    def _save(self) -> None:
        self._read()
        self._measure_logs()
        save_checkpoint(self.folder, self.counters.step, self.model, self.optimizers, asdict(self.counters))
        if not self._weights("best").exists():
            # A run can generate from its first checkpoint on, however badly.
            save_weights(self._weights("best"), self.model.state_dict())

    def _restore(self) -> None:
        values = load_checkpoint(self.folder, self.model, self.optimizers)
        self.counters = Counters.restore(values, checkpoint_folder(self.folder))
        for name, size in (
            ("metrics.jsonl", self.counters.metrics_bytes),
            ("progress.txt", self.counters.progress_bytes),
        ):
            path = self.folder / name
            if not path.is_file() or path.stat().st_size < size:
                raise CheckpointError(
                    f"{path}: is shorter than the {size:,} bytes that the checkpoint knows; restore it, or start a new run from "
                    "this one by --from"
                )
            cut(path, size)
        self.progress.say(f"{self.title}: going on from step {self.counters.step:,}.")

    def _fail(self, reading: Reading) -> None:
        loss, (epoch, number) = reading.nll / reading.num_tokens, reading.place
        what = f"the gradient's norm became {reading.norm}" if math.isfinite(loss) else f"the loss became {loss}"
        raise TrainingError(
            f"{what} at step {reading.step} (epoch {epoch}, batch {number - 1}). The checkpoint before it "
            f"is kept in {self.folder}. Try a lower training.learning_rate, more training.warmup_steps, or a lower "
            "training.clip_norm."
        )


def batch_loss(
    model: Model, batch: PairBatch, *, label_smoothing: float = 0.0, precision: str = "fp32"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of a batch, summed over real target tokens, and its negative log-likelihood in nats."""
    mixed: AbstractContextManager[Any] = nullcontext()
    if precision == "bf16":
        mixed = torch.autocast(batch.tgt_in.device.type, torch.bfloat16)
    with mixed:
        hidden = model(batch)
    weight, bias = model.output_weights()
    return linear_cross_entropy(
        hidden[batch.tgt_mask].to(torch.bfloat16 if precision == "bf16" else weight.dtype),
        weight,
        bias,
        batch.tgt_out[batch.tgt_mask],
        label_smoothing=label_smoothing,
    )


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError("training.tensorboard needs an extra: pip install 'seqloom[tensorboard]'") from None
    return SummaryWriter(folder)


class _LikeRun:
    """The progress that another run logged, as the clock of this one."""

    def __init__(self, path: Path) -> None:
        try:
            text = read_text(path, max_bytes=_MAX_PROGRESS_BYTES, error=ConfigError)
            self.values = [float(line) for line in text.split()]
            if not all(map(math.isfinite, self.values)):
                raise ValueError("a share in it is not a finite number")
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: not the progress.txt of a run: {str(error)[:200]}") from None
        if not self.values:
            raise ConfigError(f"{path}: the run it belongs to made no update")

    def after(self, step: int) -> float:
        return self.values[step] if step < len(self.values) else 1.0


@contextmanager
def _InterruptLater() -> Iterator[Callable[[], bool]]:  # noqa: N802
    """Ctrl-C sets a flag that the loop reads after an update; a second Ctrl-C interrupts at once."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    signal.signal(signal.SIGINT, handle)
    try:
        yield flag.is_set
    finally:
        signal.signal(signal.SIGINT, before)
