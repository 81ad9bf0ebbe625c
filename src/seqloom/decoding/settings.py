"""Settings of decoding. They need no heavy imports, so that recipes and the command line check them quickly."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from seqloom.arguments import (
    MAX_BEAM,
    MAX_FREQUENCY_PENALTY,
    MAX_LENGTH_PENALTY,
    MAX_REPETITION_PENALTY,
    MAX_SEED,
    MAX_TEMPERATURE,
    MAX_TOKENS,
    MAX_TOP_K,
)
from seqloom.config import LONGEST, Settings

_OF_BEAM = ("beam", "length_penalty", "length_penalty_form", "stop")
_OF_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "seed")
_NOT_OF_BEAMS = ("repetition_penalty", "frequency_penalty", "stop_strings")
"""Settings of greedy search and sampling. A beam of several hypotheses ranks them by the model's own log-probabilities, and knows
its text only at the end."""

MOST_TRANSLATIONS = 100
"""The number of target ids that a lexicon keeps for each source id, and so the largest `shortlist` setting."""


class DecodingSettings(Settings):
    """How a model generates. A setting that its method would ignore is an error."""

    method: Literal["beam", "sample"] = Field(
        "beam", description="search for the most probable output, or draw at random"
    )
    beam: int = Field(4, gt=0, le=MAX_BEAM, description="hypotheses kept at each length; 1 is greedy search")
    nbest: int = Field(
        1, gt=0, le=MAX_BEAM, description="outputs for each source: the best ones, or the number of samples"
    )
    length_penalty: float = Field(
        0.6,
        ge=0,
        le=MAX_LENGTH_PENALTY,
        description="the log-probability is divided by ((5 + length) / 6) to this power; 0 for no penalty",
    )
    length_penalty_form: Literal["wu", "power"] = Field("wu", description='"power": divided by length to this power')
    stop: Literal["certain", "likely"] = Field(
        "certain", description='"likely": stop when nothing scores better at its present length; faster'
    )
    temperature: float = Field(
        1.0,
        ge=0,
        le=MAX_TEMPERATURE,
        description="below 1 more certain, above 1 more varied, 0 always the most probable token",
    )
    top_k: int = Field(0, ge=0, le=MAX_TOP_K, description="only the k most probable tokens; 0 for all")
    top_p: float = Field(1.0, gt=0, le=1, description="only the most probable tokens that together reach p; 1 for all")
    min_p: float = Field(0.0, ge=0, le=1, description="only tokens at least p times as probable as the most probable")
    typical_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="only the tokens whose information is nearest to the entropy and that together reach p; 1 for all",
    )
    repetition_penalty: float = Field(
        1.0,
        gt=0,
        le=MAX_REPETITION_PENALTY,
        description="divides positive scores of tokens that came before, and multiplies negative ones; 1 for none",
    )
    frequency_penalty: float = Field(
        0.0,
        ge=-MAX_FREQUENCY_PENALTY,
        le=MAX_FREQUENCY_PENALTY,
        description="subtracted from a token's score for each time it is in the output; 0 for none",
    )
    stop_strings: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="an output ends before the first of these texts"
    )
    full_context: Literal["refuse", "slide"] = Field(
        "refuse",
        description="of a language model with limited context: a prompt that does not fit is an error and an output ends where "
        'the context is full; "slide": the model then continues from the last half of the context, and a note says so',
    )
    seed: int = Field(
        0, ge=0, le=MAX_SEED, description="with the number of a line, it determines the random numbers of that line"
    )
    max_len_ratio: float = Field(
        2.0, ge=0, le=100, description="an output has at most ratio * source tokens + offset tokens"
    )
    max_len_offset: int = Field(20, ge=0, le=MAX_TOKENS, description="see max_len_ratio")
    min_len: int = Field(0, ge=0, le=MAX_TOKENS, description="the fewest tokens of an output")
    no_repeat_ngram: int = Field(0, ge=0, description="no n-gram of this size twice in an output; 0 for no such rule")
    shortlist: int = Field(
        0,
        ge=0,
        le=MOST_TRANSLATIONS,
        description="allow only the n most probable ids of each source id and the n most frequent ones; 0 for all; faster",
    )
    max_src_len: int = Field(
        1024, gt=1, le=LONGEST, description="longer sources are cut, and a note says so; not for prompts"
    )
    batch_tokens: int = Field(4096, gt=0, le=1 << 24, description="padded source tokens of a batch")

    @model_validator(mode="after")
    def _nothing_is_ignored(self) -> "DecodingSettings":
        names: tuple[str, ...] = _OF_SAMPLING if self.method == "beam" else _OF_BEAM
        if self.method == "sample" and self.temperature == 0:
            names = (*_OF_BEAM, *_OF_SAMPLING[1:])
        ignored = [name for name in names if getattr(self, name) != type(self).model_fields[name].default]
        if ignored:
            reason = f"method is {self.method!r}"
            if self.method == "sample" and self.temperature == 0:
                reason += " at temperature 0"
            remedy = "set method to 'sample'" if self.method == "beam" else "leave it out"
            raise ValueError(f"{' and '.join(ignored)} would be ignored, because {reason}; {remedy}")
        conflicts = [name for name in _NOT_OF_BEAMS if getattr(self, name) != type(self).model_fields[name].default]
        if self.method == "beam" and self.beam > 1 and conflicts:
            raise ValueError(
                f"{' and '.join(conflicts)} cannot be combined with a beam of {self.beam}: it ranks hypotheses by the model's own "
                "log-probabilities, and knows its text only at the end; set beam to 1 (greedy search), or method to 'sample'"
            )
        if self.method == "beam" and self.nbest > self.beam:
            raise ValueError(
                f"nbest is {self.nbest}, but a beam of {self.beam} finds at most {self.beam}; raise the beam"
            )
        if self.max_len_ratio == 0 and self.max_len_offset == 0:
            raise ValueError("max_len_ratio and max_len_offset are both 0, which leaves no room for an output")
        return self

    def for_method(self, method: str) -> dict[str, Any]:
        """The explicitly set settings, without those that only the present method uses if `method` is another."""
        explicit = self.model_dump(exclude_unset=True)
        if method == self.method:
            return explicit
        foreign = (*_OF_BEAM, *_OF_SAMPLING, *_NOT_OF_BEAMS, "method", "nbest")
        return {name: value for name, value in explicit.items() if name not in foreign}

    def length_limit(self, src_len: int, model_limit: int | None = None) -> int:
        """The largest number of tokens of a target, eos included; at least 1.

        Args:
            src_len: tokens of the source, eos included.
            model_limit: the largest number of target tokens that the model can hold after this source; None if it has no limit.
        """
        limit = max(1, int(self.max_len_ratio * src_len) + self.max_len_offset)
        return limit if model_limit is None else min(limit, model_limit)

    def with_max_tokens(self, max_tokens: int) -> Self:
        """These settings with the limit `max_tokens` for every target, whatever the length of its source."""
        return self.model_copy(update={"max_len_ratio": 0.0, "max_len_offset": max_tokens})
