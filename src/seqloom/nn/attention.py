"""Attention: scaled dot-product (Vaswani 2017), multiplicative (Luong 2015) and additive (Bahdanau 2015).

A mask is True where a key may be attended to. The model turns it into an additive bias (0 or minus infinity) once per batch.
Attention weights are returned only to activation hooks.
"""

import math
from enum import Enum
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.causal_attention import MOST_POSITIONS, causal_attention
from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import Linear

# On a CPU, attention with up to this many scores per head does not use the fused kernel. That is faster on an AMD Zen 5 and
# slower on an Intel Xeon (benchmarks/results/layers.json); the choice does not depend on the processor yet.
_EXPLICIT_UP_TO = 256 * 256


class Mask(Enum):
    """A mask that is not a tensor, where a kernel can compute it: cheaper than a bias of each score."""

    CAUSAL = "causal"
    """Each query attends to the keys at or before its position; there are as many keys as queries."""


def mask_bias(mask: Bool[Tensor, "*shape"], dtype: torch.dtype = torch.float32) -> Float[Tensor, "*shape"]:
    """The additive bias of a mask: 0 where it is True, minus infinity elsewhere."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -math.inf)


def causal_mask(query_len: int, key_len: int, device: torch.device | str = "cpu") -> Bool[Tensor, "query_len key_len"]:
    """True where the key is at or before the query; the queries are at the last `query_len` positions of the keys."""
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril_(key_len - query_len)


def attend(
    query: Float[Tensor, "batch num_heads query_len head_dim"],
    key: Float[Tensor, "batch num_kv_heads key_len head_dim"],
    value: Float[Tensor, "batch num_kv_heads key_len head_dim"],
    bias: Float[Tensor, "#batch #num_heads #query_len key_len"] | Mask | None,
    *,
    dropout: Dropout | None = None,
    hooks: ActivationHooks | None = None,
    name: str = "",
) -> Float[Tensor, "batch num_heads query_len head_dim"]:
    """softmax(Q K^T / sqrt(head_dim) + bias) V (Vaswani 2017, equation 1).

    With hooks, attention is computed step by step, and queries, keys, values, scores, weights and the context of each head pass
    through the hooks (names: `nn.activation_hooks`). Without hooks, long sequences and accelerators use torch's fused kernel, which
    returns no weights, and causal attention on a CPU has a kernel of its own.
    """
    scale = query.shape[-1] ** -0.5
    if bias is Mask.CAUSAL:
        if hooks is None and _suits_causal_attention(query, value, dropout):
            return causal_attention(query, key, value)
        bias = mask_bias(causal_mask(query.shape[2], key.shape[2], query.device), query.dtype)[None, None]
    if key.shape[1] != query.shape[1]:
        # Grouped-query attention (Ainslie 2023): consecutive query heads share one head of keys and values.
        share = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(share, dim=1), value.repeat_interleave(share, dim=1)
    short = query.device.type == "cpu" and query.shape[2] * key.shape[2] <= _EXPLICIT_UP_TO
    if hooks is None and not short:
        p = dropout.p if dropout is not None and dropout.training else 0.0
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=p, scale=scale)
    if hooks is not None:
        query, key = hooks(f"{name}.query", query), hooks(f"{name}.key", key)
        value = hooks(f"{name}.value", value)
    scores = (query * scale) @ key.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    if hooks is not None:
        scores = hooks(f"{name}.scores", scores)
    weights = scores.softmax(dim=-1)
    if hooks is not None:
        weights = hooks(f"{name}.attn_weights", weights)
    if dropout is not None:
        weights = dropout(weights)
    return capture(hooks, f"{name}.context", weights @ value)


def _suits_causal_attention(query: Tensor, value: Tensor, dropout: Dropout | None) -> bool:
    """Whether `causal_attention` computes the same: fp32 on a CPU, without dropout of attention weights."""
    drops = dropout is not None and dropout.training and dropout.p > 0
    fp32 = query.dtype == value.dtype == torch.float32
    return fp32 and query.device.type == "cpu" and not drops and query.shape[2] <= MOST_POSITIONS


LuongScore = Literal["dot", "general", "concat"]


class LuongAttention(nn.Module):
    """Multiplicative attention and its variants (Luong 2015, section 3.1); the query is the decoder state at the same position."""

    def __init__(self, query_dim: int, memory_dim: int, score: LuongScore = "general") -> None:
        super().__init__()
        self.score = score
        if score == "general":
            self.key = Linear(memory_dim, query_dim, bias=False)
        elif score == "concat":
            self.key = Linear(memory_dim, query_dim, bias=False)
            self.query = Linear(query_dim, query_dim, bias=False)
            self.energy = Linear(query_dim, 1, bias=False)

    def keys(self, memory: Float[Tensor, "batch src_len memory_dim"]) -> Float[Tensor, "batch src_len query_dim"]:
        """The keys that queries are compared with; computed once per source."""
        keys: Tensor = memory if self.score == "dot" else self.key(memory)
        return keys

    def scores(
        self, query: Float[Tensor, "batch tgt_len query_dim"], keys: Float[Tensor, "batch src_len query_dim"]
    ) -> Float[Tensor, "batch tgt_len src_len"]:
        """The score of each source position for each query, before the softmax and without a mask."""
        query, energy = self.project_query(query), self.energy_weights
        if energy is not None:
            return torch.tanh(query[:, :, None] + keys[:, None]) @ energy
        return query @ keys.transpose(1, 2)

    def project_query(self, query: Float[Tensor, "*rows query_dim"]) -> Float[Tensor, "*rows query_dim"]:
        """The query as the score function uses it: projected for "concat", unchanged otherwise."""
        projected: Tensor = self.query(query) if self.score == "concat" else query
        return projected

    @property
    def energy_weights(self) -> Float[Tensor, "query_dim"] | None:
        """v of the score v . tanh(query + key) for "concat"; None for the other score functions, which multiply query and key."""
        return self.energy.weight[0] if self.score == "concat" else None


class BahdanauAttention(nn.Module):
    """Additive attention (Bahdanau 2015, appendix A.1.2): v . tanh(W_a s + U_a h); s is the decoder state of the previous step."""

    def __init__(self, query_dim: int, memory_dim: int) -> None:
        super().__init__()
        self.query = Linear(query_dim, query_dim)
        self.key = Linear(memory_dim, query_dim, bias=False)
        self.energy = Linear(query_dim, 1, bias=False)

    def keys(self, memory: Float[Tensor, "batch src_len memory_dim"]) -> Float[Tensor, "batch src_len query_dim"]:
        """The keys U_a h; computed once per source."""
        keys: Tensor = self.key(memory)
        return keys

    def scores(
        self, query: Float[Tensor, "batch tgt_len query_dim"], keys: Float[Tensor, "batch src_len query_dim"]
    ) -> Float[Tensor, "batch tgt_len src_len"]:
        """The score of each source position for each query, before the softmax and without a mask."""
        return torch.tanh(self.project_query(query)[:, :, None] + keys[:, None]) @ self.energy_weights

    def project_query(self, query: Float[Tensor, "*rows query_dim"]) -> Float[Tensor, "*rows query_dim"]:
        """W_a s, which is added to the keys."""
        projected: Tensor = self.query(query)
        return projected

    @property
    def energy_weights(self) -> Float[Tensor, "query_dim"]:
        """v, which is multiplied with the tanh of query + key."""
        return self.energy.weight[0]


def weighted_context(
    scores: Float[Tensor, "batch tgt_len src_len"],
    memory: Float[Tensor, "batch src_len memory_dim"],
    mask: Bool[Tensor, "batch src_len"],
    hooks: ActivationHooks | None = None,
    name: str = "",
) -> Float[Tensor, "batch tgt_len memory_dim"]:
    """The context: the mean of the memory, weighted by the softmax of the scores over real positions.

    Scores, weights and context pass through the hooks (names: `nn.activation_hooks`).
    """
    scores = scores.masked_fill(~mask[:, None], -math.inf)
    if hooks is not None:
        scores = hooks(f"{name}.scores", scores)
    weights = scores.softmax(dim=-1)
    if hooks is not None:
        weights = hooks(f"{name}.attn_weights", weights)
    return capture(hooks, f"{name}.context", weights @ memory)
