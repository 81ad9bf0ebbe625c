"""Training seen over time: the weights that a run kept, each forced to say the same target.

A run folder and a sentence enter, Moments leave.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from seqloom.explain.explanation import Moment
from seqloom.explain.numbers import array, matrix, vector
from seqloom.explain.reading import RunReader
from seqloom.explain.saliency import occlusion_saliency
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.explain.trust import Judge
from seqloom.models import make_model
from seqloom.nn.record import Record
from seqloom.training.weights import fill_from


def kept_weights(folder: Path) -> list[tuple[int, Path]]:
    """The steps whose weights a run folder still holds, and where; `training.average_last` says how many those are."""
    found = []
    for path in (folder / "weights").glob("step-*.safetensors"):
        match = re.fullmatch(r"step-(\d+)", path.stem)
        if match is not None:
            found.append((int(match[1]), path))
    return sorted(found)


def history_of(reader: RunReader, sentence: Sentence, judge: Judge) -> Iterator[Moment]:
    """The run at each of its kept steps, the earliest first; the judge is that of the finished run."""
    run = reader.run
    model = make_model(run.recipe.model, run.tokenizer.vocab).to(run.device).eval()
    for step, path in kept_weights(run.folder):
        fill_from(model, path, within=run.folder)
        record = Record()
        with torch.no_grad():
            said = log_probs(model, sentence.batch(model), record)[0]
        aligned = record.tensors.get("alignment")
        picture = occlusion_saliency(model, sentence, of="source") if aligned is None else aligned[0][0]
        rows = matrix(picture)
        yield Moment(
            training_step=step,
            output=reader.write(replace(sentence, tgt_ids=()), model=model).output,
            log_probs=vector(said),
            picture=rows,
            trust=judge.across(array(rows)),
        )
