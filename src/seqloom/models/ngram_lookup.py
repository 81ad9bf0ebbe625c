"""Looking up n-grams in sorted tables, for many rows at once.

Input: numbers of contexts, and ids; output: probabilities. A level holds the n-grams whose contexts have one length. It computes
only its own part of a probability; the model interpolates with shorter contexts.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class NgramLevel:
    """The n-grams of one length of context, with values that are computed from their counts.

    Attributes:
        contexts, ngrams: as in `NgramTable`.
        counts: the counts of the n-grams.
        totals: for each context the sum of the counts of its n-grams, pruned ones included.
        discounts: (4,), what is subtracted from a count of 0, 1, 2, and 3 or more.
        starts: (num_contexts + 1,), where the n-grams of each context begin.
        backoff: (num_contexts,), the share of the probability that shorter contexts get.
    """

    contexts: Int[Tensor, "contexts"]
    ngrams: Int[Tensor, "ngrams"]
    counts: Int[Tensor, "ngrams"]
    totals: Int[Tensor, "num_contexts"]
    discounts: Float[Tensor, "4"]
    starts: Int[Tensor, "_"]
    backoff: Float[Tensor, "num_contexts"]
    vocab_size: int

    @classmethod
    def prepare(
        cls,
        contexts: Int[Tensor, "contexts"],
        ngrams: Int[Tensor, "ngrams"],
        counts: Int[Tensor, "ngrams"],
        totals: Int[Tensor, "num_contexts"],
        discounts: Float[Tensor, "3"],
        vocab_size: int,
    ) -> "NgramLevel":
        """Computes starts and back-off shares. For a context without n-grams the share is 1."""
        num_contexts = len(totals)
        numbers = torch.arange(num_contexts + 1, device=ngrams.device)
        starts = torch.searchsorted(ngrams, numbers * vocab_size)
        padded = torch.cat([discounts.new_zeros(1), discounts]).double()
        subtracted = torch.zeros(num_contexts, dtype=torch.float64, device=ngrams.device)
        kept = torch.zeros(num_contexts, dtype=torch.int64, device=ngrams.device)
        of_ngrams = ngrams // vocab_size
        subtracted.index_add_(0, of_ngrams, padded[counts.clamp(max=3).long()])
        kept.index_add_(0, of_ngrams, counts.long())
        backoff = torch.where(totals > 0, (subtracted + (totals - kept)) / totals.clamp(min=1), 1.0)
        return cls(contexts, ngrams, counts, totals, padded, starts, backoff, vocab_size)

    def find_contexts(self, keys: Int[Tensor, "rows"]) -> tuple[Int[Tensor, "rows"], Bool[Tensor, "rows"]]:
        """The numbers of contexts by their keys, and whether they are in the table."""
        return _find(self.contexts, keys)

    def followers(
        self, contexts: Int[Tensor, "rows"]
    ) -> tuple[Int[Tensor, "found"], Int[Tensor, "found"], Float[Tensor, "found"]]:
        """All ids that followed some contexts: the row of the context, the id, and the level's part of its probability."""
        first = self.starts[contexts]
        lengths = self.starts[contexts + 1] - first
        rows = torch.repeat_interleave(lengths)
        offsets = torch.arange(len(rows), device=rows.device) - (lengths.cumsum(0) - lengths)[rows]
        index = first[rows] + offsets
        return rows, self.ngrams[index] % self.vocab_size, self._probs(index, contexts[rows])

    def probs(self, contexts: Int[Tensor, "rows"], ids: Int[Tensor, "rows"]) -> Float[Tensor, "rows"]:
        """The level's part of the probability of an id after a context; 0 where it never followed it."""
        index, hit = _find(self.ngrams, contexts * self.vocab_size + ids)
        result = torch.zeros(len(ids), dtype=torch.float64, device=ids.device)
        result[hit] = self._probs(index[hit], contexts[hit])
        return result

    @cached_property
    def distribution(self) -> Float[Tensor, "vocab"]:
        """The probabilities of all ids without a context: of the table of empty contexts, with the uniform distribution below."""
        uniform = self.backoff[0] / self.vocab_size
        return uniform.expand(self.vocab_size).index_add(
            0, self.ngrams, self._probs(slice(None), torch.zeros_like(self.ngrams))
        )

    def _probs(self, index: Tensor | slice, contexts: Tensor) -> Tensor:
        counts = self.counts[index]
        subtracted: Tensor = self.discounts[counts.clamp(max=3).long()]
        return (counts - subtracted) / self.totals[contexts]


def _find(keys: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The index of each wanted key in the sorted `keys`, and whether it is there."""
    if not len(keys):
        return torch.zeros_like(wanted), torch.zeros_like(wanted, dtype=torch.bool)
    index = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    return index, keys[index] == wanted
