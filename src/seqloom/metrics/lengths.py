"""Quality by the length of the source: groups of sentences with similar lengths, and the score of each group.

Input: source texts and counts; output: scores of groups. Length is counted in segments: words, or characters in scripts without
spaces between words. It does not depend on a tokenizer, so it is the same for all systems.
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
    """Divides the lengths of sources into consecutive ranges with similar numbers of sentences.

    Args:
        most_bins: the largest number of ranges.
        fewest_sentences: the smallest number of sentences of a range, unless all sources are fewer.

    Returns:
        The lowest and the highest number of words of each range, both included.

    Raises:
        CorpusError: `sources` is empty.
    """
    if not sources:
        raise CorpusError("there are no sources to group by length")
    lengths, counts = np.unique([num_segments(source) for source in sources], return_counts=True)
    target = max(fewest_sentences, -(-len(sources) // most_bins))
    starts, size = [0], 0
    for index, count in enumerate(counts):
        # A range ends if it is closer to the target size without the sentences of the next length.
        if size >= fewest_sentences and size + int(count) - target > target - size:
            starts.append(index)
            size = 0
        size += int(count)
    if size < fewest_sentences and len(starts) > 1:
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
    """The mean value of the runs of an arm, by the length of the source.

    Args:
        runs: for each run the counts (sentences, k), in the order of `sources`.
        bins: ranges of lengths; by default those of `choose_bins`. Ranges with fewer than two sentences are left out.

    Raises:
        ConfigError: a source belongs to no bin, or to several.
        CorpusError: the numbers of sources and counts differ.
    """
    for stats in runs:
        if len(stats) != len(sources):
            raise CorpusError(
                f"{len(stats):,} scored sentences were given for {len(sources):,} sources; expected one for each"
            )
    bins = choose_bins(sources) if bins is None else bins
    lengths = np.asarray([num_segments(source) for source in sources])
    masks = [(lengths >= low) & (lengths <= high) for low, high in bins]
    num_bins = np.sum(masks, axis=0)
    if (num_bins != 1).any():
        length = int(lengths[num_bins != 1][0])
        problem = "no bin" if (num_bins == 0).any() else "two bins"
        raise ConfigError(
            f"a source of {length} words falls into {problem} of {list(bins)}; expected each length in one bin"
        )
    return tuple(
        LengthEstimate(low, high, int(mask.sum()), estimate(metric, [stats[mask] for stats in runs], seed=seed))
        for (low, high), mask in zip(bins, masks, strict=True)
        if mask.sum() > 1
    )
