"""BPE-dropout for batches: examples of a store are encoded anew in each epoch, from a seed.

This module makes a function that `Batches` calls for each example. The new encodings are never stored.
"""

from collections.abc import Callable

import numpy as np

from seqloom.data.batching import Example, Reencode
from seqloom.tokenizer import Tokenizer


def dropout_reencoder(
    tokenizer: Tokenizer, seed: int, *, fits: Callable[[int, int], bool] | None = None
) -> Reencode | None:
    """The function with which `Batches` encodes each example anew; None if the tokenizer has no BPE-dropout.

    The random numbers depend on (seed, epoch, index of the example) only.

    Args:
        fits: says whether the model accepts a source and a target with these numbers of ids, without special ids. An example
                that would become too long keeps its stored encoding.
    """
    if not tokenizer.settings.dropout:
        return None

    def reencode(example: Example, epoch: int, index: int) -> Example:
        rng = np.random.default_rng((seed, epoch, index))
        src_ids = tokenizer.encode_src_with_dropout(example.src_ids, rng)
        tgt_ids = tokenizer.encode_tgt_with_dropout(example.tgt_ids, rng)
        return Example(src_ids, tgt_ids) if fits is None or fits(len(src_ids), len(tgt_ids)) else example

    return reencode
