"""Perplexity and bits per byte: how well a model predicts a text.

Input: log-probabilities and counts of each sentence; output: rows of counts. Perplexities of models with different tokenizers
cannot be compared. Bits per byte can, because bytes do not depend on the tokenizer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from seqloom.errors import ConfigError, CorpusError
from seqloom.metrics.metric import Metric, Stats, ratio

# Larger numbers are cut to this one, because their exp overflows, as of a model that has diverged.
_MAX_NATS = 700.0

_Numbers = Sequence[float] | NDArray[np.floating] | NDArray[np.integer]


def likelihood_statistics(
    log_probs: _Numbers,
    num_tokens: _Numbers,
    num_bytes: _Numbers,
    num_characters: _Numbers | None = None,
    num_words: _Numbers | None = None,
) -> Stats:
    """The counts for perplexities and for bits per byte and per character.

    Args:
        log_probs: for each sentence the sum of the log-probabilities of its tokens, in nats, including eos if there is one.
        num_tokens: for each sentence the number of these tokens.
        num_bytes: for each sentence the number of bytes of its text in UTF-8, without a line end.
        num_characters: for each sentence the number of characters (code points), for bits per character.
        num_words: for each sentence the number of words, for perplexity per word.

    Returns:
        (sentences, 3), (sentences, 4) or (sentences, 5), in the order of the arguments, without those that are None. A metric whose
        counts are missing raises ConfigError.

    Raises:
        ValueError: words were given, but no characters.
        CorpusError: unequal numbers of sentences, no sentences, no tokens, no bytes, or a number that is not finite.
    """
    if num_characters is None and num_words is not None:
        raise ValueError("num_words needs num_characters: each count has a column of its own")
    counts = (log_probs, num_tokens, num_bytes, num_characters, num_words)
    columns = [column for column in counts if column is not None]
    sizes = set(map(len, columns))
    if len(sizes) > 1:
        raise CorpusError(
            f"{len(log_probs):,} log-probabilities, {len(num_tokens):,} token counts and {len(num_bytes):,} byte counts were "
            "given; expected one of each for every sentence"
        )
    if sizes == {0}:
        raise CorpusError("there is nothing to score: no log-probabilities; expected at least one sentence")
    stats = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
    if not np.isfinite(stats).all():
        raise CorpusError("a log-probability is not a finite number; the model that computed it has diverged")
    if (stats[:, 1:3].sum(axis=0) <= 0).any():
        raise CorpusError("there is nothing to score: the texts hold no tokens or no bytes")
    return stats


def combine_perplexity(sums: Stats) -> Stats:
    """exp of the mean negative log-probability of a token, from sums (..., 3 to 5)."""
    return np.exp(np.minimum(-ratio(sums[..., 0], sums[..., 1], 0.0), _MAX_NATS))


def combine_bits_per_byte(sums: Stats) -> Stats:
    """The mean negative log2-probability of a byte, from sums (..., 3 to 5)."""
    return -ratio(sums[..., 0], sums[..., 2], 0.0) / np.log(2.0)


def combine_bits_per_character(sums: Stats) -> Stats:
    """The mean negative log2-probability of a character, from sums (..., 4 or 5).

    Raises:
        ConfigError: the characters were not counted.
    """
    return -ratio(sums[..., 0], _counts(sums, 3, "bits_per_character", "num_characters"), 0.0) / np.log(2.0)


def combine_word_perplexity(sums: Stats) -> Stats:
    """exp of the negative log-probability per word, from sums (..., 5). Like bits per byte, it does not depend on the tokenizer.

    Raises:
        ConfigError: the words were not counted.
    """
    num_words = _counts(sums, 4, "word_perplexity", "num_words")
    return np.exp(np.minimum(-ratio(sums[..., 0], num_words, 0.0), _MAX_NATS))


def _counts(sums: Stats, column: int, metric: str, argument: str) -> Stats:
    """A column of the sums that not all callers count."""
    if sums.shape[-1] <= column:
        raise ConfigError(f"{metric} needs counts that are not there; pass {argument} to likelihood_statistics")
    return sums[..., column]


def _signer(signature: str) -> Callable[[str | None], str]:
    return lambda separator: signature


PERPLEXITY = Metric(
    "perplexity", "perplexity", False, None, combine_perplexity, _signer("perplexity|per:token|eos:yes|version:1")
)
BITS_PER_BYTE = Metric(
    "bits_per_byte",
    "bits per byte",
    False,
    None,
    combine_bits_per_byte,
    _signer("bits_per_byte|bytes:utf-8|eos:yes|version:1"),
)
BITS_PER_CHARACTER = Metric(
    "bits_per_character",
    "bits per character",
    False,
    None,
    combine_bits_per_character,
    _signer("bits_per_character|characters:code points|eos:yes|version:1"),
)
WORD_PERPLEXITY = Metric(
    "word_perplexity",
    "perplexity per word",
    False,
    None,
    combine_word_perplexity,
    _signer("perplexity|per:word|eos:yes|version:1"),
)
