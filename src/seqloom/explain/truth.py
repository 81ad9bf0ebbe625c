"""Truth: which source words each target word comes from, for corpora whose rules tell it.

The name of a corpus and two texts enter, links between stretches of them leave. Only what is certainly so is linked: a word of an
output that is wrong has no true source.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""Where a stretch of text begins, and where it ends."""


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of the target, and the stretches of the source that it comes from."""

    target: Span
    sources: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """How truth is known.

    Attributes:
        words: the rule for people.
        links: source and target -> links.
    """

    words: str
    links: Callable[[str, str], Iterator[Link]]


def rule_of(corpus: str) -> Rule | None:
    """The rule of a corpus by its name; None where nothing tells the truth."""
    family = corpus.removesuffix("-long")
    if family in _LISTS:
        return _LISTS[family]
    if family == "numbers-en-de":
        return Rule("a digit of a number comes from the same digit, spelled on the other side", _digits)
    if family.startswith("numbers-"):
        return Rule("the k-th number comes from the k-th number", _items)
    if family == "player-commands":
        return Rule("a word of a command comes from the same word, where the player typed it once", _same_words)
    return None


def true_sources(
    rule: Rule, src: str, tgt: str, src_spans: Sequence[Span], tgt_spans: Sequence[Span]
) -> tuple[tuple[int, ...], ...]:
    """For each target token the source tokens that it comes from.

    Args:
        src_spans: where each token stands in the text; an empty span stands for a special token.
    """
    links = list(rule.links(src, tgt))
    found = []
    for span in tgt_spans:
        spans = [source for link in links if _meet(tgt, span, link.target) for source in link.sources]
        found.append(
            tuple(place for place, token in enumerate(src_spans) if any(_meet(src, token, one) for one in spans))
        )
    return tuple(found)


def _meet(text: str, one: Span, other: Span) -> bool:
    return bool(text[max(one[0], other[0]) : min(one[1], other[1])].strip())


def _words(text: str) -> list[Span]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def _by_place(place: Callable[[int, int], int]) -> Callable[[str, str], Iterator[Link]]:
    """Links of lists: target word t comes from source word `place(t, number of source words)`, if it is the same word."""

    def links(src: str, tgt: str) -> Iterator[Link]:
        sources = _words(src)
        for number, target in enumerate(_words(tgt)):
            at = place(number, len(sources))
            if 0 <= at < len(sources) and src[slice(*sources[at])] == tgt[slice(*target)]:
                yield Link(target, (sources[at],))

    return links


def _same_words(src: str, tgt: str) -> Iterator[Link]:
    places = [match.span() for match in re.finditer(r"\w+", src)]
    counts = Counter(src[slice(*place)].lower() for place in places)
    where = {src[slice(*place)].lower(): place for place in places}
    for match in re.finditer(r"\w+", tgt):
        word = match[0].lower()
        if counts[word] == 1:
            yield Link(match.span(), (where[word],))


_LISTS: Mapping[str, Rule] = {
    "copy": Rule("word k comes from word k", _by_place(lambda number, length: number)),
    "reverse": Rule(
        "word k comes from the k-th word from the end", _by_place(lambda number, length: length - 1 - number)
    ),
    "duplicate": Rule("words 2k and 2k + 1 come from word k", _by_place(lambda number, length: number // 2)),
    "sort": Rule("a word comes from the same word, where the list has it once", _same_words),
}


def _items_of(text: str) -> list[Span]:
    return [match.span() for match in re.finditer(r"[^;]+", text)]


def _items(src: str, tgt: str) -> Iterator[Link]:
    sources, targets = _items_of(src), _items_of(tgt)
    if len(sources) == len(targets):
        yield from (Link(target, (source,)) for source, target in zip(sources, targets, strict=True))
        yield from _separators(src, tgt)


def _separators(src: str, tgt: str) -> Iterator[Link]:
    sources, targets = (list(re.finditer(";", text)) for text in (src, tgt))
    yield from (Link(t.span(), (s.span(),)) for s, t in zip(sources, targets, strict=True))


def _digits(src: str, tgt: str) -> Iterator[Link]:
    sources, targets = _items_of(src), _items_of(tgt)
    if len(sources) != len(targets):
        return
    for source, target in zip(sources, targets, strict=True):
        known = _parts(src, source, _ENGLISH)
        for role, span in _parts(tgt, target, _GERMAN).items():
            if role in known:
                yield Link(span, (known[role],))
    yield from _separators(src, tgt)


_EN = {
    "ones": "zero one two three four five six seven eight nine",
    "teens": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "tens": "twenty thirty forty fifty sixty seventy eighty ninety",
}
_DE = {
    "ones": "null ein zwei drei vier fünf sechs sieben acht neun",
    "teens": "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
    "tens": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}


def _value(words: Mapping[str, str], kind: str, text: str) -> int:
    # "eins" at the end of a number is the "ein" within it.
    listed = words[kind].split()
    return listed.index(text if text in listed else text.removesuffix("s"))


def _pattern(words: Mapping[str, str], shape: str) -> "re.Pattern[str]":
    kinds = {kind: "|".join(sorted(text.split(), key=len, reverse=True)) for kind, text in words.items()}
    return re.compile(shape.format(**kinds))


_ENGLISH = (
    _EN,
    _pattern(
        _EN,
        r"\s*(?:(?P<thousands>{ones}) (?P<thousand>thousand)(?:,? and|,)? ?)?"
        r"(?:(?P<hundreds>{ones}) (?P<hundred>hundred)(?: and)? ?)?"
        r"(?:(?P<tens>{tens})(?:-(?P<units>{ones}))?|(?P<teens>{teens})|(?P<ones>{ones}))?\s*",
    ),
)
_GERMAN = (
    _DE,
    _pattern(
        _DE,
        r"\s*(?:(?P<thousands>{ones})(?P<thousand>tausend))?(?:(?P<hundreds>{ones})(?P<hundred>hundert))?"
        r"(?:(?:(?P<units>{ones})und)?(?P<tens>{tens})|(?P<teens>{teens})|(?P<ones>(?:{ones})s?))?\s*",
    ),
)
_KINDS = {"thousands": "ones", "hundreds": "ones", "tens": "tens", "units": "ones", "ones": "ones", "teens": "teens"}


def _parts(text: str, span: Span, language: tuple[Mapping[str, str], "re.Pattern[str]"]) -> dict[tuple[str, int], Span]:
    """The parts of a spelled number below 10,000: for each digit with its value, and each power, where it stands."""
    words, pattern = language
    match = pattern.fullmatch(text, *span)
    if match is None:
        return {}
    found = {}
    for role, part in match.groupdict().items():
        if part is not None:
            value = _value(words, _KINDS[role], part) if role in _KINDS else 0
            # Units behind tens and units alone are the same digit.
            found["units" if role == "ones" else role, value] = match.span(role)
    return found
