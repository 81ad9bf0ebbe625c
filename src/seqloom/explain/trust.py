"""Trust: how far ways of pointing at tokens agree with each other, and with the truth where it is known.

Pictures (rows that ask, columns that are asked) enter, agreements leave. Attention is one way of pointing among others; what it is
worth as an explanation is measured here, picture by picture, not assumed (Jain & Wallace 2019; Wiegreffe & Pinter 2019).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqloom.explain.explanation import Agreement, Trust, TruthAgreement
from seqloom.explain.numbers import plain

Picture = NDArray[np.float64]


def agreement(
    one: Picture | None, other: Picture | None, rows: Sequence[int], columns: Sequence[Sequence[int]]
) -> Agreement | None:
    """Over the given rows, each with the columns that are compared in it; rows of fewer than two columns say nothing."""
    if one is None or other is None:
        return None
    alike, ranks = [], []
    for row, places in zip(rows, columns, strict=True):
        if len(places) < 2:
            continue
        ours, theirs = one[row, list(places)], other[row, list(places)]
        alike.append(float(ours.argmax() == theirs.argmax()))
        found = _spearman(ours, theirs) if len(places) > 2 else None
        if found is not None:
            ranks.append(found)
    if not alike:
        return None
    rank = plain(float(np.mean(ranks))) if ranks else None
    return Agreement(alike=plain(float(np.mean(alike))), rank=rank, count=len(alike))


def truth_agreement(
    picture: Picture | None, sources: Sequence[Sequence[int]], columns: Sequence[int]
) -> TruthAgreement | None:
    """Over the rows whose true columns are known and are among those compared."""
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
        # Occlusion may be negative where a token was in the way; what is negative points nowhere.
        weights = weights.clip(min=0)
        total = float(weights.sum())
        mass.append(
            sum(float(w) for w, place in zip(weights, allowed, strict=True) if place in known) / total if total else 0
        )
        chance.append(len(known) / len(allowed))
    if not alike:
        return None
    found = (plain(float(np.mean(values))) for values in (alike, mass, chance))
    return TruthAgreement(**dict(zip(("alike", "mass", "chance"), found, strict=True)), count=len(alike))


class Judge:
    """What the pictures of one sentence are held against.

    Args:
        occlusion: (T, S); None where it was not asked for. `gradient` likewise.
        within: occlusion and gradient within the target, (T, T), and occlusion within the source, (S, S).
        truth: the true sources of each target token; None where they are not known.
        src_real: places of the source that are no special tokens. `tgt_real`: places of `target`; `fed_real`: of `fed`.
    """

    def __init__(
        self,
        *,
        occlusion: Picture | None,
        gradient: Picture | None,
        within_target: tuple[Picture | None, Picture | None] = (None, None),
        within_source: Picture | None = None,
        truth: Sequence[Sequence[int]] | None,
        src_real: Sequence[int],
        tgt_real: Sequence[int],
        fed_real: Sequence[int],
    ) -> None:
        self._occlusion, self._gradient = occlusion, gradient
        self._within_target, self._within_source = within_target, within_source
        self._truth = truth
        self._src_real, self._tgt_real, self._fed_real = src_real, tgt_real, fed_real

    def across(self, picture: Picture, *, but: str = "") -> Trust:
        """Of a picture (T, S) from target to source; `but` names the method whose picture it is."""
        columns = [self._src_real] * len(self._tgt_real)
        return Trust(
            occlusion=None if but == "occlusion" else agreement(picture, self._occlusion, self._tgt_real, columns),
            gradient=None if but == "gradient" else agreement(picture, self._gradient, self._tgt_real, columns),
            truth=None if self._truth is None else truth_agreement(picture, self._truth, self._src_real),
        )

    def within_target(self, picture: Picture) -> Trust:
        """Of a picture (T, T) from target to what was fed."""
        columns = [[place for place in self._fed_real if place <= row] for row in self._tgt_real]
        occlusion, gradient = self._within_target
        return Trust(
            occlusion=agreement(picture, occlusion, self._tgt_real, columns),
            gradient=agreement(picture, gradient, self._tgt_real, columns),
        )

    def within_source(self, picture: Picture) -> Trust:
        """Of a picture (S, S): occlusion is how far a position of the memory moves."""
        columns = [self._src_real] * len(self._src_real)
        return Trust(occlusion=agreement(picture, self._within_source, self._src_real, columns))


def _spearman(one: Picture, other: Picture) -> float | None:
    """Spearman's rank correlation, equal values sharing their ranks; None where all are equal."""
    ranks = [_ranks(values) for values in (one, other)]
    if any(np.ptp(values) == 0 for values in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Picture) -> Picture:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Picture = (ends - (counts - 1) / 2)[inverse]
    return middle
