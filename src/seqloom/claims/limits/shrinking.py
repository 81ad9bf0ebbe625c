"""Shrinker: failures of a model -> a small failing input. One more change to it either makes it no smaller or gives a right answer.

The search is greedy, like delta debugging (Zeller & Hildebrandt 2002), but it changes the random choices that made an input, not
its text. It removes long runs of choices first, then shorter ones; at last it changes single choices. Each changed list of choices
gives an input of the family with its truth. The search goes on from it if it is smaller and the model fails on it too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seqloom.claims.limits.asking import Answered, Asker
from seqloom.claims.limits.family import Case, Family, FamilyInput
from seqloom.claims.limits.result import FailingInput
from seqloom.progress import Progress

# The number of failures to shrink; the smallest failures are taken.
NUM_STARTS = 5
# The largest number of inputs given to the model while shrinking, for all failures together.
MOST_ASKED = 3_000

_BATCH = 32
# Runs of a half, a quarter and so on of all choices are removed; and also runs of 1 to this many choices.
_FEW = 6
# The largest number below 1: as a choice, it selects the last option; 0 selects the first.
_LAST = 1 - 2.0**-53


@dataclass
class Shrinker:
    """Makes failures smaller. After an interrupt, its results so far are valid.

    Attributes:
        most_asked: the largest number of inputs that it may give to the model.
        smallest: the smallest failure so far.
    """

    asker: Asker
    family: Family
    most_asked: int = MOST_ASKED
    smallest: Answered | None = None
    # The failure that `smallest` was made from.
    _start: Answered | None = None
    # The number of smaller inputs made from `smallest`, all answered rightly; None as long as not all have been tried.
    _num_smaller: int | None = None

    def shrink(self, failures: Sequence[Answered], progress: Progress) -> None:
        """Shrinks each of the smallest failures until no change makes a smaller failure."""
        ordered = sorted(failures, key=lambda failure: (failure.sample.rank, failure.sample.case.src))
        unique: dict[Case, Answered] = {}
        for item in ordered:
            unique.setdefault(item.sample.case, item)
        starts = list(unique.values())[:NUM_STARTS]
        if starts:
            self.smallest = self._start = starts[0]
        budget = self.asker.num_asked + self.most_asked
        for number, start in enumerate(starts):
            task = "making failures smaller"
            progress.update(task, number / len(starts), status=self.family.label(start.sample.size))
            self._shrink_one(start, budget)
            progress.update(task, (number + 1) / len(starts))

    def report(self) -> FailingInput | None:
        """The smallest failure, with what was tried to make it smaller."""
        if self.smallest is None or self._start is None:
            return None
        remark = ""
        if self._start.sample.rank != self.smallest.sample.rank:
            remark = f"made from a failure of {self.family.label(self._start.sample.size)}; "
        if self._num_smaller is None:
            remark += "the search for smaller ones ended early, so there may be some"
        elif self._num_smaller == 0:
            remark += "nothing smaller can be made from it"
        elif self._num_smaller == 1:
            remark += "the one smaller input that can be made from it by one change is answered rightly"
        else:
            remark += f"all {self._num_smaller:,} smaller inputs made from it by one change are answered rightly"
        return self.smallest.failing(remark)

    def _shrink_one(self, start: Answered, budget: int) -> None:
        current = start
        while True:
            smaller, tried = self._sweep(current, budget)
            if smaller is None:
                break
            current = smaller
            self._keep(start, current, None)
        if self.asker.num_asked < budget:
            self._keep(start, current, tried)

    def _keep(self, start: Answered, answered: Answered, num_smaller: int | None) -> None:
        assert self.smallest is not None
        if answered.sample.case == self.smallest.sample.case:
            # Another start may lead to the same input. A known number of smaller inputs stays valid.
            self._num_smaller = self._num_smaller if num_smaller is None else num_smaller
        elif answered.sample.rank < self.smallest.sample.rank:
            self.smallest, self._start, self._num_smaller = answered, start, num_smaller

    def _sweep(self, current: Answered, budget: int) -> tuple[Answered | None, int]:
        """A smaller failure made by one change, or None; and the number of inputs tried."""
        tried: set[Case] = set()
        for variants in _variants(current.sample.choices):
            made = self._smaller(current.sample, variants, tried)
            for start in range(0, len(made), _BATCH):
                if self.asker.num_asked >= budget:
                    return None, len(tried)
                for answered in self.asker.ask(made[start : start + _BATCH]):
                    if not answered.right:
                        return answered, len(tried)
        return None, len(tried)

    def _smaller(
        self, sample: FamilyInput, variants: Iterator[tuple[float, ...]], tried: set[Case]
    ) -> list[FamilyInput]:
        """The inputs made from changed choices that are smaller than `sample` and not in `tried`; the smallest first."""
        made: list[FamilyInput] = []
        for choices in variants:
            # After a removal, the choices may be enough only for an input of a smaller size.
            shorter = len(choices) < len(sample.choices)
            last = self.family.min_size if shorter else sample.size
            for size in range(sample.size, last - 1, -self.family.step):
                replayed = self.family.replay(size, choices)
                if replayed is not None and replayed.rank < sample.rank:
                    if replayed.case not in tried:
                        tried.add(replayed.case)
                        made.append(replayed)
                    # Still smaller inputs are made by variants that remove more choices.
                    break
        return sorted(made, key=lambda item: item.rank)


def _variants(choices: tuple[float, ...]) -> Iterator[Iterator[tuple[float, ...]]]:
    """Groups of changed lists of choices: removals of long runs first, then shorter runs, then changes of single choices."""
    halves = {len(choices) >> power for power in range(1, len(choices).bit_length())}
    # A few choices may belong together, for example a key, its value and their positions. So all small lengths are tried.
    few = range(1, min(_FEW, len(choices) - 1) + 1)
    for length in sorted(halves.union(few), reverse=True):
        yield _without(choices, length)
    yield _changed(choices)


def _without(choices: tuple[float, ...], length: int) -> Iterator[tuple[float, ...]]:
    step = max(1, length // 2)
    for start in range(0, len(choices) - length + 1, step):
        yield choices[:start] + choices[start + length :]


def _changed(choices: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    for index, choice in enumerate(choices):
        for other in (0.0, _LAST):
            if choice != other:
                yield (*choices[:index], other, *choices[index + 1 :])
