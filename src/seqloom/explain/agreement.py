"""Agreement: how far pictures agree with each other, and with the reference alignment if it is known.

Input: pictures (matrices of output rows and input columns); output: agreements. Attention is one picture among others. Whether it
is a reliable explanation is measured here, not assumed (Jain & Wallace 2019; Wiegreffe & Pinter 2019).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqloom.explain.explanation import Agreement, Agreements, AlignmentAgreement
from seqloom.explain.rounding import rounded

Picture = NDArray[np.float64]


def agreement(
    picture: Picture | None, other: Picture | None, rows: Sequence[int], columns: Sequence[Sequence[int]]
) -> Agreement | None:
    """Compares two pictures over some rows; a row with fewer than two columns is left out.

    Args:
        columns: for each of the rows, the columns that are compared.

    Returns:
        None if a picture is missing, or if no row could be compared.
    """
    if picture is None or other is None:
        return None
    alike, ranks = [], []
    for row, compared in zip(rows, columns, strict=True):
        if len(compared) < 2:
            continue
        weights, other_weights = picture[row, list(compared)], other[row, list(compared)]
        alike.append(float(weights.argmax() == other_weights.argmax()))
        rank = _spearman(weights, other_weights) if len(compared) > 2 else None
        if rank is not None:
            ranks.append(rank)
    if not alike:
        return None
    mean_rank = rounded(float(np.mean(ranks))) if ranks else None
    return Agreement(alike=rounded(float(np.mean(alike))), rank=mean_rank, count=len(alike))


def alignment_agreement(
    picture: Picture | None, sources: Sequence[Sequence[int]], columns: Sequence[int]
) -> AlignmentAgreement | None:
    """Compares a picture with the reference alignment, over the rows that have an aligned column among `columns`.

    Args:
        sources: for each row its aligned columns; empty if they are unknown.

    Returns:
        None if there is no picture, or no such row.
    """
    if picture is None:
        return None
    allowed = list(columns)
    alike, mass, chance = [], [], []
    for row, true in enumerate(sources):
        known = set(true) & set(allowed)
        if not known or len(allowed) < 2:
            continue
        weights = picture[row, allowed]
        alike.append(float(allowed[int(weights.argmax())] in known))
        # Occlusion is negative if a token lowered the probability; a negative value does not point at a token.
        weights = weights.clip(min=0)
        total = float(weights.sum())
        true_weights = [float(weight) for weight, column in zip(weights, allowed, strict=True) if column in known]
        mass.append(sum(true_weights) / total if total else 0)
        chance.append(len(known) / len(allowed))
    if not alike:
        return None
    means = (rounded(float(np.mean(values))) for values in (alike, mass, chance))
    return AlignmentAgreement(**dict(zip(("alike", "mass", "chance"), means, strict=True)), count=len(alike))


class ReferencePictures:
    """The pictures, and the reference alignment, with which the pictures of a sentence are compared.

    Args:
        occlusion: (T, S); None if it was not requested. `gradient`: the same.
        within_target: occlusion and gradient within the target, (T, T).
        within_source: occlusion within the source, (S, S).
        truth: the aligned source positions of each target token; None if they are unknown.
        src_positions: the positions of the source that are compared: all but the special tokens pad, bos and eos.
            `tgt_positions`, `fed_positions`: the same for `target` and `fed`.
    """

    def __init__(
        self,
        *,
        occlusion: Picture | None,
        gradient: Picture | None,
        within_target: tuple[Picture | None, Picture | None] = (None, None),
        within_source: Picture | None = None,
        truth: Sequence[Sequence[int]] | None,
        src_positions: Sequence[int],
        tgt_positions: Sequence[int],
        fed_positions: Sequence[int],
    ) -> None:
        self._occlusion, self._gradient = occlusion, gradient
        self._within_target, self._within_source = within_target, within_source
        self._truth = truth
        self._src_real, self._tgt_real, self._fed_real = src_positions, tgt_positions, fed_positions

    def agreements_target_to_source(self, picture: Picture, *, method: str = "") -> Agreements:
        """The agreements of a picture (T, S) from target to source.

        Args:
            method: the method of the picture, which is not compared with itself.
        """
        columns = [self._src_real] * len(self._tgt_real)
        return Agreements(
            occlusion=None if method == "occlusion" else agreement(picture, self._occlusion, self._tgt_real, columns),
            gradient=None if method == "gradient" else agreement(picture, self._gradient, self._tgt_real, columns),
            truth=None if self._truth is None else alignment_agreement(picture, self._truth, self._src_real),
        )

    def agreements_within_target(self, picture: Picture) -> Agreements:
        """The agreements of a picture (T, T) from target to the ids that were fed."""
        columns = [[column for column in self._fed_real if column <= row] for row in self._tgt_real]
        occlusion, gradient = self._within_target
        return Agreements(
            occlusion=agreement(picture, occlusion, self._tgt_real, columns),
            gradient=agreement(picture, gradient, self._tgt_real, columns),
        )

    def agreements_within_source(self, picture: Picture) -> Agreements:
        """The agreements of a picture (S, S) within the source; it is compared with `memory_saliency`."""
        columns = [self._src_real] * len(self._src_real)
        return Agreements(occlusion=agreement(picture, self._within_source, self._src_real, columns))


def _spearman(weights: Picture, other: Picture) -> float | None:
    """Spearman's rank correlation; equal values share their rank. None if all values are equal."""
    ranks = [_ranks(values) for values in (weights, other)]
    if any(np.ptp(values) == 0 for values in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Picture) -> Picture:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Picture = (ends - (counts - 1) / 2)[inverse]
    return middle
