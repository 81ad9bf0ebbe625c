"""Word use: samples of a language model from held-out prompts, and how its words differ from those of the held-out text.

Input: passages, a run and the training text; output: samples, and counts of words. A word is a segment of the text (see
`seqloom.segments`) without the punctuation around it, in lower case.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seqloom.corpus.corpus import Document
from seqloom.metrics import Metric
from seqloom.metrics.metric import ratio
from seqloom.metrics.significance import estimate
from seqloom.segments import segments
from seqloom.tasks.passages import Passage
from seqloom.tasks.task import TrainedRun
from seqloom.tasks.text_details import Share, WordUse

NUM_SAMPLES = 32
SAMPLE_CHARACTERS = 500
SEED = 0

_PROMPT_CHARACTERS = 100
# A prompt is followed by at least so many characters of held-out text.
_LEAST_CHARACTERS = 100
_LONGEST_SHIFT = 40
_REPEATED_WORDS = 4
_MOST_TRAINING_CHARACTERS = 200_000_000
_MOST_FREQUENT = 10
_AROUND = re.compile(r"^\W+|\W+$")
_SHARE = Metric(
    "share", "share", False, None, lambda sums: 100 * ratio(sums[..., 0], sums[..., 1], 0.0), lambda separator: "share"
)


class Prompt(NamedTuple):
    """A beginning from held-out text, and what follows it there; the space between them belongs to what follows."""

    text: str
    human: str


def prompts_of(passages: Sequence[Passage], *, most: int = NUM_SAMPLES) -> list[Prompt]:
    """Prompts at equal distances in held-out text; fewer than `most` if there is too little text.

    A prompt begins and ends with a word, and does not reach over the beginning of its document.
    """
    candidates = [prompt for document in _documents(passages) for prompt in _prompts_in(document)]
    count = min(most, len(candidates))
    return [candidates[(2 * number + 1) * len(candidates) // (2 * count)] for number in range(count)]


def sample_continuations(run: TrainedRun, prompts: Sequence[Prompt]) -> list[str]:
    """What a run writes after each prompt: one sample each, as its recipe samples, of about `SAMPLE_CHARACTERS` characters."""
    human = [prompt.human for prompt in prompts]
    (ids,) = run.tokenizer.encode_tgt(["".join(human)])
    # A quarter more, since a model may write shorter tokens than people; the text is cut below.
    most = math.ceil(1.25 * SAMPLE_CHARACTERS * len(ids) / max(1, sum(map(len, human)))) + 8
    generator = run.generator(method="sample", nbest=1, seed=SEED, full_context="slide")
    generations = generator.continue_text([prompt.text for prompt in prompts], max_tokens=most)
    return [generation.text[:SAMPLE_CHARACTERS] for generation in generations]


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return [word for segment in segments(text) if (word := _AROUND.sub("", segment.casefold()))]


def unseen_words(texts: Iterable[str], documents: Iterable[Document]) -> tuple[set[str], int, bool]:
    """The words of some texts that do not occur in a training text.

    Returns:
        The words; how many characters of the training text were read; and whether these are all.
    """
    missing = {word for text in texts for word in words_of(text)}
    read = 0
    for document in documents:
        if read >= _MOST_TRAINING_CHARACTERS:
            return missing, read, False
        read += len(document.text)
        missing.difference_update(words_of(document.text))
    return missing, read, True


def word_use(texts: Sequence[str], unseen: set[str]) -> WordUse:
    """Counts the words of some texts.

    Args:
        texts: at least one.
        unseen: words that do not occur in the training text.
    """
    words = [words_of(text) for text in texts]
    counts = Counter(word for of_text in words for word in of_text)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return WordUse(
        num_words=counts.total(),
        counts=tuple(count for _, count in ordered),
        frequent=tuple(ordered[:_MOST_FREQUENT]),
        unseen=_share([(sum(word in unseen for word in of_text), len(of_text)) for of_text in words]),
        repeated=_share([_repeated(of_text) for of_text in words]),
    )


def _documents(passages: Sequence[Passage]) -> Iterator[str]:
    parts: list[str] = []
    for passage in passages:
        if passage.first and parts:
            yield "".join(parts)
            parts = []
        parts.append(passage.tgt)
    if parts:
        yield "".join(parts)


def _prompts_in(document: str) -> Iterator[Prompt]:
    for end in range(_PROMPT_CHARACTERS, len(document) - _LEAST_CHARACTERS, SAMPLE_CHARACTERS):
        end = _next_space(document, end)
        begin = max(0, end - _PROMPT_CHARACTERS)
        begin = _next_space(document, begin) if begin else 0
        prompt, human = document[begin:end].strip(), document[end : end + SAMPLE_CHARACTERS]
        if prompt and human.strip():
            yield Prompt(prompt, human)


def _next_space(text: str, position: int) -> int:
    """The next white space, if one is near; scripts without spaces have none."""
    near = text[position : position + _LONGEST_SHIFT]
    return position + next((shift for shift, char in enumerate(near) if char.isspace()), 0)


def _repeated(words: Sequence[str]) -> tuple[int, int]:
    """How many sequences of four words occurred before in a text, and how many sequences it has."""
    sequences = [tuple(words[start : start + _REPEATED_WORDS]) for start in range(len(words) - _REPEATED_WORDS + 1)]
    return len(sequences) - len(set(sequences)), len(sequences)


def _share(counts: Sequence[tuple[int, int]]) -> Share:
    rows = np.array(counts, dtype=np.float64)
    if not rows[:, 1].sum():
        return Share(value=0.0, low=None, high=None)
    value = float(_SHARE.combine(rows.sum(axis=0)))
    if len(rows) < 2:
        return Share(value=value, low=None, high=None)
    interval = estimate(_SHARE, [rows])
    return Share(value=value, low=interval.low, high=interval.high)
