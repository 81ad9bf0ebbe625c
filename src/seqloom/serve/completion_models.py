"""Completion models: the requests and answers of OpenAI's API of completions, as pydantic checks and describes them."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from seqloom.serve.validation import Unsupported

_Zero = Annotated[float, Field(ge=0, le=0)]
_Empty = Annotated[dict[str, float], Field(max_length=0)]


class StreamOptions(BaseModel):
    """What a stream tells besides its text."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: Annotated[Literal[False] | None, Unsupported("false")] = None


Stop = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[int, Field(ge=0, lt=2**31)]
Ids = Annotated[list[Id], Field(fail_fast=True)]
Prompt = str | Annotated[list[str], Field(fail_fast=True)] | Ids | Annotated[list[Ids], Field(fail_fast=True)]


class CompletionRequest(BaseModel):
    """What to write. A field that is not here is refused; those that cannot be honoured may be given with their defaults only."""

    model_config = ConfigDict(extra="forbid", title="CompletionRequest")
    other_names: ClassVar[dict[str, str]] = {"max_completion_tokens": "max_tokens", "messages": "prompt"}

    model: str = Field(description="a name that GET /v1/models lists")
    prompt: Prompt | None = Field(
        None, description="a source, or what to go on from, as text or as the run's own token ids; several in a list"
    )
    max_tokens: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="tokens of an output; 16 for language models and the recipe's rule for models of pairs by default",
    )
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = Field(
        None, description="0 takes the likeliest token; the default is 1"
    )
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="how much of the probability to draw from; 0 takes the likeliest token"
    )
    n: Annotated[int, Field(ge=1, le=128)] | None = Field(None, description="completions of each prompt")
    best_of: Annotated[int, Field(ge=1, le=128)] | None = Field(None, description="the same as n, or not given")
    stream: bool | None = None
    stream_options: StreamOptions | None = Field(None, description="only with stream")
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = Field(
        None, description="the output ends before the first of these"
    )
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = Field(
        None, description="how many of the likeliest tokens to tell, besides the one that was chosen"
    )
    echo: bool | None = Field(None, description="begin with the prompt; language models only")
    suffix: Annotated[Literal[""] | None, Unsupported("null")] = None
    frequency_penalty: Annotated[_Zero | None, Unsupported("0")] = None
    presence_penalty: Annotated[_Zero | None, Unsupported("0")] = None
    logit_bias: Annotated[_Empty | None, Unsupported("null")] = None
    user: str | None = Field(None, description="a client's name for its user; it changes no answer, and is not kept")


class Usage(BaseModel):
    """How many tokens were read and written; an end of text counts as one."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class LogProbs(BaseModel):
    """How likely the tokens of a completion were, natural logarithms."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class Choice(BaseModel):
    """A completion."""

    text: str
    index: int
    logprobs: LogProbs | None
    finish_reason: Literal["stop", "length"] | None


class CompletionAnswer(BaseModel):
    """All completions, those of the first prompt first; or a part of one, in a stream."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None
    notes: list[str] | None = None


class ModelAnswer(BaseModel):
    """A run that is served."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["seqloom"]
    kind: Literal["pairs", "text"]
