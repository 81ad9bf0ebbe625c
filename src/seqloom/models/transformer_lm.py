"""The decoder-only Transformer: a language model that also learns from pairs, as prompt and response."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from seqloom.config import MOST_LAYERS
from seqloom.data.batching import PairBatch, Sources
from seqloom.models.base import DecoderState, Model, reversal, reverse
from seqloom.models.prompt_state import PromptState
from seqloom.models.transformer import BlockSettings
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.attention import Mask, causal_mask, mask_bias
from seqloom.nn.block import Block, initialise_linear
from seqloom.nn.cache import KeyValueCache, RowCache
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings
from seqloom.nn.positions import AdditivePositions, PositionBias
from seqloom.vocabulary import Vocabulary


class TransformerLMSettings(BlockSettings):
    """Settings of the decoder-only Transformer; `max_len` limits prompt and response together."""

    architecture: Literal["transformer-lm"] = "transformer-lm"
    num_layers: int = Field(8, gt=0, le=MOST_LAYERS)
    tied_embeddings: Literal["all", "none"] = Field(
        "all", description="whether the output matrix is the embedding matrix"
    )
    reverse_source: bool = Field(False, description="read the prompt backwards (Sutskever 2014)")


class TransformerLM(Model):
    """One stack of causal self-attention over prompt and response; the keys and values of both are in one cache.

    The source of a pair is the prompt, and its eos marks the beginning of the response. The prompt has no loss, because
    `advance` reads only the target.
    """

    settings_type = TransformerLMSettings

    trains_on_texts = True

    blocks: Sequence[Block]
    norm: Callable[[Tensor], Tensor]
    position_bias: PositionBias | None

    def __init__(self, settings: TransformerLMSettings, vocab: Vocabulary) -> None:
        super().__init__()
        vocab.check_shared("a decoder-only model")
        self.settings = settings
        self.vocab = vocab
        self.max_len = settings.max_len
        # The state of a prompt that is read backwards has no part that belongs to the beginning of the prompt.
        self.reuses_prompts = not settings.reverse_source
        self.embeddings = Embeddings(
            0, vocab.tgt_size, settings.d_model, tying=settings.tied_embeddings, scaled=settings.embedding_scale
        )
        self.positions = AdditivePositions(settings.positions, settings.max_len, settings.d_model)
        self.dropout = Dropout(settings.dropout)
        self.blocks = settings.make_blocks(settings.num_layers, cross=False)
        self.norm = settings.make_final_norm()
        self.embedding_norm = settings.make_embedding_norm()
        self.position_bias = settings.make_position_bias(bidirectional=False)
        self.output_bias = settings.make_output_bias(vocab)
        initialise_linear(self)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The output matrix, and its bias if the settings ask for one."""
        return self.embeddings.output, self.output_bias

    def max_tgt_len(self, src_len: int) -> int:
        """`max_len` minus the length of the prompt, because `max_len` limits prompt and response together."""
        return max(0, self.settings.max_len - src_len)

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the prompts; their keys and values are the first part of the cache."""
        return self._start(sources, hooks)

    def read_prompts(self, sources: Sources) -> PromptState:
        """See `Model.read_prompts`."""
        return self._start(sources, None)

    def extend_prompts(self, ids: Int[Tensor, "rows n"], state: PromptState) -> PromptState:
        """See `Model.extend_prompts`."""
        _, longer = self.advance(ids, state)
        mask = torch.cat([state.memory["mask"], torch.ones_like(ids, dtype=torch.bool)], dim=1)
        return PromptState({"mask": mask, "length": mask.sum(dim=1)}, longer.cache, state.source_index)

    def inference_model(self) -> Model:
        """See `Model.inference_model`."""
        # Its module imports this one.
        from seqloom.models.inference_transformer_lm import InferenceTransformerLM

        return InferenceTransformerLM(self)

    def _start(self, sources: Sources, hooks: ActivationHooks | None) -> PromptState:
        """Encodes the prompts."""
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        rows, length = sources.ids.shape
        device = sources.ids.device
        memory = {"mask": sources.mask, "length": sources.mask.sum(dim=1)}
        index = torch.arange(rows, device=device)
        if length == 0:
            return PromptState(memory, {}, index)
        self.check_length(length, "prompt and response")
        positions = torch.arange(length, device=device)[None]
        x = self._embed(self.embeddings.tgt(sources.ids), positions, hooks, "prompt")
        # The causal mask is enough, because padding is on the right of all real tokens.
        bias = mask_bias(causal_mask(length, length, device), x.dtype)[None, None]
        if self.position_bias is not None:
            bias = bias + self.position_bias(positions, positions).to(x.dtype)
        cache = RowCache({})
        x = self._read(x, positions, bias, cache, hooks, "prompt")
        if hooks is not None:
            order = reversal(sources.mask)[:, :, None].expand_as(x)
            hooks("prompt.memory", x.gather(1, order) if self.settings.reverse_source else x)
        return PromptState(memory, cache.tensors, index)

    def forward(self, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing.

        The length is checked for each row, because the longest prompt and the longest response may be in different rows.
        """
        lengths = batch.sources.mask.sum(dim=1) + batch.tgt_mask.sum(dim=1)
        self.check_length(int(lengths.max()), "prompt and response")
        hidden, _ = self._continue(batch.tgt_in, self.start(batch.sources, hooks), hooks)
        return hidden

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Continues each prompt by n positions; see `Model.advance`."""
        self.check_length(
            int(state.memory["length"][state.source_index].max()) + state.length + ids.shape[1],
            "prompt and response",
        )
        return self._continue(ids, state, hooks)

    def _continue(self, ids: Tensor, state: DecoderState, hooks: ActivationHooks | None) -> tuple[Tensor, DecoderState]:
        n = ids.shape[1]
        index = state.source_index
        lengths = state.memory["length"][index]
        positions = lengths[:, None] + torch.arange(state.length, state.length + n, device=ids.device)
        # Only padding can be beyond the last position.
        positions = positions.clamp_(max=self.settings.max_len - 1)
        x = self._embed(self.embeddings.tgt(ids), positions, hooks, "decoder")
        prompt_mask = state.memory["mask"][index]
        bias = self._bias_after(prompt_mask, lengths, positions, state.length, x.dtype)
        cache = RowCache(state.cache)
        x = self._read(x, positions, bias, cache, hooks, "decoder")
        if hooks is not None and prompt_mask.shape[1]:
            layer = max(0, len(self.blocks) - 2)
            weights = hooks.tensors[f"decoder.{layer}.self.attn_weights"][-1].mean(dim=1)
            weights = weights[:, :, : prompt_mask.shape[1]]
            if self.settings.reverse_source:
                weights = weights.gather(2, reversal(prompt_mask)[:, None].expand_as(weights))
            hooks("alignment", weights)
        return capture(hooks, "decoder.hidden", self.norm(x)), state.after(n, cache.tensors)

    def _bias_after(
        self, prompt_mask: Tensor, prompt_lengths: Tensor, positions: Tensor, length: int, dtype: torch.dtype
    ) -> Tensor | Mask:
        """The bias of the scores of new positions after prompts and `length` positions of responses."""
        n, device = positions.shape[1], positions.device
        if not prompt_mask.shape[1] and not length and self.position_bias is None:
            return Mask.CAUSAL
        prompt = mask_bias(prompt_mask, dtype)[:, None, None].expand(-1, -1, n, -1)
        causal = mask_bias(causal_mask(n, length + n, device), dtype)[None, None]
        bias = torch.cat([prompt, causal.expand(len(prompt_mask), -1, -1, -1)], dim=3)
        if self.position_bias is not None:
            answer = prompt_lengths[:, None] + torch.arange(length + n, device=device)
            keys = torch.cat([torch.arange(prompt_mask.shape[1], device=device).expand_as(prompt_mask), answer], dim=1)
            bias = bias + self.position_bias(positions, keys).to(dtype)
        return bias

    def _read(
        self,
        x: Tensor,
        positions: Tensor,
        bias: Tensor | Mask | None,
        cache: KeyValueCache,
        hooks: ActivationHooks | None,
        side: str,
    ) -> Tensor:
        """Runs the blocks."""
        rotation = self.settings.rotation(positions)
        for layer, block in enumerate(self.blocks):
            name = f"{side}.{layer}"
            x = block(x, bias, rotation=rotation, cache=cache, layer=layer, hooks=hooks, name=name)
        return x

    def _embed(self, x: Tensor, positions: Tensor, hooks: ActivationHooks | None, name: str) -> Tensor:
        """Token embeddings with positions added, after dropout."""
        x = capture(hooks, f"{name}.tokens", x)
        x = self.embedding_norm(self.positions(x, positions))
        embedded: Tensor = self.dropout(capture(hooks, f"{name}.embedded", x))
        return embedded
