"""Stop strings: outputs end before the first of some texts, also where it crosses the borders of tokens.

A constraint ends a hypothesis when its text holds a stop string; then `cut_at` cuts the text. They see ids through a function
that decodes them, and no model or score.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from seqloom.decoding.constraints import Histories

_TOKENS_OF_CHARACTER = 8
"""The most tokens that one character takes: four bytes in UTF-8, spelled by two tokens each."""

Decode = Callable[[int, Sequence[int]], str]
"""(index of the source, ids) -> text."""


class StopStrings:
    """A constraint that allows no id after a text that holds a stop string."""

    def __init__(self, stop_strings: Sequence[str], decode: Decode, decode_part: Decode) -> None:
        """Takes the stop strings, none of them empty.

        Args:
            decode: gives the text of a whole output.
            decode_part: gives the text of the last ids of an output; it may differ from `decode` in the first characters.
        """
        self._stop_strings = tuple(stop_strings)
        self._decode, self._decode_part = decode, decode_part
        longest = max(map(len, self._stop_strings), default=0)
        # The newest token completes the first stop string, so all earlier characters of it are among these tokens.
        self._num_last = _TOKENS_OF_CHARACTER * (longest + 1)

    def allowed(self, histories: Histories) -> Bool[Tensor, "rows vocab"] | None:
        """See `Constraint.allowed`."""
        length = histories.ids.shape[1]
        if not length:
            return None
        sources = histories.sources.tolist()
        last = histories.ids[:, -self._num_last :].tolist()
        ended = []
        for row, (source, ids) in enumerate(zip(sources, last, strict=True)):
            if len(ids) < length and not self._is_in(self._decode_part(source, ids)):
                continue
            if self._is_in(self._decode(source, histories.ids[row].tolist())):
                ended.append(row)
        if not ended:
            return None
        mask = histories.mask(allowed=True)
        mask[torch.tensor(ended, device=mask.device)] = False
        return mask

    def _is_in(self, text: str) -> bool:
        return any(stop in text for stop in self._stop_strings)


def cut_at(text: str, stop_strings: Sequence[str]) -> tuple[str, str | None]:
    """The text before the first stop string, and which it is; the whole text and None if there is none.

    Of stop strings that begin at the same character, the first in `stop_strings` counts.
    """
    positions = [(position, stop) for stop in stop_strings if (position := text.find(stop)) >= 0]
    if not positions:
        return text, None
    position, stop = min(positions, key=lambda item: item[0])
    return text[:position], stop
