"""Caveats: differences in how the arms of a comparison were treated, and limits of what its numbers show."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from seqloom.comparison.arm_results import ArmRuns
from seqloom.core_sharing import MOST_OTHER_CORES
from seqloom.corpus import Corpus
from seqloom.recipes import Recipe
from seqloom.run.prepare import Prepared
from seqloom.tasks import task_of

IMPROVING = 0.01
"""An arm is still improving if its validation loss fell by at least this share over the last tenth of training."""


def find_caveats(
    arms: Sequence[Recipe], others: Mapping[str, Prepared], results: Mapping[str, ArmRuns], seeds: int, corpus: Corpus
) -> tuple[str, ...]:
    """Sentences for readers of the report: one seed, unequal sizes or tokenizers, a synthetic corpus, a busy machine."""
    caveats = []
    if seeds == 1:
        caveats.append(
            f"One seed per model: the intervals are over test {task_of(corpus.kind).test_item}s. They hold for the difference "
            "between these runs, not the difference between architectures. --seeds 3 or more says that."
        )
    sizes = {name: arm.runs[0].info.parameters for name, arm in results.items()}
    smallest, largest = min(sizes.values()), max(sizes.values())
    if largest > 1.05 * smallest:
        listed = ", ".join(f"{results[name].recipe.label} {size:,}" for name, size in sizes.items())
        caveats.append(f"The arms differ in size by {100 * (largest / smallest - 1):.0f}%: {listed} parameters.")
    if others:
        caveats.append(f"Not all arms have the same tokenizer: {', '.join(others)} and {arms[0].name} differ.")
    if corpus.synthetic:
        caveats.append("The corpus is synthetic: a grammar made it. Results on it say little about natural text.")
    improving = {arm.recipe.label: share for arm in results.values() if (share := late_improvement(arm)) > IMPROVING}
    if improving:
        listed = ", ".join(f"{label} by {share:.1%}" for label, share in improving.items())
        caveats.append(
            f"Still improving when the budget ended, by the validation loss over the last tenth of training: {listed}. The verdict "
            "is about this budget; it is settled only when no arm improves any more, so a larger budget may change it."
        )
    for arm in results.values():
        for info, outputs, _ in arm.runs:
            other_cores = info.finished.other_cores
            if other_cores > MOST_OTHER_CORES:
                caveats.append(
                    f"{arm.recipe.label}, seed {info.seed}: other programs used {other_cores:.1f} cores while it was trained, "
                    "so its speed, and its quality where minutes were equal, are not those of an idle machine."
                )
            for test, test_outputs in outputs.items():
                caveats += [f"{arm.recipe.label}, seed {info.seed}, {test}: {note}." for note in test_outputs.notes]
    return tuple(caveats)


def late_improvement(arm: ArmRuns) -> float:
    """The share by which an arm's validation loss fell over the last tenth of its updates, mean over runs.

    It is 0 if there was no earlier validation, or if a loss is not a finite number.
    """
    before, after = [], []
    for info, _, _ in arm.runs:
        curve = info.finished.curve
        earlier = [point.val_loss for point in curve if point.step <= 0.9 * info.finished.steps]
        if earlier:
            before.append(earlier[-1])
            after.append(curve[-1].val_loss)
    share = 1 - fmean(after) / fmean(before) if before and fmean(before) > 0 else 0.0
    return share if math.isfinite(share) else 0.0
