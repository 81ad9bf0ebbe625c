"""The endpoint /surprise: the surprise of language models at each token of a text, as in `seqloom explain --json`."""

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from seqloom.explain import compare_surprises, measure_surprise
from seqloom.explain.explanations import TextSurprises
from seqloom.explain.text_surprise import TextSurprise
from seqloom.run.load import Run
from seqloom.serve.endpoint import BODY_ERRORS, Endpoint
from seqloom.serve.explainer import ExplanationTask
from seqloom.serve.explanation import MAX_RUNS, result_json
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.request_parsing import read_json
from seqloom.serve.results import await_results, submit
from seqloom.serve.served_run import ServedRun
from seqloom.serve.state import ServerState


class SurpriseRequest(BaseModel):
    """A text, the language models that read it, and options."""

    model_config = ConfigDict(extra="forbid", title="SurpriseRequest")

    text: str = Field(min_length=1, description="the text; a line end is a token of its own or a part of a token")
    runs: Annotated[list[str], Field(fail_fast=True)] = Field(
        min_length=1, max_length=MAX_RUNS, description="names of language models that GET /runs lists"
    )
    top: Annotated[int, Field(ge=1, le=50)] = Field(
        5, description="number of most probable tokens to return for each position"
    )


class SurpriseAPI:
    """The endpoint for the surprise of language models."""

    ENDPOINTS = (
        Endpoint(
            "/surprise",
            "surprise",
            "POST",
            summary="Measure how surprised language models are by each token of a text, and where they differ",
            body=SurpriseRequest,
            answer=TextSurprises,
            errors=(*BODY_ERRORS, 401, 404),
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def surprise(self, request: Request) -> Response:
        """Measures the surprise at a text; returns a result for each run, in order, and their comparison."""
        state = self._state
        state.keys.check(request)
        deadline = state.deadline()
        body = await read_json(request, SurpriseRequest, state.limits.max_body_bytes)
        served_runs = [state.registry.run(name) for name in body.runs]
        if len(set(body.runs)) < len(served_runs):
            raise HTTPError(400, "Invalid request: a run is named twice", param="runs")
        state.check_text(body.text, "text")
        runs = [_language_model(served_run) for served_run in served_runs]
        # The tasks run on one thread, in this order, so the last one has the results of all.
        measured: list[TextSurprise] = []
        tasks = [
            ExplanationTask(name, _work(body, run, measured, is_last=number == len(runs) - 1), deadline=deadline)
            for number, (name, run) in enumerate(zip(body.runs, runs, strict=True))
        ]
        request.state.log_fields |= {"runs": body.runs, "texts": 1, "characters": len(body.text)}
        submit(state.explainer.submit, tasks)
        *_, content = [result_json(result) for result in await await_results(request, tasks)]
        return Response(content, media_type="application/json")


def _work(
    body: SurpriseRequest, run: Run, measured: list[TextSurprise], *, is_last: bool
) -> Callable[[Callable[[], None]], bytes]:
    """The work of a task: measures a run. The task of the last run returns the JSON for all runs, the others b""."""

    def work(check_cancelled: Callable[[], None]) -> bytes:
        measured.append(measure_surprise(run, body.text, top=min(body.top, run.model.vocab.tgt_size)))
        check_cancelled()
        if not is_last:
            return b""
        answer = TextSurprises(text=body.text, surprises=tuple(measured), comparison=compare_surprises(measured))
        return answer.model_dump_json().encode("utf-8", "replace")

    return work


def _language_model(served_run: ServedRun) -> Run:
    """The run behind a served language model.

    Raises:
        HTTPError: 400 if it is a model of pairs, or another program decodes it.
    """
    if not served_run.info.predicts_text:
        raise HTTPError(
            400, f"Invalid request: {served_run.name} is not a language model; it reads a source", param="runs"
        )
    if served_run.native_run is None:
        raise HTTPError(
            400,
            f"Invalid request: {served_run.name} is decoded by {served_run.info.engine}, which does not report the probabilities "
            "of a text; serve with --engine seqloom",
            param="runs",
        )
    return served_run.native_run
