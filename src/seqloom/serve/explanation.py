"""The endpoint /explain: a text and runs -> what each of them does with it, step by step, as `seqloom explain --json` tells it."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from seqloom.errors import ConfigError, SeqloomError
from seqloom.explain import METHODS, Change, explain
from seqloom.explain.explanation import SCHEMA_VERSION
from seqloom.run import Run
from seqloom.serve.desk import Desk
from seqloom.serve.explainer import GoneError, Task
from seqloom.serve.intake import read_json
from seqloom.serve.refusals import RefusedError, busy
from seqloom.serve.served import Served
from seqloom.serve.waiting import outcomes, submit

_MOST_RUNS = 8

_Place = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]
_Word = Annotated[str, Field(max_length=200)]
_Head = Annotated[str, Field(min_length=1, max_length=80)]
_Id = Annotated[int, Field(ge=0, lt=2**31)]
_Count = Annotated[int, Field(ge=0, le=1_000)]


class ChangeRequest(BaseModel):
    """What if? All that is given is one change."""

    model_config = ConfigDict(extra="forbid", title="ChangeRequest")

    words: dict[_Place, _Word] = Field(
        default_factory=dict, description='places of words, from "1", and what stands there instead; "" takes one away'
    )
    silence: Annotated[list[_Head], Field(max_length=64)] = Field(
        default_factory=list,
        description='heads that say nothing: "decoder.1.cross.2" (counted from 0), or all of "decoder.1.cross"',
    )
    force: Annotated[str, Field(max_length=1_000)] = Field("", description="what the target begins with, as text")
    begin: Annotated[list[_Id], Field(max_length=256)] = Field(
        default_factory=list, description="the same as token ids, as explanations tell them"
    )


class ExplainRequest(BaseModel):
    """A text, and what to look at."""

    model_config = ConfigDict(extra="forbid", title="ExplainRequest")

    text: str = Field(description="a source, or the prompt of a language model")
    runs: Annotated[list[str], Field(fail_fast=True)] = Field(
        min_length=1, max_length=_MOST_RUNS, description="names that GET /runs lists"
    )
    target: str | None = Field(None, description="what to explain; by default what the run itself says")
    methods: list[Literal["attention", "gradient", "occlusion"]] = Field(
        default_factory=lambda: list(METHODS),
        min_length=1,
        max_length=3,
        description="ways of telling where words come from; those that are given judge each other",
    )
    beam: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="the recipe's by default")
    top: Annotated[int, Field(ge=1, le=50)] = Field(8, description="candidates of each step")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(None, description="of what the run says")
    change: ChangeRequest | None = None
    computation: bool = Field(False, description="whether to follow one layer, head and step with all numbers")
    layer: _Count | None = Field(None, description="of the computation, from 0; the last by default")
    head: _Count = Field(0, description="of the computation, from 0")
    step: _Count = Field(0, description="of the computation, from 0")


class ExplanationAPI:
    """The endpoint."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def explain(self, request: Request) -> Response:
        """Explanations, one for each run, in their order."""
        desk = self._desk
        desk.keys.check(request)
        deadline = desk.deadline()
        asked = await read_json(request, ExplainRequest, desk.limits.max_body_bytes)
        if not asked.computation and (asked.layer is not None or asked.head or asked.step):
            raise RefusedError(
                400, "Invalid request: layer, head and step would be ignored without computation", param="layer"
            )
        runs = [desk.directory.run(name) for name in asked.runs]
        if len(set(asked.runs)) < len(runs):
            raise RefusedError(400, "Invalid request: a run is named twice", param="runs")
        change = self._change(asked)
        tasks = [self._task(asked, served, change, deadline) for served in runs]
        request.state.facts |= {"runs": asked.runs, "texts": 1, "characters": len(asked.text)}
        submit(desk.explainer.submit, tasks)
        found = await outcomes(request, tasks)
        # Each is JSON already: a large one is not to be read again on the thread that answers everybody.
        head = (
            f'{{"schema_version":{SCHEMA_VERSION},"text":{json.dumps(asked.text, ensure_ascii=False)},"explanations":['
        )
        body = head.encode("utf-8", "replace") + b",".join(_or_refuse(one) for one in found) + b"]}"
        return Response(body, media_type="application/json")

    def _change(self, asked: ExplainRequest) -> Change | None:
        if asked.change is None:
            return None
        values = asked.change.model_dump()
        try:
            change = Change.parse(values | {"words": {int(at): word for at, word in values["words"].items()}})
            change.apply(asked.text)
        except ConfigError as error:
            raise RefusedError(400, f"Invalid request: {error}", param="change") from None
        return change or None

    def _task(self, asked: ExplainRequest, served: Served, change: Change | None, deadline: float) -> Task:
        run, limits = served.own, self._desk.limits
        if run is None:
            raise RefusedError(
                400, f"Invalid request: {served.about.engine} cannot be looked into; serve with --engine seqloom"
            )
        self._check_sizes(asked, served, run, change)
        most = min(asked.max_tokens or limits.explained_tokens, limits.explained_tokens)

        def work(goes_on: Callable[[], None]) -> bytes:
            found = explain(
                run,
                asked.text,
                target=asked.target,
                methods=asked.methods,
                beam=asked.beam,
                top=asked.top,
                layer=asked.layer,
                head=asked.head,
                step=asked.step,
                change=change,
                computation=asked.computation,
                max_tokens=most,
                goes_on=goes_on,
            )
            return found.model_dump_json().encode("utf-8", "replace")

        return Task(served.name, work, deadline=deadline)

    def _check_sizes(self, asked: ExplainRequest, served: Served, run: Run, change: Change | None) -> None:
        """Refuses what would take too long to look into: pictures grow with the square of a text's length."""
        desk, most = self._desk, self._desk.limits.explained_tokens
        if asked.beam is not None and asked.beam > desk.limits.max_beam:
            raise RefusedError(400, f"Invalid request: beam may be at most {desk.limits.max_beam} here", param="beam")
        if asked.max_tokens is not None and asked.max_tokens > most:
            raise RefusedError(400, f"Invalid request: max_tokens may be at most {most} here", param="max_tokens")
        changed = change.apply(asked.text) if change else asked.text
        for param, text in (("text", asked.text), ("change", changed)):
            desk.check_text(text, param)
            _check_length(served.num_tokens(text), most, param)
        for param, text in (("target", asked.target or ""), ("change", change.force if change else "")):
            desk.check_text(text, param)
            _check_length(len(run.tokenizer.encode_tgt([text])[0]), most, param)
        _check_length(len(change.begin) if change else 0, most, "change")


def _check_length(count: int, most: int, param: str) -> None:
    if count > most:
        raise RefusedError(
            400,
            f"Invalid request: {param}: {count:,} tokens, and at most {most:,} are explained here; take a shorter text",
            code="text_too_long",
            param=param,
        )


def _or_refuse(result: bytes | BaseException) -> bytes:
    if isinstance(result, bytes):
        return result
    if isinstance(result, ConfigError):
        raise RefusedError(400, f"Invalid request: {result}")
    if isinstance(result, (GoneError, asyncio.CancelledError)):
        raise busy("the answer did not come within the time that a request may take")
    if isinstance(result, SeqloomError):
        raise RefusedError(500, f"the run cannot explain this: {result}")
    raise result
