"""Passages: documents cut into pieces of like length, so that language models can be compared piece by piece.

Input: documents; output: passages (text), and their log-probabilities under a model. Models with different tokenizers are scored
on the same passages. Each token is predicted from the text before it, as far as its window reaches, also across passages.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.corpus import Document, SentencePair
from seqloom.data.batching import Example
from seqloom.decoding.forced import score_targets
from seqloom.errors import ConfigError
from seqloom.metrics.likelihood import likelihood_statistics
from seqloom.metrics.metric import Stats
from seqloom.progress import Progress
from seqloom.segments import num_segments
from seqloom.tasks.sliding_windows import sliding_windows
from seqloom.tokenizer import Tokenizer

if TYPE_CHECKING:
    from seqloom.evaluation import TestOutputs
    from seqloom.models.base import Model
    from seqloom.tasks.task import TrainedRun

# A passage ends at the first line end after so many characters, and at the latest after twice as many.
_LENGTH = 500
# The beginning of a passage that is continued, and how far.
_PROMPT_WORDS = 8
_CONTINUATION = 60
# Intervals are over documents if there are so many.
_FEWEST_DOCUMENTS = 10
# Ids that are scored in one batch.
_BATCH_IDS = 8192


@dataclass(frozen=True, slots=True)
class Passage(SentencePair):
    """A piece of a document: `src` is its beginning, as a prompt, and `tgt` the whole piece.

    Attributes:
        first: whether it begins a document.
    """

    first: bool = False


def default_stride(window: int) -> int:
    """Half a window: each id but the first ones has at least half a window of context, at twice the cost of no overlap."""
    return max(1, window // 2)


def passages_of(documents: Iterable[Document], *, length: int = _LENGTH) -> Iterator[Passage]:
    """The passages of documents, in order; joined they are the documents."""
    for document in documents:
        for number, text in enumerate(_cut(document.text, length)):
            words = text.split()
            prompt = " ".join(words[:_PROMPT_WORDS]) if len(words) > 2 * _PROMPT_WORDS else " ".join(words[:1])
            yield Passage(prompt, text, first=number == 0)


def _cut(text: str, length: int) -> Iterator[str]:
    begin = 0
    while begin < len(text):
        newline = text.find("\n", begin + length, begin + 2 * length)
        end = newline + 1 if newline >= 0 else begin + 2 * length
        # A last piece that would be short belongs to the one before it.
        end = len(text) if len(text) - end < length // 2 else end
        yield text[begin:end]
        begin = end


def score_passages(
    model: "Model",
    tokenizer: Tokenizer,
    passages: Sequence[Passage],
    *,
    window: int,
    stride: int | None = None,
    across_documents: bool = True,
) -> list[tuple[float, ...]]:
    """The log-probability of each token of each passage; eos between documents belongs to the passage before it.

    Args:
        window: how many ids are read together.
        stride: how far each window is after the one before it; by default `default_stride(window)`. All but the first ids of a
            document or text have at least `window - stride` ids of context.
        across_documents: whether a window may hold parts of two documents; if not, each document begins a window.
    """
    eos = np.array([tokenizer.vocab.eos_id])
    parts: list[NDArray[np.integer]] = []
    lengths = [0] * len(passages)
    begins = [0]
    num_ids = 0
    encoded = tokenizer.encode_tgt([passage.tgt for passage in passages])
    for number, (passage, ids) in enumerate(zip(passages, encoded, strict=True)):
        if passage.first and number:
            parts.append(eos)
            lengths[number - 1] += 1
            num_ids += 1
            if not across_documents:
                begins.append(num_ids)
        parts.append(np.asarray(ids))
        lengths[number] += len(ids)
        num_ids += len(ids)
    text = np.concatenate(parts)
    empty = np.empty(0, dtype=np.int64)
    stride = stride or default_stride(window)
    windows = [
        item
        for begin, end in pairwise([*begins, len(text)])
        for item in sliding_windows(begin, end, window=window, stride=stride)
    ]
    at_once = max(1, _BATCH_IDS // window)
    log_probs: list[float] = []
    for first in range(0, len(windows), at_once):
        group = windows[first : first + at_once]
        scored = score_targets(model, [Example(empty, text[item.begin : item.end]) for item in group], end=False)
        for item, target in zip(group, scored, strict=True):
            log_probs += target.token_log_probs[item.scored_from - item.begin :]
    ends = np.cumsum(lengths).tolist()
    return [tuple(log_probs[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def text_statistics(
    passages: Sequence[Passage], log_probs: Sequence[Sequence[float]], *, are_documents: bool
) -> tuple[Stats, str]:
    """The counts of each document, or of each passage where there are too few documents for an interval; and which of the two.

    Args:
        log_probs: of each token of each passage.
        are_documents: whether the texts that the passages were cut from are documents, and not parts of one running text.
    """
    rows = likelihood_statistics(
        [sum(tokens) for tokens in log_probs],
        [len(tokens) for tokens in log_probs],
        [len(passage.tgt.encode()) for passage in passages],
        [len(passage.tgt) for passage in passages],
        [num_segments(passage.tgt) for passage in passages],
    )
    documents = np.cumsum([passage.first for passage in passages]) - 1
    if not are_documents or documents[-1] + 1 < _FEWEST_DOCUMENTS:
        return rows, "passages"
    sums = np.zeros((documents[-1] + 1, rows.shape[1]))
    np.add.at(sums, documents, rows)
    return sums, "documents"


def passage_outputs(
    run: "TrainedRun", passages: Sequence[SentencePair], *, window: int, progress: Progress | None, title: str
) -> "TestOutputs":
    """What a comparison needs of a run: the likelihood of each passage, and a sampled continuation of its beginning."""
    from seqloom.evaluation import TestOutputs

    pieces = [passage for passage in passages if isinstance(passage, Passage)]
    if len(pieces) < len(passages):
        raise ConfigError("language models are compared on passages of running text; leave out other data")
    across = run.recipe.training.across_documents
    scored = score_passages(run.model, run.tokenizer, pieces, window=window, across_documents=across)
    generator = run.generator(method="sample", nbest=1)
    prompts = [passage.src for passage in pieces]
    begin = time.perf_counter()
    generations = list(generator.continue_text(prompts, max_tokens=_CONTINUATION, progress=progress, task=title))
    seconds = time.perf_counter() - begin
    latencies = []
    for prompt in prompts[:5]:
        begin = time.perf_counter()
        list(generator.continue_text([prompt], max_tokens=_CONTINUATION))
        latencies.append(time.perf_counter() - begin)
    return TestOutputs(
        sources=tuple(prompts),
        references=tuple(passage.tgt for passage in pieces),
        outputs=tuple(generation.text for generation in generations),
        log_probs=tuple(map(sum, scored)),
        num_tokens=tuple(map(len, scored)),
        sentences_per_second=len(pieces) / max(1e-9, seconds),
        latency_ms=1000 * median(latencies),
        notes=(),
    )
