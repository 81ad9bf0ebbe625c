"""BLEU, chrF and TER, by sacreBLEU: texts in (detokenised, but for BLEU over given tokens), counts out.

The counts of each sentence are sacreBLEU's own. Their sums are combined here, because resampling needs thousands of corpus
values at once; tests show that the values are sacreBLEU's. This module does not know significance.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from seqloom.metrics.metric import Metric, Stats, ratio

_MAX_NGRAM = 4
_BETA_SQUARED = 4.0


def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    # force: a hypothesis that ends in " ." is what the model said, not a mistake in the call.
    return BLEU(force=True)


def _bleu_tokenised() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="none", force=True)


def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _ter() -> Any:
    from sacrebleu.metrics.ter import TER

    return TER(case_sensitive=True)


def _counter(make: Callable[[], Any]) -> Callable[[Sequence[str], Sequence[str], str | None], Stats]:
    def count(hypotheses: Sequence[str], references: Sequence[str], separator: str | None) -> Stats:
        rows = make()._extract_corpus_statistics(hypotheses, [references])
        return np.asarray(rows, dtype=np.float64)

    return count


def _signer(make: Callable[[], Any]) -> Callable[[str | None], str]:
    @cache
    def sign(separator: str | None) -> str:
        metric = make()
        # sacreBLEU knows the number of references, part of its signature, once it has scored something.
        metric.corpus_score(["a"], [["a"]])
        return str(metric.get_signature())

    return sign


def combine_bleu(sums: Stats) -> Stats:
    """BLEU-4 with exponential smoothing (Papineni et al. 2002; Chen and Cherry 2014, method 3), in percent.

    Args:
        sums: (..., 10): hypothesis length, reference length, right n-grams and all n-grams for n = 1 to 4.
    """
    hyp_len, ref_len = sums[..., 0], sums[..., 1]
    right, total = sums[..., 2 : 2 + _MAX_NGRAM], sums[..., 2 + _MAX_NGRAM :]
    # Each order without a match halves the smoothing anew, but orders longer than all hypotheses end the sum.
    halvings = np.cumsum((right == 0) & (total > 0), axis=-1)
    smoothed = np.where(right > 0, right, 0.5**halvings)
    log_precisions = np.log(ratio(smoothed, total, 1.0))
    penalty = np.exp(np.minimum(0.0, 1.0 - ratio(ref_len, hyp_len, np.inf)))
    value = 100.0 * penalty * np.exp(log_precisions.mean(axis=-1))
    return np.where((right.sum(axis=-1) > 0) & (total > 0).all(axis=-1), value, 0.0)


def combine_chrf(sums: Stats) -> Stats:
    """chrF2 over characters 1 to 6 (Popović 2015), orders that do not occur left out, in percent.

    Args:
        sums: (..., 18): for each order the n-grams of the hypothesis, of the reference, and of both.
    """
    hyp, ref, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    counted = (hyp > 0) & (ref > 0)
    orders = counted.sum(axis=-1)
    precision = ratio(np.where(counted, ratio(both, hyp, 0.0), 0.0).sum(axis=-1), orders, 0.0)
    recall = ratio(np.where(counted, ratio(both, ref, 0.0), 0.0).sum(axis=-1), orders, 0.0)
    return 100.0 * ratio((1 + _BETA_SQUARED) * precision * recall, _BETA_SQUARED * precision + recall, 0.0)


def combine_ter(sums: Stats) -> Stats:
    """Translation edit rate (Snover et al. 2006), in percent of the reference's words; may pass 100.

    Args:
        sums: (..., 2): edits, reference words.
    """
    edits, words = sums[..., 0], sums[..., 1]
    return 100.0 * np.where(words > 0, ratio(edits, words, 0.0), edits > 0)


BLEU = Metric("bleu", "BLEU", True, _counter(_bleu), combine_bleu, _signer(_bleu))
# For corpora that are published tokenised, whose papers count the tokens as they stand; not comparable with BLEU.
BLEU_TOKENISED = Metric(
    "bleu_tokenised",
    "BLEU over given tokens",
    True,
    _counter(_bleu_tokenised),
    combine_bleu,
    _signer(_bleu_tokenised),
)
CHRF = Metric("chrf", "chrF", True, _counter(_chrf), combine_chrf, _signer(_chrf))
TER = Metric("ter", "TER", False, _counter(_ter), combine_ter, _signer(_ter))
