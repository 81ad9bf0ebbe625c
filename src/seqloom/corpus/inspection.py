"""Describes a corpus before training: lengths, duplicates, overlaps, scripts, suspicious pairs with examples, advice.

Each split is read once. Memory is bounded: in large splits, duplicates and overlaps are estimated from a sample of hashes
(`SplitFacts.sampled`).
"""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from seqloom.config import Settings
from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.corpus.hash_sample import HashSample as HashSample
from seqloom.corpus.quality_checks import QualityChecks, main_script, scripts_of
from seqloom.corpus.split import automatic_size, hash_key, pair_key, split_key
from seqloom.corpus.text_inspection import TextFacts, TextInspector
from seqloom.messages import counted
from seqloom.progress import Progress, Silent
from seqloom.segments import num_segments

_SAMPLE_PAIRS = 2000
_ROWS_PER_REPORT = 5000


class Lengths(Settings):
    """Lengths of the texts of one side: mean, median, 90th and 99th percentile, and the longest."""

    mean: float
    median: int
    p90: int
    p99: int
    longest: int


class SideFacts(Settings):
    """Facts about one side of a split.

    Attributes:
        words: lengths in words between spaces.
        chars: lengths in characters.
        num_characters: the number of different characters.
        scripts: the share of letters in each script, largest first, down to one in ten thousand.
        rare: characters that occur only once, up to 40 of them.
    """

    words: Lengths
    chars: Lengths
    num_characters: int
    scripts: dict[str, float]
    rare: str


class SplitFacts(Settings):
    """Facts about a split.

    Attributes:
        items: the number of pairs or documents.
        src: the sources; None for text.
        tgt: the targets, or the texts.
        ratio: target characters per source character: 1st, 50th and 99th percentile over the pairs; None for text.
        duplicates: the number of items that are equal to an earlier item.
        ambiguous: how many targets the sources have in addition to one each.
        overlap: the number of items that are also in the training data, apart from case and punctuation; 0 for the training data.
        overlap_sources: the number of items whose source is nearly equal to a source of the training data.
        sampled: the share of items that duplicates and overlaps were estimated from; 1 if all were compared.
        text: further facts about documents; None for pairs.
    """

    name: str
    origin: str
    items: int
    src: SideFacts | None
    tgt: SideFacts
    ratio: tuple[float, float, float] | None
    duplicates: int
    ambiguous: int
    overlap: int
    overlap_sources: int
    sampled: float
    text: TextFacts | None = None


class Suspicious(Settings):
    """Items that look wrong for the same reason.

    Attributes:
        reason: what looks wrong.
        count: the number of such items in all splits together.
        share: their share of all items.
        examples: a few, shortened, as split, source and target.
    """

    reason: str
    count: int
    share: float
    examples: tuple[tuple[str, str, str], ...]


class Inspection(Settings):
    """Facts about a corpus, and advice.

    Attributes:
        proposed: for each split, the number of items that seqloom would choose if it divided the corpus.
        notes: the notes from opening the corpus.
        layout: sentences about how the files were read: columns, languages, header.
        recommendations: sentences of advice.
    """

    name: str
    kind: str
    src_lang: str | None
    tgt_lang: str | None
    fingerprint: str
    splits: tuple[SplitFacts, ...]
    suspicious: tuple[Suspicious, ...]
    proposed: dict[str, int]
    notes: tuple[str, ...]
    layout: tuple[str, ...] = ()
    recommendations: tuple[str, ...]


def inspect(corpus: Corpus, progress: Progress | None = None, *, max_hashes: int = 1_000_000) -> Inspection:
    """Reads a corpus and describes it.

    Args:
        corpus: pairs or text.
        progress: receives the progress of reading.
        max_hashes: the largest number of hashes in memory, for each set of hashes.

    Raises:
        CorpusError: a file cannot be read.
    """
    progress = progress or Silent()
    typical = _typical(corpus)
    checks = QualityChecks(*typical, same_language=corpus.src_lang == corpus.tgt_lang or corpus.tgt_lang is None)
    trained = HashSample(max_hashes), HashSample(max_hashes)
    texts = TextInspector(max_hashes) if corpus.kind == "text" else None
    facts = []
    for split in (corpus.train, corpus.val, *corpus.tests.values()):
        facts.append(_read(split, checks, trained, texts, progress, max_hashes))
    total = sum(split.items for split in facts)
    suspicious = tuple(
        Suspicious(reason=reason, count=count, share=count / total, examples=tuple(checks.examples[reason]))
        for reason, count in checks.counts.most_common()
    )
    return Inspection(
        name=corpus.name,
        kind=corpus.kind,
        src_lang=corpus.src_lang,
        tgt_lang=corpus.tgt_lang,
        fingerprint=corpus.fingerprint,
        splits=tuple(facts),
        suspicious=suspicious,
        proposed=_propose(total, corpus.kind),
        notes=corpus.notes,
        layout=corpus.layout,
        recommendations=tuple(_recommend(corpus, facts, suspicious)),
    )


def _propose(total: int, kind: str) -> dict[str, int]:
    held_out = automatic_size(total) if kind == "pairs" else max(1, total // 20)
    return {"train": max(total - 2 * held_out, 0), "val": held_out, "test": held_out}


class _Side:
    """Counts over the texts of one side."""

    def __init__(self) -> None:
        self.words: Counter[int] = Counter()
        self.chars: Counter[int] = Counter()
        self.letters: Counter[str] = Counter()

    def add(self, text: str) -> None:
        self.words[num_segments(text)] += 1
        self.chars[len(text)] += 1
        self.letters.update(text)

    def facts(self) -> SideFacts:
        rare = "".join(sorted(char for char, count in self.letters.items() if count == 1 and char.isprintable())[:40])
        return SideFacts(
            words=_lengths(self.words),
            chars=_lengths(self.chars),
            num_characters=len(self.letters),
            scripts={name: round(share, 4) for name, share in scripts_of(self.letters).items() if share >= 0.0001},
            rare=rare,
        )


def _read(
    split: Split,
    checks: QualityChecks,
    trained: tuple[HashSample, HashSample],
    texts: TextInspector | None,
    progress: Progress,
    max_hashes: int,
) -> SplitFacts:
    training, pairs = split.name == "train", texts is None
    src_side, tgt_side = _Side(), _Side()
    ratios: Counter[float] = Counter()
    items, sources = HashSample(max_hashes), HashSample(max_hashes)
    trained_items, trained_sources = trained
    count = overlap = overlap_sources = 0
    for count, item in enumerate(split, start=1):
        src, tgt = (item.src, item.tgt) if isinstance(item, SentencePair) else ("", item.text)
        tgt_side.add(tgt)
        items.add(hash_key(f"{src}\t{tgt}"))
        if texts is not None:
            texts.add(tgt)
        else:
            src_side.add(src)
            sources.add(hash_key(src))
            ratios[round(math.log((len(tgt) + 1) / (len(src) + 1)), 2)] += 1
        checks.check(split.name, src, tgt)
        pair_hash, source_hash = hash_key(pair_key(src, tgt)), hash_key(split_key(src if pairs else tgt))
        if training:
            trained_items.add(pair_hash)
            trained_sources.add(source_hash)
        else:
            overlap += pair_hash in trained_items
            overlap_sources += source_hash in trained_sources
        if count % _ROWS_PER_REPORT == 0:
            progress.update(f"inspecting {split.name}", 0.5, items=count)
    progress.update(f"inspecting {split.name}", 1.0, items=count)
    return SplitFacts(
        name=split.name,
        origin=split.origin,
        items=count,
        src=src_side.facts() if pairs else None,
        tgt=tgt_side.facts(),
        ratio=_ratio(ratios) if pairs else None,
        duplicates=max(0, count - items.num_distinct()),
        ambiguous=max(0, items.num_distinct() - sources.num_distinct()) if pairs else 0,
        overlap=round(overlap / trained_items.share),
        overlap_sources=round(overlap_sources / trained_sources.share),
        sampled=min(items.share, sources.share, trained_items.share),
        text=texts.facts(split.unit, tgt_side.letters, training=training) if texts is not None else None,
    )


def _typical(corpus: Corpus) -> tuple[float, float, str, str]:
    """Typical values of the first pairs: median and standard deviation of the log length ratio, and the scripts of both sides."""
    src, tgt = Counter[str](), Counter[str]()
    ratios: list[float] = []
    for item in itertools.islice(corpus.train, _SAMPLE_PAIRS):
        if isinstance(item, SentencePair):
            src.update(item.src)
            tgt.update(item.tgt)
            ratios.append(math.log((len(item.tgt) + 1) / (len(item.src) + 1)))
        else:
            tgt.update(item.text)
    middle = statistics.median(ratios) if ratios else 0.0
    spread = statistics.pstdev(ratios) if ratios else 0.0
    return middle, spread, main_script(src), main_script(tgt)


def _lengths(counts: Counter[int]) -> Lengths:
    total = counts.total()
    if not total:
        return Lengths(mean=0, median=0, p90=0, p99=0, longest=0)
    mean = sum(length * count for length, count in counts.items()) / total
    median, p90, p99 = (int(value) for value in _percentiles(counts, (0.5, 0.9, 0.99)))
    return Lengths(mean=round(mean, 2), median=median, p90=p90, p99=p99, longest=max(counts))


def _ratio(logs: Counter[float]) -> tuple[float, float, float] | None:
    if not logs:
        return None
    low, middle, high = (round(math.exp(value), 2) for value in _percentiles(logs, (0.01, 0.5, 0.99)))
    return low, middle, high


def _percentiles(counts: Mapping[Any, int], shares: Iterable[float]) -> list[float]:
    ordered = sorted(counts)
    sums = list(itertools.accumulate(counts[value] for value in ordered))
    return [
        next(value for value, below in zip(ordered, sums, strict=True) if below >= share * sums[-1]) for share in shares
    ]


def _recommend(corpus: Corpus, facts: list[SplitFacts], suspicious: tuple[Suspicious, ...]) -> list[str]:
    train, *held_out = facts
    advice: list[str] = []
    if corpus.kind == "pairs" and train.items < 5000:
        advice.append(f"{train.items:,} training pairs are few: expect memorisation; use a small recipe, or more data.")
    if train.duplicates > 0.05 * train.items:
        advice.append(
            f"{train.duplicates / train.items:.0%} of the training items repeat others: they count more in training, and take time."
        )
    if train.ambiguous > 0.2 * train.items:
        advice.append("Many sources have several targets: scores against one reference understate quality.")
    for split in held_out:
        if split.overlap:
            advice.append(
                f"{counted(split.overlap, 'item')} of {split.name} also in train: keep --overlap drop, or scores will be too high."
            )
        elif corpus.kind == "pairs" and split.overlap_sources > 0.02 * split.items:
            share = split.overlap_sources / split.items
            advice.append(
                f"{share:.0%} of the sources of {split.name} are nearly equal to sources of train, but have other targets."
            )
        if split.text is not None and split.text.repeated_passages > 0.02 and not split.overlap:
            advice.append(
                f"{split.text.repeated_passages:.0%} of the passages of {split.name} are also in train: scores will be too high, "
                "because a model can memorise them."
            )
        if corpus.kind == "pairs" and split.items < 200:
            advice.append(
                f"{split.name} has {counted(split.items, 'pair')}: intervals will be wide; 500 or more show which system is better."
            )
    if train.src is not None:
        longest = max(train.src.words.p99, train.tgt.words.p99)
        if max(train.src.words.longest, train.tgt.words.longest) > 4 * max(longest, 25):
            advice.append(
                f"99% of the sides have at most {counted(longest, 'word')}: "
                f"--max-words {2 * longest} would leave out only outliers."
            )
    advice += [
        f"{entry.share:.1%} of the items look wrong ({entry.reason}): look at the examples before training."
        for entry in suspicious
        if entry.share > 0.01
    ]
    return advice or ["No problem was found for training on this corpus."]
