"""Directory: which runs are served, which languages they speak, and which of them a text is of.

Served runs enter; a run by its name, a run by two languages, or the language of a text leaves. A run that does not know its
languages gets codes of its own, NAME-src and NAME-tgt, so that every API can ask for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.corpus.characters import CharacterCounts, likelihoods
from seqloom.corpus.languages import match_languages, name_language, normalise_language
from seqloom.errors import CheckpointError
from seqloom.serve.refusals import RefusedError
from seqloom.serve.served import Served
from seqloom.serve.validation import shown
from seqloom.tokenizer import Tokenizer
from seqloom.tokenizer.codec import NUM_RESERVED, Codec
from seqloom.untrusted import read_json


@dataclass(frozen=True)
class Language:
    """A language that a run reads or writes.

    Attributes:
        targets: into which languages it can be translated, in the order of the runs.
    """

    code: str
    name: str
    targets: tuple[str, ...]


class Directory:
    """All runs that are served. The first of several that translate alike is asked."""

    def __init__(self, runs: Sequence[Served]) -> None:
        self.runs = tuple(runs)
        self._by_name = {run.name: run for run in runs}
        self._by_pair: dict[tuple[str, str], Served] = {}
        names: dict[str, str] = {}
        self._characters: dict[str, CharacterCounts] = {}
        for run in runs:
            if run.about.kind != "pairs":
                continue
            codes = codes_of(run)
            for code, known, side in zip(codes, (run.about.src_lang, run.about.tgt_lang), _SIDES, strict=True):
                names.setdefault(code, name_language(known) if known else f"{side} language of {run.name}")
            for code, counts in zip(codes, _character_counts(run), strict=True):
                before = self._characters.get(code)
                self._characters[code] = counts if before is None else before + counts
            self._by_pair.setdefault(codes, run)
        self.languages = tuple(
            Language(code, name, tuple(tgt for src, tgt in self._by_pair if src == code))
            for code, name in sorted(names.items())
        )
        self._names = names
        # Of two codes that differ in their spelling only, the first in the alphabet.
        self._by_tag = {normalise_language(code): code for code in sorted(names, reverse=True)}

    def run(self, name: str) -> Served:
        """The run of a name.

        Raises:
            RefusedError: 404.
        """
        if name not in self._by_name:
            raise RefusedError(
                404, "there is no such model here; GET /v1/models lists them", code="model_not_found", param="model"
            )
        return self._by_name[name]

    def code(self, word: str, param: str) -> str:
        """The code, as /languages lists it, of a language that a request names in any spelling: `EN`, `pt_br`, `zh-Hans`.

        `pt` is `pt-BR` where no other Portuguese is served.

        Args:
            param: the field of the request.

        Raises:
            RefusedError: 400 where no run reads or writes it, or where several languages may be meant.
        """
        if word in self._names:
            return word
        if len(word) > _LONGEST_CODE:
            raise _not_supported(word, param)
        wanted = normalise_language(_LIBRETRANSLATE.get(word.lower(), word))
        found = match_languages(wanted, self._by_tag)
        if not found:
            raise _not_supported(word, param)
        if len(found) > 1:
            codes = ", ".join(sorted(self._by_tag[tag] for tag in found))
            raise RefusedError(400, f"{shown(word)} is ambiguous here: give one of {codes}", param=param)
        return self._by_tag[found[0]]

    def between(self, source: str, target: str) -> Served | None:
        """The run that translates; None where source and target are one language, whose texts stay as they are.

        Raises:
            RefusedError: 400 where no run does.
        """
        run = self._by_pair.get((source, target))
        if run is None and source != target:
            into, of = (f"{self._names[code]} ({code})" for code in (target, source))
            raise RefusedError(400, f"{into} is not available as a target language from {of}", param="target")
        return run

    def into(self, target: str) -> frozenset[str]:
        """From which languages a target can be reached, itself included."""
        return frozenset(src for src, tgt in self._by_pair if tgt == target) | {target}

    def detect(self, text: str, among: frozenset[str] | None = None) -> list[tuple[str, float]]:
        """The languages that a text may be of, with their probabilities, likeliest first; of equals in the alphabet's order."""
        sides = {code: counts for code, counts in sorted(self._characters.items()) if among is None or code in among}
        return sorted(likelihoods(text, sides).items(), key=lambda item: -item[1])


def _not_supported(word: str, param: str) -> RefusedError:
    # LibreTranslate's own words: its clients compare them.
    return RefusedError(400, f"{shown(word)} is not supported", param=param)


_SIDES = ("Source", "Target")


_LONGEST_CODE = 40

# Codes of LibreTranslate's own that are no BCP 47 tags.
_LIBRETRANSLATE = {"zt": "zh-Hant", "pb": "pt-BR"}


def codes_of(run: Served) -> tuple[str, str]:
    """The codes of the languages that a run of pairs reads and writes."""
    about = run.about
    return about.src_lang or f"{about.name}-src", about.tgt_lang or f"{about.name}-tgt"


def _character_counts(run: Served) -> tuple[CharacterCounts, CharacterCounts]:
    """What training counted; for older runs what their vocabularies hold, each piece once.

    A joint vocabulary does not tell which side a piece is of, so the sides of such a run cannot be told apart.
    """
    path = run.about.characters
    try:
        sides = read_json(path, within=run.about.folder)
        return CharacterCounts.from_json(sides["src"]), CharacterCounts.from_json(sides["tgt"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise CheckpointError(
            f"{path}: damaged: it does not hold the counts of two languages; restore it, or remove it"
        ) from None
    except FileNotFoundError:
        tokenizer = run.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        return _of_pieces(tokenizer.source), _of_pieces(tokenizer.target)


def _of_pieces(codec: Codec) -> CharacterCounts:
    return CharacterCounts.of(codec.decode([number]) for number in range(NUM_RESERVED, len(codec)))
