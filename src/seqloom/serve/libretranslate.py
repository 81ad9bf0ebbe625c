"""LibreTranslate's API: /translate, /languages, /detect and /frontend/settings.

A text is translated line by line, because runs are trained on sentences; line breaks and blank lines are kept.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.corpus.languages import normalise_language
from seqloom.decoding.hypothesis import Generation
from seqloom.serve.batcher import TextRequest
from seqloom.serve.endpoint import BODY_ERRORS, FORMS, Endpoint
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.request_parsing import read_fields
from seqloom.serve.results import await_generations
from seqloom.serve.served_run import RunDecoder, ServedRun
from seqloom.serve.state import ServerState
from seqloom.serve.swagger import swagger_document
from seqloom.serve.validation import safe_name

_MAX_NAMED = 10

_AUTO = "auto"
_OFF = "not_supported"

_BREAK = re.compile(r"(\r\n|\n|\r)")

Texts = str | Annotated[list[str], Field(fail_fast=True)]

Digits = Annotated[str, Field(pattern=r"^\s*[0-9]{1,4}\s*$", title="one as a string")]


class TranslateRequest(BaseModel):
    """Texts to translate. An unknown field has no effect; a note in the response says so."""

    model_config = ConfigDict(title="TranslateRequest", extra="allow")

    q: Texts = Field(description="a text, or a list of texts; line breaks are kept")
    source: str = Field(description='the code of the language of the text, or "auto"')
    target: str = Field(description="the code of the language to translate into")
    format: str | None = Field(
        None, description="text; html is not supported", json_schema_extra={"enum": ["text", "html", "", None]}
    )
    alternatives: Annotated[int, Field(ge=0, le=1_000)] | Digits | None = Field(
        None, description="number of alternative translations; none by default"
    )
    api_key: str | None = Field(None, description="an API key, if the server requires it")
    secret: str | None = Field(None, description="sent by the page of LibreTranslate; not used here")

    def notes(self) -> list[str]:
        """A note for each unknown field."""
        names = sorted(safe_name(name) for name in self.model_extra or {})
        return [f"{name} is not supported here and had no effect" for name in names[:_MAX_NAMED]]


class DetectedLanguage(BaseModel):
    """A possible language of a text."""

    confidence: float = Field(ge=0, le=100, description="percent")
    language: str


class TranslateAnswer(BaseModel):
    """Translations; each field is a list if `q` was a list."""

    translatedText: str | list[str]  # noqa: N815 (the API's own name)
    alternatives: list[str] | list[list[str]] | None = None
    detectedLanguage: DetectedLanguage | list[DetectedLanguage] | None = None  # noqa: N815
    notes: list[str] | None = Field(None, description="sentences for the user, such as that a text was cut")


class DetectRequest(BaseModel):
    """A text, to detect its language."""

    model_config = ConfigDict(title="DetectRequest")

    q: Texts
    api_key: str | None = None


class LanguageAnswer(BaseModel):
    """A language, with the codes of the languages that it can be translated into."""

    code: str
    name: str
    targets: list[str]


class CodeAndName(BaseModel):
    """A language and its code."""

    code: str
    name: str


class Chosen(BaseModel):
    """The languages that are selected when the page of LibreTranslate starts."""

    source: CodeAndName
    target: CodeAndName


class FrontendSettings(BaseModel):
    """Settings that the page of LibreTranslate reads when it starts."""

    apiKeys: bool  # noqa: N815 (the API's own names)
    charLimit: int = Field(description="maximum number of characters of a text")  # noqa: N815
    filesTranslation: bool  # noqa: N815
    frontendTimeout: int  # noqa: N815
    keyRequired: bool  # noqa: N815
    language: Chosen
    suggestions: bool
    supportedFilesFormat: list[str]  # noqa: N815


class LibreTranslate:
    """Endpoints of LibreTranslate's API."""

    ENDPOINTS = (
        Endpoint(
            "/translate",
            "translate",
            "POST",
            summary="Translate texts",
            body=TranslateRequest,
            content_types=FORMS,
            answer=TranslateAnswer,
            errors=(*BODY_ERRORS, 403),
            tag="LibreTranslate",
        ),
        Endpoint(
            "/detect",
            "detect",
            "POST",
            summary="Detect the language of a text",
            body=DetectRequest,
            content_types=FORMS,
            answer=DetectedLanguage,
            is_list=True,
            errors=(*BODY_ERRORS, 403),
            tag="LibreTranslate",
        ),
        Endpoint(
            "/languages",
            "languages",
            summary="List languages, each with its target languages",
            answer=LanguageAnswer,
            is_list=True,
        ),
        Endpoint("/spec", "spec", summary="LibreTranslate's API as Swagger 2.0", answer={"type": "object"}),
        Endpoint(
            "/frontend/settings", "settings", summary="Settings for the page of LibreTranslate", answer=FrontendSettings
        ),
        Endpoint("/translate_file", "translate_file", "POST"),
        Endpoint("/suggest", "suggest", "POST"),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def languages(self, request: Request) -> JSONResponse:
        """Lists all languages, each with its target languages."""
        return JSONResponse(
            [
                {"code": language.code, "name": language.name, "targets": list(language.targets)}
                for language in self._state.registry.languages
            ]
        )

    async def spec(self, request: Request) -> JSONResponse:
        """Describes LibreTranslate's API as Swagger 2.0."""
        return JSONResponse(swagger_document(self._state.registry))

    async def settings(self, request: Request) -> JSONResponse:
        """Returns the settings that the page of LibreTranslate reads when it starts."""
        languages, limits = self._state.registry.languages, self._state.limits
        target = next((code for language in languages for code in language.targets), "")
        name = next((language.name for language in languages if language.code == target), "")
        return JSONResponse(
            {
                "apiKeys": self._state.keys.required,
                "charLimit": limits.max_chars,
                "filesTranslation": False,
                "frontendTimeout": 500,
                "keyRequired": self._state.keys.required,
                "language": {
                    "source": {"code": "auto", "name": "Auto Detect"},
                    "target": {"code": target, "name": name},
                },
                "suggestions": False,
                "supportedFilesFormat": [],
            }
        )

    async def detect(self, request: Request) -> JSONResponse:
        """Detects the language of a text."""
        self._check_key(request)
        body = await read_fields(request, DetectRequest, self._state.limits.max_body_bytes)
        self._check_key(request, body.api_key or "")
        texts = self._texts(body.q)
        text, registry = "\n".join(texts), self._state.registry
        if not _has_letters(text):
            codes = [language.code for language in registry.languages]
            return JSONResponse([_detected(code, 0.0) for code in (["en"] if "en" in codes else codes[:1])])
        return JSONResponse([_detected(code, probability) for code, probability in registry.detect(text)])

    async def translate_file(self, request: Request) -> JSONResponse:
        """Always an error 403, as in LibreTranslate if the translation of files is disabled."""
        self._state.keys.check(request, status=403)
        raise HTTPError(403, "Translation of files is not supported here; send their text to /translate", code=_OFF)

    async def suggest(self, request: Request) -> JSONResponse:
        """Always an error 403, as in LibreTranslate if suggestions are disabled."""
        self._state.keys.check(request, status=403)
        raise HTTPError(403, "Suggestions are not supported here", code=_OFF)

    async def translate(self, request: Request) -> JSONResponse:
        """Translates texts."""
        deadline = self._state.deadline()
        self._check_key(request)
        body = await read_fields(request, TranslateRequest, self._state.limits.max_body_bytes, lists=("q",))
        self._check_key(request, body.api_key or "")
        alternatives = int(body.alternatives or 0)
        limit = self._state.limits.max_beam - 1
        if alternatives > limit:
            raise HTTPError(400, f"Invalid request: alternatives parameter must be <= {limit}", param="alternatives")
        texts = self._texts(body.q)
        registry = self._state.registry
        target = registry.code(body.target, "target")
        source = _AUTO if body.source.lower() == _AUTO else registry.code(body.source, "source")
        if body.format not in (None, "text"):
            raise HTTPError(400, f"{safe_name(body.format)} format is not supported; use text", param="format")
        detected = [self._source(source, target, text) for text in texts]
        passages = []
        text_requests: list[TextRequest] = []
        for text, (code, _) in zip(texts, detected, strict=True):
            passage = _Passage(text, registry.translator(code, target), alternatives)
            text_requests += passage.text_requests(deadline)
            passages.append(passage)
        self._state.check_count(len(text_requests))
        runs = sorted({passage.run.name for passage in passages if passage.run})
        log_fields = request.state.log_fields
        log_fields |= {"runs": runs, "texts": len(text_requests), "characters": sum(map(len, texts))}
        generations = await await_generations(self._state.batcher, request, text_requests) if text_requests else []
        self._state.count(text_requests, generations, log_fields)
        for passage in passages:
            passage.store_results(generations)
        notes = [
            f"{param} {word} was taken as {code}"
            for param, word, code in (("source", body.source, source), ("target", body.target, target))
            if code != _AUTO and normalise_language(word) != normalise_language(code)
        ]
        return JSONResponse(_answer(body, passages, [language for _, language in detected], [*body.notes(), *notes]))

    def _check_key(self, request: Request, key: str | None = None) -> None:
        """Checks the API key: in the header before the body is read (`key` is None), in the body afterwards."""
        if key is not None or self._state.keys.has_header(request):
            self._state.keys.check(request, key, status=403)

    def _texts(self, q: Texts) -> list[str]:
        texts = [q] if isinstance(q, str) else q
        self._state.check_count(len(texts))
        limit = self._state.limits.max_chars
        for text in texts:
            if len(text) > limit:
                raise HTTPError(400, f"Invalid request: request ({len(text)}) exceeds text limit ({limit})", param="q")
        return texts

    def _source(self, source: str, target: str, text: str) -> tuple[str, dict[str, Any] | None]:
        """The code of the language of a text, and what was detected if `source` is "auto".

        It detects the most probable language of those that can be translated into `target`.
        """
        if source != _AUTO:
            return source, None
        registry = self._state.registry
        languages = registry.detect(text, registry.sources_of(target))
        # Of equally probable languages, one that is not the target is preferred, so that the text is translated.
        code, probability = max(languages, key=lambda item: (item[1], item[0] != target))
        return code, _detected(code, probability if _has_letters(text) else 0.0)


class _Passage:
    """A text of a request: its lines, their text requests, and the joined translations."""

    def __init__(self, text: str, run: ServedRun | None, alternatives: int) -> None:
        self.parts = _BREAK.split(text)
        self.run = run
        self.alternatives = alternatives
        # Indexes of lines to translate. Odd parts are line breaks; blank lines stay unchanged.
        self.indexes = (
            [index for index, part in enumerate(self.parts) if index % 2 == 0 and part.strip()] if run else []
        )
        self.results: list[str] = []
        self.notes: list[str] = []
        self._text_requests: list[TextRequest] = []

    def text_requests(self, deadline: float) -> list[TextRequest]:
        if self.run is not None:
            decoder = _decoder(self.run, self.alternatives)
            self._text_requests = [TextRequest(decoder, self.parts[index], deadline=deadline) for index in self.indexes]
        return self._text_requests

    def store_results(self, generations: list[Generation]) -> None:
        """Removes the generations of its lines from the front of the list, and joins their texts with the line breaks."""
        results, generations[: len(self.indexes)] = generations[: len(self.indexes)], []
        for generation in results:
            self.notes += generation.notes
        for rank in range(self.alternatives + 1):
            if rank and not any(len(generation.texts) > rank for generation in results):
                break
            parts = list(self.parts)
            for index, generation in zip(self.indexes, results, strict=True):
                # For a line with fewer outputs, its best output is used again.
                parts[index] = generation.texts[rank if rank < len(generation.texts) else 0]
            text = "".join(parts)
            if text not in self.results:
                self.results.append(text)


def _decoder(run: ServedRun, alternatives: int) -> RunDecoder:
    """A decoder that returns the translation and, if possible, as many alternatives."""
    if not alternatives:
        return run.decoder()
    settings = run.decoder().settings
    if settings.method == "beam":
        return run.decoder(beam=max(settings.beam, alternatives + 1), nbest=alternatives + 1)
    return run.decoder(nbest=alternatives + 1)


def _answer(
    body: TranslateRequest,
    passages: Sequence[_Passage],
    detected: Sequence[dict[str, Any] | None],
    notes: Sequence[str],
) -> dict[str, Any]:
    single = isinstance(body.q, str)
    best = [passage.results[0] for passage in passages]
    answer: dict[str, Any] = {"translatedText": best[0] if single else best}
    if int(body.alternatives or 0):
        others = [passage.results[1:] for passage in passages]
        answer["alternatives"] = others[0] if single else others
    if body.source.lower() == _AUTO:
        answer["detectedLanguage"] = detected[0] if single else list(detected)
    all_notes = list(dict.fromkeys([*notes, *(note for passage in passages for note in passage.notes)]))
    return answer | ({"notes": all_notes} if all_notes else {})


def _detected(code: str, probability: float) -> dict[str, Any]:
    return {"confidence": round(100 * probability, 1), "language": code}


def _has_letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)
