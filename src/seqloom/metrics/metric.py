"""Metric and Score: the interface of metrics, and a value with a signature that says how it was measured.

A metric turns each sentence into a row of counts; the corpus value follows from the sums of the rows. So a resample of the
sentences, of which significance needs a thousand, is only a sum of rows. This module does not know any particular metric.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqloom.errors import CorpusError

Stats = NDArray[np.float64]
"""Counts, (sentences, k), or values that are computed from them."""


@dataclass(frozen=True, slots=True)
class Score:
    """A measured value.

    Attributes:
        metric: the name of the metric in METRICS.
        label: the name for display: "BLEU", "share of right commands".
        value: the value; fractions are in percent.
        higher_is_better: False if a lower value is better.
        signature: how it was measured, in the format of sacreBLEU.
        interval: the low and high ends of a confidence interval, if there is one.
    """

    metric: str
    label: str
    value: float
    higher_is_better: bool
    signature: str
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.label} {self.value:.2f}"
        return f"{self.label} {self.value:.2f} [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric over pairs of hypothesis and reference, or over log-probabilities.

    Attributes:
        name: its name in METRICS.
        label: the name for display; may contain "{items}" for the name of the items.
        higher_is_better: False if a lower value is better.
        count: a function of hypotheses, references (a sequence for each translator, of equal length) and item separator that
            returns counts, (sentences, k); None if the metric is not computed from texts.
        combine: a function of sums of counts, (..., k), that returns values, (...).
        sign: a function of the item separator that returns the signature.
    """

    name: str
    label: str
    higher_is_better: bool
    count: Callable[[Sequence[str], Sequence[Sequence[str]], str | None], Stats] | None
    combine: Callable[[Stats], Stats]
    sign: Callable[[str | None], str]

    def signature(self, separator: str | None, num_references: int = 1) -> str:
        """The signature, including the number of references of each sentence."""
        signature = self.sign(separator)
        if num_references == 1:
            return signature
        if self.count is None:
            return f"{signature}|refs:first"
        name = "nrefs:1"
        if name in signature:
            return signature.replace(name, f"nrefs:{num_references}")
        return f"{signature}|nrefs:{num_references}"


def reference_streams(references: Sequence[str] | Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """References as a list with a sequence for each translator; a sequence of texts is that of a single translator."""
    if all(isinstance(reference, str) for reference in references):
        return [references]  # type: ignore[list-item]
    return list(references)


def check_texts(hypotheses: Sequence[str], streams: Sequence[Sequence[str]]) -> None:
    """Checks that there is a reference of each translator for each hypothesis.

    Args:
        streams: references, a sequence for each translator.

    Raises:
        CorpusError: unequal numbers of texts, or no texts.
    """
    for number, stream in enumerate(streams[1:], start=2):
        if len(stream) != len(streams[0]):
            raise CorpusError(
                f"translator {number} has {len(stream):,} references, the first {len(streams[0]):,}; expected one for each "
                "sentence from every translator, in the same order"
            )
    references = streams[0]
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"{len(hypotheses):,} hypotheses were given for {len(references):,} references; "
            "expected one hypothesis for each reference, in the same order"
        )
    if not references:
        raise CorpusError("there is nothing to score: no hypotheses and no references; expected at least one of each")


def ratio(numerator: Any, denominator: Any, empty: float) -> Stats:
    """The quotient, elementwise; `empty` where the denominator is 0."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.divide(top, bottom, out=np.full(top.shape, empty), where=bottom > 0)
