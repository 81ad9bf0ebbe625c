"""BPE-dropout for batches: examples of a store are encoded anew in each epoch, from a seed.

A Tokenizer enters; a function leaves that `Batches` calls for each example. What it draws is never stored.
"""

from collections.abc import Callable

import numpy as np

from seqloom.batching import Example, Reencode
from seqloom.tokenizer import Tokenizer


def dropout_reencoder(
    tokenizer: Tokenizer, seed: int, *, fits: Callable[[int, int], bool] | None = None
) -> Reencode | None:
    """What `Batches` is to do for BPE-dropout; None where the tokenizer has none.

    Each draw follows from (seed, epoch, index of the example) alone.

    Args:
        fits: whether the model takes a source and a target of so many ids, special ids not counted; an example that would
            grow too long stays as it is.
    """
    if not tokenizer.settings.dropout:
        return None

    def reencode(example: Example, epoch: int, index: int) -> Example:
        rng = np.random.default_rng((seed, epoch, index))
        src_ids = tokenizer.encode_src_with_dropout(example.src_ids, rng)
        tgt_ids = tokenizer.encode_tgt_with_dropout(example.tgt_ids, rng)
        return Example(src_ids, tgt_ids) if fits is None or fits(len(src_ids), len(tgt_ids)) else example

    return reencode
