"""RecurrentModel: what the recurrent architectures share: settings, and a decoder without attention."""

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from seqloom.config import MOST_LAYERS, WIDEST
from seqloom.models.base import DecoderState, Model, ModelSettings
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings, TyingName
from seqloom.nn.linear import Linear
from seqloom.nn.recurrent import CellName
from seqloom.nn.recurrent_stack import LayerState, RecurrentStack, pack_states, unpack_states


class RecurrentSettings(ModelSettings):
    """Settings that all recurrent models share."""

    cell: CellName = "lstm"
    d_model: int = Field(128, gt=0, le=WIDEST, description="width of the embeddings and of the output matrix")
    hidden_size: int = Field(256, gt=0, le=WIDEST, description="width of the recurrent states")
    num_layers: int = Field(2, gt=0, le=MOST_LAYERS, description="recurrent layers of the encoder, and of the decoder")
    dropout: float = Field(0.2, ge=0, lt=1, description="on embeddings, between layers and before the vocabulary")
    tied_embeddings: TyingName = "all"


class RecurrentModel(Model):
    """A model with a recurrent decoder, whose states are in the cache. A subclass makes the modules and implements `start`.

    Attributes:
        decoder: reads embeddings of target ids.
        readout: turns the decoder's last layer into hidden states of width `d_model`.
    """

    # torch.compile cannot trace the recurrence, which is an autograd function of its own.
    compiles = False

    settings: RecurrentSettings
    embeddings: Embeddings
    dropout: Dropout
    decoder: RecurrentStack
    readout: Linear

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], None]:
        """The output matrix; it has no bias."""
        return self.embeddings.output, None

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Runs the decoder over n positions; see `Model.advance`."""
        x = capture(hooks, "decoder.tokens", self.embeddings.tgt(ids))
        x, states = self.decoder(self.dropout(x), None, self.decoder_states(state), hooks=hooks, name="decoder")
        hidden = capture(hooks, "decoder.hidden", self.dropout(self.readout(x)))
        return hidden, state.after(ids.shape[1], pack_states(states))

    def decoder_states(self, state: DecoderState) -> list[LayerState]:
        """The states of the decoder's layers, from the cache."""
        num_parts = 2 if self.settings.cell == "lstm" else 1
        return unpack_states(state.cache, self.settings.num_layers, num_parts)
