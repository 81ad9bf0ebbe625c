"""The endpoint /explain: explains how runs process a text. The response is the same JSON as of `seqloom explain --json`."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from seqloom.errors import ConfigError, SeqloomError
from seqloom.explain import METHODS, Change, explain
from seqloom.explain.explanation import SCHEMA_VERSION
from seqloom.explain.explanations import Explanations
from seqloom.run.load import Run
from seqloom.serve.endpoint import BODY_ERRORS, Endpoint
from seqloom.serve.explainer import ExplanationTask, TaskCancelledError
from seqloom.serve.http_errors import HTTPError, busy
from seqloom.serve.request_parsing import read_json
from seqloom.serve.results import await_results, submit
from seqloom.serve.served_run import ServedRun
from seqloom.serve.state import ServerState

MAX_RUNS = 8

_Position = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]
_Word = Annotated[str, Field(max_length=200)]
_Head = Annotated[str, Field(min_length=1, max_length=80)]
_Id = Annotated[int, Field(ge=0, lt=2**31)]
_Count = Annotated[int, Field(ge=0, le=1_000)]


class ChangeRequest(BaseModel):
    """A change of the input or the model for a "what if" question. All fields apply together."""

    model_config = ConfigDict(extra="forbid", title="ChangeRequest")

    words: dict[_Position, _Word] = Field(
        default_factory=dict, description='replacements of words, by position from "1"; "" removes a word'
    )
    silence: Annotated[list[_Head], Field(max_length=64)] = Field(
        default_factory=list,
        description='attention heads to silence: "decoder.1.cross.2" (counted from 0), or "decoder.1.cross" for all its heads',
    )
    # Older clients send `force` and `begin`.
    prefix: Annotated[str, Field(max_length=1_000)] = Field(
        "", validation_alias=AliasChoices("prefix", "force"), description="the beginning of the target, as text"
    )
    prefix_ids: Annotated[list[_Id], Field(max_length=256)] = Field(
        default_factory=list,
        validation_alias=AliasChoices("prefix_ids", "begin"),
        description="the beginning of the target, as token ids from an explanation",
    )


class ExplainRequest(BaseModel):
    """A text to explain, the runs, and options."""

    model_config = ConfigDict(extra="forbid", title="ExplainRequest")

    text: str = Field(description="a source, or the prompt of a language model")
    runs: Annotated[list[str], Field(fail_fast=True)] = Field(
        min_length=1, max_length=MAX_RUNS, description="names that GET /runs lists"
    )
    target: str | None = Field(None, description="the target to explain; by default the output of the run")
    methods: list[Literal["attention", "gradient", "occlusion"]] = Field(
        default_factory=lambda: list(METHODS),
        min_length=1,
        max_length=3,
        description="saliency methods; each is also evaluated with the others",
    )
    beam: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="beam size; by default that of the recipe"
    )
    top: Annotated[int, Field(ge=1, le=50)] = Field(8, description="number of candidates to show for each step")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        None, description="maximum number of tokens of the output of the run"
    )
    change: ChangeRequest | None = None
    computation: bool = Field(False, description="whether to return all intermediate numbers of a layer, head and step")
    layer: _Count | None = Field(None, description="layer of the computation, from 0; by default the last")
    head: _Count = Field(0, description="head of the computation, from 0")
    step: _Count = Field(0, description="step of the computation, from 0")


class ExplanationAPI:
    """The endpoint for explanations."""

    ENDPOINTS = (
        Endpoint(
            "/explain",
            "explain",
            "POST",
            summary="Explain how runs process a text, step by step: alignments, distributions, beam search, what if",
            body=ExplainRequest,
            answer=Explanations,
            errors=(*BODY_ERRORS, 401, 404),
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def explain(self, request: Request) -> Response:
        """Explains a text; returns an explanation for each run, in order."""
        state = self._state
        state.keys.check(request)
        deadline = state.deadline()
        body = await read_json(request, ExplainRequest, state.limits.max_body_bytes)
        if not body.computation and (body.layer is not None or body.head or body.step):
            raise HTTPError(
                400, "Invalid request: layer, head and step would be ignored without computation", param="layer"
            )
        runs = [state.registry.run(name) for name in body.runs]
        if len(set(body.runs)) < len(runs):
            raise HTTPError(400, "Invalid request: a run is named twice", param="runs")
        change = self._change(body)
        tasks = [self._task(body, run, change, deadline) for run in runs]
        request.state.log_fields |= {"runs": body.runs, "texts": 1, "characters": len(body.text)}
        submit(state.explainer.submit, tasks)
        results = await await_results(request, tasks)
        # Each result is already JSON. Parsing a large one here would delay all other requests.
        head = (
            f'{{"schema_version":{SCHEMA_VERSION},"text":{json.dumps(body.text, ensure_ascii=False)},"explanations":['
        )
        content = head.encode("utf-8", "replace") + b",".join(result_json(result) for result in results) + b"]}"
        return Response(content, media_type="application/json")

    def _change(self, body: ExplainRequest) -> Change | None:
        if body.change is None:
            return None
        values = body.change.model_dump()
        try:
            change = Change.parse(
                values | {"words": {int(position): word for position, word in values["words"].items()}}
            )
            change.apply(body.text)
        except ConfigError as error:
            raise HTTPError(400, f"Invalid request: {error}", param="change") from None
        return change or None

    def _task(
        self, body: ExplainRequest, served_run: ServedRun, change: Change | None, deadline: float
    ) -> ExplanationTask:
        run, limits = served_run.native_run, self._state.limits
        if run is None:
            raise HTTPError(
                400, f"Invalid request: {served_run.info.engine} cannot be explained; serve with --engine seqloom"
            )
        self._check_sizes(body, served_run, run, change)
        limit = min(body.max_tokens or limits.explained_tokens, limits.explained_tokens)

        def work(check_cancelled: Callable[[], None]) -> bytes:
            explanation = explain(
                run,
                body.text,
                target=body.target,
                methods=body.methods,
                beam=body.beam,
                top=body.top,
                layer=body.layer,
                head=body.head,
                step=body.step,
                change=change,
                computation=body.computation,
                max_tokens=limit,
                check_cancelled=check_cancelled,
            )
            return explanation.model_dump_json().encode("utf-8", "replace")

        return ExplanationTask(served_run.name, work, deadline=deadline)

    def _check_sizes(self, body: ExplainRequest, served_run: ServedRun, run: Run, change: Change | None) -> None:
        """Checks the limits: the size of an explanation grows with the square of the text's length.

        Raises:
            HTTPError: 400 if a value or a length is above its limit.
        """
        state, limit = self._state, self._state.limits.explained_tokens
        if body.beam is not None and body.beam > state.limits.max_beam:
            raise HTTPError(400, f"Invalid request: beam may be at most {state.limits.max_beam} here", param="beam")
        if body.max_tokens is not None and body.max_tokens > limit:
            raise HTTPError(400, f"Invalid request: max_tokens may be at most {limit} here", param="max_tokens")
        changed = change.apply(body.text) if change else body.text
        for param, text in (("text", body.text), ("change", changed)):
            state.check_text(text, param)
            _check_length(served_run.num_tokens(text), limit, param)
        for param, text in (("target", body.target or ""), ("change", change.prefix if change else "")):
            state.check_text(text, param)
            _check_length(len(run.tokenizer.encode_tgt([text])[0]), limit, param)
        _check_length(len(change.prefix_ids) if change else 0, limit, "change")


def _check_length(count: int, limit: int, param: str) -> None:
    if count > limit:
        raise HTTPError(
            400,
            f"Invalid request: {param}: {count:,} tokens, but at most {limit:,} are explained here; shorten the text",
            code="text_too_long",
            param=param,
        )


def result_json(result: bytes | BaseException) -> bytes:
    """The JSON that an explanation task returned.

    Raises:
        HTTPError: 400 if the request does not fit the run, 503 if the task was cancelled, 500 if the run cannot explain the text.
    """
    if isinstance(result, bytes):
        return result
    if isinstance(result, ConfigError):
        raise HTTPError(400, f"Invalid request: {result}")
    if isinstance(result, (TaskCancelledError, asyncio.CancelledError)):
        raise busy("the answer took longer than the time limit of a request")
    if isinstance(result, SeqloomError):
        raise HTTPError(500, f"the run cannot explain this: {result}")
    raise result
