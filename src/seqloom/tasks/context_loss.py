"""Loss by context: the bits per byte of a language model at tokens with little and with much context.

Input: passages of a test split and a model; output: a point for each doubling of the context. The text is cut into windows without
overlap, of 1, 2, 4, ... tokens, and a point is the loss in the second half of windows of one length. So each point but the
last is over half of the text or more, and all kinds of positions are alike at each point, because windows begin anywhere.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqloom.data.batching import Example
from seqloom.decoding.forced import score_targets
from seqloom.metrics import aggregate, bootstrap_interval, likelihood_statistics
from seqloom.models.base import Model
from seqloom.tasks.passages import EncodedText, Passage
from seqloom.tasks.text_details import ContextPoint
from seqloom.tokenizer import Tokenizer

MOST_CHARACTERS = 40_000
"""Of the test text; more would take minutes."""

_LONGEST_CONTEXT = 1_024
_BATCH_IDS = 8_192
# The text is resampled in so many parts, because losses at neighbouring tokens depend on each other.
_PARTS = 100


def loss_by_context(
    model: Model, tokenizer: Tokenizer, passages: Sequence[Passage], *, window: int, across_documents: bool = True
) -> tuple[ContextPoint, ...]:
    """The loss by the number of tokens of context.

    Args:
        window: how many tokens the model reads together.
        across_documents: whether a window may hold parts of two documents.
    """
    text = EncodedText.of(tokenizer, list(_beginning(passages)), across_documents=across_documents)
    spans = np.array(tokenizer.tgt_spans(text.ids)).reshape(-1, 2)
    characters = spans[:, 1] - spans[:, 0]
    num_bytes = _bytes_of(tokenizer, text.ids, spans)
    begins = np.concatenate([[0], np.cumsum(characters)])
    points, first = [], 0
    while first < min(window, _LONGEST_CONTEXT):
        # 0, 1, 2-3, 4-7, ...
        last = min(max(0, 2 * first - 1), min(window, _LONGEST_CONTEXT) - 1)
        positions, contexts, log_probs = _read(model, text, first=first, length=last + 1)
        if not len(positions):
            break
        num_parts = min(_PARTS, len(positions))
        parts = np.arange(len(positions)) * num_parts // len(positions)
        sums = [np.bincount(parts, weights=values) for values in (log_probs, np.ones(len(parts)), num_bytes[positions])]
        rows = likelihood_statistics(*sums)
        interval = bootstrap_interval("bits_per_byte", rows) if len(rows) > 1 else (None, None)
        points.append(
            ContextPoint(
                first=first,
                last=int(contexts.max()),
                characters=float((begins[positions] - begins[positions - contexts]).mean()),
                num_tokens=len(positions),
                bits_per_byte=float(aggregate("bits_per_byte", rows.sum(axis=0))),
                low=interval[0],
                high=interval[1],
            )
        )
        first = last + 1
    return tuple(points)


def _beginning(passages: Sequence[Passage]) -> Iterator[Passage]:
    total = 0
    for passage in passages:
        if total >= MOST_CHARACTERS:
            return
        total += len(passage.tgt)
        yield passage


def _bytes_of(tokenizer: Tokenizer, ids: NDArray[np.integer], spans: NDArray[np.integer]) -> NDArray[np.integer]:
    """The number of bytes of the characters that each id adds."""
    text = tokenizer.decode_tgt(ids)
    ends = np.concatenate([[0], np.cumsum([len(char.encode("utf-8", "replace")) for char in text])]).astype(np.int64)
    return ends[spans[:, 1]] - ends[spans[:, 0]]


def _read(
    model: Model, text: EncodedText, *, first: int, length: int
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.floating]]:
    """Reads windows of `length` ids; of each the ids from `first` on: their positions, their contexts, their log-probabilities."""
    empty = np.empty(0, dtype=np.int64)
    windows = [
        (begin, min(begin + length, end))
        for start, end in pairwise([*text.begins, len(text.ids)])
        for begin in range(start, end, length)
        if min(begin + length, end) - begin > first
    ]
    positions: list[int] = []
    contexts: list[int] = []
    log_probs: list[float] = []
    at_once = max(1, _BATCH_IDS // length)
    for group in (windows[number : number + at_once] for number in range(0, len(windows), at_once)):
        scored = score_targets(model, [Example(empty, text.ids[begin:end]) for begin, end in group], end=False)
        for (begin, end), target in zip(group, scored, strict=True):
            positions += range(begin + first, end)
            contexts += range(first, end - begin)
            log_probs += target.token_log_probs[first:]
    return np.array(positions, dtype=np.int64), np.array(contexts, dtype=np.int64), np.array(log_probs)
