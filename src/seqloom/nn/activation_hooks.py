"""Activation hooks: read and replace tensors of a running model by name.

A model that gets hooks passes its activations through them by name ("encoder.0.self.attn_weights"). The hooks keep each tensor,
and may replace it (an intervention). Without hooks a model keeps no activations and may use fused kernels.

A model captures those of the following names for which it has a tensor (SIDE is "encoder", "decoder" or "prompt", N a layer):

    source.order                    (batch, src_len), for each position of encoder or prompt its position in the text; only in
                                    models that read the source in another order than the text's
    SIDE.tokens, SIDE.embedded      (batch, length, d_model), token embeddings without and with positions
    SIDE.N.self.* , SIDE.N.cross.*  self-attention, and attention of the decoder to the encoder output
    decoder.attention.*             attention of a recurrent decoder
      .query .key .value            (batch, num_heads, length, head_dim)
      .scores                       before the softmax, with biases and masks: (batch, num_heads, query_len, key_len), without
                                    num_heads in recurrent decoders
      .attn_weights                 the softmax of the scores
      .context                      the weighted sum: (batch, num_heads, query_len, head_dim), or (batch, query_len, memory_dim)
      .joined                       (batch, query_len, d_model), the heads concatenated and projected
    SIDE.N.gate.NAME, .hidden, .cell  (batch, hidden_size), one entry per step in reading order; of the backward direction:
                                    SIDE.N.backwards.*
    SIDE.N.out                      (batch, length, d_model), the output of a block
    encoder.memory, prompt.memory   (batch, src_len, d_model), the states that the decoder attends to
    decoder.hidden                  (batch, tgt_len, d_model), the states that are multiplied with the output matrix
    alignment                       (batch, tgt_len, src_len), how much each target position attends to each source position

Keys of "cross" and "decoder.attention", memories and "alignment" are in the order of the text.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

Intervention = Callable[[Tensor], Tensor]


class ActivationHooks:
    """Keeps named tensors and applies interventions.

    Args:
        interventions: functions by name; each gets the tensor of this name and returns its replacement.

    Attributes:
        tensors: the captured tensors by name, after interventions; one entry for each time that a name was captured, such as in
            each decoding step.
    """

    def __init__(self, interventions: Mapping[str, Intervention] | None = None) -> None:
        self.tensors: dict[str, list[Tensor]] = {}
        self._interventions = dict(interventions or {})

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Captures `value` under `name`; returns the tensor that the model continues with."""
        intervention = self._interventions.get(name)
        if intervention is not None:
            value = intervention(value)
        self.tensors.setdefault(name, []).append(value)
        return value

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of a name that was captured exactly once."""
        (value,) = self.tensors[name]
        return value


def capture(hooks: ActivationHooks | None, name: str, value: Tensor) -> Tensor:
    """Passes `value` through the hooks; without hooks it is returned unchanged."""
    return value if hooks is None else hooks(name, value)
