"""LimitsResult: the results of a search for a model's limits, and the sentence that sums them up.

Input: counts and scores; output: results that can be written as JSON and read again. This module neither draws inputs nor runs
models.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import AliasChoices, Field

from seqloom.claims.limits.family import SizeMeasure
from seqloom.config import Results, Settings
from seqloom.messages import listed

SCHEMA_VERSION = 1

State = Literal["passes", "fails", "undecided"]


class LimitSettings(Settings):
    """How limits are searched for."""

    threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="a size fails if fewer than this share are right, with 95% confidence; None: the middle of chance and 1",
    )
    most: int | None = Field(None, ge=1, description="the largest size that is tried; None: the default of the inputs")
    samples: int = Field(160, ge=1, description="the largest number of inputs that are tried at a size")
    seed: int = Field(0, ge=0, description="decides which inputs are drawn")


class SizeResult(Results):
    """The results at one size, or at the sizes from `first` to `last`.

    Attributes:
        tried: the number of inputs tried.
        right: how many of them got the right answer; None if a score such as BLEU is measured, which does not say right or wrong.
        value: the share of right answers in percent, or the score.
        low, high: the ends of the confidence interval of `value`.
        trained: whether the training data has inputs of this size; None if that is not known.
    """

    first: int
    last: int
    tried: int
    right: int | None
    value: float
    low: float
    high: float
    state: State
    trained: bool | None = None


class FailingInput(Results):
    """An input that the model gets wrong, with the truth.

    Attributes:
        said: the model's answer.
        judged_index: the index, from 0, of the only word of `truth` that is compared with the answer; None if the whole truth is
            compared.
        notes: the notes of decoding, for example that the source was cut.
        remark: what was tried to make this input smaller.
    """

    size: int
    source: str
    said: str
    truth: str
    judged_index: int | None = Field(None, validation_alias=AliasChoices("judged_index", "wanted"))
    notes: tuple[str, ...] = ()
    remark: str = ""


class About(Results):
    """The run that is tested and its inputs: all that is known before the search.

    Attributes:
        size_measure: the property of an input that its size counts.
        unit, units: what a size counts, in the singular and in the plural.
        description: what the inputs are, and when an answer is right.
        measure: the name, as shown to people, of what `SizeResult.value` measures.
        trained: the smallest and the largest size in the training data; None if that is not known.
    """

    run: str
    recipe: str
    corpus: str
    size_measure: SizeMeasure = Field(validation_alias=AliasChoices("size_measure", "on"))
    unit: str
    units: str
    description: str = Field(validation_alias=AliasChoices("description", "judged"))
    measure: str
    trained: tuple[int, int] | None

    def label(self, size: int) -> str:
        """A size for people: "1 word", "12 words"."""
        return f"{size:,} {self.unit if size == 1 else self.units}"


class LimitsResult(About):
    """Where a model fails; see `About` for the run.

    Attributes:
        rule: when a size fails.
        method: how the confidence intervals were computed.
        most: the largest size that the search may try.
        sizes: the results at each size tried, in order of size.
        limit: the smallest size tried that fails; None if no size fails.
        smallest_failing: the smallest input with a wrong answer, even if its size passes.
        notes: what a reader must know to interpret the results, one sentence each.
        finished: False if the search was interrupted.
        verdict: one sentence.
    """

    schema_version: int = SCHEMA_VERSION
    rule: str
    method: str
    settings: LimitSettings
    most: int
    sizes: tuple[SizeResult, ...]
    limit: int | None
    smallest_failing: FailingInput | None
    notes: tuple[str, ...]
    finished: bool
    verdict: str


def limit_of(sizes: tuple[SizeResult, ...]) -> int | None:
    """The smallest size that fails."""
    return min((size.first for size in sizes if size.state == "fails"), default=None)


def verdict(about: About, sizes: tuple[SizeResult, ...], *, finished: bool) -> str:
    """The results in one sentence.

    Args:
        sizes: in order of size.
    """
    begin = "" if finished else "Interrupted; so far: "
    limit = limit_of(sizes)
    if not sizes:
        return f"{begin}nothing was tried." if begin else "Nothing was tried."
    text = _without_limit(about, sizes) if limit is None else _with_limit(about, sizes, limit)
    return begin + text if begin else text[0].upper() + text[1:]


def span(size: SizeResult) -> str:
    """The sizes of a result: "8", or "8–12"."""
    return _span(size.first, size.last)


def _span(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,}–{last:,}"


def shown(size: SizeResult) -> str:
    """The results at a size: "3 of 20 right [3.2%, 37.9%]", or a score with its interval."""
    if size.right is None:
        return f"{size.value:.1f} [{size.low:.1f}, {size.high:.1f}]"
    return f"{size.right:,} of {size.tried:,} right [{size.low:.1f}%, {size.high:.1f}%]"


def _with_limit(about: About, sizes: tuple[SizeResult, ...], limit: int) -> str:
    failing = next(size for size in sizes if size.first == limit)
    above = [size for size in sizes if size.first > limit and size.state == "passes"]
    below = [size for size in sizes if size.first < limit]
    where = f"at {about.label(limit)}" if above else f"from {about.label(limit)} on"
    parts = [f"fails {where}: {_named(about, failing)}"]
    passed = [item for item in below if item.state == "passes"]
    if passed:
        parts.append(f"passes at {_spans(about, passed[-1:])}: {_named(about, passed[-1])}")
    undecided = [item for item in below if item.state == "undecided"]
    if undecided:
        parts.append(f"undecided at {_spans(about, undecided)}")
    if above:
        parts.append(f"yet passes at {_spans(about, above)}")
        failing_above = [size.first for size in sizes if size.state == "fails" and size.first > above[-1].last]
        if failing_above:
            parts.append(f"fails again from {about.label(failing_above[0])} on")
    return "; ".join(parts) + "."


def _without_limit(about: About, sizes: tuple[SizeResult, ...]) -> str:
    last = sizes[-1]
    text = f"no limit found up to {about.label(last.last)}: {_named(about, last)}"
    undecided = [size for size in sizes if size.state == "undecided"]
    return text + (f"; undecided at {_spans(about, undecided)}." if undecided else ".")


def _named(about: About, size: SizeResult) -> str:
    return shown(size) if size.right is not None else f"{about.measure} {shown(size)}"


def _spans(about: About, sizes: Sequence[SizeResult]) -> str:
    """ "3, 5 and 8–12 words"; sizes that follow each other become one span."""
    joined: list[tuple[int, int]] = []
    for size in sizes:
        if joined and joined[-1][1] + 1 == size.first:
            joined[-1] = (joined[-1][0], size.last)
        else:
            joined.append((size.first, size.last))
    spans = [_span(*results) for results in joined]
    text = listed(spans)
    return f"{text} {about.unit if text == '1' else about.units}"
