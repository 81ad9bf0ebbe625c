"""What a comparison of language models tells of each model beside its scores: loss by context, samples, and the words of samples.

Types only; `context_loss` and `word_use` compute the values.
"""

from pydantic import Field

from seqloom.config import Results


class ContextPoint(Results):
    """The loss at tokens with `first` to `last` tokens of context.

    Attributes:
        characters: the mean length of that context in characters.
        low, high: the 95% interval of the bits per byte, by the bootstrap over consecutive parts of the text; None if there is one.
    """

    first: int
    last: int
    characters: float
    num_tokens: int
    bits_per_byte: float
    low: float | None
    high: float | None


class Share(Results):
    """A share in percent, with its 95% interval by the bootstrap over samples; None if there is one sample."""

    value: float
    low: float | None
    high: float | None


class WordUse(Results):
    """The words of some texts.

    Attributes:
        counts: how often each distinct word occurs, the largest count first.
        frequent: the most frequent words with their counts.
        unseen: the share of words that do not occur in the training text.
        repeated: the share of sequences of four words that occurred before in the same text (Welleck 2020).
    """

    num_words: int
    counts: tuple[int, ...]
    frequent: tuple[tuple[str, int], ...]
    unseen: Share
    repeated: Share


class Continuation(Results):
    """A beginning from held-out text, the text that follows it there, and what the model wrote in its place."""

    prompt: str
    human: str
    text: str


class TextDetails(Results):
    """What a comparison tells of a language model on one test split.

    Attributes:
        window: the most tokens that the model reads together.
        continuations: some of the samples.
        seed: of the samples.
        words: of all samples.
        human_words: of the held-out texts that follow the same prompts, with as many characters.
        training_characters: the characters of the training text that `unseen` was looked up in.
        training_is_whole: whether that is all of it.
    """

    window: int
    context: tuple[ContextPoint, ...]
    continuations: tuple[Continuation, ...]
    num_samples: int
    sample_characters: int = Field(description="the longest sample")
    seed: int
    words: WordUse
    human_words: WordUse
    training_characters: int
    training_is_whole: bool
