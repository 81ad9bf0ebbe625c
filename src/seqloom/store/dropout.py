"""BPE-dropout for batches: examples of a store are encoded anew in each epoch, from a seed.

A Tokenizer enters; a function leaves that `Batches` calls for each example. What it draws is never stored.
"""

import numpy as np

from seqloom.batching import Example, Reencode
from seqloom.tokenizer import Tokenizer


def dropout_reencoder(
    tokenizer: Tokenizer, seed: int, *, max_src_len: int | None = None, max_tgt_len: int | None = None
) -> Reencode | None:
    """What `Batches` is to do for BPE-dropout; None where the tokenizer has none.

    Each draw follows from (seed, epoch, index of the example) alone. An example that would grow longer than the model
    allows stays as it is.
    """
    if not tokenizer.settings.dropout:
        return None

    def reencode(example: Example, epoch: int, index: int) -> Example:
        rng = np.random.default_rng((seed, epoch, index))
        src_ids = tokenizer.encode_src_with_dropout(example.src_ids, rng)
        tgt_ids = tokenizer.encode_tgt_with_dropout(example.tgt_ids, rng)
        return Example(
            src_ids if max_src_len is None or len(src_ids) <= max_src_len else example.src_ids,
            tgt_ids if max_tgt_len is None or len(tgt_ids) <= max_tgt_len else example.tgt_ids,
        )

    return reencode
