"""Meta models: the names and shapes of every architecture, without a number."""

import sys

import pytest
import torch

from seqloom.models import make_model
from seqloom.models.meta_model import allocate, make_meta_model, shapes_of
from seqloom.recipes import load_recipe, recipe_names
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(70, 70, True)
TINY = [name for name in recipe_names() if name.endswith("-tiny")]


@pytest.mark.parametrize("name", TINY)
def test_a_meta_model_has_the_names_and_shapes_of_the_model(name: str) -> None:
    settings = load_recipe(name).model
    before = torch.random.get_rng_state()
    meta = make_meta_model(settings, VOCAB)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.is_meta for parameter in meta.parameters())
    model = make_model(settings, VOCAB)
    assert shapes_of(meta) == shapes_of(model)
    allocate(meta)
    meta.load_state_dict(model.state_dict())
    ours, theirs = dict(meta.named_buffers()), dict(model.named_buffers())
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert all(torch.equal(*pair) for pair in zip(meta.parameters(), model.parameters(), strict=True))
    assert [item.requires_grad for item in meta.parameters()] == [item.requires_grad for item in model.parameters()]


def test_a_meta_model_of_an_enormous_model_takes_no_memory() -> None:
    settings = load_recipe("transformer-tiny", ["model.d_model=65536", "model.max_len=64"]).model
    assert shapes_of(make_meta_model(settings, VOCAB))["embeddings.tgt_table.weight"] == (70, 65536)


def test_meta_models_do_not_import_the_compiler() -> None:
    import subprocess

    code = (
        "import sys; from seqloom.models.meta_model import make_meta_model; from seqloom.vocabulary import Vocabulary;"
        "from seqloom.recipes import load_recipe;"
        f"[make_meta_model(load_recipe(name).model, Vocabulary(70, 70, True)) for name in {TINY}];"
        "sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
