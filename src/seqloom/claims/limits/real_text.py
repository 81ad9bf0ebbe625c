"""SentenceSearch: limits on real test sentences, for corpora that no family can draw from.

A longer sentence with a known right translation cannot be generated, so no input is drawn or made smaller. Test sentences
are grouped by the words of their source, and the corpus's leading metric is measured in each group, with an interval. A group fails
where its score is surely below the threshold's share of the best score at smaller lengths: its interval ends below that share of
the lower end of that one's. Scores at other lengths are of other sentences, so a fall may also mean that long sentences are
harder in themselves; the result says so.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from seqloom.claims.limits.result import (
    About,
    FailingInput,
    LimitSettings,
    LimitsResult,
    SizeResult,
    State,
    limit_of,
    verdict,
)
from seqloom.corpus.corpus import SentencePair
from seqloom.decoding.engines import Engine
from seqloom.errors import ConfigError, CorpusError
from seqloom.metrics import can_be_right, choose_bins, find_metric, interval, score, statistics
from seqloom.metrics.binomial import clopper_pearson
from seqloom.metrics.lengths import FEWEST_SENTENCES
from seqloom.progress import Progress
from seqloom.segments import num_segments

MOST_BINS = 10
LEVEL = 0.95
DEFAULT_THRESHOLD = 0.5
_CAUTION = (
    "These are test sentences, not drawn ones: a score that falls with length may also mean that longer sentences are harder, or "
    "rarer in training."
)
_REFERENCES = "There is one reference a sentence, and other answers may be right too."
# Metrics of corpora where one answer alone is right.
_ONE_TRUTH = ("exact_match", "items")
# A score, 0 to 100, below which half of it is noise.
_HARDLY_LEARNT = 5.0
Span = tuple[int, int]


class SentenceSearch:
    """Searches for the length from which a score falls."""

    def __init__(
        self,
        engine: Engine,
        pairs: Iterable[SentencePair],
        about: About,
        settings: LimitSettings,
        *,
        metric: str,
        item_separator: str | None,
    ) -> None:
        """Asks nothing yet.

        Raises:
            ConfigError: so few samples would say nothing of a score.
            CorpusError: there are no sentences to try.
        """
        if settings.samples < FEWEST_SENTENCES:
            raise ConfigError(
                f"--samples {settings.samples}: the score of so few sentences says little; give {FEWEST_SENTENCES} or more"
            )
        self._engine = engine
        self._about = about
        self._threshold = DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold
        self._settings = settings.model_copy(update={"threshold": self._threshold})
        self._separator = item_separator
        known = [pair for pair in dict.fromkeys(pairs) if pair.src.strip()]
        kept = [pair for pair in known if settings.most is None or _words(pair) <= settings.most]
        if not kept:
            raise CorpusError(
                "there are no test sentences to try" + ("; raise --most" if known else " in the corpus of this run")
            )
        self._most = max(map(_words, kept))
        self._chosen = self._choose(kept)
        self._metric, self._replaced = self._defined(metric)
        self._left_out = len(kept) - sum(map(len, self._chosen.values()))
        self._said: dict[SentencePair, str] = {}
        self._decoding: Counter[str] = Counter()
        self._sizes: list[SizeResult] = []
        self._finished = False

    def run(self, progress: Progress) -> None:
        """Searches to the end; what was found so far is there even if this is interrupted."""
        for number, (span, pairs) in enumerate(self._chosen.items()):
            progress.update("trying lengths", number / len(self._chosen), status=f"{span[0]}–{span[1]} words")
            for pair, generation in zip(pairs, self._engine.generate([pair.src for pair in pairs]), strict=True):
                self._said[pair] = generation.text
                self._decoding.update(generation.notes)
            self._sizes.append(self._judge(span, pairs))
        progress.update("trying lengths", 1.0)
        self._finished = True

    def result(self) -> LimitsResult:
        """The result so far; complete after `run`."""
        sizes = tuple(self._sizes)
        return LimitsResult(
            **self._about.model_dump(),
            rule=f"lengths fail where {self._about.measure} is surely below {100 * self._threshold:g}% of its best at smaller ones",
            method=f"{'Clopper-Pearson' if self._metric == 'exact_match' else 'bootstrap over sentences'}, {100 * LEVEL:g}%",
            settings=self._settings,
            most=self._most,
            sizes=sizes,
            limit=limit_of(sizes),
            smallest_failing=self._smallest(),
            notes=(_CAUTION, *self._notes()),
            finished=self._finished,
            verdict=verdict(self._about, sizes, finished=self._finished),
        )

    def _defined(self, metric: str) -> tuple[str, str]:
        """The metric, or chrF where there are lengths of which BLEU says nothing; and what to tell of it."""
        for (low, high), pairs in self._chosen.items():
            if not can_be_right(metric, [pair.tgt for pair in pairs], item_separator=self._separator):
                label = find_metric(metric).label
                self._about = self._about.model_copy(update={"measure": find_metric("chrf").label})
                return "chrf", (
                    f"{label} says nothing of sentences of {low} to {high} words, whose references have no four words in a row; "
                    "chrF is measured instead."
                )
        return metric, ""

    def _choose(self, pairs: list[SentencePair]) -> Mapping[Span, list[SentencePair]]:
        """Some of the sentences of each group of lengths, chosen by the seed."""
        spans = choose_bins([pair.src for pair in pairs], most_bins=MOST_BINS)
        ordered = sorted(pairs, key=self._lot)
        return {
            (low, high): [pair for pair in ordered if low <= _words(pair) <= high][: self._settings.samples]
            for low, high in spans
        }

    def _lot(self, pair: SentencePair) -> bytes:
        return hashlib.sha256(f"limits/{self._settings.seed}/{pair.src}\t{pair.tgt}".encode()).digest()

    def _judge(self, span: Span, pairs: list[SentencePair]) -> SizeResult:
        value, low, high, right = self._measure(pairs)
        return SizeResult(
            first=span[0],
            last=span[1],
            tried=len(pairs),
            right=right,
            value=value,
            low=low,
            high=high,
            state=self._state(low, high),
        )

    def _measure(self, pairs: list[SentencePair]) -> tuple[float, float, float, int | None]:
        """The score of some sentences with its interval, and how many are right where that can be said."""
        said, meant = [self._said[pair] for pair in pairs], [pair.tgt for pair in pairs]
        stats = statistics(self._metric, said, meant, item_separator=self._separator)
        if self._metric == "exact_match":
            # Where all are right or none is, the bootstrap would be too sure.
            right = int(stats[:, 0].sum())
            low, high = clopper_pearson(right, len(pairs), LEVEL)
            return 100 * right / len(pairs), 100 * low, 100 * high, right
        results = interval(self._metric, [stats], level=LEVEL)
        return results.value, results.low, results.high, None

    def _state(self, low: float, high: float) -> State:
        if not self._sizes:
            # The others are measured by it; nothing can fall below nothing.
            return "passes" if low > 0 else "undecided"
        best = max(self._sizes, key=lambda size: size.low)
        if high < self._threshold * best.low:
            return "fails"
        return "passes" if low > self._threshold * best.high else "undecided"

    def _smallest(self) -> FailingInput | None:
        """The shortest sentence whose answer is poor by itself.

        BLEU means nothing on one sentence, so single sentences go by chrF; where the metric knows what is right, by that.
        """
        if not self._said:
            return None
        exact = self._metric in _ONE_TRUTH
        name = "exact_match" if exact else "chrf"
        pairs = sorted(self._said, key=lambda pair: (_words(pair), len(pair.src), pair.src))
        stats = statistics(name, [self._said[pair] for pair in pairs], [pair.tgt for pair in pairs])
        typical = (
            100.0 if exact else score(name, [self._said[pair] for pair in pairs], [pair.tgt for pair in pairs]).value
        )
        bound = typical if exact else self._threshold * typical
        values = find_metric(name).combine(stats)
        for pair, value in zip(pairs, values.tolist(), strict=True):
            if value < bound:
                remark = "the shortest of the test sentences tried that is not answered as the reference does"
                if not exact:
                    share = f"{100 * self._threshold:g}%"
                    remark = (
                        f"the shortest of the test sentences tried whose chrF, {value:.1f}, is below {share} of that of all of "
                        f"them, {typical:.1f}"
                    )
                return FailingInput(
                    size=_words(pair), source=pair.src, said=self._said[pair], truth=pair.tgt, remark=remark
                )
        return None

    def _notes(self) -> list[str]:
        best = max((size.value for size in self._sizes), default=0.0)
        notes = [self._replaced] if self._replaced else []
        notes += [] if self._metric in _ONE_TRUTH else [_REFERENCES]
        tried = sum(map(len, self._chosen.values()))
        notes.append(f"{tried:,} test sentences were chosen to be tried, of {tried + self._left_out:,}.")
        if best < _HARDLY_LEARNT:
            notes.append(
                f"The best score is {best:.1f}: the model has hardly learnt its task, so where it falls says little."
            )
        notes += [f"{count:,} of {len(self._said):,} answers: {note}." for note, count in self._decoding.items()]
        if self._left_out:
            notes.append(
                f"{self._left_out:,} further test sentences were not tried: at most {self._settings.samples:,} of each group of "
                "lengths are (--samples)."
            )
        return notes


def _words(pair: SentencePair) -> int:
    return num_segments(pair.src)
