"""/tokenize, /detokenize and /tokenizer_info: text to token ids of a run and back, with the fields of vLLM's endpoints."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.serve.endpoint import BODY_ERRORS, Endpoint
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.prompt_scores import BOS_TEXT
from seqloom.serve.request_parsing import read_json
from seqloom.serve.served_run import ServedRun
from seqloom.serve.state import ServerState

_MODEL = Field(None, description="a name that GET /v1/models lists; optional if only one run is served")


class TokenizeRequest(BaseModel):
    """A text to encode."""

    model_config = ConfigDict(extra="forbid", title="TokenizeRequest")

    model: str | None = _MODEL
    prompt: str = Field(description="a source, or a text for a language model")
    add_special_tokens: bool = Field(False, description="for language models: begin the ids with bos")


class Tokens(BaseModel):
    """The token ids of a text."""

    tokens: list[int]
    token_strs: list[str]
    count: int
    max_model_len: int | None = Field(description="number of positions of the context; null if there is no limit")


class DetokenizeRequest(BaseModel):
    """Token ids to decode."""

    model_config = ConfigDict(extra="forbid", title="DetokenizeRequest")

    model: str | None = _MODEL
    tokens: Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(fail_fast=True)]


class DetokenizedText(BaseModel):
    """The text of token ids."""

    prompt: str


class TokenizerFacts(BaseModel):
    """What a client has to know of a tokenizer.

    The special tokens have ids but no text: a text that looks like one is encoded as text.
    """

    tokenizer_class: str
    vocab_size: int
    model_max_length: int | None = Field(description="positions of the context; null where there is no limit")
    bos_token: None
    eos_token: None
    pad_token: None
    chat_template: None
    bos_token_id: int
    eos_token_id: int
    pad_token_id: int


class TokenizationAPI:
    """Endpoints for token ids."""

    ENDPOINTS = (
        Endpoint(
            "/tokenize",
            "tokenize",
            "POST",
            summary="Encode a text",
            body=TokenizeRequest,
            answer=Tokens,
            errors=(*BODY_ERRORS, 401, 404),
        ),
        Endpoint(
            "/detokenize",
            "detokenize",
            "POST",
            summary="Decode token ids",
            body=DetokenizeRequest,
            answer=DetokenizedText,
            errors=(*BODY_ERRORS, 401, 404),
        ),
        Endpoint(
            "/tokenizer_info",
            "tokenizer_info",
            summary="Sizes and special ids of the tokenizer; ?model=NAME where several runs are served",
            answer=TokenizerFacts,
            errors=(400, 401, 404),
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def tokenize(self, request: Request) -> JSONResponse:
        """The token ids of a text."""
        self._state.keys.check(request)
        body = await read_json(request, TokenizeRequest, self._state.limits.max_body_bytes)
        run = self._run(body.model)
        self._state.check_text(body.prompt, "prompt")
        if body.add_special_tokens and run.info.has_sources:
            raise HTTPError(
                400,
                "add_special_tokens is not supported here for this model: its sources have no special tokens",
                param="add_special_tokens",
            )
        ids = run.prompt_ids(body.prompt)
        strings = run.token_strings(ids)
        if body.add_special_tokens:
            ids, strings = [run.tokenizer.vocab.bos_id, *ids], [BOS_TEXT, *strings]
        answer: dict[str, Any] = {"tokens": ids, "token_strs": strings, "count": len(ids)}
        return JSONResponse(answer | {"max_model_len": run.context})

    async def detokenize(self, request: Request) -> JSONResponse:
        """The text of token ids."""
        self._state.keys.check(request)
        body = await read_json(request, DetokenizeRequest, self._state.limits.max_body_bytes)
        run = self._run(body.model)
        if len(body.tokens) > self._state.limits.max_chars:
            raise HTTPError(
                400, f"tokens: at most {self._state.limits.max_chars:,} ids are allowed here", param="tokens"
            )
        text = run.decode(body.tokens)
        if text is None:
            raise HTTPError(400, "tokens holds an id that is not in the vocabulary of this model", param="tokens")
        return JSONResponse({"prompt": text})

    async def tokenizer_info(self, request: Request) -> JSONResponse:
        """The sizes and special ids of a tokenizer."""
        self._state.keys.check(request)
        run = self._run(request.query_params.get("model"))
        vocab = run.tokenizer.vocab
        facts = TokenizerFacts(
            tokenizer_class="seqloom",
            vocab_size=vocab.src_size if run.info.has_sources else vocab.tgt_size,
            model_max_length=run.context,
            bos_token=None,
            eos_token=None,
            pad_token=None,
            chat_template=None,
            bos_token_id=vocab.bos_id,
            eos_token_id=vocab.eos_id,
            pad_token_id=vocab.pad_id,
        )
        return JSONResponse(facts.model_dump())

    def _run(self, name: str | None) -> ServedRun:
        registry = self._state.registry
        if name is not None:
            return registry.run(name)
        if len(registry.runs) > 1:
            raise HTTPError(400, "Invalid request: missing model parameter; several models are served", param="model")
        return registry.runs[0]
