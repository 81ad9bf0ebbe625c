"""Causal attention with a gradient written by hand, against torch's fused kernel, finite differences and the plain computation."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from seqloom.nn import attention
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.attention import Mask, attend, causal_mask, mask_bias
from seqloom.nn.causal_attention import causal_attention
from seqloom.nn.dropout import Dropout
from seqloom.nn.multi_head import MultiHeadAttention, PackedAttention


@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_it_equals_the_fused_kernel_and_its_gradients(length: int, num_kv_heads: int) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, 4, length, 6, dtype=torch.float64, requires_grad=True)
    key, value = (torch.randn(2, num_kv_heads, length, 6, dtype=torch.float64, requires_grad=True) for _ in range(2))
    ours = causal_attention(query, key, value)
    theirs = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    assert_close(ours, theirs, rtol=0, atol=1e-12)
    # A gradient with the layout that the concatenation of heads gives it.
    weights = torch.randn(2, length, 4, 6, dtype=torch.float64).transpose(1, 2)
    ours_grads = torch.autograd.grad((ours * weights).sum(), (query, key, value))
    theirs_grads = torch.autograd.grad((theirs * weights).sum(), (query, key, value))
    for ours_grad, theirs_grad in zip(ours_grads, theirs_grads, strict=True):
        assert_close(ours_grad, theirs_grad, rtol=0, atol=1e-12)


def test_the_gradient_is_the_slope() -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(1, heads, 5, 2, dtype=torch.float64, requires_grad=True) for heads in (2, 1, 1)]
    assert torch.autograd.gradcheck(causal_attention, tensors)


@pytest.mark.parametrize("how", ["kernel", "hooks", "dropout", "too long", "bf16"])
def test_a_causal_mask_is_its_bias(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    dtype = torch.bfloat16 if how == "bf16" else torch.float32
    query, key, value = (torch.randn(2, 4, 70, 8, dtype=dtype) for _ in range(3))
    if how == "too long":
        monkeypatch.setattr(attention, "MOST_POSITIONS", 69)
    dropout = Dropout(0.5) if how == "dropout" else None
    results = []
    for bias in (Mask.CAUSAL, mask_bias(causal_mask(70, 70), dtype)[None, None]):
        torch.manual_seed(1)
        hooks = ActivationHooks() if how == "hooks" else None
        results.append(attend(query, key, value, bias, dropout=dropout, hooks=hooks, name="x"))
    assert_close(*results, rtol=0, atol=1e-5)


def test_the_packed_form_reads_the_mask_too() -> None:
    torch.manual_seed(0)
    layer = MultiHeadAttention(16, 4, num_kv_heads=2)
    x = torch.randn(3, 7, 16)
    packed = PackedAttention(layer)
    with torch.no_grad():
        ours = layer.join(layer.attend(*layer.self_projections(x), Mask.CAUSAL))
        theirs = packed.join(packed.attend(*packed.self_projections(x), Mask.CAUSAL))
    assert_close(theirs, ours, rtol=0, atol=1e-5)
