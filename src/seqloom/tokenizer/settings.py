"""TokenizerSettings: the settings of the tokenizer in a recipe. This module does not know how tokenizers work."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from seqloom.config import Settings

_AUTO_CHARACTERS_PER_ID = 600
_AUTO_SMALLEST, _AUTO_LARGEST = 400, 8000


class TokenizerSettings(Settings):
    """How text is cut into tokens.

    Attributes:
        kind: "bpe" (byte-pair encoding, Sennrich 2016), "unigram" (Kudo 2018), "characters" or "words".
        joint: one vocabulary for both sides; False trains one for each.
        vocab_size: the most ids a vocabulary may have, special ids included; fewer where the text offers fewer. "auto" is
            one id for 600 characters of training text, at least 400 and at most 8000 (more only where the writing system
            needs it: twice its characters). Separate vocabularies are sized by the text of their own side.
        min_frequency: how often a merge, a subword, a word or a character that is not ASCII must occur to get an id.
        lowercase: whether text is lower-cased.
        unicode: the Unicode normalisation of text.
        collapse_whitespace: whether each run of white space becomes one space and the ends are stripped. Language models
            on plain text need False, so that newlines survive.
        dropout: the probability with which a merge is left out while training a model (BPE-dropout, Provilkov 2020).
        max_training_pairs: the tokenizer is trained on at most so many pairs, a seeded sample of the training split. Of
            plain text, a piece of about 400 characters counts as one.
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
                f"dropout leaves out merges of a bpe tokenizer, but kind is {self.kind!r}; set one or the other"
            )
        return self

    def size_for(self, num_characters: int) -> int:
        """The size of a vocabulary that is trained on `num_characters` characters."""
        if self.vocab_size != "auto":
            return self.vocab_size
        return min(max(round(num_characters / _AUTO_CHARACTERS_PER_ID), _AUTO_SMALLEST), _AUTO_LARGEST)
