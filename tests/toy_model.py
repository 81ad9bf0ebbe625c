"""ToyModel: the smallest model that honours the whole contract, for tests of everything that stands on the contract.

Its logits depend on the source (order and mask included) and on all previous target ids. It has no attention; what it
records as "alignment" is a made-up distribution over the source, there so that users of alignments can be tested.
"""

import torch
from torch import Tensor, nn

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, Model
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.vocabulary import Vocabulary


class ToyModel(Model):
    """hidden_t = tanh(mix(sum of embeddings so far, decayed) + weighted mean of the source's embeddings)."""

    def __init__(
        self,
        vocab: Vocabulary,
        *,
        d_model: int = 8,
        decay: float = 0.7,
        max_len: int | None = None,
        alignment: bool = False,
    ) -> None:
        super().__init__()
        self.vocab = vocab
        self.max_len = max_len
        self.decay = decay
        self.alignment = alignment
        self.src_embedding = nn.Embedding(vocab.src_size, d_model)
        self.tgt_embedding = nn.Embedding(vocab.tgt_size, d_model)
        self.mix = nn.Linear(d_model, d_model)
        self.bias = nn.Parameter(torch.zeros(vocab.tgt_size))

    def output_weights(self) -> tuple[Tensor, Tensor | None]:
        return self.tgt_embedding.weight, self.bias

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        rows, src_len = sources.ids.shape
        self.check_length(src_len, "source")
        embedded = capture(hooks, "encoder.tokens", self.src_embedding(sources.ids))
        weights = sources.mask / torch.arange(1, src_len + 1, device=sources.ids.device, dtype=embedded.dtype)
        total = weights.sum(1, keepdim=True).clamp(min=1e-9)
        summary = (embedded * weights[..., None]).sum(1) / total
        return DecoderState(
            {"mask": sources.mask, "summary": summary, "embedded": embedded},
            {"sum": torch.zeros_like(summary)},
            torch.arange(rows, device=sources.ids.device),
        )

    def advance(
        self, ids: Tensor, state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Tensor, DecoderState]:
        n = ids.shape[1]
        self.check_length(state.length + n, "target")
        embedded = capture(hooks, "decoder.tokens", self.tgt_embedding(ids))
        total, sums = state.cache["sum"], []
        for position in range(n):
            total = self.decay * total + embedded[:, position]
            sums.append(total)
        memory = {name: tensor[state.source_index] for name, tensor in state.memory.items()}
        hidden = torch.tanh(self.mix(torch.stack(sums, 1)) + memory["summary"][:, None])
        if hooks is not None and self.alignment:
            energies = hidden @ memory["embedded"].transpose(1, 2)
            hooks("alignment", energies.masked_fill(~memory["mask"][:, None], float("-inf")).softmax(-1))
        return capture(hooks, "decoder.hidden", hidden), state.after(n, {"sum": total})


def make_toy(
    seed: int = 0,
    src_size: int = 11,
    tgt_size: int = 9,
    *,
    scale: float = 1.0,
    eos_bias: float = 0.0,
    max_len: int | None = None,
    alignment: bool = False,
    shared: bool = False,
) -> ToyModel:
    """A randomly initialised toy model, the same for the same seed and sizes; in evaluation mode, float32.

    Args:
        scale: standard deviation of the embeddings: how sure the model is of its next token.
        eos_bias: added to the logit of eos: how soon it ends.
        shared: whether the vocabulary says that source and target ids mean the same.
    """
    vocab = Vocabulary(src_size, tgt_size, shared)
    model = ToyModel(vocab, max_len=max_len, alignment=alignment)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = scale if "embedding" in name else 0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
        model.bias[vocab.eos_id] += eos_bias
    return model.eval()
