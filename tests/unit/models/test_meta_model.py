"""Outlines: the names and shapes of every architecture, without a number."""

import sys

import pytest
import torch

from seqloom.models import make_model
from seqloom.models.outline import allocate, outline, shapes_of
from seqloom.recipes import load_recipe, recipe_names
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(70, 70, True)
TINY = [name for name in recipe_names() if name.endswith("-tiny")]


@pytest.mark.parametrize("name", TINY)
def test_an_outline_is_the_model_but_for_its_numbers(name: str) -> None:
    settings = load_recipe(name).model
    before = torch.random.get_rng_state()
    found = outline(settings, VOCAB)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.is_meta for parameter in found.parameters())
    model = make_model(settings, VOCAB)
    assert shapes_of(found) == shapes_of(model)
    allocate(found)
    found.load_state_dict(model.state_dict())
    ours, theirs = dict(found.named_buffers()), dict(model.named_buffers())
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert all(torch.equal(*pair) for pair in zip(found.parameters(), model.parameters(), strict=True))
    assert [one.requires_grad for one in found.parameters()] == [one.requires_grad for one in model.parameters()]


def test_an_outline_of_an_enormous_model_takes_no_memory() -> None:
    settings = load_recipe("transformer-tiny", ["model.d_model=65536", "model.max_len=64"]).model
    assert shapes_of(outline(settings, VOCAB))["embeddings.tgt_table.weight"] == (70, 65536)


def test_outlines_do_not_import_the_compiler() -> None:
    import subprocess

    code = (
        "import sys; from seqloom.models.outline import outline; from seqloom.vocabulary import Vocabulary;"
        "from seqloom.recipes import load_recipe;"
        f"[outline(load_recipe(name).model, Vocabulary(70, 70, True)) for name in {TINY}];"
        "sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
