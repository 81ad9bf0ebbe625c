"""Parameter groups and schedules."""

import math

import pytest
import torch

from seqloom.models import MODELS, make_model
from seqloom.training.optim import learning_rate_factor, make_optimizers, set_learning_rate
from seqloom.training.optim.muon import Muon, orthogonalise
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(20, 20, shared=True)


@pytest.mark.parametrize("name", ["adamw", "muon"])
@pytest.mark.parametrize(
    "architecture", [name for name in sorted(MODELS) if make_model(MODELS[name][0](), VOCAB).num_parameters()]
)
def test_every_parameter_has_one_optimizer_and_only_matrices_decay(architecture: str, name: str) -> None:
    cls, _ = MODELS[architecture]
    model = make_model(cls(), VOCAB)
    optimizers = make_optimizers(model, name, learning_rate=1e-3, weight_decay=0.1, betas=(0.9, 0.98))  # type: ignore[arg-type]
    seen = [id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert sorted(seen) == sorted(id(p) for p in model.parameters())
    decayed = {id(p) for o in optimizers for g in o.param_groups if g["weight_decay"] for p in g["params"]}
    for parameter_name, parameter in model.named_parameters():
        matrix = parameter.ndim == 2 and "embeddings" not in parameter_name
        assert (id(parameter) in decayed) == matrix, parameter_name
    set_learning_rate(optimizers, 5e-4)
    assert {g["lr"] for o in optimizers for g in o.param_groups} == {5e-4}


def test_schedules_follow_their_definitions() -> None:
    def factor(schedule: str, step: int, progress: float) -> float:
        return learning_rate_factor(schedule, step=step, progress=progress, warmup_steps=100)  # type: ignore[arg-type]

    for schedule in ("linear", "warmup-stable-decay", "inverse-square-root", "constant"):
        assert factor(schedule, 0, 0.0) == pytest.approx(0.01)
        assert factor(schedule, 49, 0.0) == pytest.approx(0.5)
    assert factor("linear", 500, 0.25) == pytest.approx(0.75)
    assert factor("linear", 500, 1.0) == 0.0
    assert factor("warmup-stable-decay", 500, 0.6) == 1.0
    assert factor("warmup-stable-decay", 500, 0.85) == pytest.approx(0.5)
    assert factor("inverse-square-root", 399, 0.4) == pytest.approx(math.sqrt(100 / 400))
    assert factor("constant", 5000, 0.99) == 1.0


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 12), (2, 12, 4)])
def test_orthogonalised_matrices_keep_their_singular_vectors(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    made = orthogonalise(matrices, 5)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    turned = left.mT @ made @ right.mT
    values = torch.diagonal(turned, dim1=1, dim2=2)
    assert ((values > 0.5) & (values < 1.3)).all()
    assert torch.allclose(turned, torch.diag_embed(values), atol=1e-9)


def test_muon_treats_each_matrix_as_if_it_were_alone() -> None:
    torch.manual_seed(0)
    together = [torch.nn.Parameter(torch.randn(6, 4)) for _ in range(3)]
    alone = [torch.nn.Parameter(p.detach().clone()) for p in together]
    optimizers = [Muon(together, lr=0.1, weight_decay=0.1)] + [Muon([p], lr=0.1, weight_decay=0.1) for p in alone]
    for _ in range(3):
        for one, other in zip(together, alone, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_muon_agrees_with_torchs_own(dtype: torch.dtype | None) -> None:
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
    torch.manual_seed(0)
    ours = torch.nn.Parameter(torch.randn(16, 32))
    theirs = torch.nn.Parameter(ours.detach().clone())
    optimizers = (
        Muon([ours], lr=0.1, weight_decay=0.1, dtype=dtype),
        torch.optim.Muon([theirs], lr=0.1, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
    )
    before = ours.detach().clone()
    ours.grad = theirs.grad = torch.randn(16, 32)
    for optimizer in optimizers:
        optimizer.step()
    # torch's computes in bf16, which has three digits; ours where it is asked to.
    difference = torch.linalg.matrix_norm(ours - theirs) / torch.linalg.matrix_norm(ours - before)
    assert difference < 0.03


def test_a_bf16_run_makes_its_updates_in_bf16() -> None:
    torch.manual_seed(0)
    first, gradient = torch.randn(16, 32), torch.randn(16, 32)
    moved = {}
    for precision in ("fp32", "bf16"):
        layer = torch.nn.Linear(32, 16)
        layer.weight.data.copy_(first)
        layer.weight.grad = gradient.clone()
        for optimizer in make_optimizers(
            layer, "muon", learning_rate=0.1, weight_decay=0.0, betas=(0.9, 0.98), precision=precision
        ):
            optimizer.step()
        moved[precision] = layer.weight.detach() - first
    difference = torch.linalg.matrix_norm(moved["bf16"] - moved["fp32"]) / torch.linalg.matrix_norm(moved["fp32"])
    assert 1e-4 < difference < 0.03


def test_muon_refuses_what_is_no_matrix() -> None:
    with pytest.raises(ValueError, match="takes matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1)
