"""Compilation: the same training, shared weights; refused where it cannot work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqloom.errors import ConfigError
from seqloom.models import MODELS, make_model
from seqloom.training.compilation import compiled
from seqloom.vocabulary import Vocabulary

# Two trainings of a few updates, with batches of several shapes, one of them compiled. In a process of its own, because
# torch.compile cannot look through the checks of shapes that tests install.
SCRIPT = """
import functools, json, sys
from pathlib import Path
import torch
backend, folder = sys.argv[1], Path(sys.argv[2])
if backend == "inductor":
    import torch._inductor.config
    # The compiler draws dropout in its own way; to compare, in torch's.
    torch._inductor.config.fallback_random = True
torch.compile = functools.partial(torch.compile, backend=backend)
from tests.unit.training.test_loop import lines, trainer, weights
from seqloom.models import MODELS
from seqloom.training import Budget
for name, wanted in (("plain", False), ("compiled", True)):
    trainer(folder / name, Budget(steps=6), compile=wanted, validations=2).train()
plain, made = weights(folder / "plain", "last"), weights(folder / "compiled", "last")
assert plain.keys() == made.keys()
# What the compiler makes rounds otherwise, and Adam makes whole steps of gradients that are rounding and nothing else.
for name in plain if backend == "eager" else ():
    torch.testing.assert_close(plain[name], made[name], rtol=1e-3, atol=1e-4)
losses = [
    [line[key] for line in lines(folder / name) for key in ("loss", "val_loss") if key in line] for name in ("plain", "compiled")
]
assert len(losses[0]) > 2
torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-3, atol=1e-3)
print("the same")
"""


def _run(backend: str, folder: Path, project: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project), str(project / "src")])}
    argv = [sys.executable, "-c", SCRIPT, backend, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("the same\n")


def test_what_torch_captures_trains_the_same(tmp_path: Path, project: Path) -> None:
    _run("eager", tmp_path, project)


@pytest.mark.skipif(
    not os.environ.get("SEQLOOM_TEST_COMPILER"), reason="compiling takes a minute: set SEQLOOM_TEST_COMPILER=1"
)
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs the compiler g++")
def test_what_the_compiler_makes_trains_the_same(tmp_path: Path, project: Path) -> None:
    _run("inductor", tmp_path, project)


@pytest.mark.parametrize("name", ["rnn", "attention-rnn"])
def test_models_that_cannot_be_compiled_are_refused(name: str) -> None:
    model = make_model(MODELS[name][0](), Vocabulary(12, 12, shared=True))
    with pytest.raises(ConfigError, match=r"training\.compile: \w*RNN cannot be compiled"):
        compiled(model, torch.device("cpu"))


def test_a_machine_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(*arguments: object, **more: object) -> None:
        raise RuntimeError("no working C++ compiler found\nand much more")

    monkeypatch.setattr(torch, "compile", compile)
    model = make_model(MODELS["transformer"][0](d_model=8, d_ff=8, num_heads=1), Vocabulary(12, 12, shared=True))
    with pytest.raises(ConfigError, match=r"does not work here \(no working C\+\+ compiler found\)"):
        compiled(model, torch.device("cpu"))
