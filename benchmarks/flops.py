"""Counts the floating-point operations of a training step: only matrix products, only real tokens.

Padding, softmax, norms, dropout and the optimizer count as overhead for all programs. A product of (a x b) by (b x c) counts
2abc. The backward pass computes two products for each product of the forward pass, so training counts three times the
forward pass. Attention counts the whole square of scores, because all measured programs compute it. S and T are the lengths
of a source and a target, eos included.

Transformer, an encoder layer: S (8 d^2 + 4 d f) + 4 S^2 d. A decoder layer: T (12 d^2 + 4 d f) + 4 S d^2 + 4 T^2 d + 4
S T d, of which 8 d^2 for its own attention, 4 d^2 for queries and outputs of attention to the memory, 4 S d^2 for the
memory's keys and values. The vocabulary: 2 T d V.

LSTM with Luong's general attention, width w: an encoder layer of two directions of w/2 each: S 4 (w^2 + w^2 / 2) 2; a
decoder layer: T 16 w^2; the memory's keys: 2 S w^2; scores and context: 4 S T w; the readout of context and state: 4 T
w^2; the vocabulary: 2 T w V. Input feeding widens the first decoder layer's input by w: T 8 w^2 more. Bahdanau's
attention: 2 T w^2 more for the queries, 2 w^2 a layer for the first states, T 8 w^2 more for the context as an input,
and a readout of state, context and embedding to two times w, 12 T w^2 instead of 4 T w^2; v . tanh(...) is a product of the
same size as Luong's scores.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.sizes import RecurrentSize, Size, TransformerSize

Lengths = NDArray[np.integer]


def training_flops(
    size: Size, src: Lengths, tgt: Lengths, vocab_size: int, *, attention: str = "luong", input_feeding: bool = False
) -> NDArray[np.float64]:
    """Operations of forward and backward pass for each pair.

    Args:
        src: the length of each source, eos included.
        tgt: the length of each target, eos included.
    """
    return 3 * forward_flops(size, src, tgt, vocab_size, attention=attention, input_feeding=input_feeding)


def forward_flops(
    size: Size, src: Lengths, tgt: Lengths, vocab_size: int, *, attention: str = "luong", input_feeding: bool = False
) -> NDArray[np.float64]:
    """Operations of the forward pass for each pair; arguments as for `training_flops`."""
    s, t = src.astype(np.float64), tgt.astype(np.float64)
    if isinstance(size, TransformerSize):
        return _transformer(size, s, t, vocab_size)
    return _recurrent(size, s, t, vocab_size, attention, input_feeding)


def flops_per_target_token(
    size: Size, src: Lengths, tgt: Lengths, vocab_size: int, *, attention: str = "luong", input_feeding: bool = False
) -> float:
    """Operations of a training step over a corpus, divided by its real target tokens."""
    operations = training_flops(size, src, tgt, vocab_size, attention=attention, input_feeding=input_feeding)
    return float(operations.sum() / tgt.sum())


def _transformer(
    size: TransformerSize, s: NDArray[np.float64], t: NDArray[np.float64], vocab_size: int
) -> NDArray[np.float64]:
    d, f = size.d_model, size.d_ff
    encoder = s * (8 * d * d + 4 * d * f) + 4 * s * s * d
    decoder = t * (12 * d * d + 4 * d * f) + 4 * s * d * d + 4 * t * t * d + 4 * s * t * d
    return size.layers * (encoder + decoder) + 2 * t * d * vocab_size


def _recurrent(
    size: RecurrentSize,
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    vocab_size: int,
    attention: str,
    input_feeding: bool,
) -> NDArray[np.float64]:
    w = size.width
    encoder = size.layers * s * 2 * 4 * (w * w + w * w / 2)
    decoder = size.layers * t * 16 * w * w
    attending = 2 * s * w * w + 4 * s * t * w
    readout = 4 * t * w * w
    if input_feeding or attention == "bahdanau":
        decoder = decoder + t * 8 * w * w
    if attention == "bahdanau":
        attending = attending + 2 * t * w * w + size.layers * 2 * w * w
        readout = 12 * t * w * w
    return encoder + decoder + attending + readout + 2 * t * w * vocab_size
