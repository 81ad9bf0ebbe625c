"""Training history: the weights that a run kept during training, each forced to predict the same target.

Input: a run and a sentence; output: HistoryCheckpoints.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from seqloom.explain.agreement import ReferencePictures
from seqloom.explain.explained_run import ExplainedRun
from seqloom.explain.explanation import HistoryCheckpoint
from seqloom.explain.rounding import array, matrix, vector
from seqloom.explain.saliency import occlusion_saliency
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.models import make_model
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.training.weights import fill_from


def kept_weights(folder: Path) -> list[tuple[int, Path]]:
    """The steps whose weights a run folder has, with their files; `training.average_last` is their number."""
    steps = []
    for path in (folder / "weights").glob("step-*.safetensors"):
        match = re.fullmatch(r"step-(\d+)", path.stem)
        if match is not None:
            steps.append((int(match[1]), path))
    return sorted(steps)


def history_of(
    explained_run: ExplainedRun, sentence: Sentence, references: ReferencePictures
) -> Iterator[HistoryCheckpoint]:
    """The run at each of its kept steps, in rising order. The references are those of the finished run."""
    run = explained_run.run
    model = make_model(run.recipe.model, run.tokenizer.vocab).to(run.device).eval()
    for step, path in kept_weights(run.folder):
        fill_from(model, path, within=run.folder)
        hooks = ActivationHooks()
        with torch.no_grad():
            target_log_probs = log_probs(model, sentence.batch(model), hooks)[0]
        alignment = hooks.tensors.get("alignment")
        picture = occlusion_saliency(model, sentence, of="source") if alignment is None else alignment[0][0]
        rows = matrix(picture)
        yield HistoryCheckpoint(
            training_step=step,
            output=explained_run.generate(replace(sentence, tgt_ids=()), model=model).output,
            log_probs=vector(target_log_probs),
            picture=rows,
            agreements=references.agreements_target_to_source(array(rows)),
        )
