"""Languages as BCP 47 tags: "de", "deu", "ger", "DE" and "German" are the same language, and so are "pt_BR" and "pt-br".

Words from users, headers and file names become canonical tags: "de", "pt-BR", "zh-Hans". All code that reads or compares languages
uses this module.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import PurePath

from seqloom.config import nearest
from seqloom.corpus.language_names import COMMON_WORDS, REGIONS, SCRIPTS, read_names

_CODES, _NAMES = read_names()
# The language alone, or with a script, a region and variants. Longer tags (extensions) cannot be distinguished from other words.
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z]{5,8}|[0-9][A-Za-z0-9]{3}))*")
_ENCODING = re.compile(r"\.(utf-?8|iso-?8859-?\d+|gbk?|big5|koi8-?r)$", re.IGNORECASE)
# The modifiers after @ in POSIX locale names.
_MODIFIERS = {"latin": "Latn", "cyrillic": "Cyrl"}
# mBART and others write codes such as en_XX if there is no region.
_NO_REGION = re.compile(r"-(XX|ZZ)$", re.IGNORECASE)
# CLDR does not link nb and nn to no, and data sets of Norwegian rarely say which of them they contain.
_BASES = {"nb": "no", "nn": "no", "fil": "tl"}
# Regions in which a language is often used, although another language is the main one.
_USUAL = {
    "en": "US GB AU CA IE NZ IN ZA SG HK",
    "fr": "CA BE CH LU",
    "nl": "BE",
    "de": "AT CH LU LI",
    "it": "CH",
    "es": "419 US",
}
_ENDINGS = "gz xz bz2 zst txt text tok tsv csv utf8 utf-8 bpe spm sp lc tc true clean norm detok"
_IGNORED_SUFFIXES = frozenset(_ENDINGS.split())


def find_language(word: str) -> str | None:
    """The canonical tag of a word that names a common language: a code, a tag with script or region, or a name.

    Returns:
        The tag; None if the word names no language, or is a code of a rare language (`parse_language` accepts these).
    """
    word = word.strip()
    known = _CODES.get(word.casefold())
    if known is not None:
        return known
    tag = _as_tag(word)
    if tag is None or tag.partition("-")[0].casefold() not in _CODES:
        return None
    if "-" not in tag:
        return _CODES[tag.casefold()]
    code = _standardise(tag)
    # A column "my-id" is probably not in Burmese as used in Indonesia.
    return None if code is None or (is_weak(tag.partition("-")[0]) and _implausible(code)) else code


def parse_language(word: str) -> str:
    """The canonical tag of a language that a user named, including rare languages.

    Raises:
        ValueError: the word names no language.
    """
    known = find_language(word)
    if known is not None:
        return known
    tag = _as_tag(word.strip())
    code = _standardise(tag) if tag is not None else None
    if code is None:
        hint = nearest(word.casefold(), sorted(_CODES))
        raise ValueError(
            f"{word!r} is not a language code such as 'de', 'deu', 'pt-BR' or 'zh-Hans', nor an English name.{hint}"
        )
    return code


def normalise_language(word: str) -> str:
    """The canonical tag of a word, or the word itself if it names no language, as values of old runs and private codes do."""
    try:
        return parse_language(word)
    except ValueError:
        return word


def name_language(code: str) -> str:
    """The English name of a tag, such as "Portuguese (Brazil)", or the tag itself."""
    if code in _NAMES:
        return _NAMES[code]
    base, *subtags = code.split("-")
    if base not in _NAMES or not subtags:
        return code
    return f"{_NAMES[base]} ({', '.join(SCRIPTS.get(subtag) or REGIONS.get(subtag, subtag) for subtag in subtags)})"


def match_languages(requested: str, available: Iterable[str]) -> list[str]:
    """The available tags that a requested tag can mean: `pt` means `pt-BR` if there is no other Portuguese.

    If the requested tag is available, it is the only one. Else all tags of the same language fit, except those with another region
    or script. A tag without a script has the usual script of its language.

    Args:
        requested: a canonical tag.
        available: canonical tags, or other codes, which only match themselves.

    Returns:
        The matching tags in order; several if the request is ambiguous; [] if the language is not available.
    """
    tags = list(dict.fromkeys(available))
    if requested in tags:
        return [requested]
    return [tag for tag in tags if language_base(tag) == language_base(requested) and not _contradict(requested, tag)]


@lru_cache(maxsize=4096)
def language_base(tag: str) -> str:
    """The language of a tag without script and region; of a member of a macrolanguage the macrolanguage: "zh" for "cmn-Hans"."""
    base = tag.partition("-")[0]
    if base in _BASES:
        return _BASES[base]
    if len(base) == 3:
        import langcodes

        base = langcodes.standardize_tag(base, macro=True)
    return _BASES.get(base, base)


def languages_in_name(path: PurePath) -> tuple[str, str] | None:
    """The two languages in a file name, as in `pairs.eng-fra.tsv`, `news_de-en.csv` or `opus.de-pt_br.tsv`.

    Only codes count, because an English language name in a file name often means something else.

    Returns:
        Their tags in order; None if the name has no two languages, or can be read in several ways.
    """
    for piece in re.split(r"[^A-Za-z0-9_-]+", path.name):
        parts = re.split(r"([-_]+)", piece)
        words, marks = parts[::2], parts[1::2]
        candidates: list[tuple[tuple[int, int], tuple[str, str]]] = []
        for start in range(len(words)):
            for stop in range(start + 2, min(start + 8, len(words)) + 1):
                candidates += _read_two(words[start:stop], marks[start : stop - 1])
        if candidates:
            best_rank = min(rank for rank, _ in candidates)
            best = {pair for rank, pair in candidates if rank == best_rank}
            return best.pop() if len(best) == 1 else None
    return None


def language_of_suffix(path: PurePath) -> str | None:
    """The language of the file of one side, as in `train.de`, `train.pt_BR.gz`, `train_de.txt` or `german.txt`.

    Returns:
        Its tag; None if the file name has no language.
    """
    name = re.sub(r"\.utf-?8(?=$|\.)", "", path.name, flags=re.IGNORECASE)
    stem, *suffixes = name.split(".")
    for suffix in reversed(suffixes[-4:]):
        if suffix.casefold() not in _IGNORED_SUFFIXES:
            language = find_language(suffix)
            # pairs.en-fr.txt contains English and French, not the English of France.
            return None if language is None or _implausible(language) else language
    whole = find_language(stem)
    if whole is not None:
        return whole
    words = re.split(r"[-_]", stem)
    for count in (3, 2, 1):
        code = "-".join(words[-count:])
        if len(words) > count and _is_code(code) and code.casefold() not in COMMON_WORDS:
            language = find_language(code)
            if language is not None and (count == 1 or not _implausible(language)):
                return language
    return None


def is_weak(word: str) -> bool:
    """Whether a code is also a common word ("id", "no", "is", "to"), and so weak evidence for a language."""
    return word.strip().casefold() in COMMON_WORDS


def _read_two(words: Sequence[str], marks: Sequence[str]) -> list[tuple[tuple[int, int], tuple[str, str]]]:
    """All ways to read words as two tags, each with a rank; the smallest rank is the best."""
    whole = "-".join(words)
    if len(words) == 2 and find_language(whole) is not None and _region_is_main(whole):
        return []  # pt-br is one language, not Portuguese and Breton
    candidates = []
    for cut in range(1, len(words)):
        first, second = "-".join(words[:cut]), "-".join(words[cut:])
        if not (_is_code(first) and _is_code(second)) or (is_weak(first) and is_weak(second)):
            continue
        tags = find_language(first), find_language(second)
        if tags[0] is None or tags[1] is None or tags[0] == tags[1]:
            continue
        if _implausible(tags[0]) or _implausible(tags[1]):
            continue
        inner = {mark for number, mark in enumerate(marks, start=1) if number != cut}
        candidates.append(((-len(words), int(marks[cut - 1] in inner)), (tags[0], tags[1])))
    return candidates


def _is_code(word: str) -> bool:
    # Codes have two or three letters: "fr", "FRA".
    return 2 <= len(re.split(r"[-_]", word)[0]) <= 3


def _implausible(tag: str) -> bool:
    """Whether a tag has a region in which its language is unusual, as in de-PT."""
    tag = _standardise(_as_tag(tag) or tag) or tag
    base, region = tag.partition("-")[0], _region(tag)
    return region is not None and not _region_is_main(tag) and region not in _USUAL.get(base, "").split()


def _region_is_main(tag: str) -> bool:
    """Whether the language of a tag is the main language of its region, as in pt-BR."""
    tag = _standardise(_as_tag(tag) or tag) or tag
    region = _region(tag)
    return region is not None and language_base(_maximise(f"und-{region}")) == language_base(tag)


def _region(tag: str) -> str | None:
    return next((part for part in tag.split("-")[1:] if len(part) == 2 or (len(part) == 3 and part.isdigit())), None)


def _as_tag(word: str) -> str | None:
    """A word in the form of a tag, with hyphens; None if it has another form."""
    locale, _, modifier = _ENCODING.sub("", word).partition("@")
    script = _MODIFIERS.get(modifier.casefold())
    tag = _NO_REGION.sub("", _ENCODING.sub("", locale).replace("_", "-"))
    if script is not None:
        base, *rest = tag.split("-")
        tag = "-".join([base, script, *rest])
    return tag if _TAG.fullmatch(tag) else None


@lru_cache(maxsize=4096)
def _standardise(tag: str) -> str | None:
    """The canonical form of a tag; None if a part of it is not registered."""
    import langcodes

    try:
        if not langcodes.tag_is_valid(tag):
            return None
        return str(langcodes.standardize_tag(tag))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _maximise(tag: str) -> str:
    """A tag with its likely script and region: "en-Latn-US" for "en"."""
    import langcodes

    try:
        return str(langcodes.Language.get(tag).maximize().to_tag())
    except ValueError:
        return tag


def _contradict(requested: str, tag: str) -> bool:
    regions = _region(requested), _region(tag)
    if None not in regions and regions[0] != regions[1]:
        return True
    scripts = [_script(_maximise(tag)) for tag in (requested, tag)]
    # A request without script and region fits all scripts.
    return "-" in requested and scripts[0] != scripts[1]


def _script(tag: str) -> str | None:
    return next((part for part in tag.split("-")[1:] if len(part) == 4 and part.isalpha()), None)
