"""What happens where prompt and output fill the context of a language model. It needs no torch, because every engine uses it."""

from typing import Literal

FullContext = Literal["refuse", "slide"]
"""See `DecodingSettings.full_context`."""


def kept_positions(limit: int) -> int:
    """The positions of a full context of `limit` positions that are read again, the first id (bos) included."""
    return max(1, limit // 2)


def num_forgotten(prompt_len: int, num_new: int, limit: int) -> int:
    """How many tokens of prompt and output the model did not see when it chose the last token of an output.

    Args:
        prompt_len: the first id and the prompt.
        num_new: tokens of the output, eos included.
        limit: positions of the context.
    """
    size, fed, forgotten = prompt_len - 1, num_new, 0
    while size + fed > limit:
        fed -= limit - size
        size = kept_positions(limit)
        forgotten += limit - size
    return forgotten
