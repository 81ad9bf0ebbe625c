"""Served runs: runs that are loaded for requests, and their decoders, each with its own decoding settings.

This module knows neither HTTP nor queues.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from seqloom.config import merge
from seqloom.decoding.encoded_input import TextCodec
from seqloom.decoding.engines import OWN, open_engine
from seqloom.decoding.generator import Generator
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.prefix_cache import PrefixCache
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.streaming import GeneratedToken
from seqloom.errors import CheckpointError, ConfigError
from seqloom.interop.folder import MANIFEST, SEQLOOM_FOLDER, Manifest  # (the package registers its engines)
from seqloom.run.info import read_info
from seqloom.run.load import Run, load
from seqloom.run.prepare import CHARACTERS
from seqloom.serve.batcher import TextRequest
from seqloom.serve.prompt_scores import score_prompts
from seqloom.tasks import task_of
from seqloom.tokenizer import Tokenizer

_TEXT_TOKENS = 200
"""Default number of new tokens of a language model; the same as in `seqloom generate`."""

_CACHED_DECODERS = 256
"""The number of decoders that each run caches. A decoder that is no longer cached is created again."""


@dataclass(frozen=True)
class ServedRunInfo:
    """Facts about a run that the APIs report.

    Attributes:
        name: its name in requests.
        folder: the run folder.
        kind: the kind of data that it was trained on, such as "pairs" or "text".
        recipe: the name of the recipe.
        corpus: the name of the corpus.
        src_lang, tgt_lang: language codes; None if unknown.
        created: the time of creation, in seconds since 1970.
        engine: the program that decodes.
        characters: the file with the character counts of both languages, for language detection; older runs do not have it.
    """

    name: str
    folder: Path
    kind: str
    recipe: str
    corpus: str
    src_lang: str | None
    tgt_lang: str | None
    created: int
    engine: str
    characters: Path

    @property
    def has_sources(self) -> bool:
        """Whether the run reads a source and writes a target; a language model continues a prompt."""
        return task_of(self.kind).has_sources

    @property
    def predicts_text(self) -> bool:
        """Whether the run is a language model of plain text."""
        return task_of(self.kind).predicts_text


class ServedRun(ABC):
    """A run that is loaded and ready for requests."""

    def __init__(self, info: ServedRunInfo, tokenizer: TextCodec, max_tokens: int) -> None:
        self.info = info
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self._decoder = lru_cache(maxsize=_CACHED_DECODERS)(self._new_decoder)

    @property
    def name(self) -> str:
        """The name of the run in requests."""
        return self.info.name

    @property
    def supports_streaming(self) -> bool:
        """Whether the run can report each new token with its log-probabilities."""
        return self.info.engine == OWN

    @property
    def native_run(self) -> Run | None:
        """The run, which can be explained; None if another program decodes."""
        return None

    @property
    def prefix_cache(self) -> PrefixCache | None:
        """The cache of prompts that were read; None if the run does not reuse prompts."""
        return None

    def decoder(self, *, max_tokens: int | None = None, **decoding: Any) -> "RunDecoder":
        """The decoder for some decoding settings. Equal settings give the same object, so that their texts share batches.

        Args:
            max_tokens: maximum number of tokens of an output; at most the limit of the server. The default is 200 for language
                models, and the rule of the recipe for models of pairs.
            decoding: settings that replace those of the recipe, unless they are None.

        Raises:
            ConfigError: the settings contradict each other, or this run does not support them.
        """
        overrides = tuple(sorted((name, value) for name, value in decoding.items() if value is not None))
        return self._decoder(overrides, min(max_tokens, self.max_tokens) if max_tokens is not None else None)

    def num_tokens(self, text: str) -> int:
        """The number of tokens of a source or a prompt."""
        encode = self.tokenizer.encode_src if self.info.has_sources else self.tokenizer.encode_tgt
        return len(encode([text])[0])

    def prompt_ids(self, text: str) -> list[int]:
        """The token ids of a source or a prompt."""
        encode = self.tokenizer.encode_src if self.info.has_sources else self.tokenizer.encode_tgt
        return list(map(int, encode([text])[0]))

    def token_strings(self, ids: Sequence[int]) -> list[str]:
        """The pieces of token ids of a source or a prompt, for display."""
        tokenizer = self.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        return tokenizer.src_tokens(ids) if self.info.has_sources else tokenizer.tgt_tokens(ids)

    def decode(self, ids: Sequence[int]) -> str | None:
        """The text of token ids of a source or a prompt; None if an id is not in the vocabulary."""
        tokenizer = self.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        pairs = self.info.has_sources
        size = tokenizer.vocab.src_size if pairs else tokenizer.vocab.tgt_size
        if not all(0 <= number < size for number in ids):
            return None
        return (tokenizer.decode_src if pairs else tokenizer.decode_tgt)(ids)

    @property
    def context(self) -> int | None:
        """The number of positions of the context of a language model; None if there is no limit, or another program decodes."""
        return None

    def scorer(self, num_top: int) -> "RunDecoder | None":
        """A decoder that scores prompts (`TextRequest.prompt_ids`); None if the run cannot.

        Args:
            num_top: the number of most probable ids to return for each position.
        """
        return None

    def text_of(self, ids: Sequence[int]) -> str | None:
        """The source or prompt with these token ids; None if the tokenizer encodes the text into other ids."""
        text = self.decode(ids)
        return text if text is not None and self.prompt_ids(text) == list(ids) else None

    def _bounded(
        self, recipe: DecodingSettings, overrides: Mapping[str, Any], max_tokens: int | None
    ) -> dict[str, Any]:
        """Decoding settings with length limits, so that outputs have at most `max_tokens` tokens, or the limit of the server."""
        method = overrides.get("method", recipe.method)
        settings = DecodingSettings.parse(merge(recipe.for_method(method), overrides), source="decoding")
        bounded = dict(overrides)
        if not self.info.has_sources:
            return bounded
        if max_tokens is not None:
            return bounded | {"max_len_ratio": 0.0, "max_len_offset": max_tokens}
        offset = min(settings.max_len_offset, self.max_tokens - 1)
        longest = settings.max_src_len
        if settings.max_len_ratio:
            longest = min(longest, max(2, int((self.max_tokens - offset) / settings.max_len_ratio)))
        return bounded | {"max_len_offset": offset, "max_src_len": longest}

    @abstractmethod
    def _new_decoder(self, overrides: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunDecoder": ...


class RunDecoder(ABC):
    """Decodes texts with a run and its decoding settings (a `batcher.BatchDecoder`).

    Attributes:
        run: the name of the run.
        settings: all decoding settings, including defaults.
        streams_tokens: whether `decode` calls `on_token` of its text requests.
    """

    def __init__(self, run: str, settings: DecodingSettings, *, streams_tokens: bool) -> None:
        self.run = run
        self.settings = settings
        self.streams_tokens = streams_tokens

    @abstractmethod
    def decode(self, text_requests: Sequence[TextRequest]) -> list[Generation]:
        """A generation for each text request, in order."""

    @abstractmethod
    def num_read(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text that the model reads; tokens that are cut off do not count."""


class NativeRun(ServedRun):
    """A run that seqloom decodes itself."""

    def __init__(self, info: ServedRunInfo, run: Run, max_tokens: int, prefix_cache_bytes: int = 0) -> None:
        super().__init__(info, run.tokenizer, max_tokens)
        self.run = run
        reuses_prompts = prefix_cache_bytes > 0 and not info.has_sources and run.model.reuses_prompts
        self._prefix_cache = PrefixCache(prefix_cache_bytes) if reuses_prompts else None
        self._scorer = lru_cache(maxsize=_CACHED_DECODERS)(self._new_scorer)

    @property
    def prefix_cache(self) -> PrefixCache | None:
        """See `ServedRun.prefix_cache`."""
        return self._prefix_cache

    @property
    def context(self) -> int | None:
        """See `ServedRun.context`."""
        return None if self.info.has_sources else self.run.model.max_tgt_len(0)

    def scorer(self, num_top: int) -> "RunDecoder | None":
        """See `ServedRun.scorer`."""
        return None if self.info.has_sources else self._scorer(num_top)

    @property
    def native_run(self) -> Run:
        """See `ServedRun.native_run`."""
        return self.run

    def _new_decoder(self, overrides: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunDecoder":
        decoding = self._bounded(self.run.recipe.decoding, dict(overrides), max_tokens)
        generator = self.run.generator(prefix_cache=self._prefix_cache, **decoding)
        max_new_tokens = (max_tokens or min(_TEXT_TOKENS, self.max_tokens)) if not self.info.has_sources else None
        return _NativeDecoder(self.name, generator, max_new_tokens)

    def _new_scorer(self, num_top: int) -> "RunDecoder":
        return _PromptScorer(self.name, self.run, num_top)


class _PromptScorer(RunDecoder):
    """Scores prompts instead of continuing them. The generations are empty; the scores are in the text requests."""

    def __init__(self, name: str, run: Run, num_top: int) -> None:
        super().__init__(name, run.recipe.decoding, streams_tokens=False)
        self._model, self._num_top = run.model, num_top

    def decode(self, text_requests: Sequence[TextRequest]) -> list[Generation]:
        scores = score_prompts(self._model, [request.prompt_ids for request in text_requests], self._num_top)
        for text_request, prompt_scores in zip(text_requests, scores, strict=True):
            text_request.prompt_scores = prompt_scores
        empty = Hypothesis((), 0.0, 0.0, False, ())
        return [Generation(request.text, ("",), (empty,)) for request in text_requests]

    def num_read(self, texts: Sequence[str]) -> list[int]:
        raise AssertionError("the ids of scored prompts are known")


class _NativeDecoder(RunDecoder):
    def __init__(self, run: str, generator: Generator, max_new_tokens: int | None) -> None:
        settings = generator.settings
        super().__init__(run, settings, streams_tokens=settings.method == "sample" or settings.beam == 1)
        self._generator, self._max_new_tokens = generator, max_new_tokens

    def decode(self, text_requests: Sequence[TextRequest]) -> list[Generation]:
        def on_token(token: GeneratedToken) -> bool:
            text_request = text_requests[token.number]
            if text_request.on_token is None:
                return True
            return not text_request.expired and text_request.on_token(token)

        return self._generator.answer(
            [text_request.text for text_request in text_requests],
            max_tokens=self._max_new_tokens,
            draw_keys=[text_request.draw_key for text_request in text_requests]
            if self.settings.method == "sample"
            else None,
            on_token=on_token if any(text_request.on_token is not None for text_request in text_requests) else None,
        )

    def num_read(self, texts: Sequence[str]) -> list[int]:
        return self._generator.num_read(texts, max_tokens=self._max_new_tokens)


class EngineRun(ServedRun):
    """A run, or an exported model, that another program decodes."""

    def __init__(self, info: ServedRunInfo, engine: Any, max_tokens: int) -> None:
        super().__init__(info, engine.tokenizer, max_tokens)
        self._engine = engine

    def _new_decoder(self, overrides: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunDecoder":
        recipe = DecodingSettings.parse(self._engine.manifest.decoding, source="the recipe's decoding settings")
        decoding = self._bounded(recipe, dict(overrides), max_tokens)
        return _EngineDecoder(self.name, self._engine.with_decoding(decoding))


class _EngineDecoder(RunDecoder):
    def __init__(self, run: str, engine: Any) -> None:
        super().__init__(run, engine.settings, streams_tokens=False)
        self._engine = engine

    def decode(self, text_requests: Sequence[TextRequest]) -> list[Generation]:
        return list(self._engine.generate([text_request.text for text_request in text_requests]))

    def num_read(self, texts: Sequence[str]) -> list[int]:
        return list(self._engine.num_read(texts))


def open_runs(
    folders: Sequence[Path],
    *,
    engine: str = OWN,
    max_tokens: int = 1024,
    prefix_cache_bytes: int = 0,
    device: str = "auto",
    threads: int | None = None,
) -> list[ServedRun]:
    """Loads runs. The name of a run is that of its folder, with as many parent folders as make the names unique.

    Args:
        folders: run folders, or exported models.
        engine: the program that decodes, see `decoding.engines`.
        max_tokens: the limit of the server for the tokens of an output.
        prefix_cache_bytes: memory of each language model for prompts that were read; 0: prompts are not reused.
        threads: processor threads of another program; seqloom uses those of the decoding threads.

    Raises:
        SeqloomError: a folder is not a run, is named twice, or the engine cannot decode it.
    """
    paths = [folder.absolute() for folder in folders]
    for number, folder in enumerate(paths):
        if folder in paths[:number]:
            raise ConfigError(f"{folders[number]}: this run is named twice; name it once")
    served: list[ServedRun] = []
    for name, path, folder in zip(_unique_names(paths), paths, folders, strict=True):
        if engine == OWN:
            # Decoding has its own threads. If this thread used several too, OpenMP would count more threads than cores, and all
            # threads would sleep between operations: a sentence took three times as long.
            run = load(folder, device=device, threads=1)
            served.append(NativeRun(_read_info(name, path, engine), run, max_tokens, prefix_cache_bytes))
        else:
            info = _read_info(name, path, engine)
            if not info.has_sources:
                raise ConfigError(f"{folder}: a language model of plain text needs --engine {OWN}, not {engine}")
            opened = open_engine(engine, folder, device=device, threads=threads)
            served.append(EngineRun(info, opened, max_tokens))
    return served


def _unique_names(folders: Sequence[Path]) -> list[str]:
    depth = 1
    while True:
        names = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            return names
        depth += 1


def _read_info(name: str, folder: Path, engine: str) -> ServedRunInfo:
    if (folder / "run.json").is_file():
        corpus, created = read_info(folder).corpus, int((folder / "run.json").stat().st_mtime)
        from seqloom.run.load import read_recipe

        recipe = read_recipe(folder).name
        return ServedRunInfo(
            name,
            folder,
            corpus.kind,
            recipe,
            corpus.name,
            corpus.src_lang,
            corpus.tgt_lang,
            created,
            engine,
            folder / CHARACTERS,
        )
    if engine == OWN or not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no run (no run.json) in this folder")
    manifest = Manifest.load(folder, engine)
    return ServedRunInfo(
        name,
        folder,
        "pairs",
        manifest.run,
        manifest.corpus or name,
        manifest.src_lang,
        manifest.tgt_lang,
        int((folder / MANIFEST).stat().st_mtime),
        engine,
        folder / SEQLOOM_FOLDER / CHARACTERS,
    )
