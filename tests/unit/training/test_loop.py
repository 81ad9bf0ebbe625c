"""The loop: reproducible, resumable, honest about what went wrong."""

import json
import math
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqloom.data.batching import Batches, Example, PairBatch
from seqloom.data.store import BothDirections
from seqloom.errors import CheckpointError, ConfigError, TrainingError
from seqloom.models import MODELS, make_model
from seqloom.models.base import Model
from seqloom.objectives import CrossEntropy, Loss, Objective
from seqloom.training import Budget, Trainer, TrainingPlan, TrainingSettings, Validation
from seqloom.training.data_schedule import ALL, Cursor, Phases, Share
from seqloom.training.weights import load_weights
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(12, 12, shared=True)


class Copies:
    """Short sequences to copy."""

    ends = True

    def __init__(self, count: int = 200) -> None:
        rng = np.random.default_rng(0)
        self.rows = [rng.integers(3, 12, rng.integers(1, 6)) for _ in range(count)]
        self.src_lengths = self.tgt_lengths = np.array([len(row) for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        return Example(self.rows[index], self.rows[index])


# An epoch that training never comes to.
VALIDATION = 1000


def trainer(
    folder: Path,
    budget: Budget,
    *,
    seed: int = 0,
    validate: Callable[[Model], Validation] | None = None,
    **settings: object,
) -> Trainer:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    cls, _ = MODELS["transformer"]
    sizes = {"d_model": 16, "d_ff": 16, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1}
    model = make_model(cls(**sizes, dropout=0.2), VOCAB)
    batches, both_directions = (
        Batches(examples, batch_tokens=60, seed=seed, pad_id=0, bos_id=1, eos_id=2)
        for examples in (Copies(), BothDirections(Copies(), np.arange(150)))
    )
    parsed = TrainingSettings.parse({"warmup_steps": 5, "validation_sentences": 0, "select_by": "loss", **settings})
    share = parsed.bidirectional
    data = Phases(both_directions, batches, ends=(share,)) if share else Phases(batches)

    def measure(model: Model) -> Validation:
        batch = next(batches.epoch(VALIDATION))
        return Validation(float(CrossEntropy()(model, batch).nll) / batch.num_tokens, None)

    plan = TrainingPlan(parsed, budget, folder, seed, torch.device("cpu"))
    return Trainer(model, data, CrossEntropy(parsed.label_smoothing), validate or measure, plan)


def weights(folder: Path, name: str = "best") -> dict[str, torch.Tensor]:
    return load_weights(folder / "weights" / f"{name}.safetensors")


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trainer(tmp_path / name, Budget(steps=60), seed=seed, learning_rate=0.01).train()
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))
    validations = [line["val_loss"] for line in lines(tmp_path / "a") if "val_loss" in line]
    assert validations[-1] < 0.9 * validations[0]


class Killed(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("more", [{"optimizer": "adamw"}, {"optimizer": "muon", "bidirectional": 0.4}])
@pytest.mark.parametrize("dies_at", [1, 4, 9])
def test_killed_in_a_validation_and_resumed_is_bit_identical(
    tmp_path: Path, dies_at: int, more: dict[str, object]
) -> None:
    settings = {"accumulate": 2, "average_last": 3, "learning_rate": 0.02, **more}
    whole = trainer(tmp_path / "whole", Budget(steps=40), **settings)
    counters = whole.train()
    calls = 0

    def dying(model: Model) -> Validation:
        nonlocal calls
        calls += 1
        if calls == dies_at:
            raise Killed
        return whole.validate(model)

    with pytest.raises(Killed):
        trainer(tmp_path / "cut", Budget(steps=40), validate=dying, **settings).train()
    resumed = trainer(tmp_path / "cut", Budget(steps=40), **settings).train(resume=True)
    for name in ("best", "last", "averaged"):
        assert same(weights(tmp_path / "whole", name), weights(tmp_path / "cut", name)), name
    assert resumed.curve[-1]["val_loss"] == counters.curve[-1]["val_loss"]
    assert (tmp_path / "whole/progress.txt").read_text() == (tmp_path / "cut/progress.txt").read_text()
    timeless = [{k: v for k, v in line.items() if "second" not in k} for line in lines(tmp_path / "cut")]
    assert timeless == [{k: v for k, v in line.items() if "second" not in k} for line in lines(tmp_path / "whole")]


def test_a_run_of_minutes_can_be_repeated(tmp_path: Path) -> None:
    first = trainer(tmp_path / "minutes", Budget(minutes=0.01)).train()
    again = trainer(tmp_path / "again", Budget(like=tmp_path / "minutes/progress.txt")).train()
    assert again.step == first.step > 0
    assert same(weights(tmp_path / "minutes", "last"), weights(tmp_path / "again", "last"))


def test_budgets_stop_where_they_say(tmp_path: Path) -> None:
    assert trainer(tmp_path / "s", Budget(steps=7)).train().step == 7
    counters = trainer(tmp_path / "t", Budget(tokens=500)).train()
    assert 500 <= counters.tokens < 560
    counters = trainer(tmp_path / "m", Budget(minutes=0.005)).train()
    assert 0.3 <= counters.seconds < 2
    for wrong in ({}, {"steps": 1, "tokens": 1}):
        with pytest.raises(ConfigError, match="exactly one"):
            Budget.parse(wrong)
    assert Budget(steps=100).share(0.1) == Budget(steps=10)


def test_both_directions_come_first_and_end_where_the_budget_says(tmp_path: Path) -> None:
    taken: list[tuple[float, int, int, int]] = []

    class Spy(Phases):
        def batches(self, cursor: Cursor, share: Share = ALL) -> Generator[tuple[Cursor, PairBatch | None]]:
            for after, batch in super().batches(cursor, share):
                assert batch is not None
                taken.append((run.counters.progress, after.epoch, after.phases_left, len(batch.tgt_in)))
                yield after, batch

    run = trainer(tmp_path, Budget(steps=60), bidirectional=0.5, validations=1)
    run.data.__class__ = Spy
    run.train()
    assert {left for progress, _, left, _ in taken if progress < 0.5} == {1}
    assert {left for progress, _, left, _ in taken if progress >= 0.5} == {0}
    # A new epoch begins there, with an order of its own.
    last = max(epoch for _, epoch, left, _ in taken if left)
    assert min(epoch for _, epoch, left, _ in taken if not left) == last + 1
    # A pair that is exchanged is an example of its own.
    assert run.counters.examples == sum(size for *_, size in taken)


def test_micro_batches_draw_dropout_of_their_own(tmp_path: Path) -> None:
    """Each micro-batch is seeded by itself, so a process that gets only the second one draws the same masks."""
    run = trainer(tmp_path, Budget(steps=1), accumulate=2)
    seeds = []
    objective = run.objective

    def spy(model: Model, batch: PairBatch) -> Loss:
        seeds.append(torch.initial_seed())
        return objective(model, batch)

    run.objective = spy
    run.counters.step = 0
    run.train()
    assert seeds[0] == 0
    assert len(set(seeds)) == 2


def test_the_rate_falls_over_the_share_that_is_set(tmp_path: Path) -> None:
    settings = {"schedule": "warmup-stable-decay", "decay_share": 0.5, "warmup_steps": 0, "validations": 1}
    run = trainer(tmp_path, Budget(steps=40), learning_rate=0.01, **settings)
    rates = []
    step = run.optimizers[0].step
    run.optimizers[0].step = lambda: rates.append(run.optimizers[0].param_groups[0]["lr"]) or step()  # type: ignore[method-assign]
    run.train()
    assert rates[:21] == [0.01] * 21
    assert rates[30] == pytest.approx(0.005)


class BrokenAt:
    """An objective whose loss is not a number at one call."""

    def __init__(self, call: int, objective: Objective) -> None:
        self.left = call
        self.objective = objective

    def __call__(self, model: Model, batch: PairBatch) -> Loss:
        self.left -= 1
        loss = self.objective(model, batch)
        return loss if self.left else replace(loss, sum=loss.sum * math.nan, nll=loss.nll * math.nan)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    run = trainer(tmp_path / "nan", Budget(steps=40))
    run.objective = BrokenAt(13, run.objective)
    with pytest.raises(TrainingError, match=r"nan at step 13 \(epoch \d+, batch \d+\).*learning_rate"):
        run.train()
    resumed = trainer(tmp_path / "nan", Budget(steps=40)).train(resume=True)
    trainer(tmp_path / "whole", Budget(steps=40)).train()
    assert resumed.step == 40
    assert same(weights(tmp_path / "nan"), weights(tmp_path / "whole"))


def test_patience_stops_early_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    merits = iter([1.0, 3.0, 2.0, 2.5, 9.0, 9.0])
    seen: list[dict[str, torch.Tensor]] = []

    def measure(model: Model) -> Validation:
        seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return Validation(1.0, next(merits))

    settings = {"patience": 2, "select_by": "metric", "validation_sentences": 1, "average_last": 1}
    counters = trainer(tmp_path, Budget(steps=50), validate=measure, **settings).train()
    assert counters.step == 20
    assert same(weights(tmp_path), seen[1])


def test_the_average_is_taken_where_it_is_better(tmp_path: Path) -> None:
    calls = 0

    def measure(model: Model) -> Validation:
        nonlocal calls
        calls += 1
        return Validation(10.0 - calls, None)

    settings = {"validations": 4, "average_last": 2, "schedule": "constant"}
    counters = trainer(tmp_path, Budget(steps=20), validate=measure, **settings).train()
    assert counters.best_is_average
    last_two = [weights(tmp_path, f"step-{step}") for step in (15, 20)]
    averaged = weights(tmp_path)
    assert same(averaged, weights(tmp_path, "averaged"))
    for name, tensor in averaged.items():
        torch.testing.assert_close(tensor, (last_two[0][name] + last_two[1][name]) / 2)


def test_validation_does_not_touch_training(tmp_path: Path) -> None:
    def noisy(model: Model) -> Validation:
        torch.rand(100)
        np.random.rand(3)
        return Validation(1.0, None)

    def quiet(model: Model) -> Validation:
        return Validation(1.0, None)

    trainer(tmp_path / "a", Budget(steps=20), validate=noisy, validations=10).train()
    trainer(tmp_path / "b", Budget(steps=20), validate=quiet, validations=2).train()
    assert same(weights(tmp_path / "a", "last"), weights(tmp_path / "b", "last"))


def test_accumulated_batches_are_one_update(tmp_path: Path) -> None:
    counters = trainer(tmp_path, Budget(steps=5), accumulate=3).train()
    assert counters.batch == 15


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trainer(tmp_path, Budget(steps=5)).train()
    (tmp_path / "checkpoint-5/model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: damaged"):
        trainer(tmp_path, Budget(steps=5)).train(resume=True)
    (tmp_path / "checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match="there is no such file"):
        trainer(tmp_path, Budget(steps=5)).train(resume=True)
