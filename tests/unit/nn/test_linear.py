"""Linear layers and maps against torch's own, by both libraries and for every number of rows."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from seqloom import machine
from seqloom.nn.linear import Linear, LinearMap

ONEDNN = pytest.param(
    True, marks=pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
)


@pytest.mark.parametrize("onednn", [False, ONEDNN])
@pytest.mark.parametrize(("features_in", "features_out"), [(12, 20), (64, 5000)])
@pytest.mark.parametrize("relu", [False, True])
def test_equals_the_maps_one_by_one(
    onednn: bool, features_in: int, features_out: int, relu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "prefers_onednn", lambda: onednn)
    torch.manual_seed(0)
    weights = [torch.randn(features_out, features_in) / 8, torch.randn(7, features_in) / 8]
    bias = torch.randn(features_out)
    joined = LinearMap([(weights[0], bias), (weights[1], None)], relu=relu)
    for rows in (0, 1, 2, 5, 31, 32, 33, 64, 100):
        x = torch.randn(rows, features_in)
        expected = torch.cat([F.linear(x, weights[0], bias), F.linear(x, weights[1])], dim=1)
        found = joined(x)
        assert found.is_contiguous()
        assert_close(found, expected.relu() if relu else expected, rtol=1e-5, atol=1e-5)


def test_other_precisions_and_devices_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "prefers_onednn", lambda: True)
    weight, x = torch.randn(3, 4, dtype=torch.float64), torch.randn(40, 4, dtype=torch.float64)
    assert_close(LinearMap([(weight, None)])(x), F.linear(x, weight), rtol=1e-12, atol=1e-12)
    meta = torch.empty(3, 4, device="meta")
    assert LinearMap([(meta, None)])(torch.empty(40, 4, device="meta")).shape == (40, 3)


@pytest.mark.parametrize("onednn", [False, ONEDNN])
@pytest.mark.parametrize("shape", [(3, 12), (40, 12), (0, 12), (5, 9, 12), (12,)])
@pytest.mark.parametrize("bias", [False, True])
def test_a_layer_equals_torchs_own_with_and_without_gradients(
    onednn: bool, shape: tuple[int, ...], bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "prefers_onednn", lambda: onednn)
    torch.manual_seed(0)
    layer = Linear(12, 20, bias=bias)
    x = torch.randn(shape)
    expected = F.linear(x, layer.weight, layer.bias)
    assert layer(x).requires_grad
    with torch.no_grad():
        assert_close(layer(x), expected, rtol=1e-5, atol=1e-5)
