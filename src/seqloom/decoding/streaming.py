"""Streaming: calls back with each token of a text while it is generated, and stops texts on request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from seqloom.decoding.constraints import Histories
from seqloom.decoding.observers import TokenStep


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """A new token of a text.

    Attributes:
        number: the number of the text in the input.
        id: the new token; eos where the text ends.
        log_prob: its log-probability under the model.
        text: returns the text so far. Call it before the next token comes. A character of which only a part was generated is
            U+FFFD.
        likeliest: returns the given number of most probable ids at this position, with their log-probabilities. Call it before the
            next token comes.
    """

    number: int
    id: int
    log_prob: float
    text: Callable[[], str]
    likeliest: Callable[[int], list[tuple[int, float]]]


TokenCallback = Callable[[GeneratedToken], bool]
"""Called with each new token; returns whether the text may grow further."""


class TokenStream:
    """An observer that calls a token callback, and a constraint that allows no id after a text that the callback has stopped.

    Each source of the batch has one hypothesis.
    """

    def __init__(
        self,
        on_token: TokenCallback,
        numbers: Sequence[int],
        eos_id: int,
        decode: Callable[[int, Sequence[int]], str],
    ) -> None:
        """Starts with empty texts.

        Args:
            numbers: the number of each source's text in the input.
            decode: (index of the source, ids so far) -> the text.
        """
        self._on_token, self._numbers, self._eos_id, self._decode = on_token, numbers, eos_id, decode
        self._ids: list[list[int]] = [[] for _ in numbers]
        self._stopped = np.zeros(len(numbers), dtype=np.bool_)

    def on_tokens(self, step: TokenStep) -> None:
        """Calls the callback for each text that grew."""
        for index, (row, token_id) in enumerate(zip(step.rows.tolist(), step.ids.tolist(), strict=True)):
            if token_id != self._eos_id:
                self._ids[row].append(token_id)
            text, likeliest = partial(self._decode, row, self._ids[row]), partial(step.likeliest, index)
            token = GeneratedToken(self._numbers[row], token_id, float(step.log_probs[index]), text, likeliest)
            self._stopped[row] = not self._on_token(token)

    def allowed(self, histories: Histories) -> Bool[Tensor, "rows vocab"] | None:
        """No id for texts that were stopped, any id for the others."""
        stopped = self._stopped[histories.sources]
        if not stopped.any():
            return None
        mask = histories.mask(allowed=True)
        mask[torch.from_numpy(stopped).to(mask.device)] = False
        return mask
