"""SizeSearch: finds the smallest size at which a model fails, and the smallest input on which it fails.

The search tries sizes 1, 2, 4, … until two in a row fail. Then a binary search between each failing size and the size tried before
it finds the first failing size. At a size, inputs are drawn, with replacement, until the confidence interval of the share of right
answers lies on one side of the threshold, or until the largest allowed number is drawn. The interval is computed several times
(interim analyses). Each has a higher level, so that all together hold with 95% (Bonferroni). If the last interval contains the
threshold, the size is undecided and does not count as failing.

The binary search assumes that larger inputs are not easier. The result lists all sizes tried, so a reader can check this.
"""

from itertools import pairwise

from seqloom.claims.limits.asking import Answered, Asker
from seqloom.claims.limits.family import Family
from seqloom.claims.limits.result import About, LimitSettings, LimitsResult, SizeResult, State, limit_of, verdict
from seqloom.claims.limits.shrinking import Shrinker
from seqloom.decoding.engines import Engine
from seqloom.errors import ConfigError
from seqloom.metrics.binomial import clopper_pearson
from seqloom.progress import Progress

LEVEL = 0.95
# The number of inputs at the first interim analysis of a size; each further one has twice as many.
FIRST_LOOK = 20


def looks(samples: int) -> tuple[int, ...]:
    """The numbers of inputs after which the interval is computed: 20, 40, 80 and so on; the last is `samples`."""
    results = []
    count = FIRST_LOOK
    while count < samples:
        results.append(count)
        count *= 2
    return (*results, samples)


class SizeSearch:
    """Searches for the limits of an engine on a family."""

    def __init__(self, engine: Engine, family: Family, about: About, settings: LimitSettings) -> None:
        """Checks the settings; the engine is not used before `run`.

        Raises:
            ConfigError: with so few samples no size can pass or fail, guessing would pass, or the largest size to try is below the
                smallest size.
        """
        self._family = family
        self._about = about
        threshold = family.threshold if settings.threshold is None else settings.threshold
        if threshold <= family.chance:
            raise ConfigError(
                f"--threshold {threshold:g}: guessing gets {family.chance:g} right here; give more than that"
            )
        self._threshold = threshold
        self._settings = settings.model_copy(update={"threshold": threshold})
        self._looks = looks(settings.samples)
        self._level = 1 - (1 - LEVEL) / len(self._looks)
        most = family.default_max_size if settings.most is None else settings.most
        if most < family.min_size:
            raise ConfigError(
                f"--most {most}: the smallest inputs have {family.label(family.min_size)}; take that or more"
            )
        self._most = family.round_down(most)
        self._check_samples()
        self._asker = Asker(engine)
        self._shrinker = Shrinker(self._asker, family)
        self._answers: dict[int, list[Answered]] = {}
        self._results: dict[int, SizeResult] = {}
        self._finished = False

    def run(self, progress: Progress) -> None:
        """Searches to the end. After an interrupt, `result` returns the results so far."""
        self._search_sizes(progress)
        self._shrinker.shrink(self._failures(), progress)
        self._finished = True

    def result(self) -> LimitsResult:
        """The result so far; complete after `run`."""
        sizes = tuple(self._results[size] for size in sorted(self._results))
        smallest = self._shrinker.report()
        if smallest is None and (failures := self._failures()):
            first = min(failures, key=lambda failure: failure.sample.rank)
            smallest = first.failing("the search was interrupted before it was made smaller")
        return LimitsResult(
            **self._about.model_dump(),
            rule=f"a size fails where surely fewer than {100 * self._threshold:g}% of answers are right",
            method=f"Clopper-Pearson, {100 * self._level:.4g}%: {100 * LEVEL:g}% over up to {len(self._looks)} looks",
            settings=self._settings,
            most=self._most,
            sizes=sizes,
            limit=limit_of(sizes),
            smallest_failing=smallest,
            notes=self._notes(),
            finished=self._finished,
            verdict=verdict(self._about, sizes, finished=self._finished),
        )

    def _check_samples(self) -> None:
        num, threshold = self._settings.samples, self._threshold
        never_fails = clopper_pearson(0, num, self._level)[1] >= threshold
        never_passes = clopper_pearson(num, num, self._level)[0] <= threshold
        if never_fails or never_passes:
            what = "all wrong would not prove less" if never_fails else "all right would not prove more"
            raise ConfigError(f"--samples {num}: {what} than {threshold:g}; give more samples")

    def _search_sizes(self, progress: Progress) -> None:
        failed: list[int] = []
        size = self._family.min_size
        while True:
            failed = [*failed, size] if self._try(size, progress).state == "fails" else []
            following = min(self._most, self._family.round_down(size * 2))
            if following <= size:
                following = min(self._most, size + self._family.step)
            if len(failed) == 2 or following <= size:
                break
            size = following
        tried = sorted(self._results)
        # If the smallest size fails, there is no gap before it to search.
        for before, after in pairwise(tried):
            if self._fails(after) and not self._fails(before):
                self._close_gap(before, after, progress)
        progress.update("trying sizes", 1.0)

    def _fails(self, size: int) -> bool:
        return self._results[size].state == "fails"

    def _close_gap(self, good: int, failing: int, progress: Progress) -> None:
        """Binary search between a size that does not fail and a larger one that does, until no size lies between them."""
        step = self._family.step
        while failing - good > step:
            # With steps above 1, the middle may be rounded down to `good`, which has been tried.
            middle = max(self._family.round_down((good + failing) // 2), good + step)
            if self._try(middle, progress).state == "fails":
                failing = middle
            else:
                good = middle

    def _try(self, size: int, progress: Progress) -> SizeResult:
        """Draws inputs of a size until it passes or fails, or until `samples` inputs are drawn."""
        answers = self._answers.setdefault(size, [])
        result: SizeResult | None = None
        for interim in self._looks:
            new = [
                self._family.sample(
                    size,
                    f"limits/{self._about.corpus}/{self._family.size_measure}/{self._settings.seed}/{size}/{index}",
                )
                for index in range(len(answers), interim)
            ]
            answers += self._asker.ask(new)
            result = self._judge(size, answers)
            # The number of sizes is not known in advance.
            status = f"{self._family.label(size)}: {result.right:,} of {result.tried:,} right"
            progress.update("trying sizes", 0.0, status=status)
            self._results[size] = result
            if result.state != "undecided":
                break
        assert result is not None
        return result

    def _judge(self, size: int, answers: list[Answered]) -> SizeResult:
        right = sum(answer.right for answer in answers)
        low, high = clopper_pearson(right, len(answers), self._level)
        state: State = "undecided"
        if high < self._threshold:
            state = "fails"
        elif low > self._threshold:
            state = "passes"
        return SizeResult(
            first=size,
            last=size,
            tried=len(answers),
            right=right,
            value=100 * right / len(answers),
            low=100 * low,
            high=100 * high,
            state=state,
            trained=self._family.trained[0] <= size <= self._family.trained[1],
        )

    def _failures(self) -> list[Answered]:
        return [answer for answers in self._answers.values() for answer in answers if not answer.right]

    def _notes(self) -> tuple[str, ...]:
        """The notes of decoding on wrong answers, with counts: a cut source is a failure of another kind than a wrong word."""
        failures = self._failures()
        notes = [note for failure in failures for note in failure.notes]
        return tuple(
            f"{notes.count(note):,} of {len(failures):,} wrong answers: {note}." for note in dict.fromkeys(notes)
        )
