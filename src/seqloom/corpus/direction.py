"""Finds the languages of source and target from the user's settings and the names of two aligned files."""

from collections.abc import Sequence

from seqloom.corpus.input_file import InputFile
from seqloom.corpus.languages import language_base, language_of_suffix, match_languages, name_language
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CorpusError


def matching_tags(requested: str, tags: Sequence[str]) -> list[str]:
    """The language tags of data that a user's tag can mean. It may be more precise ("zh-Hant") than the data's tag ("zh")."""
    return match_languages(requested, tags) or [
        tag for tag in tags if "-" not in tag and language_base(tag) == language_base(requested)
    ]


def languages_of_files(src: InputFile, tgt: InputFile, settings: CorpusSettings) -> tuple[str | None, str | None]:
    """The languages of two aligned files: those of the settings, else those that the file names end in, else None.

    Raises:
        CorpusError: by their names, source and target are exchanged.
    """
    by_name = language_of_suffix(src.path), language_of_suffix(tgt.path)
    requested = settings.from_lang, settings.to_lang
    fits = [a is None or b is None or bool(matching_tags(a, [b])) for a, b in zip(requested, by_name, strict=True)]
    exchanged = [
        a is not None and b is not None and bool(matching_tags(a, [b]))
        for a, b in zip(requested, by_name[::-1], strict=True)
    ]
    if not all(fits) and any(exchanged) and by_name[0] != by_name[1]:
        flags = " ".join(f"--{flag}-lang {code}" for flag, code in zip(("from", "to"), requested, strict=True) if code)
        raise CorpusError(
            f"{src}, {tgt}: by their names these are {by_name[0]} and {by_name[1]}, but {flags} "
            f"{'were' if None not in requested else 'was'} given; exchange --src and --tgt"
        )
    return requested[0] or by_name[0], requested[1] or by_name[1]


def describe_directions(src: InputFile, tgt: InputFile, settings: CorpusSettings) -> tuple[str, ...]:
    """A sentence about the languages that the file names show; () if they show none, or the settings name both."""
    languages = languages_of_files(src, tgt, settings)
    if None not in (settings.from_lang, settings.to_lang) or languages == (None, None):
        return ()
    names = [name_language(code) if code else "an unnamed language" for code in languages]
    return (
        f"{src.name}, {tgt.name}: {names[0]} -> {names[1]} by their names. To change: --from-lang CODE --to-lang CODE.",
    )
