"""Run registry: finds served runs by name or by their two languages, and detects the language of a text.

A run without language codes gets the codes NAME-src and NAME-tgt, so that every API can address it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.corpus.characters import CharacterCounts, likelihoods
from seqloom.corpus.languages import match_languages, name_language, normalise_language
from seqloom.errors import CheckpointError
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.served_run import ServedRun
from seqloom.serve.validation import safe_name
from seqloom.tokenizer import Tokenizer
from seqloom.tokenizer.codec import NUM_RESERVED, Codec
from seqloom.untrusted import read_json


@dataclass(frozen=True)
class Language:
    """A source or target language of a run.

    Attributes:
        code: its code in requests and responses.
        name: its English name.
        targets: codes of the languages that it can be translated into, in the order of the runs.
    """

    code: str
    name: str
    targets: tuple[str, ...]


class RunRegistry:
    """All served runs. If several runs have the same two languages, the first one is used."""

    def __init__(self, runs: Sequence[ServedRun]) -> None:
        self.runs = tuple(runs)
        self._by_name = {run.name: run for run in runs}
        self._by_pair: dict[tuple[str, str], ServedRun] = {}
        names: dict[str, str] = {}
        self._characters: dict[str, CharacterCounts] = {}
        for run in runs:
            if not run.info.has_sources:
                continue
            codes = codes_of(run)
            for code, tag, side in zip(codes, (run.info.src_lang, run.info.tgt_lang), _SIDES, strict=True):
                names.setdefault(code, name_language(tag) if tag else f"{side} language of {run.name}")
            for code, counts in zip(codes, _character_counts(run), strict=True):
                previous = self._characters.get(code)
                self._characters[code] = counts if previous is None else previous + counts
            self._by_pair.setdefault(codes, run)
        self.languages = tuple(
            Language(code, name, tuple(tgt for src, tgt in self._by_pair if src == code))
            for code, name in sorted(names.items())
        )
        self._names = names
        # If codes differ only in their spelling, the first one in alphabetical order is used.
        self._by_tag = {normalise_language(code): code for code in sorted(names, reverse=True)}

    def run(self, name: str) -> ServedRun:
        """The run with a name.

        Raises:
            HTTPError: 404 if there is no such run.
        """
        if name not in self._by_name:
            raise HTTPError(
                404, "there is no such model here; GET /v1/models lists them", code="model_not_found", param="model"
            )
        return self._by_name[name]

    def code(self, word: str, param: str) -> str:
        """The code in /languages of a language in any spelling: `EN`, `pt_br`, `zh-Hans`.

        `pt` means `pt-BR` if no other Portuguese is served.

        Args:
            word: the language in the request.
            param: the field of the request that contains it.

        Raises:
            HTTPError: 400 if no run has the language, or the word is ambiguous.
        """
        if word in self._names:
            return word
        if len(word) > _LONGEST_CODE:
            raise _not_supported(word, param)
        tag = normalise_language(_LIBRETRANSLATE.get(word.lower(), word))
        matches = match_languages(tag, self._by_tag)
        if not matches:
            raise _not_supported(word, param)
        if len(matches) > 1:
            codes = ", ".join(sorted(self._by_tag[tag] for tag in matches))
            raise HTTPError(400, f"{safe_name(word)} is ambiguous here: use one of {codes}", param=param)
        return self._by_tag[matches[0]]

    def translator(self, source: str, target: str) -> ServedRun | None:
        """The run that translates from source to target; None if they are the same language, so that texts do not change.

        Raises:
            HTTPError: 400 if no run translates between them.
        """
        run = self._by_pair.get((source, target))
        if run is None and source != target:
            target_name, source_name = (f"{self._names[code]} ({code})" for code in (target, source))
            raise HTTPError(
                400, f"{target_name} is not available as a target language from {source_name}", param="target"
            )
        return run

    def sources_of(self, target: str) -> frozenset[str]:
        """Codes of the languages that can be translated into a target, and the target itself."""
        return frozenset(src for src, tgt in self._by_pair if tgt == target) | {target}

    def detect(self, text: str, among: frozenset[str] | None = None) -> list[tuple[str, float]]:
        """Language codes with the probabilities that a text is in the language, highest first, then alphabetically.

        Args:
            among: the codes to choose from; by default all.
        """
        sides = {code: counts for code, counts in sorted(self._characters.items()) if among is None or code in among}
        return sorted(likelihoods(text, sides).items(), key=lambda item: -item[1])


def _not_supported(word: str, param: str) -> HTTPError:
    # The exact message of LibreTranslate, because its clients compare it.
    return HTTPError(400, f"{safe_name(word)} is not supported", param=param)


_SIDES = ("Source", "Target")


_LONGEST_CODE = 40

# Codes of LibreTranslate that are not BCP 47 tags.
_LIBRETRANSLATE = {"zt": "zh-Hant", "pb": "pt-BR"}


def codes_of(run: ServedRun) -> tuple[str, str]:
    """The source and target code of a run of pairs."""
    info = run.info
    return info.src_lang or f"{info.name}-src", info.tgt_lang or f"{info.name}-tgt"


def _character_counts(run: ServedRun) -> tuple[CharacterCounts, CharacterCounts]:
    """The character counts of the training data; for older runs, which do not store them, counts over the vocabulary.

    If an older run has a joint vocabulary, its two sides have equal counts and cannot be distinguished.
    """
    path = run.info.characters
    try:
        sides = read_json(path, within=run.info.folder)
        return CharacterCounts.from_json(sides["src"]), CharacterCounts.from_json(sides["tgt"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise CheckpointError(
            f"{path}: damaged: it does not hold the counts of two languages; restore it, or remove it"
        ) from None
    except FileNotFoundError:
        tokenizer = run.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        return _count_pieces(tokenizer.source), _count_pieces(tokenizer.target)


def _count_pieces(codec: Codec) -> CharacterCounts:
    return CharacterCounts.of(codec.decode([token_id]) for token_id in range(NUM_RESERVED, len(codec)))
