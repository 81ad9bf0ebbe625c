"""Pydantic models of requests and responses of OpenAI's completions API."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from seqloom.serve.validation import Unsupported

_Zero = Annotated[float, Field(ge=0, le=0)]
_Empty = Annotated[dict[str, float], Field(max_length=0)]


class StreamOptions(BaseModel):
    """Options of a streamed response."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: Annotated[Literal[False] | None, Unsupported("false")] = None


Stop = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[int, Field(ge=0, lt=2**31)]
Ids = Annotated[list[Id], Field(fail_fast=True)]
Prompt = str | Annotated[list[str], Field(fail_fast=True)] | Ids | Annotated[list[Ids], Field(fail_fast=True)]


class CompletionRequest(BaseModel):
    """Prompts and decoding options. Unknown fields are errors; a field that is not supported may only have its default value."""

    model_config = ConfigDict(extra="forbid", title="CompletionRequest")
    other_names: ClassVar[dict[str, str]] = {"max_completion_tokens": "max_tokens", "messages": "prompt"}

    model: str = Field(description="a name that GET /v1/models lists")
    prompt: Prompt | None = Field(
        None,
        description="a source, or a text to continue, as text or as token ids of the run; or a list of these",
    )
    max_tokens: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="maximum number of tokens of an output, 0 for none; by default 16 for language models, for models of pairs the "
        "recipe's rule",
    )
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = Field(
        None, description="0 chooses the most probable token; the default is 1"
    )
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None,
        description="nucleus sampling: draw from the most probable tokens that have this total probability; "
        "0 chooses the most probable token",
    )
    n: Annotated[int, Field(ge=1, le=128)] | None = Field(None, description="number of completions of each prompt")
    best_of: Annotated[int, Field(ge=1, le=128)] | None = Field(None, description="the same as n, or absent")
    stream: bool | None = None
    stream_options: StreamOptions | None = Field(None, description="only with stream")
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = Field(
        None, description="the output ends before the first occurrence of any of these"
    )
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = Field(
        None, description="number of most probable tokens to report, in addition to the chosen one"
    )
    echo: bool | None = Field(
        None,
        description="begin the output with the prompt; logprobs then includes its tokens; only for language models",
    )
    suffix: Annotated[Literal[""] | None, Unsupported("null")] = None
    frequency_penalty: Annotated[_Zero | None, Unsupported("0")] = None
    presence_penalty: Annotated[_Zero | None, Unsupported("0")] = None
    logit_bias: Annotated[_Empty | None, Unsupported("null")] = None
    user: str | None = Field(None, description="the client's name for its user; has no effect and is not stored")


class Usage(BaseModel):
    """Numbers of tokens that were read and generated; eos counts as a token."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class LogProbs(BaseModel):
    """Log-probabilities (natural logarithm) of the tokens of a completion."""

    tokens: list[str]
    token_logprobs: list[float | None] = Field(description="null for the first token of an echoed prompt")
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """A completion."""

    text: str
    index: int
    logprobs: LogProbs | None
    finish_reason: Literal["stop", "length"] | None


class CompletionAnswer(BaseModel):
    """All completions, in the order of the prompts; in a stream, a part of one completion."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None
    notes: list[str] | None = None


class ModelAnswer(BaseModel):
    """A served run."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["seqloom"]
    kind: Literal["pairs", "text"]


class Models(BaseModel):
    """All runs, in OpenAI's format of models."""

    object: Literal["list"]
    data: list[ModelAnswer]


class OpenAIErrorDetail(BaseModel):
    """The error of a request under /v1, in OpenAI's format."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """The response for an error under /v1."""

    error: OpenAIErrorDetail
