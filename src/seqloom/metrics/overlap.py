"""BLEU, chrF and TER. Input: texts (detokenised, except for "bleu_tokenised"); output: counts.

sacreBLEU computes the counts of each sentence. This module computes corpus values from their sums, because resampling needs
thousands of values at once; tests show that they equal those of sacreBLEU. This module does not know significance.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from seqloom.errors import ConfigError
from seqloom.metrics.metric import Metric, Stats, ratio
from seqloom.segments import segments

_MAX_NGRAM = 4
# The square of the weight of recall in chrF2.
_BETA_SQUARED = 4.0


def _bleu(tokenizer: str) -> Callable[[], Any]:
    def make() -> Any:
        from sacrebleu.metrics.bleu import BLEU

        # force=True: no warning about hypotheses that end in " .", because a model may generate them.
        try:
            return BLEU(tokenize=tokenizer, force=True)
        except RuntimeError:
            extra = tokenizer.partition("-")[0]
            raise ConfigError(
                f"BLEU with sacreBLEU's tokenizer {tokenizer!r} needs more packages: pip install 'sacrebleu[{extra}]'; or use "
                "bleu_char or chrf"
            ) from None

    return make


def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _ter() -> Any:
    from sacrebleu.metrics.ter import TER

    return TER(case_sensitive=True)


def _counter(
    make: Callable[[], Any], prepare: Callable[[str], str] = str
) -> Callable[[Sequence[str], Sequence[Sequence[str]], str | None], Stats]:
    def count(hypotheses: Sequence[str], references: Sequence[Sequence[str]], separator: str | None) -> Stats:
        prepared = [[prepare(text) for text in stream] for stream in references]
        rows = make()._extract_corpus_statistics([prepare(text) for text in hypotheses], prepared)
        return np.asarray(rows, dtype=np.float64)

    return count


def _signer(make: Callable[[], Any]) -> Callable[[str | None], str]:
    @cache
    def sign(separator: str | None) -> str:
        metric = make()
        # sacreBLEU gives a signature only after scoring, because it contains the number of references.
        metric.corpus_score(["a"], [["a"]])
        return str(metric.get_signature())

    return sign


def combine_bleu(sums: Stats) -> Stats:
    """BLEU-4 with exponential smoothing (Papineni et al. 2002; Chen and Cherry 2014, method 3), in percent.

    Args:
        sums: (..., 10): hypothesis length, reference length, matching n-grams for n = 1 to 4, all n-grams for n = 1 to 4.
    """
    hyp_len, ref_len = sums[..., 0], sums[..., 1]
    matches, total = sums[..., 2 : 2 + _MAX_NGRAM], sums[..., 2 + _MAX_NGRAM :]
    # The first order without a match counts half a match, the next one a quarter, and so on.
    halvings = np.cumsum((matches == 0) & (total > 0), axis=-1)
    smoothed = np.where(matches > 0, matches, 0.5**halvings)
    log_precisions = np.log(ratio(smoothed, total, 1.0))
    penalty = np.exp(np.minimum(0.0, 1.0 - ratio(ref_len, hyp_len, np.inf)))
    value = 100.0 * penalty * np.exp(log_precisions.mean(axis=-1))
    return np.where((matches.sum(axis=-1) > 0) & (total > 0).all(axis=-1), value, 0.0)


def combine_chrf(sums: Stats) -> Stats:
    """chrF2 over character n-grams of orders 1 to 6 (Popović 2015), in percent. Orders that do not occur are left out.

    Args:
        sums: (..., 18): for each order the n-grams of the hypothesis, of the reference, and the matching ones.
    """
    hyp, ref, matches = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    occurs = (hyp > 0) & (ref > 0)
    num_orders = occurs.sum(axis=-1)
    precision = ratio(np.where(occurs, ratio(matches, hyp, 0.0), 0.0).sum(axis=-1), num_orders, 0.0)
    recall = ratio(np.where(occurs, ratio(matches, ref, 0.0), 0.0).sum(axis=-1), num_orders, 0.0)
    return 100.0 * ratio((1 + _BETA_SQUARED) * precision * recall, _BETA_SQUARED * precision + recall, 0.0)


def combine_ter(sums: Stats) -> Stats:
    """Translation edit rate (Snover et al. 2006), in percent of the reference words; it can exceed 100.

    Args:
        sums: (..., 2): number of edits, number of reference words.
    """
    edits, words = sums[..., 0], sums[..., 1]
    return 100.0 * np.where(words > 0, ratio(edits, words, 0.0), edits > 0)


def _spaced(text: str) -> str:
    """A text with spaces between its segments."""
    return " ".join(segments(text))


def _bleu_metric(name: str, label: str, tokenizer: str) -> Metric:
    make = _bleu(tokenizer)
    return Metric(name, label, True, _counter(make), combine_bleu, _signer(make))


BLEU = _bleu_metric("bleu", "BLEU", "13a")
# The same as "bleu". In settings, "bleu" is replaced by the BLEU for the target language; "bleu_13a" is not.
BLEU_13A = _bleu_metric("bleu_13a", "BLEU (13a)", "13a")
# For languages without spaces between words, and languages for which sacreBLEU has its own tokenizer.
BLEU_ZH = _bleu_metric("bleu_zh", "BLEU (zh)", "zh")
BLEU_JA_MECAB = _bleu_metric("bleu_ja_mecab", "BLEU (ja-mecab)", "ja-mecab")
BLEU_KO_MECAB = _bleu_metric("bleu_ko_mecab", "BLEU (ko-mecab)", "ko-mecab")
BLEU_CHAR = _bleu_metric("bleu_char", "BLEU (char)", "char")
# For corpora that are published as tokens, which papers score without further tokenization. It is not comparable with BLEU.
BLEU_TOKENISED = _bleu_metric("bleu_tokenised", "BLEU over given tokens", "none")
BLEUS = (BLEU, BLEU_13A, BLEU_ZH, BLEU_JA_MECAB, BLEU_KO_MECAB, BLEU_CHAR, BLEU_TOKENISED)
CHRF = Metric("chrf", "chrF", True, _counter(_chrf), combine_chrf, _signer(_chrf))
TER = Metric("ter", "TER", False, _counter(_ter), combine_ter, _signer(_ter))
# Edits of segments, for scripts without spaces between words.
TER_SEGMENTS = Metric(
    "ter_segments",
    "TER (segments)",
    False,
    _counter(_ter, _spaced),
    combine_ter,
    lambda separator: f"{_signer(_ter)(separator)}|words:segments",
)
