"""InferenceTransformerLM: a trained decoder-only Transformer laid out for generation.

It has the same contract as its model, and equal results within rounding. Weights that are used together are packed into one matrix.
Keys and values are written once and not copied at each step. It cannot be trained and captures no activations; the original model
does.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState
from seqloom.models.inference_model import InferenceModel, check_no_hooks
from seqloom.models.prompt_state import LENGTH, MASK, PromptState
from seqloom.models.transformer_lm import TransformerLM
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.attention import causal_mask, mask_bias
from seqloom.nn.block import InferenceBlock
from seqloom.nn.cache import GroupedCache
from seqloom.nn.dropout import Dropout
from seqloom.nn.norm import norm_function

_PADDING = "padding"
"""The name of a tensor in the memory, (sources, longest): 0 at ids of the prompt, minus infinity at padding.

The memory has it only if a prompt has padding.
"""


@dataclass(frozen=True, slots=True)
class CachedState(DecoderState):
    """The state of an inference model.

    Attributes:
        keys_values: the cache of prompt and target; each hypothesis is a group of its own.
    """

    keys_values: GroupedCache | None = None

    def select(self, rows: Int[Tensor, "selected"]) -> "CachedState":
        """Like `DecoderState.select`."""
        assert self.keys_values is not None
        state = DecoderState.select(self, rows)
        keys_values = self.keys_values.select_separate(rows.cpu().numpy())
        return CachedState(state.memory, {}, state.source_index, self.length, keys_values)


class InferenceTransformerLM(InferenceModel, TransformerLM):
    """A decoder-only Transformer that generates: a snapshot of the weights of `model`."""

    def __init__(self, model: TransformerLM) -> None:
        super().__init__(model)
        self.settings = model.settings
        self.reuses_prompts = model.reuses_prompts
        self.embeddings, self.positions, self.dropout = model.embeddings, model.positions, Dropout(0.0)
        self.blocks = [InferenceBlock(block) for block in model.blocks]
        self.norm = norm_function(model.norm)
        self.embedding_norm = model.embedding_norm
        self.position_bias, self.output_bias = model.position_bias, model.output_bias

    @torch.no_grad()
    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Like `TransformerLM.start`.

        Raises:
            ValueError: hooks were passed.
        """
        check_no_hooks(hooks)
        return self.resume(self.read_prompts(sources))

    @torch.no_grad()
    def read_prompts(self, sources: Sources) -> PromptState:
        """Reads the prompts with the original model, whose attention can use a fused kernel for many positions."""
        return self.model.read_prompts(sources)

    @torch.no_grad()
    def extend_prompts(self, ids: Int[Tensor, "rows n"], state: PromptState) -> PromptState:
        """Reads the ids with the original model; see `Model.extend_prompts`."""
        return self.model.extend_prompts(ids, state)

    def resume(self, state: PromptState) -> DecoderState:
        """The state after prompts; their keys and values are copied to a cache that has free capacity for the target."""
        mask = state.memory[MASK]
        memory = {MASK: mask, LENGTH: state.memory[LENGTH]}
        if not mask.all():
            memory[_PADDING] = mask_bias(mask, self.embeddings.output.dtype)
        heads, width = self.settings.num_kv_heads or self.settings.num_heads, self.settings.width_of_head
        like = self.embeddings.output.detach()
        keys_values = GroupedCache.of_rows(state.cache, len(mask), len(self.blocks), heads, width, like)
        return CachedState(memory, {}, state.source_index, 0, keys_values)

    @torch.no_grad()
    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Like `TransformerLM.advance`.

        Raises:
            ValueError: hooks were passed.
        """
        check_no_hooks(hooks)
        assert isinstance(state, CachedState)
        assert state.keys_values is not None
        n, index = ids.shape[1], state.source_index
        lengths = state.memory[LENGTH][index]
        self.check_length(int(lengths.max()) + state.length + n, "prompt and response")
        positions = lengths[:, None] + torch.arange(state.length, state.length + n, device=ids.device)
        x = self._embed(self.embeddings.tgt(ids), positions, None, "decoder")
        cache = state.keys_values.extended(n)
        x = self._read(x, positions, self._bias(positions, state, n), cache, None, "decoder")
        return self.norm(x), CachedState(state.memory, {}, index, state.length + n, cache)

    def _bias(self, positions: Tensor, state: CachedState, n: int) -> Tensor | None:
        """The bias of the scores of n new positions; None if nothing is added to the scores."""
        assert state.keys_values is not None
        prompt_len, device = state.memory[MASK].shape[1], positions.device
        num_keys, dtype = state.keys_values.length + n, self.embeddings.output.dtype
        bias: Tensor | None = None
        if _PADDING in state.memory:
            padding = state.memory[_PADDING][state.source_index]
            bias = F.pad(padding, (0, num_keys - prompt_len))[:, None, None]
        if n > 1:
            causal = mask_bias(causal_mask(n, num_keys, device), dtype)[None, None]
            bias = causal if bias is None else bias + causal
        if self.position_bias is not None:
            lengths = state.memory[LENGTH][state.source_index]
            prompt = torch.arange(prompt_len, device=device).expand(len(positions), -1)
            target = lengths[:, None] + torch.arange(num_keys - prompt_len, device=device)
            added = self.position_bias(positions, torch.cat([prompt, target], dim=1)).to(dtype)
            bias = added if bias is None else bias + added
        return bias
