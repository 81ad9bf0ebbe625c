"""TokenizerSettings: the settings of the tokenizer in a recipe. This module does not know how tokenizers work."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from seqloom.config import Settings

_AUTO_CHARACTERS_PER_ID = 600
_AUTO_SMALLEST, _AUTO_LARGEST = 400, 8000


class TokenizerSettings(Settings):
    """How text is divided into tokens.

    Attributes:
        kind: "bpe" (byte-pair encoding, Sennrich 2016), "unigram" (Kudo 2018), "characters" or "words".
        joint: whether both sides share a vocabulary; False: each side has its own.
        vocab_size: the largest number of ids of a vocabulary, including special ids; a small text gives fewer. "auto" is an
            id for every 600 characters of training text, at least 400 and at most 8,000, but at least two ids for each
            character of the alphabet. If sides have their own vocabularies, each size depends on the text of its side.
        min_frequency: how often a merge, a subword, a word or a character that is not ASCII must occur to get an id.
        lowercase: whether text is converted to lower case.
        unicode: the Unicode normalisation of text.
        collapse_whitespace: whether each run of white space becomes one space, and white space at the ends is removed.
            Language models of plain text need False, so that newlines are kept.
        dropout: the probability that a merge is left out while a model is trained (BPE-dropout, Provilkov 2020).
        max_training_pairs: the largest number of pairs that the tokenizer is trained on, a seeded sample of the training
            split. In plain text, a piece of 400 characters counts as a pair.
    """

    kind: Literal["bpe", "unigram", "characters", "words"] = "bpe"
    joint: bool = True
    vocab_size: Literal["auto"] | Annotated[int, Field(ge=64)] = "auto"
    min_frequency: int = Field(default=2, ge=1)
    lowercase: bool = False
    unicode: Literal["nfc", "nfkc", "none"] = "nfc"
    collapse_whitespace: bool = True
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    max_training_pairs: int = Field(default=500_000, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.dropout and self.kind != "bpe":
            raise ValueError(
                f"dropout leaves out merges of a bpe tokenizer, but kind is {self.kind!r}; set kind to 'bpe', or dropout to 0"
            )
        return self

    def size_for(self, num_characters: int) -> int:
        """The largest number of ids of a vocabulary that is trained on `num_characters` characters."""
        if self.vocab_size != "auto":
            return self.vocab_size
        return min(max(round(num_characters / _AUTO_CHARACTERS_PER_ID), _AUTO_SMALLEST), _AUTO_LARGEST)
