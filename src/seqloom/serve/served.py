"""Served: a run that is open for requests, and the manners in which it can write.

A run folder enters, once; from then on texts enter and generations leave. It does not know HTTP or queues.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from seqloom.config import merge
from seqloom.decoding.engines import OWN, open_engine
from seqloom.decoding.generator import Generator, Heard
from seqloom.decoding.hypothesis import Generation
from seqloom.decoding.reading import TextCodec
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError
from seqloom.interop.folder import MANIFEST, PART, Manifest  # (the room registers its engines)
from seqloom.run import Run, load
from seqloom.run.facts import read_facts
from seqloom.run.preparation import CHARACTERS
from seqloom.serve.batcher import Ticket
from seqloom.tokenizer import Tokenizer

_TEXT_TOKENS = 200
"""How far a language model goes on where nobody says so; as `seqloom generate`."""

_MANNERS = 256
"""Manners that are remembered for each run; texts of one that was forgotten are decoded all the same."""


@dataclass(frozen=True)
class About:
    """What people want to know of a run.

    Attributes:
        name: what requests call it.
        kind: "pairs" translates, "text" goes on.
        src_lang, tgt_lang: codes, None where the run does not know.
        characters: the file that counts the characters of both languages; older runs have none.
        created: when it was made (seconds since 1970).
    """

    name: str
    folder: Path
    kind: Literal["pairs", "text"]
    recipe: str
    corpus: str
    src_lang: str | None
    tgt_lang: str | None
    created: int
    engine: str
    characters: Path


class Served(ABC):
    """A run that is open for requests."""

    def __init__(self, about: About, tokenizer: TextCodec, max_tokens: int) -> None:
        self.about = about
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self._manner = lru_cache(maxsize=_MANNERS)(self._new_manner)

    @property
    def name(self) -> str:
        """What requests call it."""
        return self.about.name

    @property
    def can_listen(self) -> bool:
        """Whether outputs can be heard token by token, sampled, and told with log-probabilities."""
        return self.about.engine == OWN

    @property
    def own(self) -> Run | None:
        """The run as it can be looked into; None where another program decodes it."""
        return None

    def manner(self, *, max_tokens: int | None = None, **decoding: Any) -> "RunManner":
        """The manner of some decoding settings; those that are None are the recipe's. The same settings give the same object.

        Args:
            max_tokens: the most tokens of an output, at most what the server allows; by default the recipe's rule for models of
                pairs, and 200 for language models.

        Raises:
            ConfigError: the settings do not fit together, or not this run.
        """
        given = tuple(sorted((name, value) for name, value in decoding.items() if value is not None))
        return self._manner(given, min(max_tokens, self.max_tokens) if max_tokens is not None else None)

    def num_tokens(self, text: str) -> int:
        """The tokens of a source or a prompt."""
        encode = self.tokenizer.encode_src if self.about.kind == "pairs" else self.tokenizer.encode_tgt
        return len(encode([text])[0])

    def text_of(self, ids: Sequence[int]) -> str | None:
        """The source or prompt that has these token ids; None where the run would write that text with others."""
        tokenizer = self.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        pairs = self.about.kind == "pairs"
        size = tokenizer.vocab.src_size if pairs else tokenizer.vocab.tgt_size
        if not all(0 <= number < size for number in ids):
            return None
        text = (tokenizer.decode_src if pairs else tokenizer.decode_tgt)(ids)
        (again,) = (tokenizer.encode_src if pairs else tokenizer.encode_tgt)([text])
        return text if again.tolist() == list(ids) else None

    def _bounded(self, recipe: DecodingSettings, given: Mapping[str, Any], max_tokens: int | None) -> dict[str, Any]:
        """Decoding settings whose outputs have at most so many tokens."""
        method = given.get("method", recipe.method)
        settings = DecodingSettings.parse(merge(recipe.for_method(method), given), source="decoding")
        wanted = dict(given)
        if self.about.kind == "text":
            return wanted
        if max_tokens is not None:
            return wanted | {"max_len_ratio": 0.0, "max_len_offset": max_tokens}
        offset = min(settings.max_len_offset, self.max_tokens - 1)
        longest = settings.max_src_len
        if settings.max_len_ratio:
            longest = min(longest, max(2, int((self.max_tokens - offset) / settings.max_len_ratio)))
        return wanted | {"max_len_offset": offset, "max_src_len": longest}

    @abstractmethod
    def _new_manner(self, given: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunManner": ...


class RunManner(ABC):
    """How one run is to write. Equal settings are the same object, as long as they are remembered.

    Attributes:
        settings: every decoding setting, resolved.
        listens: whether its texts can be heard while they are written.
    """

    def __init__(self, run: str, settings: DecodingSettings, *, listens: bool) -> None:
        self.run = run
        self.settings = settings
        self.listens = listens

    @abstractmethod
    def write(self, tickets: Sequence[Ticket]) -> list[Generation]:
        """One generation for each ticket."""

    @abstractmethod
    def num_read(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each text are read; what does not fit is cut, and does not count."""


class OwnRun(Served):
    """A run that decodes by seqloom's own search."""

    def __init__(self, about: About, run: Run, max_tokens: int) -> None:
        super().__init__(about, run.tokenizer, max_tokens)
        self.run = run

    @property
    def own(self) -> Run:
        """The run."""
        return self.run

    def _new_manner(self, given: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunManner":
        decoding = self._bounded(self.run.recipe.decoding, dict(given), max_tokens)
        generator = self.run.generator(**decoding)
        continues = (max_tokens or min(_TEXT_TOKENS, self.max_tokens)) if self.about.kind == "text" else None
        return _OwnManner(self.name, generator, continues)


class _OwnManner(RunManner):
    def __init__(self, run: str, generator: Generator, continues: int | None) -> None:
        settings = generator.settings
        super().__init__(run, settings, listens=settings.method == "sample" or settings.beam == 1)
        self._generator, self._continues = generator, continues

    def write(self, tickets: Sequence[Ticket]) -> list[Generation]:
        def hear(heard: Heard) -> bool:
            ticket = tickets[heard.number]
            if ticket.hear is None:
                return True
            return not ticket.dead and ticket.hear(heard)

        return self._generator.answer(
            [ticket.text for ticket in tickets],
            max_tokens=self._continues,
            draw_keys=[ticket.draw_key for ticket in tickets] if self.settings.method == "sample" else None,
            hear=hear if any(ticket.hear is not None for ticket in tickets) else None,
        )

    def num_read(self, texts: Sequence[str]) -> list[int]:
        return self._generator.num_read(texts, max_tokens=self._continues)


class ForeignRun(Served):
    """A run, or what was exported of one, that another program decodes."""

    def __init__(self, about: About, engine: Any, max_tokens: int) -> None:
        super().__init__(about, engine.tokenizer, max_tokens)
        self._engine = engine

    def _new_manner(self, given: tuple[tuple[str, Any], ...], max_tokens: int | None) -> "RunManner":
        recipe = DecodingSettings.parse(self._engine.manifest.decoding, source="the recipe's decoding settings")
        decoding = self._bounded(recipe, dict(given), max_tokens)
        return _ForeignManner(self.name, self._engine.with_decoding(decoding))


class _ForeignManner(RunManner):
    def __init__(self, run: str, engine: Any) -> None:
        super().__init__(run, engine.settings, listens=False)
        self._engine = engine

    def write(self, tickets: Sequence[Ticket]) -> list[Generation]:
        return list(self._engine.generate([ticket.text for ticket in tickets]))

    def num_read(self, texts: Sequence[str]) -> list[int]:
        return list(self._engine.num_read(texts))


def open_runs(
    folders: Sequence[Path],
    *,
    engine: str = OWN,
    max_tokens: int = 1024,
    device: str = "auto",
    threads: int | None = None,
) -> list[Served]:
    """Opens runs, each under its folder's name, with as much of the path before it as tells it from the others.

    Args:
        threads: processor threads of another program's engine. Our own has those of the thread that it decodes on.

    Raises:
        SeqloomError: a folder is not a run, stands there twice, or the engine cannot decode with it.
    """
    where = [folder.absolute() for folder in folders]
    for number, folder in enumerate(where):
        if folder in where[:number]:
            raise ConfigError(f"{folders[number]}: this run is named twice; name it once")
    served: list[Served] = []
    for name, folder, given in zip(_names(where), where, folders, strict=True):
        if engine == OWN:
            # Decoding has threads of its own. Did the one that opens runs compute with several too, OpenMP would count more
            # threads than cores and let all of them sleep between operations: a sentence took three times as long.
            run = load(given, device=device, threads=1)
            served.append(OwnRun(_about(name, folder, engine), run, max_tokens))
        else:
            about = _about(name, folder, engine)
            if about.kind == "text":
                raise ConfigError(f"{given}: a language model of plain text needs --engine {OWN}, not {engine}")
            opened = open_engine(engine, given, device=device, threads=threads)
            served.append(ForeignRun(about, opened, max_tokens))
    return served


def _names(folders: Sequence[Path]) -> list[str]:
    depth = 1
    while True:
        names = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            return names
        depth += 1


def _about(name: str, folder: Path, engine: str) -> About:
    if (folder / "run.json").is_file():
        facts = read_facts(folder)
        corpus, created = facts["corpus"], int((folder / "run.json").stat().st_mtime)
        from seqloom.run import read_recipe

        recipe = read_recipe(folder).name
        return About(
            name,
            folder,
            corpus["kind"],
            recipe,
            corpus["name"],
            corpus["src_lang"],
            corpus["tgt_lang"],
            created,
            engine,
            folder / CHARACTERS,
        )
    if engine == OWN or not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no run (no run.json) in this folder")
    manifest = Manifest.load(folder, engine)
    return About(
        name,
        folder,
        "pairs",
        manifest.run,
        manifest.corpus or name,
        manifest.src_lang,
        manifest.tgt_lang,
        int((folder / MANIFEST).stat().st_mtime),
        engine,
        folder / PART / CHARACTERS,
    )
