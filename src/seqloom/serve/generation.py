"""seqloom's own API: /runs says what is served, /generate writes by any decoding settings and tells all that search found."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.decoding.hypothesis import Generation
from seqloom.errors import ConfigError
from seqloom.serve.batcher import Ticket
from seqloom.serve.desk import Desk
from seqloom.serve.directory import codes_of
from seqloom.serve.intake import read_json
from seqloom.serve.refusals import RefusedError
from seqloom.serve.served import Served
from seqloom.serve.waiting import answers

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class GenerateRequest(BaseModel):
    """Texts, and how to write what becomes of them. What is not given is the recipe's."""

    model_config = ConfigDict(extra="forbid", title="GenerateRequest")

    run: str = Field(description="a name that GET /runs lists")
    texts: Annotated[list[str], Field(fail_fast=True)] = Field(
        min_length=1, description="sources, or texts for a language model to continue"
    )
    method: Literal["beam", "sample"] | None = None
    beam: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="1 is greedy")
    nbest: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="outputs of each text")
    length_penalty: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    temperature: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    top_k: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    min_p: _Share | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="tokens of an output; 200 for language models and the recipe's rule for models of pairs by default",
    )


class Output(BaseModel):
    """What a text became."""

    text: str
    score: float = Field(description="what ranked it")
    log_prob: float
    finished: bool = Field(description="whether it ended by itself")
    tokens: list[str]


class GeneratedText(BaseModel):
    """A text with its outputs, best first."""

    source: str
    outputs: list[Output]
    notes: list[str]


class GenerateAnswer(BaseModel):
    """All texts, in their order."""

    run: str
    generations: list[GeneratedText]


class RunAnswer(BaseModel):
    """A run that is served. Languages are null for language models."""

    name: str
    kind: Literal["pairs", "text"]
    recipe: str
    corpus: str
    source: str | None
    target: str | None
    source_name: str | None
    target_name: str | None
    engine: str
    beam: int
    explained: bool = Field(description="whether POST /explain can look into it")


class GenerationAPI:
    """The endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def runs(self, request: Request) -> JSONResponse:
        """All runs, and the limits that requests must keep."""
        self._desk.keys.check(request)
        runs = [self._describe(run) for run in self._desk.directory.runs]
        return JSONResponse({"runs": runs, "limits": self._desk.limits.model_dump()})

    async def generate(self, request: Request) -> JSONResponse:
        """Outputs with their scores."""
        self._desk.keys.check(request)
        deadline = self._desk.deadline()
        asked = await read_json(request, GenerateRequest, self._desk.limits.max_body_bytes)
        run = self._desk.directory.run(asked.run)
        tickets = self._tickets(asked, run, deadline)
        facts = request.state.facts
        facts |= {"runs": [run.name], "texts": len(tickets), "characters": sum(map(len, asked.texts))}
        found = await answers(self._desk.batcher, request, tickets)
        self._desk.count(tickets, found, facts)
        # Several samples of a text were tickets of their own.
        each = len(tickets) // len(asked.texts)
        groups = [found[start : start + each] for start in range(0, len(found), each)]
        return JSONResponse({"run": run.name, "generations": [_as_json(group, run) for group in groups]})

    def _tickets(self, asked: GenerateRequest, run: Served, deadline: float) -> list[Ticket]:
        limits = self._desk.limits
        for text in asked.texts:
            self._desk.check_text(text, "texts")
        for name, value, limit in (
            ("beam", asked.beam, limits.max_beam),
            ("nbest", asked.nbest, limits.max_beam),
            ("max_tokens", asked.max_tokens, limits.max_tokens),
        ):
            if value is not None and value > limit:
                raise RefusedError(400, f"Invalid request: {name} may be at most {limit} here", param=name)
        decoding = asked.model_dump(exclude={"run", "texts", "seed", "nbest", "max_tokens"}, exclude_none=True)
        try:
            manner = run.manner(**decoding, max_tokens=asked.max_tokens)
            samples = manner.settings.method == "sample"
            copies = (asked.nbest or 1) if samples else 1
            if not samples and asked.nbest is not None:
                manner = run.manner(**decoding, nbest=asked.nbest, max_tokens=asked.max_tokens)
        except ConfigError as error:
            raise RefusedError(400, f"Invalid request: {error}") from None
        if not samples and asked.seed:
            raise RefusedError(400, "Invalid request: seed would be ignored, because nothing is drawn", param="seed")
        self._desk.check_count(len(asked.texts) * copies)
        return [
            Ticket(manner, text, draw_key=(asked.seed, number, copy), deadline=deadline)
            for number, text in enumerate(asked.texts)
            for copy in range(copies)
        ]

    def _describe(self, run: Served) -> dict[str, Any]:
        about = run.about
        codes = codes_of(run) if about.kind == "pairs" else (None, None)
        names = {one.code: one.name for one in self._desk.directory.languages}
        return {
            "name": about.name,
            "kind": about.kind,
            "recipe": about.recipe,
            "corpus": about.corpus,
            "source": codes[0],
            "target": codes[1],
            "source_name": names[codes[0]] if codes[0] else None,
            "target_name": names[codes[1]] if codes[1] else None,
            "engine": about.engine,
            "beam": run.manner(method="beam").settings.beam,
            "explained": run.own is not None,
        }


def _as_json(group: list[Generation], run: Served) -> dict[str, Any]:
    found = [pair for one in group for pair in zip(one.texts, one.hypotheses, strict=True)]
    # As `seqloom generate` orders samples; a beam's are so already, those that ended before those that were cut.
    ordered = sorted(found, key=lambda pair: -pair[1].score) if len(group) > 1 else found
    return {
        "source": group[0].source,
        "outputs": [
            {
                "text": text,
                "score": hypothesis.score,
                "log_prob": hypothesis.log_prob,
                "finished": hypothesis.finished,
                "tokens": run.tokenizer.tgt_tokens(hypothesis.ids),
            }
            for text, hypothesis in ordered
        ],
        "notes": list(dict.fromkeys(note for one in group for note in one.notes)),
    }
