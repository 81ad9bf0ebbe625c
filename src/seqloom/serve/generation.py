"""seqloom's own API: /runs lists the runs; /generate decodes with any settings, and returns n-best lists with scores."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.arguments import MAX_FREQUENCY_PENALTY, MAX_REPETITION_PENALTY
from seqloom.decoding.hypothesis import Generation
from seqloom.errors import ConfigError
from seqloom.serve.batcher import TextRequest
from seqloom.serve.completion_models import Stop
from seqloom.serve.endpoint import BODY_ERRORS, Endpoint
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.limits import RequestLimits
from seqloom.serve.request_parsing import read_json
from seqloom.serve.results import await_generations
from seqloom.serve.run_registry import codes_of
from seqloom.serve.served_run import ServedRun
from seqloom.serve.state import ServerState

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class GenerateRequest(BaseModel):
    """Texts to decode, and decoding settings. A setting that is missing has the value of the recipe."""

    model_config = ConfigDict(extra="forbid", title="GenerateRequest")

    run: str = Field(description="a name that GET /runs lists")
    texts: Annotated[list[str], Field(fail_fast=True)] = Field(
        min_length=1, description="sources, or texts for a language model to continue"
    )
    method: Literal["beam", "sample"] | None = None
    beam: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="beam size; 1 is greedy search")
    nbest: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="number of outputs of each text")
    length_penalty: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    temperature: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    top_k: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    min_p: _Share | None = None
    typical_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=MAX_REPETITION_PENALTY, allow_inf_nan=False)] | None = Field(
        None,
        description="logits of tokens that are in the prompt or the output are divided by it, or multiplied if negative",
    )
    frequency_penalty: (
        Annotated[float, Field(ge=-MAX_FREQUENCY_PENALTY, le=MAX_FREQUENCY_PENALTY, allow_inf_nan=False)] | None
    ) = Field(None, description="subtracted from the logit of a token for each time that it is in the output")
    no_repeat_ngram: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(
        None, description="no n-gram of this size occurs twice in an output"
    )
    stop_strings: Annotated[list[Stop], Field(max_length=4)] | None = Field(
        None, description="an output ends before the first occurrence of any of these"
    )
    full_context: Literal["refuse", "slide"] | None = Field(
        None,
        description="for language models, if a text does not fit the context: an error, or continue from its last half",
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="maximum number of tokens of an output; by default 200 for language models, and the recipe's rule for pairs",
    )


class Output(BaseModel):
    """An output for a text."""

    text: str
    score: float = Field(description="the value that outputs are ranked by")
    log_prob: float
    finished: bool = Field(
        description="whether the model ended the output (eos), rather than a length limit or a stop string"
    )
    stop: str | None = Field(description="the stop string that ended the output, if any")
    tokens: list[str]


class GeneratedText(BaseModel):
    """A text with its outputs, best first."""

    source: str
    outputs: list[Output]
    notes: list[str]


class GenerateAnswer(BaseModel):
    """The results for all texts, in order."""

    run: str
    generations: list[GeneratedText]


class RunAnswer(BaseModel):
    """A served run. `source` and `target` are language codes; null for language models."""

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
    explained: bool = Field(description="whether POST /explain supports this run")
    surprised: bool = Field(description="whether POST /surprise supports this run")


class Runs(BaseModel):
    """All runs, and the limits of requests."""

    runs: list[RunAnswer]
    limits: RequestLimits


class GenerationAPI:
    """Endpoints of seqloom's own API."""

    ENDPOINTS = (
        Endpoint("/runs", "runs", summary="List runs, and the limits", answer=Runs, errors=(401,)),
        Endpoint(
            "/generate",
            "generate",
            "POST",
            summary="Decode texts with any settings; n-best lists with scores",
            body=GenerateRequest,
            answer=GenerateAnswer,
            errors=(*BODY_ERRORS, 401, 404),
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def runs(self, request: Request) -> JSONResponse:
        """Lists all runs, and the limits of requests."""
        self._state.keys.check(request)
        runs = [self._describe(run) for run in self._state.registry.runs]
        return JSONResponse({"runs": runs, "limits": self._state.limits.model_dump()})

    async def generate(self, request: Request) -> JSONResponse:
        """Decodes texts; returns outputs with scores."""
        self._state.keys.check(request)
        deadline = self._state.deadline()
        body = await read_json(request, GenerateRequest, self._state.limits.max_body_bytes)
        run = self._state.registry.run(body.run)
        text_requests = self._text_requests(body, run, deadline)
        log_fields = request.state.log_fields
        log_fields |= {"runs": [run.name], "texts": len(text_requests), "characters": sum(map(len, body.texts))}
        generations = await await_generations(self._state.batcher, request, text_requests)
        self._state.count(text_requests, generations, log_fields)
        # Each sample of a text is a text request of its own.
        num_copies = len(text_requests) // len(body.texts)
        groups = [generations[start : start + num_copies] for start in range(0, len(generations), num_copies)]
        return JSONResponse({"run": run.name, "generations": [_as_json(group, run) for group in groups]})

    def _text_requests(self, body: GenerateRequest, run: ServedRun, deadline: float) -> list[TextRequest]:
        limits = self._state.limits
        for text in body.texts:
            self._state.check_text(text, "texts")
        for name, value, limit in (
            ("beam", body.beam, limits.max_beam),
            ("nbest", body.nbest, limits.max_beam),
            ("max_tokens", body.max_tokens, limits.max_tokens),
        ):
            if value is not None and value > limit:
                raise HTTPError(400, f"Invalid request: {name} may be at most {limit} here", param=name)
        decoding = body.model_dump(exclude={"run", "texts", "seed", "nbest", "max_tokens"}, exclude_none=True)
        if "stop_strings" in decoding:
            # Decoders are cached by their settings, so these must be hashable.
            decoding["stop_strings"] = tuple(decoding["stop_strings"])
        try:
            decoder = run.decoder(**decoding, max_tokens=body.max_tokens)
            is_sampling = decoder.settings.method == "sample"
            num_copies = (body.nbest or 1) if is_sampling else 1
            if not is_sampling and body.nbest is not None:
                decoder = run.decoder(**decoding, nbest=body.nbest, max_tokens=body.max_tokens)
        except ConfigError as error:
            raise HTTPError(400, f"Invalid request: {error}") from None
        if not is_sampling and body.seed:
            raise HTTPError(400, "Invalid request: seed would be ignored, because nothing is drawn", param="seed")
        self._state.check_count(len(body.texts) * num_copies)
        return [
            TextRequest(decoder, text, draw_key=(body.seed, number, copy), deadline=deadline)
            for number, text in enumerate(body.texts)
            for copy in range(num_copies)
        ]

    def _describe(self, run: ServedRun) -> dict[str, Any]:
        info = run.info
        codes = codes_of(run) if info.has_sources else (None, None)
        names = {language.code: language.name for language in self._state.registry.languages}
        return {
            "name": info.name,
            "kind": info.kind,
            "recipe": info.recipe,
            "corpus": info.corpus,
            "source": codes[0],
            "target": codes[1],
            "source_name": names[codes[0]] if codes[0] else None,
            "target_name": names[codes[1]] if codes[1] else None,
            "engine": info.engine,
            "beam": run.decoder(method="beam").settings.beam,
            "explained": run.native_run is not None and not run.native_run.model.fitted_by_counting,
            "surprised": run.native_run is not None and run.info.predicts_text,
        }


def _as_json(group: list[Generation], run: ServedRun) -> dict[str, Any]:
    outputs = [
        item
        for generation in group
        for item in zip(
            generation.texts,
            generation.hypotheses,
            generation.stops or [None] * len(generation.texts),
            strict=True,
        )
    ]
    # Samples are sorted as in `seqloom generate`. Outputs of beam search are already sorted, finished ones first.
    ordered = sorted(outputs, key=lambda item: -item[1].score) if len(group) > 1 else outputs
    return {
        "source": group[0].source,
        "outputs": [
            {
                "text": text,
                "score": hypothesis.score,
                "log_prob": hypothesis.log_prob,
                "finished": hypothesis.finished,
                "stop": stop,
                "tokens": run.tokenizer.tgt_tokens(hypothesis.ids),
            }
            for text, hypothesis, stop in ordered
        ],
        "notes": list(dict.fromkeys(note for generation in group for note in generation.notes)),
    }
