"""WrappedModel: a model for generation that changes how another model reads its ids, and computes the same."""

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.models.base import Model


class WrappedModel(Model):
    """A model with the vocabulary, the limits and the output of another one. It generates; it cannot be trained and does not score.

    A subclass implements `start`, `advance` and `step`.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.vocab, self.max_len, self.training = model.vocab, model.max_len, model.training

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.model.device

    @property
    def hidden_width(self) -> int:
        """The width of the model."""
        return self.model.hidden_width

    def max_tgt_len(self, src_len: int) -> int | None:
        """The limit of the model."""
        return self.model.max_tgt_len(src_len)

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """As the model."""
        return self.model.project(hidden)
