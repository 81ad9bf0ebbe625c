"""Passages: documents cut into pieces of like length, so that language models can be compared piece by piece.

Input: documents; output: passages (text), and their log-probabilities under a model. Models with different tokenizers are scored
on the same passages. Each token is predicted from the text before it, as far as its window reaches, also across passages.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.corpus import Document, SentencePair
from seqloom.data.batching import Example
from seqloom.decoding.forced import predict_targets, score_targets
from seqloom.decoding.hypothesis import TokenPrediction
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

_Scored = TypeVar("_Scored")

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


@dataclass(frozen=True)
class EncodedText:
    """Passages as one sequence of ids; eos between two documents belongs to the passage before it.

    Attributes:
        ids: (num_ids,).
        counts: the number of ids of each passage.
        begins: where a window must begin: at the first id, or at each document.
    """

    ids: NDArray[np.integer]
    counts: tuple[int, ...]
    begins: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer, passages: Sequence[Passage], *, across_documents: bool = True) -> "EncodedText":
        """Encodes passages.

        Each document is encoded as a whole, as for training: a passage that is encoded alone would begin with the mark that
        begins a text. An id on both sides of a cut belongs to the passage in which it begins.

        Args:
            across_documents: whether a window may hold parts of two documents.
        """
        firsts = [number for number, passage in enumerate(passages) if passage.first or not number]
        documents = [passages[begin:end] for begin, end in pairwise([*firsts, len(passages)])]
        encoded = tokenizer.encode_tgt(["".join(passage.tgt for passage in document) for document in documents])
        parts: list[NDArray[np.integer]] = []
        counts: list[int] = []
        begins, num_ids = [0], 0
        for number, (document, ids) in enumerate(zip(documents, encoded, strict=True)):
            if number:
                parts.append(np.array([tokenizer.vocab.eos_id]))
                counts[-1] += 1
                num_ids += 1
                if not across_documents:
                    begins.append(num_ids)
            ends = np.cumsum([len(tokenizer.normalise(passage.tgt)) for passage in document])
            owners = np.searchsorted(ends[:-1], [begin for begin, _ in tokenizer.tgt_spans(ids)], side="right")
            counts += np.bincount(owners, minlength=len(document)).tolist()
            parts.append(np.asarray(ids))
            num_ids += len(ids)
        return cls(np.concatenate(parts), tuple(counts), tuple(begins))

    def read(
        self, score: Callable[[list[Example]], Sequence[Sequence[_Scored]]], *, window: int, stride: int
    ) -> list[_Scored]:
        """Reads the text in sliding windows; what `score` makes of each id of a window, each id once.

        Args:
            score: a batch of windows -> for each window one value for each id.
        """
        empty = np.empty(0, dtype=np.int64)
        windows = [
            item
            for begin, end in pairwise([*self.begins, len(self.ids)])
            for item in sliding_windows(begin, end, window=window, stride=stride)
        ]
        at_once = max(1, _BATCH_IDS // window)
        scored: list[_Scored] = []
        for first in range(0, len(windows), at_once):
            group = windows[first : first + at_once]
            results = score([Example(empty, self.ids[item.begin : item.end]) for item in group])
            for item, values in zip(group, results, strict=True):
                scored += values[item.scored_from - item.begin :]
        return scored

    def by_passage(self, values: Sequence[_Scored]) -> list[tuple[_Scored, ...]]:
        """The values of the ids, for each passage."""
        ends = np.cumsum(self.counts).tolist()
        return [tuple(values[end - count : end]) for end, count in zip(ends, self.counts, strict=True)]


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
    text = EncodedText.of(tokenizer, passages, across_documents=across_documents)
    return text.by_passage(score_ids(model, text, window=window, stride=stride))


def score_ids(model: "Model", text: EncodedText, *, window: int, stride: int | None = None) -> list[float]:
    """The log-probability of each id of a text; see `score_passages`."""

    def score(examples: list[Example]) -> list[tuple[float, ...]]:
        return [target.token_log_probs for target in score_targets(model, examples, end=False)]

    return text.read(score, window=window, stride=stride or default_stride(window))


def predict_ids(model: "Model", text: EncodedText, *, window: int, num_top: int) -> list[TokenPrediction]:
    """What the model predicts for each id of a text, in the same windows as `score_ids`."""
    most = model.context_len

    def predict(examples: list[Example]) -> list[list[TokenPrediction]]:
        return [
            [
                replace(token, context=position if most is None else min(position, most))
                for position, token in enumerate(tokens)
            ]
            for tokens in predict_targets(model, examples, num_top=num_top)
        ]

    return text.read(predict, window=window, stride=default_stride(window))


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
