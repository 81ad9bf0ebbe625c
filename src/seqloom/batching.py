"""Example, PairBatch and Sources: ids become padded tensors, with masks and the target shift made once a batch, here.

Example objects (ids) enter, PairBatch objects (tensors) leave. This module does not know text, tokenizers or architectures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

IdArray = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Example:
    """The ids of a source and of its target, without special ids. A text for language models has an empty source."""

    src_ids: IdArray
    tgt_ids: IdArray


@dataclass(frozen=True, slots=True)
class Sources:
    """Padded sources, or prompts: what a model reads before it writes.

    Attributes:
        ids: (batch, src_len), padded on the right.
        mask: (batch, src_len), True at a real token.
    """

    ids: Int[Tensor, "batch src_len"]
    mask: Bool[Tensor, "batch src_len"]

    @classmethod
    def pad(cls, rows: Sequence[Sequence[int] | IdArray], *, pad_id: int, device: torch.device | str = "cpu") -> "Sources":
        """Pads rows of ids to the longest one."""
        ids, mask = _pad(rows, pad_id)
        return cls(ids.to(device), mask.to(device))

    def __len__(self) -> int:
        return self.ids.shape[0]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Sources and targets for teacher forcing: at position t the model sees `tgt_in[:, : t + 1]` and is to say `tgt_out[:, t]`.

    Attributes:
        sources: the sources; src_len is 0 for plain text.
        tgt_in: (batch, tgt_len), bos then the target, padded on the right.
        tgt_out: (batch, tgt_len), the target then eos, padded on the right.
        tgt_mask: (batch, tgt_len), True at a real token.
    """

    sources: Sources
    tgt_in: Int[Tensor, "batch tgt_len"]
    tgt_out: Int[Tensor, "batch tgt_len"]
    tgt_mask: Bool[Tensor, "batch tgt_len"]

    @property
    def num_tokens(self) -> int:
        """Real target tokens, eos included."""
        return int(self.tgt_mask.sum())

    @property
    def num_positions(self) -> int:
        """Target positions, padding included."""
        return self.tgt_in.numel()

    def to(self, device: torch.device | str) -> "PairBatch":
        """The batch on another device."""
        sources = Sources(self.sources.ids.to(device), self.sources.mask.to(device))
        return PairBatch(sources, self.tgt_in.to(device), self.tgt_out.to(device), self.tgt_mask.to(device))


def make_batch(
    examples: Sequence[Example], *, pad_id: int, bos_id: int, eos_id: int, end: bool = True
) -> PairBatch:
    """Pads examples to a batch.

    Args:
        end: whether eos follows each source and each target. Windows cut out of a running text have no source and no end.
    """
    tail = np.asarray([eos_id] if end else [], dtype=np.int64)
    src_rows = [np.concatenate([example.src_ids, tail]) for example in examples]
    tgt_rows = [np.concatenate([example.tgt_ids, tail]) for example in examples]
    tgt_out, tgt_mask = _pad(tgt_rows, pad_id)
    tgt_in = torch.full_like(tgt_out, pad_id)
    tgt_in[:, 0] = bos_id
    tgt_in[:, 1:] = torch.where(tgt_mask[:, 1:], tgt_out[:, :-1], pad_id)
    return PairBatch(Sources.pad(src_rows, pad_id=pad_id), tgt_in, tgt_out, tgt_mask)


def _pad(rows: Sequence[Sequence[int] | IdArray], pad_id: int) -> tuple[Tensor, Tensor]:
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    width = int(lengths.max(initial=0))
    mask = np.arange(width) < lengths[:, None]
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    if lengths.sum():
        ids[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return torch.from_numpy(ids), torch.from_numpy(mask)
