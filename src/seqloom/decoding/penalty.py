"""The length penalty makes hypotheses of different lengths comparable. It needs no torch, because every engine uses it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqloom.decoding.settings import DecodingSettings

PenaltyForm = Literal["wu", "power"]


@dataclass(frozen=True, slots=True)
class LengthPenalty:
    """The divisor of the log-probability of a hypothesis. Its length counts all tokens, eos included.

    Attributes:
        alpha: 0 ranks by log-probability, which favours short outputs; larger values favour longer ones.
        form: "wu" is ((5 + length) / 6) ** alpha (Wu 2016, equation 14), "power" is length ** alpha.
    """

    alpha: float = 0.6
    form: PenaltyForm = "wu"

    @classmethod
    def from_settings(cls, settings: DecodingSettings) -> "LengthPenalty":
        """The penalty that decoding settings describe."""
        return cls(settings.length_penalty, settings.length_penalty_form)

    def __call__(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """The penalty of each length; it does not fall as the length grows."""
        base = (5.0 + lengths) / 6.0 if self.form == "wu" else lengths.astype(np.float64)
        return np.asarray(base**self.alpha)

    def of(self, length: int) -> float:
        """The penalty of one length. That of length 0 is that of length 1, so that it is never 0."""
        return float(self(np.array(max(1, length))))


NO_PENALTY = LengthPenalty(0.0)
