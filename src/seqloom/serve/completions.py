"""OpenAI's API of completions: /v1/models and /v1/completions, streaming included.

For a model of pairs the prompt is the source and the completion its target; a language model continues the prompt.
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

from seqloom.decoding.hypothesis import Generation
from seqloom.errors import ConfigError
from seqloom.serve.batcher import Ticket
from seqloom.serve.completion_models import CompletionRequest
from seqloom.serve.desk import Desk
from seqloom.serve.events import EventStream
from seqloom.serve.http_errors import error_body
from seqloom.serve.intake import read_json
from seqloom.serve.live import Live, TokenReport
from seqloom.serve.refusals import RefusedError
from seqloom.serve.served import RunManner, Served
from seqloom.serve.waiting import answers, outcome, submit

_MAX_TOKENS = 16
"""The API's own default for language models."""


class Completions:
    """The endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def models(self, request: Request) -> JSONResponse:
        """All runs."""
        self._desk.keys.check(request)
        return JSONResponse({"object": "list", "data": [_model(run) for run in self._desk.directory.runs]})

    async def model(self, request: Request) -> JSONResponse:
        """One run."""
        self._desk.keys.check(request)
        return JSONResponse(_model(self._desk.directory.run(request.path_params["name"])))

    async def complete(self, request: Request) -> "JSONResponse | EventStream":
        """Completions, at once or as they come."""
        self._desk.keys.check(request)
        deadline = self._desk.deadline()
        asked = await read_json(request, CompletionRequest, self._desk.limits.max_body_bytes)
        order = _Order(asked, self._desk, deadline)
        facts = request.state.facts
        facts |= {"runs": [order.run.name], "texts": len(order.lives), "stream": bool(asked.stream)}
        facts["characters"] = sum(map(len, order.prompts))
        if asked.stream:
            return order.stream(request)
        tickets = order.tickets()
        found = await answers(self._desk.batcher, request, tickets)
        self._desk.count(tickets, found, facts)
        choices = [order.choice(number, generation) for number, generation in enumerate(found)]
        notes = list(dict.fromkeys(note for generation in found for note in generation.notes))
        answer = order.head() | {"choices": choices, "usage": order.usage()}
        return JSONResponse(answer | ({"notes": notes} if notes else {}))


class _Order:
    """A request that was found good: its prompts, each as often as it is to be completed, and what has become of them."""

    def __init__(self, asked: CompletionRequest, desk: Desk, deadline: float) -> None:
        self.asked, self.desk, self.deadline = asked, desk, deadline
        self.run = desk.directory.run(asked.model)
        self.copies = asked.n or 1
        self.prompts = self._texts()
        self._check()
        self.manner = self._manner()
        stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
        make = partial(Live, self.run.tokenizer, stop=stop, likeliest=asked.logprobs)
        self.lives = [make() for _ in range(len(self.prompts) * self.copies)]
        self._make = make
        self.seed = asked.seed if asked.seed is not None else secrets.randbits(63)
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": self.run.name,
        }

    def _texts(self) -> list[str]:
        """The prompts as texts; no prompt is an empty one."""
        prompt, limit = self.asked.prompt, self.desk.limits.max_chars
        if prompt is None:
            return [""]
        if isinstance(prompt, str) or (prompt and isinstance(prompt[0], int)):
            items: list[Any] = [prompt]
        else:
            items = list(prompt)
        if not items:
            raise RefusedError(400, "prompt is an empty list; give at least one", param="prompt")
        self.desk.check_count(len(items) * self.copies)
        texts: list[str] = []
        for number, item in enumerate(items):
            text = item if isinstance(item, str) else self.run.text_of(item[: limit + 1])
            if text is None or len(item) > limit >= len(text):
                raise RefusedError(
                    400,
                    f"prompt: the token ids of item {number + 1} are not those by which this model writes a text; "
                    "send the text instead",
                    param="prompt",
                )
            self.desk.check_text(text, "prompt")
            texts.append(text)
        return texts

    def _check(self) -> None:
        asked, pairs = self.asked, self.run.about.kind == "pairs"
        if asked.best_of is not None and asked.best_of != self.copies:
            raise RefusedError(
                400, "best_of is not supported here; leave it out, or give the same number as n", param="best_of"
            )
        if asked.stream_options is not None and not asked.stream:
            raise RefusedError(400, "stream_options may be given only when stream is true", param="stream_options")
        if asked.echo and pairs:
            raise RefusedError(
                400,
                "echo is not supported here for this model: its prompt is a source, in another language",
                param="echo",
            )
        if asked.echo and asked.logprobs is not None:
            raise RefusedError(400, "logprobs together with echo is not supported here", param="logprobs")
        if asked.max_tokens is not None and asked.max_tokens > self.desk.limits.max_tokens:
            raise RefusedError(
                400, f"max_tokens must be from 1 to {self.desk.limits.max_tokens} here", param="max_tokens"
            )
        if not self.run.can_listen and asked.logprobs is not None:
            raise RefusedError(
                400, f"logprobs is not supported here: the engine {self.run.about.engine} tells none", param="logprobs"
            )

    def _manner(self) -> RunManner:
        asked = self.asked
        temperature = 1.0 if asked.temperature is None else asked.temperature
        max_tokens = asked.max_tokens
        if max_tokens is None and self.run.about.kind == "text":
            max_tokens = min(_MAX_TOKENS, self.desk.limits.max_tokens)
        greedy = temperature == 0 or asked.top_p == 0
        try:
            if greedy:
                return self.run.manner(method="beam", beam=1, max_tokens=max_tokens)
            top_p = None if asked.top_p == 1 else asked.top_p
            return self.run.manner(method="sample", temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        except ConfigError as error:
            raise RefusedError(400, str(error), param="temperature") from None

    def tickets(self) -> list[Ticket]:
        asked, manner = self.asked, self.manner
        wanted = asked.stream or asked.stop or asked.logprobs is not None
        seed = self.seed % 2**64
        return [
            Ticket(
                manner,
                self.prompts[number // self.copies],
                draw_key=(seed, number // self.copies, number % self.copies),
                hear=live if manner.listens and wanted else None,
                deadline=self.deadline,
            )
            for number, live in enumerate(self.lives)
        ]

    def head(self) -> dict[str, Any]:
        return dict(self._head)

    def choice(self, number: int, generation: Generation) -> dict[str, Any]:
        live = self.lives[number]
        text = live.finish(generation)
        if self.asked.echo:
            text = self.prompts[number // self.copies] + text
        reports = live.reports if self.asked.logprobs is not None else None
        return _choice(text, number, reports, live.reason(generation))

    def usage(self) -> dict[str, int]:
        read = sum(self.manner.num_read(self.prompts))
        written = sum(live.num_tokens for live in self.lives)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def stream(self, request: Request) -> EventStream:
        """Events as tokens come, those of all completions through each other."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()

        def emit(number: int, text: str, reports: tuple[TokenReport, ...]) -> None:
            tell(number, (text, reports))

        def tell(number: int, what: Any) -> None:
            # The server may have ended while a thread still decodes.
            if not loop.is_closed():
                loop.call_soon_threadsafe(arrived.put_nowait, (number, what))

        self.lives = [self._make(emit=partial(emit, number)) for number in range(len(self.lives))]
        tickets = self.tickets()
        # Before the answer begins, so that a full queue is still 503.
        submit(self.desk.batcher.submit, tickets)
        for number, ticket in enumerate(tickets):
            ticket.future.add_done_callback(partial(tell, number))

        def close() -> None:
            for ticket in tickets:
                ticket.abandon()

        return EventStream(self._events(arrived, tickets, request.state.facts), close)

    async def _events(
        self, arrived: "asyncio.Queue[tuple[int, Any]]", tickets: Sequence[Ticket], facts: dict[str, Any]
    ) -> AsyncIterator[bytes]:
        reported = self.asked.logprobs is not None
        if self.asked.echo:
            for number in range(len(tickets)):
                yield self._event([_choice(self.prompts[number // self.copies], number, None, None)])
        running = len(tickets)
        found: list[Generation] = []
        try:
            while running:
                patience = self.deadline - time.monotonic()
                number, what = await asyncio.wait_for(arrived.get(), max(0.0, patience))
                if isinstance(what, tuple):
                    text, reports = what
                    yield self._event([_choice(text, number, reports if reported else None, None)])
                    continue
                running -= 1
                error = what.exception() if not what.cancelled() else asyncio.CancelledError()
                generation = outcome(error if error is not None else what.result())
                found.append(generation)
                live = self.lives[number]
                live.finish(generation)
                text, reports = live.rest()
                choice = _choice(text, number, reports if reported else None, live.reason(generation))
                yield self._event([choice], notes=generation.notes)
        except TimeoutError:
            yield _error(RefusedError(503, "the answer did not come within the time that a request may take"))
            return
        except RefusedError as problem:
            yield _error(problem)
            return
        finally:
            self.desk.count(tickets[: len(found)], found, facts)
        if self.asked.stream_options and self.asked.stream_options.include_usage:
            yield self._event([], usage=self.usage())
        yield b"data: [DONE]\n\n"

    def _event(
        self, choices: list[dict[str, Any]], *, usage: dict[str, int] | None = None, notes: Sequence[str] = ()
    ) -> bytes:
        options = self.asked.stream_options
        more: dict[str, Any] = {"usage": usage} if options and options.include_usage else {}
        if notes:
            more["notes"] = list(notes)
        return _data(self._head | {"choices": choices} | more)


def _model(run: Served) -> dict[str, Any]:
    about = run.about
    known = {"id": about.name, "object": "model", "created": about.created, "owned_by": "seqloom"}
    return known | {"kind": about.kind}


def _choice(text: str, index: int, reports: Sequence[TokenReport] | None, reason: str | None) -> dict[str, Any]:
    logprobs = None
    if reports is not None:
        logprobs = {
            "tokens": [one.text for one in reports],
            "token_logprobs": [one.log_prob for one in reports],
            "top_logprobs": [dict(one.likeliest) for one in reports],
            "text_offset": [one.offset for one in reports],
        }
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}


def _error(problem: RefusedError) -> bytes:
    return _data(error_body("/v1/completions", problem))


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n\n"
