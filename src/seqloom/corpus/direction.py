"""The languages of source and target, from the user's settings and the names of two aligned files."""

from collections.abc import Sequence

from seqloom.corpus.input_file import InputFile
from seqloom.corpus.languages import language_base, language_of_suffix, match_languages, name_language
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CorpusError


def match(wanted: str, tags: Sequence[str]) -> list[str]:
    """The tags of data that a user's tag can mean. The user's tag may be more precise ("zh-Hant") than the data's ("zh")."""
    return match_languages(wanted, tags) or [
        tag for tag in tags if "-" not in tag and language_base(tag) == language_base(wanted)
    ]


def languages_of_files(src: InputFile, tgt: InputFile, settings: CorpusSettings) -> tuple[str | None, str | None]:
    """The languages of two aligned files, by their names and the settings.

    Raises:
        CorpusError: the names say the opposite of the settings.
    """
    named = language_of_suffix(src.path), language_of_suffix(tgt.path)
    wanted = settings.from_lang, settings.to_lang
    fits = [a is None or b is None or bool(match(a, [b])) for a, b in zip(wanted, named, strict=True)]
    crossed = [
        a is not None and b is not None and bool(match(a, [b])) for a, b in zip(wanted, named[::-1], strict=True)
    ]
    if not all(fits) and any(crossed) and named[0] != named[1]:
        flags = " ".join(f"--{flag}-lang {code}" for flag, code in zip(("from", "to"), wanted, strict=True) if code)
        raise CorpusError(
            f"{src}, {tgt}: by their names these are {named[0]} and {named[1]}, but {flags} "
            f"{'were' if None not in wanted else 'was'} given; exchange --src and --tgt"
        )
    return wanted[0] or named[0], wanted[1] or named[1]


def describe_directions(src: InputFile, tgt: InputFile, settings: CorpusSettings) -> tuple[str, ...]:
    """One line about the languages that the files' names show; none if they show none or the user gave both."""
    languages = languages_of_files(src, tgt, settings)
    if None not in (settings.from_lang, settings.to_lang) or languages == (None, None):
        return ()
    named = [name_language(code) if code else "an unnamed language" for code in languages]
    return (
        f"{src.name}, {tgt.name}: {named[0]} -> {named[1]} by their names. To change: --from-lang CODE --to-lang CODE.",
    )
