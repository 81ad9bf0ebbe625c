"""Fits a model that counts, such as an n-gram model, in one pass over its examples, instead of the training loop.

It writes the same files as the loop: weights/best.safetensors, metrics.jsonl and progress.txt (empty). It writes no checkpoint: a
run that was killed is fitted again from the start.
"""

import time
from pathlib import Path

import torch

from seqloom import core_sharing, machine
from seqloom.data.store import StoredExamples
from seqloom.models.base import Model
from seqloom.progress import Progress
from seqloom.run.info import ResultInfo, ValidationPoint
from seqloom.run.load import WEIGHTS
from seqloom.training.counters import Counters
from seqloom.training.metric_log import MetricLog
from seqloom.training.selection import Validate, measure
from seqloom.training.weights import save_weights


def fit_by_counting(
    model: Model,
    examples: StoredExamples,
    validate: Validate,
    *,
    folder: Path,
    device: torch.device,
    title: str,
    progress: Progress,
    tensorboard: bool,
) -> ResultInfo:
    """Fits a model by counting, and validates it.

    Args:
        model: a model with `fitted_by_counting`.
        validate: measures the model on the validation data.
        folder: the run folder.
        device: the device of the model after counting.
        title: the name of the task for progress.
        tensorboard: whether to write the log for TensorBoard too.

    Raises:
        TrainingError: there are no examples, or counting takes more memory than is free.
    """
    log = MetricLog(folder, tensorboard=tensorboard)
    log.clear()
    other_work, processor_start, wall_start = core_sharing.OtherWork(), time.process_time(), time.monotonic()
    begin = time.perf_counter()
    rows = range(len(examples))
    notes = model.fit((examples[row] for row in rows), end=examples.ends, progress=progress)
    seconds = time.perf_counter() - begin
    for note in notes:
        progress.say(note)
    model.to(device)
    begin = time.perf_counter()
    progress.update(title, 0.999, status="validating")
    validation = measure(model, validate)
    validation_seconds = time.perf_counter() - begin
    save_weights(folder / WEIGHTS, model.state_dict())
    tokens = examples.num_tgt_tokens + (len(examples) if examples.ends else 0)
    counters = Counters(tokens=tokens, positions=tokens, seconds=seconds, progress=1.0, examples=len(examples))
    log.add(counters, val_loss=validation.loss, val_quality=validation.metric)
    progress.update(title, 1.0, val_loss=round(validation.loss, 3))
    point = ValidationPoint(
        step=0,
        tokens=tokens,
        seconds=seconds,
        train_loss=None,
        val_loss=validation.loss,
        val_quality=validation.metric,
    )
    return ResultInfo(
        steps=0,
        tokens=tokens,
        epochs=1.0,
        train_seconds=round(seconds, 2),
        validation_seconds=round(validation_seconds, 2),
        tokens_per_second=round(tokens / max(1e-9, seconds), 1),
        padding_share=0.0,
        peak_memory_mib=round(machine.peak_memory_mib(device), 1),
        best="the counts of the whole training split",
        curve=[point],
        other_cores=round(other_work.mean_cores(), 2),
        processor_share=round((time.process_time() - processor_start) / max(1e-9, time.monotonic() - wall_start), 3),
        notes=list(notes),
    )
