"""Quality by the length of the source: groups of sentences with similar lengths, and the score of each group.

Input: source texts and counts; output: scores of groups. Length is counted in segments: words, or characters in scripts without
spaces between words. So it is the same for all systems that are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqloom.errors import ConfigError, CorpusError
from seqloom.metrics.metric import Metric, Stats
from seqloom.metrics.significance import Estimate, estimate
from seqloom.segments import num_segments

MOST_BINS = 6
FEWEST_SENTENCES = 30


@dataclass(frozen=True, slots=True)
class LengthEstimate:
    """The value over the sentences whose source has `low` to `high` words, both included."""

    low: int
    high: int
    num_sentences: int
    estimate: Estimate


def choose_bins(
    sources: Sequence[str], *, most_bins: int = MOST_BINS, fewest_sentences: int = FEWEST_SENTENCES
) -> tuple[tuple[int, int], ...]:
    """Consecutive ranges of lengths with about equally many sentences each.

    Args:
        fewest_sentences: no range has fewer, unless there are fewer sentences in all.

    Returns:
        The lowest and the highest number of words of each range, both included.

    Raises:
        CorpusError: no sources.
    """
    if not sources:
        raise CorpusError("there are no sources to be grouped by length")
    lengths, counts = np.unique([num_segments(source) for source in sources], return_counts=True)
    aim = max(fewest_sentences, -(-len(sources) // most_bins))
    starts, filled = [0], 0
    for index, count in enumerate(counts):
        # A range ends before a length that would exceed the aim by more than the range is below it now.
        if filled >= fewest_sentences and filled + int(count) - aim > aim - filled:
            starts.append(index)
            filled = 0
        filled += int(count)
    if filled < fewest_sentences and len(starts) > 1:
        starts.pop()
    lows = [int(lengths[start]) for start in starts]
    return tuple(zip(lows, [*(low - 1 for low in lows[1:]), int(lengths[-1])], strict=True))


def estimate_by_length(
    metric: Metric,
    sources: Sequence[str],
    runs: Sequence[Stats],
    *,
    bins: Sequence[tuple[int, int]] | None = None,
    seed: int = 0,
) -> tuple[LengthEstimate, ...]:
    """The mean value of an arm's runs, by the length of the source.

    Args:
        runs: for each run the counts (sentences, k), in the order of `sources`.
        bins: ranges of lengths; by default those of `choose_bins`. Ranges with fewer than two sentences are left out.

    Raises:
        ConfigError: a source falls into no bin or into two.
        CorpusError: sources and counts differ in number.
    """
    for stats in runs:
        if len(stats) != len(sources):
            raise CorpusError(
                f"{len(stats):,} scored sentences were given for {len(sources):,} sources; expected one for each"
            )
    bins = choose_bins(sources) if bins is None else bins
    lengths = np.asarray([num_segments(source) for source in sources])
    members = [(lengths >= low) & (lengths <= high) for low, high in bins]
    num_bins = np.sum(members, axis=0)
    if (num_bins != 1).any():
        length = int(lengths[num_bins != 1][0])
        problem = "no bin" if (num_bins == 0).any() else "two bins"
        raise ConfigError(
            f"a source of {length} words falls into {problem} of {list(bins)}; expected each length in one bin"
        )
    return tuple(
        LengthEstimate(low, high, int(chosen.sum()), estimate(metric, [stats[chosen] for stats in runs], seed=seed))
        for (low, high), chosen in zip(bins, members, strict=True)
        if chosen.sum() > 1
    )
