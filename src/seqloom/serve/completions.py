"""OpenAI's completions API: /v1/models and /v1/completions, with streaming.

For a model of pairs, the prompt is the source and the completion is the target. A language model continues the prompt.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.output_stream import OutputStream, TokenReport
from seqloom.errors import ConfigError, PromptTooLongError
from seqloom.serve.batcher import TextRequest
from seqloom.serve.completion_models import CompletionAnswer, CompletionRequest, ModelAnswer, Models, OpenAIError
from seqloom.serve.endpoint import BODY_ERRORS, Endpoint
from seqloom.serve.event_stream import EventStream
from seqloom.serve.http_errors import HTTPError, error_body
from seqloom.serve.prompt_scores import PromptScores, echoed_logprobs, next_token
from seqloom.serve.request_parsing import read_json
from seqloom.serve.results import await_generations, generation_of, submit
from seqloom.serve.served_run import RunDecoder, ServedRun
from seqloom.serve.state import ServerState

_MAX_TOKENS = 16
"""The default of OpenAI's API, used for language models."""


_EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}


class Completions:
    """Endpoints of OpenAI's API."""

    ENDPOINTS = (
        Endpoint("/v1/models", "models", summary="List models", answer=Models, errors=(401,), error=OpenAIError),
        Endpoint(
            "/v1/models/{name:path}",
            "model",
            summary="Describe a model",
            answer=ModelAnswer,
            errors=(401, 404),
            error=OpenAIError,
        ),
        Endpoint(
            "/v1/completions",
            "complete",
            "POST",
            summary="Complete prompts: for a model of pairs, the targets of sources",
            body=CompletionRequest,
            answer=CompletionAnswer,
            more_answers={"text/event-stream": _EVENT},
            errors=(*BODY_ERRORS, 401, 404),
            error=OpenAIError,
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def models(self, request: Request) -> JSONResponse:
        """Lists all runs."""
        self._state.keys.check(request)
        return JSONResponse({"object": "list", "data": [_model(run) for run in self._state.registry.runs]})

    async def model(self, request: Request) -> JSONResponse:
        """Describes a run."""
        self._state.keys.check(request)
        return JSONResponse(_model(self._state.registry.run(request.path_params["name"])))

    async def complete(self, request: Request) -> "JSONResponse | EventStream":
        """Completes prompts: in one response, or as a stream of events."""
        self._state.keys.check(request)
        deadline = self._state.deadline()
        body = await read_json(request, CompletionRequest, self._state.limits.max_body_bytes)
        call = _CompletionCall(body, self._state, deadline)
        log_fields = request.state.log_fields
        log_fields |= {"runs": [call.run.name], "texts": len(call.outputs), "stream": bool(body.stream)}
        log_fields["characters"] = sum(map(len, call.prompts))
        if body.stream:
            return call.stream(request)
        scoring, text_requests = call.scoring_requests(), call.text_requests()
        results = await await_generations(self._state.batcher, request, [*scoring, *text_requests])
        generations = results[len(scoring) :] or call.empty_generations()
        self._state.count(text_requests, generations[: len(text_requests)], log_fields)
        call.store_scores(scoring)
        choices = [call.choice(number, generation) for number, generation in enumerate(generations)]
        notes = list(dict.fromkeys(note for generation in generations for note in generation.notes))
        answer = call.head() | {"choices": choices, "usage": call.usage()}
        return JSONResponse(answer | ({"notes": notes} if notes else {}))


class _CompletionCall:
    """A valid request: its prompts, and an output stream for each completion (`n` completions for each prompt)."""

    def __init__(self, body: CompletionRequest, state: ServerState, deadline: float) -> None:
        self.body, self.state, self.deadline = body, state, deadline
        self.run = state.registry.run(body.model)
        self.num_copies = body.n or 1
        # Whether the tokens of the prompts are scored. The ids that the client sends are then used as they are.
        self.scores_prompts = bool(body.echo) and body.logprobs is not None and not self.run.info.has_sources
        self.prompt_ids: list[list[int]] = []
        self.has_bos: list[bool] = []
        self.prompts = self._texts()
        self._check()
        self.scores: list[PromptScores] = []
        self.decoder = self._decoder()
        stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
        new_output = partial(OutputStream, self.run.tokenizer, stop=stop, num_top_tokens=body.logprobs)
        self.outputs = [new_output() for _ in range(len(self.prompts) * self.num_copies)]
        self._new_output = new_output
        self.seed = body.seed if body.seed is not None else secrets.randbits(63)
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": self.run.name,
        }

    def _texts(self) -> list[str]:
        """The prompts as texts; a missing prompt is an empty text."""
        prompt, limit = self.body.prompt, self.state.limits.max_chars
        if prompt is None:
            return [""]
        if isinstance(prompt, str) or (prompt and isinstance(prompt[0], int)):
            items: list[Any] = [prompt]
        else:
            items = list(prompt)
        if not items:
            raise HTTPError(400, "prompt is an empty list; expected at least one prompt", param="prompt")
        self.state.check_count(len(items) * self.num_copies)
        texts: list[str] = []
        for number, item in enumerate(items):
            if self.scores_prompts:
                ids = self.run.prompt_ids(item) if isinstance(item, str) else item[: limit + 1]
                # A client may send bos, which begins every text, to get the log-probability of the token after it.
                self.has_bos.append(ids[:1] == [self.run.tokenizer.vocab.bos_id])
                self.prompt_ids.append(ids[1:] if self.has_bos[-1] else ids)
                needs_text = self.body.max_tokens != 0 and not self.needs_next_only
                text = item if isinstance(item, str) else (self.run.text_of if needs_text else self.run.decode)(ids)
            else:
                text = item if isinstance(item, str) else self.run.text_of(item[: limit + 1])
            if text is None or len(item) > limit >= len(text):
                raise HTTPError(
                    400,
                    f"prompt: the token ids of item {number + 1} are not the ids that this model's tokenizer gives to a text; "
                    "send the text instead",
                    param="prompt",
                )
            self.state.check_text(text, "prompt")
            texts.append(text)
        return texts

    def _check(self) -> None:
        body, pairs = self.body, self.run.info.has_sources
        if body.best_of is not None and body.best_of != self.num_copies:
            raise HTTPError(
                400, "best_of is not supported here; leave it out, or set it to the same number as n", param="best_of"
            )
        if body.stream_options is not None and not body.stream:
            raise HTTPError(400, "stream_options may be set only if stream is true", param="stream_options")
        if body.echo and pairs:
            raise HTTPError(
                400,
                "echo is not supported here for this model: its prompt is a source, in another language",
                param="echo",
            )
        if self.scores_prompts and body.stream:
            raise HTTPError(400, "logprobs together with echo is not supported in a stream", param="logprobs")
        if body.max_tokens is not None and body.max_tokens > self.state.limits.max_tokens:
            raise HTTPError(
                400, f"max_tokens must be from 0 to {self.state.limits.max_tokens} here", param="max_tokens"
            )
        if not self.run.supports_streaming and body.logprobs is not None:
            raise HTTPError(
                400,
                f"logprobs is not supported here: the engine {self.run.info.engine} does not report them",
                param="logprobs",
            )

    def _decoder(self) -> RunDecoder:
        body = self.body
        temperature = 1.0 if body.temperature is None else body.temperature
        max_tokens = body.max_tokens
        if max_tokens is None and not self.run.info.has_sources:
            max_tokens = min(_MAX_TOKENS, self.state.limits.max_tokens)
        max_tokens = max_tokens or (None if max_tokens is None else 1)
        try:
            if self.is_greedy:
                return self.run.decoder(method="beam", beam=1, max_tokens=max_tokens)
            top_p = None if body.top_p == 1 else body.top_p
            return self.run.decoder(method="sample", temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        except ConfigError as error:
            raise HTTPError(400, str(error), param="temperature") from None

    @property
    def is_greedy(self) -> bool:
        """Whether each token is the most probable one, without sampling."""
        return self.body.temperature == 0 or self.body.top_p == 0

    @property
    def needs_next_only(self) -> bool:
        """Whether the scores of the prompts also give the completions: the most probable next token of each prompt."""
        return self.scores_prompts and self.is_greedy and self.body.max_tokens == 1 and not self.body.stop

    def scoring_requests(self) -> list[TextRequest]:
        """A request for each prompt, if prompts are scored."""
        if not self.scores_prompts:
            return []
        scorer = self.run.scorer(self.body.logprobs or 0)
        assert scorer is not None
        return [
            TextRequest(scorer, text, deadline=self.deadline, prompt_ids=ids)
            for text, ids in zip(self.prompts, self.prompt_ids, strict=True)
        ]

    def store_scores(self, scoring: Sequence[TextRequest]) -> None:
        """Stores the scores of prompts from finished `scoring_requests`."""
        self.scores = [item.prompt_scores for item in scoring if item.prompt_scores is not None]

    def empty_generations(self) -> list[Generation]:
        """Empty generations, for a request that generates no tokens (`max_tokens` 0)."""
        empty = Hypothesis((), 0.0, 0.0, False, ())
        return [Generation(self.prompts[n // self.num_copies], ("",), (empty,)) for n in range(len(self.outputs))]

    def text_requests(self) -> list[TextRequest]:
        """A request for each completion; [] if nothing is generated."""
        body, decoder = self.body, self.decoder
        if body.max_tokens == 0 or self.needs_next_only:
            return []
        needs_tokens = body.stream or body.stop or body.logprobs is not None
        seed = self.seed % 2**64
        return [
            TextRequest(
                decoder,
                self.prompts[number // self.num_copies],
                draw_key=(seed, number // self.num_copies, number % self.num_copies),
                on_token=output if decoder.streams_tokens and needs_tokens else None,
                deadline=self.deadline,
            )
            for number, output in enumerate(self.outputs)
        ]

    def head(self) -> dict[str, Any]:
        """The fields that all parts of a response have in common."""
        return dict(self._head)

    def choice(self, number: int, generation: Generation) -> dict[str, Any]:
        """The JSON of a completion.

        Args:
            number: the index of the completion: those of the first prompt come first.
        """
        output = self.outputs[number]
        text = output.finish(generation)
        if self.body.echo:
            text = self.prompts[number // self.num_copies] + text
        reports = output.reports if self.body.logprobs is not None else None
        choice = _choice(text, number, reports, output.finish_reason(generation))
        if self.scores:
            index = number // self.num_copies
            prompt, scores = self.prompts[index], self.scores[index]
            if self.needs_next_only:
                choice |= next_token(self.run.tokenizer, prompt, scores)
                output.num_tokens = 1
            choice["logprobs"] = echoed_logprobs(
                self.run.tokenizer, scores, choice["logprobs"], len(prompt), has_bos=self.has_bos[index]
            )
        return choice

    def usage(self) -> dict[str, int]:
        """The numbers of tokens that were read and generated."""
        read = sum(map(len, self.prompt_ids)) if self.scores_prompts else sum(self.decoder.num_read(self.prompts))
        written = sum(output.num_tokens for output in self.outputs)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def stream(self, request: Request) -> EventStream:
        """A response that sends events while tokens are generated; events of all completions are interleaved."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()

        def emit(number: int, text: str, reports: tuple[TokenReport, ...]) -> None:
            put(number, (text, reports))

        def put(number: int, item: Any) -> None:
            # A thread may still decode after the server has ended.
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, (number, item))

        try:
            # Check the lengths of the prompts now, because the status cannot change after the response has started.
            self.decoder.num_read(self.prompts)
        except PromptTooLongError as error:
            generation_of(error)
        self.outputs = [self._new_output(emit=partial(emit, number)) for number in range(len(self.outputs))]
        text_requests = self.text_requests()
        # Submit before the response starts, so that a full queue still gives 503.
        submit(self.state.batcher.submit, text_requests)
        for number, text_request in enumerate(text_requests):
            text_request.future.add_done_callback(partial(put, number))

        def close() -> None:
            for text_request in text_requests:
                text_request.cancel()

        return EventStream(self._event_bytes(events, text_requests, request.state.log_fields), close)

    async def _event_bytes(
        self,
        events: "asyncio.Queue[tuple[int, Any]]",
        text_requests: Sequence[TextRequest],
        log_fields: dict[str, Any],
    ) -> AsyncIterator[bytes]:
        has_logprobs = self.body.logprobs is not None
        if self.body.echo:
            for number in range(len(text_requests)):
                yield self._event([_choice(self.prompts[number // self.num_copies], number, None, None)])
        running = len(text_requests)
        generations: list[Generation] = []
        try:
            while running:
                timeout = self.deadline - time.monotonic()
                number, item = await asyncio.wait_for(events.get(), max(0.0, timeout))
                if isinstance(item, tuple):
                    text, reports = item
                    yield self._event([_choice(text, number, reports if has_logprobs else None, None)])
                    continue
                running -= 1
                failure = item.exception() if not item.cancelled() else asyncio.CancelledError()
                generation = generation_of(failure if failure is not None else item.result())
                generations.append(generation)
                output = self.outputs[number]
                output.finish(generation)
                text, reports = output.remaining()
                choice = _choice(text, number, reports if has_logprobs else None, output.finish_reason(generation))
                yield self._event([choice], notes=generation.notes)
        except TimeoutError:
            yield _error(HTTPError(503, "the answer took longer than the time limit of a request"))
            return
        except HTTPError as error:
            yield _error(error)
            return
        finally:
            self.state.count(text_requests[: len(generations)], generations, log_fields)
        if self.body.stream_options and self.body.stream_options.include_usage:
            yield self._event([], usage=self.usage())
        yield b"data: [DONE]\n\n"

    def _event(
        self, choices: list[dict[str, Any]], *, usage: dict[str, int] | None = None, notes: Sequence[str] = ()
    ) -> bytes:
        options = self.body.stream_options
        extra: dict[str, Any] = {"usage": usage} if options and options.include_usage else {}
        if notes:
            extra["notes"] = list(notes)
        return _data(self._head | {"choices": choices} | extra)


def _model(run: ServedRun) -> dict[str, Any]:
    info = run.info
    fields = {"id": info.name, "object": "model", "created": info.created, "owned_by": "seqloom"}
    return fields | {"kind": info.kind}


def _choice(text: str, index: int, reports: Sequence[TokenReport] | None, reason: str | None) -> dict[str, Any]:
    logprobs = None
    if reports is not None:
        logprobs = {
            "tokens": [report.text for report in reports],
            "token_logprobs": [report.log_prob for report in reports],
            "top_logprobs": [dict(report.top_tokens) for report in reports],
            "text_offset": [report.offset for report in reports],
        }
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}


def _error(problem: HTTPError) -> bytes:
    return _data(error_body("/v1/completions", problem))


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n\n"
