"""Multi-head attention (Vaswani 2017, section 3.2.2) with grouped-query heads (Ainslie 2023).

`PackedAttention` is its form for generation.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.attention import Mask, attend, causal_mask, mask_bias
from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import Linear, LinearMap, multiply
from seqloom.nn.norm import RMSNorm, root_mean_square_norm
from seqloom.nn.positions import Rotation, rotate


class MultiHeadAttention(nn.Module):
    """Multi-head attention in parts, so that keys and values can be cached.

    `queries` and `keys_values` project the inputs, `attend` computes attention, `join` concatenates the heads and projects them.

    Args:
        num_kv_heads: the number of heads of keys and values, each shared by num_heads / num_kv_heads heads of queries; None for
            num_heads.
        head_dim: width of a head; None for d_model / num_heads.
        dropout: probability on attention weights.
        bias: whether the linear maps have biases.
        qk_norm: whether an RMSNorm normalises the queries and keys of each head (Henry 2020), which bounds the scores.
        norm_eps: eps of these norms; None for the default of RMSNorm.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        qk_norm: bool = False,
        norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads or num_heads
        self.head_dim = head_dim or d_model // num_heads
        self.query = Linear(d_model, num_heads * self.head_dim, bias=bias)
        self.key_value = Linear(d_model, 2 * self.num_kv_heads * self.head_dim, bias=bias)
        self.out = Linear(num_heads * self.head_dim, d_model, bias=bias)
        self.dropout = Dropout(dropout)
        self.query_norm = RMSNorm(self.head_dim, norm_eps) if qk_norm else None
        self.key_norm = RMSNorm(self.head_dim, norm_eps) if qk_norm else None

    def _split(self, x: Tensor, norm: RMSNorm | None = None) -> Tensor:
        heads = x.unflatten(-1, (-1, self.head_dim))
        return (heads if norm is None else norm(heads)).transpose(1, 2)

    def queries(self, x: Float[Tensor, "batch length d_model"]) -> Float[Tensor, "batch num_heads length head_dim"]:
        """Projects positions to queries."""
        return self._split(self.query(x), self.query_norm)

    def keys_values(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> tuple[
        Float[Tensor, "batch num_kv_heads length head_dim"], Float[Tensor, "batch num_kv_heads length head_dim"]
    ]:
        """Projects positions to keys and values."""
        key, value = self.key_value(x).chunk(2, dim=-1)
        return self._split(key, self.key_norm), self._split(value)

    def self_projections(
        self, x: Float[Tensor, "batch length d_model"], rotation: Rotation | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of the same positions in one matrix product; queries and keys rotated by `rotation`."""
        weight = torch.cat([self.query.weight, self.key_value.weight])
        bias = None if self.query.bias is None else torch.cat([self.query.bias, self.key_value.bias])
        kv_width = self.num_kv_heads * self.head_dim
        parts = multiply(x, weight, bias).split([self.num_heads * self.head_dim, kv_width, kv_width], dim=-1)
        query, key, value = parts
        query, key, value = self._split(query, self.query_norm), self._split(key, self.key_norm), self._split(value)
        if rotation is not None:
            query, key = rotate(query, rotation), rotate(key, rotation)
        return query, key, value

    def attend(
        self,
        query: Float[Tensor, "batch num_heads query_len head_dim"],
        key: Float[Tensor, "batch num_kv_heads key_len head_dim"],
        value: Float[Tensor, "batch num_kv_heads key_len head_dim"],
        bias: Float[Tensor, "#batch #num_heads #query_len key_len"] | Mask | None,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> Float[Tensor, "batch num_heads query_len head_dim"]:
        """See `attention.attend`."""
        return attend(query, key, value, bias, dropout=self.dropout, hooks=hooks, name=name)

    def join(self, context: Float[Tensor, "batch num_heads length head_dim"]) -> Float[Tensor, "batch length d_model"]:
        """Concatenates the heads and projects them to d_model."""
        joined: Tensor = self.out(context.transpose(1, 2).flatten(2))
        return joined


class PackedAttention:
    """The same attention for generation: a snapshot of the weights, packed for few large products.

    The queries are already scaled, so `attend` does not scale the scores. There is no dropout, and activations are not captured.
    """

    def __init__(self, attention: MultiHeadAttention) -> None:
        self.num_heads, self.num_kv_heads = attention.num_heads, attention.num_kv_heads
        self.head_dim = attention.head_dim
        scale = attention.head_dim**-0.5
        # A norm of the queries would remove a scale that comes before it, so then the weights of the norm are scaled.
        self._norm_weight: Tensor | None = None
        self._norm_eps: float | None = None
        query_scale = scale
        if attention.query_norm is not None and attention.key_norm is not None:
            queries_keys = [(attention.query_norm, scale, self.num_heads), (attention.key_norm, 1.0, self.num_kv_heads)]
            rows = [(norm.weight * factor).expand(count, 1, -1) for norm, factor, count in queries_keys]
            self._norm_weight, self._norm_eps = torch.cat(rows).detach(), attention.query_norm.eps
            query_scale = 1.0
        query, key_value, out = attention.query, attention.key_value, attention.out
        queries = (query.weight * query_scale, None if query.bias is None else query.bias * query_scale)
        self._query = LinearMap([queries])
        self._query_key_value = LinearMap([queries, (key_value.weight, key_value.bias)])
        self._out = LinearMap([(out.weight, out.bias)])

    def queries(self, x: Float[Tensor, "batch length d_model"]) -> Float[Tensor, "batch num_heads length head_dim"]:
        """Projects positions to queries, scaled."""
        return self._normalised(self._query(x).view(*x.shape[:2], -1, self.head_dim).transpose(1, 2))

    def self_projections(
        self, x: Float[Tensor, "batch length d_model"], rotation: Rotation | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (scaled), keys and values of the same positions in one matrix product; see `MultiHeadAttention`.

        Norms and rotation take the heads of queries and keys together.
        """
        heads = self._query_key_value(x).view(*x.shape[:2], -1, self.head_dim).transpose(1, 2)
        if rotation is None and self._norm_weight is None:
            query, key, value = heads.split([self.num_heads, self.num_kv_heads, self.num_kv_heads], dim=1)
            return query, key, value
        both, value = heads.split([self.num_heads + self.num_kv_heads, self.num_kv_heads], dim=1)
        both = self._normalised(both)
        if rotation is not None:
            both = rotate(both, rotation)
        query, key = both.split([self.num_heads, self.num_kv_heads], dim=1)
        return query, key, value

    def normalise_keys(self, key: Float[Tensor, "batch num_kv_heads length head_dim"]) -> Tensor:
        """Applies the norm of keys, if the attention has it."""
        if self._norm_weight is None:
            return key
        return root_mean_square_norm(key, None, self._norm_eps).mul_(self._norm_weight[self.num_heads :])

    def _normalised(self, heads: Tensor) -> Tensor:
        """Applies the norms to the heads of queries, or of queries and keys, if the attention has them."""
        if self._norm_weight is None:
            return heads
        return root_mean_square_norm(heads, None, self._norm_eps).mul_(self._norm_weight[: heads.shape[1]])

    def attend(
        self,
        query: Float[Tensor, "batch num_heads query_len head_dim"],
        key: Float[Tensor, "..."],
        value: Float[Tensor, "..."],
        bias: Float[Tensor, "#batch #num_heads #query_len key_len"] | Mask | None,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> Float[Tensor, "batch num_heads query_len head_dim"]:
        """Softmax of the scores over the keys, times the values.

        Args:
            key, value: (batch, num_kv_heads, key_len, head_dim), or with the first two dimensions flattened.
        """
        batch, num_heads, length, head_dim = query.shape
        if isinstance(bias, Mask):
            bias = mask_bias(causal_mask(length, length, query.device), query.dtype)
        key, value = (x if x.ndim == 3 else x.flatten(0, 1) for x in (key, value))
        # Query heads that share keys are consecutive, so their queries can be read as one longer sequence.
        scores = torch.bmm(query.reshape(key.shape[0], -1, head_dim), key.transpose(1, 2))
        if bias is not None:
            scores.view(batch, num_heads, length, -1).add_(bias)
        return torch.bmm(scores.softmax(dim=2), value).view(batch, num_heads, length, head_dim)

    def join(self, context: Float[Tensor, "batch num_heads length head_dim"]) -> Float[Tensor, "batch length d_model"]:
        """Concatenates the heads and projects them to d_model."""
        return self._out(context.transpose(1, 2).flatten(2))
