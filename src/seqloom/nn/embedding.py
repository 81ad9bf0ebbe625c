"""Token embeddings, and the output matrix that may share them (Press & Wolf 2017)."""

import math
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

# Which matrices are tied. all: source embeddings, target embeddings and output matrix; output: the last two; none: three matrices.
TyingName = Literal["all", "output", "none"]


class Embeddings(nn.Module):
    """The embedding matrices of a model.

    Args:
        src_size: number of source ids; 0 for a model without an encoder.
        scaled: whether embeddings are multiplied by sqrt(d_model) (Vaswani 2017, section 3.4). Then the output matrix starts with
            small values, and the inputs with a variance of 1. Recurrent layers need the scale too: without it an attention RNN
            learned nothing in an epoch.

    Raises:
        ValueError: tying is "all", but source and target sizes differ.
    """

    def __init__(self, src_size: int, tgt_size: int, d_model: int, *, tying: TyingName, scaled: bool) -> None:
        super().__init__()
        if tying == "all" and src_size not in (0, tgt_size):
            raise ValueError(
                f"source and target embeddings cannot be one: {src_size} source ids, {tgt_size} target ids"
            )
        self.scale = math.sqrt(d_model) if scaled else 1.0
        self.tgt_table = _table(tgt_size, d_model)
        self.src_table = _table(src_size, d_model) if src_size and tying != "all" else None
        self.output_table = _table(tgt_size, d_model) if tying == "none" else None

    def src(self, ids: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length d_model"]:
        """The source embeddings of ids, scaled."""
        vectors: Tensor = (self.src_table or self.tgt_table)(ids)
        return vectors * self.scale

    def tgt(self, ids: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length d_model"]:
        """The target embeddings of ids, scaled."""
        vectors: Tensor = self.tgt_table(ids)
        return vectors * self.scale

    @property
    def output(self) -> Float[Tensor, "vocab d_model"]:
        """The matrix that turns hidden states into logits over the vocabulary."""
        return (self.output_table or self.tgt_table).weight


def _table(size: int, d_model: int) -> nn.Embedding:
    table = nn.Embedding(size, d_model)
    nn.init.normal_(table.weight, std=d_model**-0.5)
    return table
