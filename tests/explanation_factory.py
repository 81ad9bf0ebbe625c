"""Runs that were never trained, of every architecture, for tests of everything that looks inside."""

from pathlib import Path
from typing import Any

import torch

from seqloom.corpus.corpus import SentencePair
from seqloom.explain import Explanations, explain
from seqloom.models import MODELS, make_model
from seqloom.recipes import Recipe
from seqloom.run.load import Run
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from tests.run_info import make_corpus_info, make_run_info
from tests.tiny_models import tiny_settings

WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
# A model that counts has no embeddings and no gradients.
EXPLAINED = [name for name, (_, cls) in MODELS.items() if not getattr(cls, "fitted_by_counting", False)]
# What changes how a source is read, or what can be seen.
VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    **{name: (name, {}) for name in EXPLAINED},
    "rnn forwards": ("rnn", {"reverse_source": False, "cell": "gru"}),
    "input feeding reversed": ("attention-rnn", {"input_feeding": True, "reverse_source": True}),
    "bahdanau": ("attention-rnn", {"attention": "bahdanau", "cell": "gru"}),
    "transformer reversed": ("transformer", {"reverse_source": True, "positions": "learned"}),
    "lm reversed": ("transformer-lm", {"reverse_source": True, "positions": "rotary"}),
    "lm alibi": ("transformer-lm", {"positions": "alibi"}),
    "fixed mixer reversed": ("fixed-mixer", {"reverse_source": True}),
}


def make_run(variant: str, *, corpus: str = "copy", kind: str = "pairs", folder: Path = Path("runs/none")) -> Run:
    """An untrained run in double precision, the same for the same variant."""
    architecture, changes = VARIANTS[variant]
    pairs = [SentencePair(" ".join(WORDS), " ".join(reversed(WORDS)))] * 3
    tokenizer = Tokenizer.train(pairs, TokenizerSettings(kind="words"))
    settings_type = MODELS[architecture][0]
    longer = {"max_len": 40} if "max_len" in settings_type.model_fields else {}
    settings = settings_type.parse(tiny_settings(architecture, **{"dropout": 0.0, **longer, **changes}))
    recipe = Recipe(name=f"{architecture}-test", label=architecture, description="a test", model=settings)
    torch.manual_seed(3)
    model = make_model(settings, tokenizer.vocab).double()
    run = Run(folder, recipe, tokenizer, model, torch.device("cpu"))
    run.info = make_run_info(corpus=make_corpus_info(name=corpus, kind=kind), budget={}, seed=3)
    return run


def make_explanations(*variants: str, text: str = "alpha bravo charlie", **options: Any) -> Explanations:
    """What some untrained runs do with a text, on a corpus whose truth is known."""
    found = tuple(explain(make_run(name, corpus="copy"), text, **options) for name in variants)
    return Explanations(text=text, explanations=found)
