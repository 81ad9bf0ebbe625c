"""ActivationHooks: looks into a running model, and reaches into it.

A model that is given a hooks passes each tensor worth seeing through it, by name ("encoder.0.self.attn_weights"). The hooks keeps
it, or puts another in its place. Without a hooks a model keeps nothing and may take faster, fused paths.

The names, of which every architecture has those that it has tensors for (SIDE is "encoder", "decoder" or "prompt", N a layer):

    source.order                    (batch, src_len), which position of the text each position of encoder or prompt holds; only
                                    where the source is read in another order than the text's
    SIDE.tokens, SIDE.embedded      (batch, length, d_model), token embeddings, and with positions added
    SIDE.N.self.* , SIDE.N.cross.*  attention within a side, and from the decoder to the encoder's memory
    decoder.attention.*             attention of a recurrent decoder
      .query .key .value            (batch, num_heads, length, head_dim)
      .scores                       before the softmax, biases and masks added: (batch, num_heads, query_len, key_len), without the
                                    heads for recurrent decoders
      .attn_weights                 their softmax
      .context                      the weighted sum: (batch, num_heads, query_len, head_dim), or (batch, query_len, memory_dim)
      .joined                       (batch, query_len, d_model), the heads joined and projected
    SIDE.N.gate.NAME, .hidden, .cell  (batch, hidden_size), an entry a step in the order of reading; backwards: SIDE.N.backwards.*
    SIDE.N.out                      (batch, length, d_model), what a block makes
    encoder.memory, prompt.memory   (batch, src_len, d_model), what the decoder may ask
    decoder.hidden                  (batch, tgt_len, d_model), what the vocabulary is multiplied with
    alignment                       (batch, tgt_len, src_len), how much each target position looks at each source position

Keys of "cross" and "decoder.attention", memories and "alignment" stand in the order of the text.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

Intervention = Callable[[Tensor], Tensor]


class ActivationHooks:
    """Collects named tensors and applies interventions.

    Attributes:
        tensors: everything that passed, by name; a name that passes several times (decoding steps) has several entries.
    """

    def __init__(self, interventions: Mapping[str, Intervention] | None = None) -> None:
        self.tensors: dict[str, list[Tensor]] = {}
        self._interventions = dict(interventions or {})

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Keeps `value` under `name`; returns what the model is to go on with."""
        intervention = self._interventions.get(name)
        if intervention is not None:
            value = intervention(value)
        self.tensors.setdefault(name, []).append(value)
        return value

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of a name that passed exactly once."""
        (value,) = self.tensors[name]
        return value


def capture(hooks: ActivationHooks | None, name: str, value: Tensor) -> Tensor:
    """Passes `value` through the hooks where there is one."""
    return value if hooks is None else hooks(name, value)
