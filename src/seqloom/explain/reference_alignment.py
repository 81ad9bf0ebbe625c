"""Reference alignment: the source words that each target word comes from, for corpora whose rules define them.

Input: the name of a corpus and two texts; output: links between their spans. Only certain links are made: a wrong word of an
output has no aligned source word.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""The begin and the end of a part of a text, in characters; the end is excluded."""


@dataclass(frozen=True, slots=True)
class Link:
    """A span of the target, and the spans of the source that it comes from."""

    target: Span
    sources: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class AlignmentRule:
    """A rule that defines the reference alignment of a corpus.

    Attributes:
        description: the rule in a sentence, as shown to people.
        links: yields the links between a source and a target.
    """

    description: str
    links: Callable[[str, str], Iterator[Link]]


def alignment_rule_of(corpus: str) -> AlignmentRule | None:
    """The rule of a corpus, by its name; None if the corpus has none."""
    family = corpus.removesuffix("-long")
    if family in _LISTS:
        return _LISTS[family]
    if family == "numbers-en-de":
        return AlignmentRule("a digit of a number comes from the same digit, spelled on the other side", _digits)
    if family.startswith("numbers-"):
        return AlignmentRule("the k-th number comes from the k-th number", _items)
    if family == "player-commands":
        return AlignmentRule(
            "a word of a command comes from the same word, where the player typed it once", _same_words
        )
    return None


def reference_sources(
    rule: AlignmentRule, src: str, tgt: str, src_spans: Sequence[Span], tgt_spans: Sequence[Span]
) -> tuple[tuple[int, ...], ...]:
    """For each target token the positions of the source tokens that it comes from.

    Args:
        src_spans: the span of each token in the text; a special token has an empty span. `tgt_spans`: the same.
    """
    links = list(rule.links(src, tgt))
    alignment = []
    for tgt_span in tgt_spans:
        sources = [source for link in links if _overlap(tgt, tgt_span, link.target) for source in link.sources]
        alignment.append(
            tuple(
                position
                for position, src_span in enumerate(src_spans)
                if any(_overlap(src, src_span, source) for source in sources)
            )
        )
    return tuple(alignment)


def _overlap(text: str, span: Span, other: Span) -> bool:
    """Whether two spans share more than white space."""
    return bool(text[max(span[0], other[0]) : min(span[1], other[1])].strip())


def _words(text: str) -> list[Span]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def _by_position(position: Callable[[int, int], int]) -> Callable[[str, str], Iterator[Link]]:
    """Links of lists: target word t comes from source word `position(t, number of source words)`, if it is the same word."""

    def links(src: str, tgt: str) -> Iterator[Link]:
        sources = _words(src)
        for number, target in enumerate(_words(tgt)):
            at = position(number, len(sources))
            if 0 <= at < len(sources) and src[slice(*sources[at])] == tgt[slice(*target)]:
                yield Link(target, (sources[at],))

    return links


def _same_words(src: str, tgt: str) -> Iterator[Link]:
    spans = [match.span() for match in re.finditer(r"\w+", src)]
    counts = Counter(src[slice(*span)].lower() for span in spans)
    span_of = {src[slice(*span)].lower(): span for span in spans}
    for match in re.finditer(r"\w+", tgt):
        word = match[0].lower()
        if counts[word] == 1:
            yield Link(match.span(), (span_of[word],))


_LISTS: Mapping[str, AlignmentRule] = {
    "copy": AlignmentRule("word k comes from word k", _by_position(lambda number, length: number)),
    "reverse": AlignmentRule(
        "word k comes from the k-th word from the end", _by_position(lambda number, length: length - 1 - number)
    ),
    "duplicate": AlignmentRule(
        "words 2k and 2k + 1 come from word k", _by_position(lambda number, length: number // 2)
    ),
    "sort": AlignmentRule("a word comes from the same word, where the list has it once", _same_words),
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
    # German writes "eins" at the end of a number and "ein" inside it.
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
    """The parts of a spelled number below 10,000: the span of each digit, with its value, and of each power of ten."""
    words, pattern = language
    match = pattern.fullmatch(text, *span)
    if match is None:
        return {}
    parts = {}
    for role, part in match.groupdict().items():
        if part is not None:
            value = _value(words, _KINDS[role], part) if role in _KINDS else 0
            # The pattern has two groups for the last digit: `units` (with tens) and `ones` (without tens).
            parts["units" if role == "ones" else role, value] = match.span(role)
    return parts
