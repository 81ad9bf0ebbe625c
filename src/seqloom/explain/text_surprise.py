"""TextSurprise: how surprised a language model is by each token of a text, as data.

The surprise of a token is -log2 of its probability, in bits (Shannon 1948; "surprisal" in Hale 2001). This module does not compute
or draw.
"""

from typing import Literal

from pydantic import Field

from seqloom.config import Results
from seqloom.explain.explanation import Candidate, RunFacts, Token

Group = Literal["beginning of a word", "inside a word", "space", "punctuation", "line end"]
"""The kind of a part of a text. A part with a line end is a line end; a word and the space before it, a beginning of a word."""


class TokenSurprise(Results):
    """A token of a text, and what the model predicted in its place.

    Attributes:
        text: the characters that the token adds to the text; empty if it adds no character by itself (a part of its bytes).
        begin, end: their positions in the text.
        log_prob: in nats.
        rank: among all tokens of the vocabulary, from 1.
        entropy: of the distribution, in bits.
        context: the number of tokens before it that the prediction depends on.
        alternatives: the most probable tokens, best first; the token itself may be one of them.
    """

    text: str
    begin: int
    end: int
    token: Token
    bits: float = Field(description="-log2 of the probability")
    log_prob: float
    probability: float
    rank: int
    entropy: float
    context: int
    group: Group
    alternatives: tuple[Candidate, ...]


class TextSurprise(Results):
    """The surprise of one language model at a text.

    Attributes:
        text: as the tokenizer sees it (normalised); the joined texts of the tokens.
        bits: the sum over all tokens.
        window: the number of tokens that the model reads together.
        stride: the number of tokens from the start of a window to the start of the next.
        max_context: the largest number of tokens that a prediction depends on.
    """

    run: RunFacts
    text: str
    tokens: tuple[TokenSurprise, ...]
    bits: float
    num_bytes: int
    num_characters: int
    window: int
    stride: int
    max_context: int

    @property
    def bits_per_byte(self) -> float:
        """The mean surprise at a byte."""
        return self.bits / max(1, self.num_bytes)


class SurprisePart(Results):
    """A part of the text that begins and ends between two tokens of every model.

    Attributes:
        bits: of each model.
    """

    text: str
    begin: int
    end: int
    group: Group
    bits: tuple[float, ...]


class GroupSurprise(Results):
    """The surprise at all parts of one group.

    Attributes:
        bits: the sum for each model.
    """

    group: Group
    num_parts: int
    num_characters: int
    bits: tuple[float, ...]


class SurpriseComparison(Results):
    """Which parts of a text cost how many bits, for several language models.

    Attributes:
        runs: the labels of the models, in the order of `bits`.
        parts: joined they are the text.
        groups: the sums of the parts; all bits are in exactly one group.
    """

    runs: tuple[str, ...]
    parts: tuple[SurprisePart, ...]
    groups: tuple[GroupSurprise, ...]
