"""LibreTranslate's API: /translate, /languages, /detect, /frontend/settings, as its clients know them.

A text is translated line by line, because runs learn from sentences; line breaks and blank lines stay where they are.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from seqloom.corpus.languages import normalise_language
from seqloom.decoding.hypothesis import Generation
from seqloom.serve.batcher import Ticket
from seqloom.serve.desk import Desk
from seqloom.serve.intake import read_fields
from seqloom.serve.refusals import RefusedError
from seqloom.serve.served import RunManner, Served
from seqloom.serve.validation import shown
from seqloom.serve.waiting import answers

_MOST_NAMED = 10

_AUTO = "auto"
_OFF = "not_supported"

_BREAK = re.compile(r"(\r\n|\n|\r)")

Texts = str | Annotated[list[str], Field(fail_fast=True)]


Digits = Annotated[str, Field(pattern=r"^\s*[0-9]{1,4}\s*$", title="one as a string")]


class TranslateRequest(BaseModel):
    """What to translate. A field that is not named here has no effect, and the answer's `notes` say so."""

    model_config = ConfigDict(title="TranslateRequest", extra="allow")

    q: Texts = Field(description="a text, or a list of texts; line breaks stay where they are")
    source: str = Field(description='the code of the language of the text, or "auto"')
    target: str = Field(description="the code of the language to translate into")
    format: str | None = Field(
        None, description="text; html is not supported", json_schema_extra={"enum": ["text", "html", "", None]}
    )
    alternatives: Annotated[int, Field(ge=0, le=1_000)] | Digits | None = Field(
        None, description="how many other translations to give; none by default"
    )
    api_key: str | None = Field(None, description="a key, where the server needs one")
    secret: str | None = Field(None, description="what LibreTranslate's own page sends; it is not needed here")

    def notes(self) -> list[str]:
        """What had no effect."""
        names = sorted(shown(name) for name in self.model_extra or {})
        return [f"{name} is not supported here and had no effect" for name in names[:_MOST_NAMED]]


class DetectedLanguage(BaseModel):
    """A language that a text may be of."""

    confidence: float = Field(ge=0, le=100, description="percent")
    language: str


class TranslateAnswer(BaseModel):
    """Translations: lists where `q` was one."""

    translatedText: str | list[str]  # noqa: N815 (the API's own name)
    alternatives: list[str] | list[list[str]] | None = None
    detectedLanguage: DetectedLanguage | list[DetectedLanguage] | None = None  # noqa: N815
    notes: list[str] | None = Field(None, description="what else there is to know, such as that a text was cut")


class DetectRequest(BaseModel):
    """A text whose language is asked for."""

    model_config = ConfigDict(title="DetectRequest")

    q: Texts
    api_key: str | None = None


class LanguageAnswer(BaseModel):
    """A language that can be translated."""

    code: str
    name: str
    targets: list[str]


class LibreTranslate:
    """The endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def languages(self, request: Request) -> JSONResponse:
        """All languages, with what each can be translated into."""
        return JSONResponse(
            [
                {"code": one.code, "name": one.name, "targets": list(one.targets)}
                for one in self._desk.directory.languages
            ]
        )

    async def settings(self, request: Request) -> JSONResponse:
        """What LibreTranslate's own page asks for when it starts."""
        languages, limits = self._desk.directory.languages, self._desk.limits
        target = next((code for one in languages for code in one.targets), "")
        name = next((one.name for one in languages if one.code == target), "")
        return JSONResponse(
            {
                "apiKeys": self._desk.keys.required,
                "charLimit": limits.max_chars,
                "filesTranslation": False,
                "frontendTimeout": 500,
                "keyRequired": self._desk.keys.required,
                "language": {
                    "source": {"code": "auto", "name": "Auto Detect"},
                    "target": {"code": target, "name": name},
                },
                "suggestions": False,
                "supportedFilesFormat": [],
            }
        )

    async def detect(self, request: Request) -> JSONResponse:
        """The languages that a text may be of."""
        self._admit(request)
        asked = await read_fields(request, DetectRequest, self._desk.limits.max_body_bytes)
        self._admit(request, asked.api_key or "")
        texts = self._texts(asked.q)
        whole, directory = "\n".join(texts), self._desk.directory
        if not _has_letters(whole):
            codes = [language.code for language in directory.languages]
            return JSONResponse([_detected(code, 0.0) for code in (["en"] if "en" in codes else codes[:1])])
        return JSONResponse([_detected(code, share) for code, share in directory.detect(whole)])

    async def translate_file(self, request: Request) -> JSONResponse:
        """Refuses, as a LibreTranslate without translation of files does."""
        self._desk.keys.check(request, status=403)
        raise RefusedError(403, "Translation of files is not supported here; send their text to /translate", code=_OFF)

    async def suggest(self, request: Request) -> JSONResponse:
        """Refuses, as a LibreTranslate without suggestions does."""
        self._desk.keys.check(request, status=403)
        raise RefusedError(403, "Suggestions are not supported here", code=_OFF)

    async def translate(self, request: Request) -> JSONResponse:
        """Translations."""
        deadline = self._desk.deadline()
        self._admit(request)
        asked = await read_fields(request, TranslateRequest, self._desk.limits.max_body_bytes, lists=("q",))
        self._admit(request, asked.api_key or "")
        alternatives = int(asked.alternatives or 0)
        limit = self._desk.limits.max_beam - 1
        if alternatives > limit:
            raise RefusedError(400, f"Invalid request: alternatives parameter must be <= {limit}", param="alternatives")
        texts = self._texts(asked.q)
        directory = self._desk.directory
        target = directory.code(asked.target, "target")
        source = _AUTO if asked.source.lower() == _AUTO else directory.code(asked.source, "source")
        if asked.format not in (None, "text"):
            raise RefusedError(400, f"{shown(asked.format)} format is not supported; use text", param="format")
        detected = [self._source(source, target, text) for text in texts]
        passages = []
        tickets: list[Ticket] = []
        for text, (code, _) in zip(texts, detected, strict=True):
            passage = _Passage(text, directory.between(code, target), alternatives)
            tickets += passage.tickets(deadline)
            passages.append(passage)
        self._desk.check_count(len(tickets))
        runs = sorted({passage.run.name for passage in passages if passage.run})
        facts = request.state.facts
        facts |= {"runs": runs, "texts": len(tickets), "characters": sum(map(len, texts))}
        found = await answers(self._desk.batcher, request, tickets) if tickets else []
        self._desk.count(tickets, found, facts)
        for passage in passages:
            passage.fill(found)
        notes = [
            f"{param} {word} was taken as {code}"
            for param, word, code in (("source", asked.source, source), ("target", asked.target, target))
            if code != _AUTO and normalise_language(word) != normalise_language(code)
        ]
        return JSONResponse(_answer(asked, passages, [one for _, one in detected], [*asked.notes(), *notes]))

    def _admit(self, request: Request, key: str | None = None) -> None:
        """Checks the key: that of the header before the body is read, that of the body after."""
        if key is not None or self._desk.keys.has_header(request):
            self._desk.keys.check(request, key, status=403)

    def _texts(self, q: Texts) -> list[str]:
        texts = [q] if isinstance(q, str) else q
        self._desk.check_count(len(texts))
        limit = self._desk.limits.max_chars
        for text in texts:
            if len(text) > limit:
                raise RefusedError(
                    400, f"Invalid request: request ({len(text)}) exceeds text limit ({limit})", param="q"
                )
        return texts

    def _source(self, source: str, target: str, text: str) -> tuple[str, dict[str, Any] | None]:
        """The language of a text: the one that is given, or the likeliest of those that can be translated."""
        if source != _AUTO:
            return source, None
        directory = self._desk.directory
        found = directory.detect(text, directory.into(target))
        # Where nothing speaks for either, a text is rather to be translated than left as it is.
        code, share = max(found, key=lambda one: (one[1], one[0] != target))
        return code, _detected(code, share if _has_letters(text) else 0.0)


class _Passage:
    """A text of a request: its lines, and what becomes of them."""

    def __init__(self, text: str, run: Served | None, alternatives: int) -> None:
        self.parts = _BREAK.split(text)
        self.run = run
        self.alternatives = alternatives
        # Lines with nothing to read stay as they are.
        self.places = [place for place, part in enumerate(self.parts) if place % 2 == 0 and part.strip()] if run else []
        self.results: list[str] = []
        self.notes: list[str] = []
        self._tickets: list[Ticket] = []

    def tickets(self, deadline: float) -> list[Ticket]:
        if self.run is not None:
            manner = _manner(self.run, self.alternatives)
            self._tickets = [Ticket(manner, self.parts[place], deadline=deadline) for place in self.places]
        return self._tickets

    def fill(self, found: list[Generation]) -> None:
        """Takes its generations from the front of the list."""
        mine, found[: len(self.places)] = found[: len(self.places)], []
        for generation in mine:
            self.notes += generation.notes
        for rank in range(self.alternatives + 1):
            if rank and not any(len(one.texts) > rank for one in mine):
                break
            parts = list(self.parts)
            for place, generation in zip(self.places, mine, strict=True):
                # A line that has fewer keeps its best.
                parts[place] = generation.texts[rank if rank < len(generation.texts) else 0]
            text = "".join(parts)
            if text not in self.results:
                self.results.append(text)


def _manner(run: Served, alternatives: int) -> RunManner:
    if not alternatives:
        return run.manner()
    own = run.manner().settings
    if own.method == "beam":
        return run.manner(beam=max(own.beam, alternatives + 1), nbest=alternatives + 1)
    return run.manner(nbest=alternatives + 1)


def _answer(
    asked: TranslateRequest,
    passages: Sequence[_Passage],
    detected: Sequence[dict[str, Any] | None],
    notes: Sequence[str],
) -> dict[str, Any]:
    single = isinstance(asked.q, str)
    best = [passage.results[0] for passage in passages]
    answer: dict[str, Any] = {"translatedText": best[0] if single else best}
    if int(asked.alternatives or 0):
        others = [passage.results[1:] for passage in passages]
        answer["alternatives"] = others[0] if single else others
    if asked.source.lower() == _AUTO:
        answer["detectedLanguage"] = detected[0] if single else list(detected)
    told = list(dict.fromkeys([*notes, *(note for passage in passages for note in passage.notes)]))
    return answer | ({"notes": told} if told else {})


def _detected(code: str, share: float) -> dict[str, Any]:
    return {"confidence": round(100 * share, 1), "language": code}


def _has_letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)
