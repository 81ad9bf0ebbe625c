"""SentenceSearch: limits on real test sentences, for corpora whose inputs no family generates.

A longer sentence with a known right translation cannot be generated, so no input is drawn or made smaller. Test sentences are
grouped by the number of words of their source. In each group the corpus's leading metric is measured, with a confidence interval.
A group fails if the upper end of its interval is below threshold * (lower end of the interval of the best shorter group). The
groups hold different sentences, so a lower score may also mean that long sentences are harder in themselves; the result says so.
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
# Metrics of corpora in which each source has only one right answer.
_ONE_TRUTH = ("exact_match", "items")
# If the best score (0 to 100) is below this, the result warns that the model has hardly learned its task.
_HARDLY_LEARNT = 5.0
Span = tuple[int, int]


class SentenceSearch:
    """Searches for the source length from which the score is much lower than at shorter lengths."""

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
        """Chooses the sentences; the engine is not used before `run`.

        Raises:
            ConfigError: `settings.samples` is too small for a meaningful score.
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
        self._metric, self._replaced = self._usable_metric(metric)
        self._left_out = len(kept) - sum(map(len, self._chosen.values()))
        self._said: dict[SentencePair, str] = {}
        self._decoding: Counter[str] = Counter()
        self._sizes: list[SizeResult] = []
        self._finished = False

    def run(self, progress: Progress) -> None:
        """Searches to the end. After an interrupt, `result` returns the results so far."""
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

    def _usable_metric(self, metric: str) -> tuple[str, str]:
        """The metric, or chrF if BLEU is not defined for some group of lengths; and a note on the replacement, or ""."""
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
        """For each group of lengths, at most `settings.samples` of its sentences, chosen at random by the seed."""
        spans = choose_bins([pair.src for pair in pairs], most_bins=MOST_BINS)
        ordered = sorted(pairs, key=self._random_key)
        return {
            (low, high): [pair for pair in ordered if low <= _words(pair) <= high][: self._settings.samples]
            for low, high in spans
        }

    def _random_key(self, pair: SentencePair) -> bytes:
        """A sort key that depends on the seed and the pair only, so the choice does not depend on the order of the corpus."""
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
        """The score, the ends of its interval, and the number of right answers (None unless the metric is exact match)."""
        said, meant = [self._said[pair] for pair in pairs], [pair.tgt for pair in pairs]
        stats = statistics(self._metric, said, meant, item_separator=self._separator)
        if self._metric == "exact_match":
            # If all answers are right or all are wrong, the bootstrap gives an interval of length 0.
            right = int(stats[:, 0].sum())
            low, high = clopper_pearson(right, len(pairs), LEVEL)
            return 100 * right / len(pairs), 100 * low, 100 * high, right
        results = interval(self._metric, [stats], level=LEVEL)
        return results.value, results.low, results.high, None

    def _state(self, low: float, high: float) -> State:
        if not self._sizes:
            # Longer groups are compared with this one, which is useless if its own interval reaches 0.
            return "passes" if low > 0 else "undecided"
        best = max(self._sizes, key=lambda size: size.low)
        if high < self._threshold * best.low:
            return "fails"
        return "passes" if low > self._threshold * best.high else "undecided"

    def _smallest(self) -> FailingInput | None:
        """The shortest sentence whose own answer is wrong or poor.

        With a metric of `_ONE_TRUTH`: the shortest with a wrong answer. Otherwise the shortest with a low chrF, since BLEU is
        not meaningful on one sentence.
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
