"""WrappedModel: the base class of models that generate with another model, but feed it ids in another way.

`SlidingContext` reads the last half of the context again when it is full. `CachedPrompts` reads what prompts have in common once.
The weights and the computation of the wrapped model are unchanged.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.models.base import Model


class WrappedModel(Model):
    """Takes vocabulary, length limits and output layer from another model. It is only for generation, not for training or scoring.

    A subclass implements `start`, `advance` and `step`.

    Args:
        model: the model to wrap.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.vocab, self.max_len, self.training = model.vocab, model.max_len, model.training

    @property
    def device(self) -> torch.device:
        """The device of the wrapped model."""
        return self.model.device

    @property
    def hidden_width(self) -> int:
        """The size of the wrapped model's hidden states."""
        return self.model.hidden_width

    def max_tgt_len(self, src_len: int) -> int | None:
        """The wrapped model's limit for target positions."""
        return self.model.max_tgt_len(src_len)

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """Logits from hidden states, computed by the wrapped model."""
        return self.model.project(hidden)
