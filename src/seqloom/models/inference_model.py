"""InferenceModel: what the models for generation share. Each is made of a trained model and has the same contract.

Their results equal those of the trained model within rounding.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.data.batching import PairBatch
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.linear import LinearMap


class InferenceModel(Model):
    """A snapshot of the weights of `model`, with a packed output matrix. It cannot be trained and captures no activations.

    A subclass packs the layers. It inherits from this class first, then from the class of the trained model.
    """

    def __init__(self, model: Model) -> None:
        # super() would be the class of the trained model, which would make new weights.
        Model.__init__(self)
        self.model = model
        self.vocab, self.max_len = model.vocab, model.max_len
        self._output = LinearMap([model.output_weights()])
        # Modules start in training mode. Code that restores the mode of this module must not change the mode of the model.
        self.training = model.training

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The output matrix and bias of the trained model."""
        return self.model.output_weights()

    def forward(self, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing by the trained model, which also captures activations."""
        hidden: Tensor = self.model(batch, hooks)
        return hidden

    @torch.no_grad()
    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Like `Model.step`, with the packed output matrix, which halves the time for few rows."""
        hidden, state = self.advance(ids, state, hooks)
        return StepOutput(self._output(hidden), state)

    def inference_model(self) -> Model:
        """Returns itself."""
        return self


def check_no_hooks(hooks: ActivationHooks | None) -> None:
    """Checks that no hooks were passed to a method of an inference model.

    Raises:
        ValueError: hooks were passed.
    """
    if hooks is not None:
        raise ValueError("an inference model captures no activations; pass the hooks to the model that it was made of")
