"""The training loop: trains a model of any architecture with a data schedule and an objective; writes weights and a log.

Everything random derives from (seed, step, micro-batch) or (seed, epoch). So a checkpoint consists of weights, optimizer state and
a few integers, and a run that was killed and resumed gives bit-identical results. The loop knows neither text nor tasks nor losses:
its caller passes the objective and the validation as functions.

Several processes may train one model (`distributed.py`). Each one then trains on its micro-batches of every update, and makes the
same update. Rank 0 alone validates, writes, and decides when training ends.
"""

import math
import time
from contextlib import closing
from dataclasses import asdict

import torch
from torch import nn

from seqloom.errors import TrainingError
from seqloom.messages import command_line
from seqloom.models.base import Model
from seqloom.objectives import Objective
from seqloom.training.batch_stream import BatchStream
from seqloom.training.budget import BudgetClock
from seqloom.training.checkpoint import checkpoint_folder, load_checkpoint, save_checkpoint, update_counters
from seqloom.training.compilation import compiled
from seqloom.training.counters import Counters
from seqloom.training.data_schedule import Cursor, DataSchedule, Share
from seqloom.training.distributed import Gradients, check_processes
from seqloom.training.interrupt import delayed_interrupt
from seqloom.training.metric_buffer import MetricBuffer, UpdateMetrics
from seqloom.training.metric_log import MetricLog, SilentLog
from seqloom.training.optim import learning_rate_factor, make_optimizers, set_learning_rate
from seqloom.training.plan import TrainingPlan
from seqloom.training.selection import Validate, WeightSelection, measure

# The number of updates after which the log and the screen get a new line.
_REPORT_EVERY = 20


class Trainer:
    """Trains one model into one run folder.

    Args:
        data: gives the batches. It may have several phases with different batches; each phase but the last ends at a given share
            of the budget (see `Phases`).
        objective: computes the loss of a batch.
        validate: computes the loss and the leading metric on validation data; called with the model in evaluation mode.
        plan: budget, device, run folder and settings.
    """

    def __init__(
        self, model: Model, data: DataSchedule, objective: Objective, validate: Validate, plan: TrainingPlan
    ) -> None:
        settings, self._world = plan.settings, plan.world
        check_processes(settings, self._world.size)
        self.model = model.to(plan.device)
        self.data = data
        self.objective = objective
        self.validate = validate
        self.plan = plan
        start = data.start()
        self.counters = Counters(phases_left=start.phases_left, epoch=start.epoch, batch=start.batch)
        self.optimizers = make_optimizers(
            self.model,
            settings.optimizer,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=settings.betas,
            precision=settings.precision,
        )
        # The compiled model shares its weights with `model`. Validation uses the plain model: each batch shape occurs only
        # once in a validation, so compiling for it does not pay.
        self._compiled = compiled(self.model, plan.device) if settings.compile else self.model
        self._buffer = MetricBuffer(plan.device, self._world)
        main = self._world.is_main
        self._log = MetricLog(plan.folder, tensorboard=settings.tensorboard) if main else SilentLog()
        self._selection = WeightSelection(plan.folder, settings)
        self._clock = BudgetClock(plan.budget)

    def train(self, *, resume: bool = False) -> Counters:
        """Trains to the end of the budget, or until patience is exhausted.

        Raises:
            TrainingError: the loss or the gradient's norm is not a finite number.
            KeyboardInterrupt: after Ctrl-C, when everything has been saved.
        """
        if resume:
            self._restore()
        else:
            self._log.clear()
            self._save()
        settings, counters, world = self.plan.settings, self.counters, self._world
        gradients = world.gradients(self._compiled, self.objective)
        cursor = Cursor(counters.phases_left, counters.epoch, counters.batch)
        batches = BatchStream(self.data, cursor, self.plan.device, Share(world.rank, world.size))
        with delayed_interrupt(world.stop_signals) as interrupted, closing(batches) as stream:
            saved_at = time.monotonic()
            while not counters.finished:
                before = counters.progress
                self._update(stream, gradients)
                checkpoint_is_due = time.monotonic() - saved_at > 60 * settings.checkpoint_minutes
                stopped, checkpoint_is_due = self._follow_main(interrupted(), checkpoint_is_due)
                counters.finished = counters.progress >= 1.0
                validation_is_due = int(counters.progress * settings.validations) > int(before * settings.validations)
                if validation_is_due or counters.finished:
                    self._validate()
                if validation_is_due or checkpoint_is_due or counters.finished or stopped:
                    self._save()
                    saved_at = time.monotonic()
                if stopped and not counters.finished:
                    resume_command = command_line("train", "--resume", "--out", self.plan.folder)
                    self.plan.progress.say(f"Saved at step {counters.step:,}. To go on: {resume_command}")
                    raise KeyboardInterrupt
        self._finish()
        return counters

    def _follow_main(self, interrupted: bool, checkpoint_is_due: bool) -> tuple[bool, bool]:
        """Takes over what depends on the time of rank 0: the seconds that are spent, and both decisions."""
        counters = self.counters
        decisions = (counters.seconds, float(interrupted), float(checkpoint_is_due))
        counters.seconds, stopped, due = self._world.from_main(decisions)
        counters.progress = self._clock.spent(counters)
        return bool(stopped), bool(due)

    def _update(self, stream: BatchStream, gradients: Gradients) -> None:
        """One update of the weights, from `accumulate` micro-batches over all processes."""
        counters, settings = self.counters, self.plan.settings
        begin = time.perf_counter()
        micro_batches = stream.take(settings.accumulate, counters.progress)
        learning_rate = self._set_learning_rate()
        # The micro-batches of other processes have no batch, and sizes of 0: the sum over the processes counts each one once.
        own = [(number, item.batch) for number, item in enumerate(micro_batches) if item.batch is not None]
        sizes = self._world.sum([size for item in micro_batches for size in item.sizes])
        # A micro-batch has four sizes: the sum of its loss weights, its examples, its target tokens, and its target positions with
        # padding. The loss is a weighted sum divided by the sum of the weights. If that is 0, the loss is 0 too.
        weights, examples, tokens, positions = (sum(sizes[at::4]) for at in range(4))
        weight = weights or 1
        self.model.train()
        nlls = []
        for number, batch in own:
            self._seed_dropout(number)
            nlls.append(gradients.add(batch, weight, last=number == own[-1][0]))
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm or math.inf)
        self._buffer.add(counters.step + 1, nlls, norm, weight, micro_batches[-1].cursor)
        report_is_due = counters.step % _REPORT_EVERY == _REPORT_EVERY - 1 or counters.step == 0
        if report_is_due or self._buffer.is_due:
            self._read_metrics()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        # The share of the budget that was spent before this update: another run can repeat the schedule (`Budget.like`).
        self._log.add_progress(counters.progress)
        self._count(micro_batches[-1].cursor, begin, examples=examples, tokens=tokens, positions=positions)
        if report_is_due:
            self._report(learning_rate)

    def _set_learning_rate(self) -> float:
        settings = self.plan.settings
        factor = learning_rate_factor(
            settings.schedule,
            step=self.counters.step,
            progress=self.counters.progress,
            warmup_steps=settings.warmup_steps,
            decay_share=settings.decay_share,
        )
        set_learning_rate(self.optimizers, settings.learning_rate * factor)
        return settings.learning_rate * factor

    def _seed_dropout(self, micro_batch: int) -> None:
        """Seeds dropout from (seed, step, micro-batch) only, so a resumed run draws the same masks as a run without a break."""
        seed = self.plan.seed * 1_000_003 + self.counters.step
        # The constant of splitmix64 keeps the seeds of micro-batches apart from those of other steps.
        torch.manual_seed((seed + micro_batch * 0x9E3779B97F4A7C15) % 2**63)

    def _count(self, cursor: Cursor, begin: float, *, examples: float, tokens: float, positions: float) -> None:
        counters = self.counters
        counters.phases_left, counters.epoch, counters.batch = cursor.phases_left, cursor.epoch, cursor.batch
        counters.step += 1
        counters.examples += int(examples)
        counters.tokens += int(tokens)
        counters.positions += int(positions)
        counters.seconds += time.perf_counter() - begin
        counters.progress = self._clock.spent(counters)

    def _read_metrics(self) -> None:
        """Reads the losses and norms of the updates since the last reading; all must be finite before these updates are saved."""
        counters = self.counters
        for metrics in self._buffer.read():
            if not metrics.is_finite:
                raise self._not_finite(metrics)
            counters.report_nll += metrics.nll
            counters.report_weight += metrics.weight
            counters.since_validation_nll += metrics.nll
            counters.since_validation_weight += metrics.weight

    def _report(self, learning_rate: float) -> None:
        counters = self.counters
        loss = counters.report_nll / counters.report_weight
        counters.report_nll, counters.report_weight = 0.0, 0
        speed = counters.tokens / max(1e-9, counters.seconds)
        self._log.add(counters, loss=loss, learning_rate=learning_rate)
        self._show_progress(loss=round(loss, 3), **{"tokens/s": round(speed)}, step=counters.step)

    def _show_progress(self, **status: float | str) -> None:
        self.plan.progress.update(self.plan.title, min(self.counters.progress, 0.9999), **status)

    def _validate(self) -> None:
        counters = self.counters
        self._read_metrics()
        if self._world.is_main:
            self._measure()
        # The other ranks wait here.
        counters.finished = bool(self._world.from_main([float(counters.finished)])[0])

    def _measure(self) -> None:
        counters = self.counters
        begin = time.perf_counter()
        self._show_progress(status="validating")
        result = measure(self.model, self.validate)
        counters.validation_seconds += time.perf_counter() - begin
        # The training loss since the last validation.
        train_loss = (
            counters.since_validation_nll / counters.since_validation_weight
            if counters.since_validation_weight
            else None
        )
        counters.since_validation_nll, counters.since_validation_weight = 0.0, 0
        # Stored curves and logs call the leading metric `val_quality`.
        values = {"train_loss": train_loss, "val_loss": result.loss, "val_quality": result.metric}
        position = {"step": counters.step, "tokens": counters.tokens, "seconds": counters.seconds}
        counters.curve.append(position | values)
        self._log.add(counters, **values)
        if self._selection.add(result, self.model, counters):
            self.plan.progress.say(
                f"{self.plan.title}: stopped early; validations since the best: {counters.since_best}."
            )
            counters.finished = True

    def _finish(self) -> None:
        """Averages the weights of the last validations, validates the average, and loads the best weights into the model."""
        if self._world.is_main:
            self._average()
        self._world.sum([0.0])  # The other ranks wait for the files of weights.
        self._selection.load_best(self.model)
        self.model.eval()
        self.plan.progress.update(self.plan.title, 1.0, step=self.counters.step)

    def _average(self) -> None:
        counters = self.counters
        best_merit_before = counters.best_merit
        result = self._selection.try_average(self.model, counters, self.validate)
        if result is not None:
            self._log.add(counters, averaged=counters.snapshots, val_loss=result.loss, val_quality=result.metric)
        if counters.best_merit != best_merit_before:
            self._log.sync(counters)
            update_counters(self.plan.folder, counters.step, asdict(counters))

    def _save(self) -> None:
        self._read_metrics()
        if not self._world.is_main:
            return
        self._log.sync(self.counters)
        save_checkpoint(self.plan.folder, self.counters.step, self.model, self.optimizers, asdict(self.counters))
        self._selection.ensure_best(self.model)

    def _restore(self) -> None:
        folder = self.plan.folder
        values = load_checkpoint(folder, self.model, self.optimizers)
        self.counters = Counters.restore(values, checkpoint_folder(folder))
        self._log.cut(self.counters)
        self.plan.progress.say(f"{self.plan.title}: continuing from step {self.counters.step:,}.")

    def _not_finite(self, metrics: UpdateMetrics) -> TrainingError:
        loss, cursor = metrics.nll / metrics.weight, metrics.cursor
        what = f"the gradient's norm became {metrics.norm}" if math.isfinite(loss) else f"the loss became {loss}"
        return TrainingError(
            f"{what} at step {metrics.step} (epoch {cursor.epoch}, batch {cursor.batch - 1}). The last checkpoint "
            f"before this step is in {self.plan.folder}. Try a lower training.learning_rate, more training.warmup_steps, "
            "or a lower training.clip_norm."
        )
