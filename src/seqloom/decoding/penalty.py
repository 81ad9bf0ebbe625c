"""The length penalty: what makes hypotheses of different lengths comparable. No tensors: every engine ranks by it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PenaltyForm = Literal["wu", "power"]

StopName = Literal["certain", "likely"]
"""When beam search takes a source for done: see `beam_search`."""


@dataclass(frozen=True, slots=True)
class LengthPenalty:
    """What the log-probability of a hypothesis is divided by; its length counts all its tokens, eos included.

    Attributes:
        alpha: 0 ranks by log-probability, which favours short outputs; larger values favour longer ones.
        form: "wu" is ((5 + length) / 6) ** alpha (Wu 2016, equation 14), "power" is length ** alpha.
    """

    alpha: float = 0.6
    form: PenaltyForm = "wu"

    def __call__(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """The penalty of each length; it never falls as the length grows."""
        base = (5.0 + lengths) / 6.0 if self.form == "wu" else lengths.astype(np.float64)
        return np.asarray(base**self.alpha)

    def of(self, length: int) -> float:
        """The penalty of one length; of none at all that of one, so that it can always divide."""
        return float(self(np.array(max(1, length))))
