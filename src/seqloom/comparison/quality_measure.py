"""QualityMeasure: counts of runs become qualities with intervals, over all sentences or by the length of the source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqloom.comparison.comparison import Interval, LengthBin, Quality
from seqloom.corpus import Corpus
from seqloom.metrics import Stats, aggregate, by_length, choose_bins, find_metric, interval


@dataclass(frozen=True)
class QualityMeasure:
    """Computes qualities with the corpus's leading metric and the names of its items."""

    corpus: Corpus

    def label(self, metric: str) -> str:
        """The label of a metric for people."""
        return find_metric(metric).label.format(items=self.corpus.item_name)

    def quality(self, metric: str, runs: Sequence[Stats]) -> Quality:
        """The mean over runs, with an interval if there are at least two sentences."""
        results = find_metric(metric)
        signature = results.sign(self.corpus.item_separator)
        if len(runs[0]) < 2:
            value = float(np.mean([aggregate(metric, stats.sum(axis=0)) for stats in runs]))
            bounds = None
        else:
            estimate = interval(metric, runs)
            value = estimate.value
            bounds = Interval(low=estimate.low, high=estimate.high, level=estimate.level, method=estimate.method)
        return Quality(
            metric=metric,
            label=self.label(metric),
            value=value,
            higher_is_better=results.higher_is_better,
            interval=bounds,
            signature=signature,
        )

    def length_bins(self, sources: Sequence[str], runs: Sequence[Stats]) -> tuple[LengthBin, ...]:
        """The leading metric for ranges of the source's length; empty if all sources have about the same length."""
        bins = choose_bins(sources)
        if len(bins) < 2:
            return ()
        metric = self.corpus.metric
        results = find_metric(metric)
        return tuple(
            LengthBin(
                low=item.low,
                high=item.high,
                num_sentences=item.num_sentences,
                quality=Quality(
                    metric=metric,
                    label=self.label(metric),
                    value=item.estimate.value,
                    higher_is_better=results.higher_is_better,
                    interval=Interval(
                        low=item.estimate.low,
                        high=item.estimate.high,
                        level=item.estimate.level,
                        method=item.estimate.method,
                    ),
                    signature=results.sign(self.corpus.item_separator),
                ),
            )
            for item in by_length(metric, sources, runs, bins=bins)
        )
