"""Parameter groups and schedules."""

import math

import pytest
import torch

from seqloom.models import MODELS, make_model
from seqloom.optim import learning_rate_factor, make_optimizers, set_learning_rate
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(20, 20, shared=True)


@pytest.mark.parametrize("name", ["adamw", "muon"])
@pytest.mark.parametrize("architecture", sorted(MODELS))
def test_every_parameter_has_one_optimizer_and_only_matrices_decay(architecture: str, name: str) -> None:
    if name == "muon" and not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
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
