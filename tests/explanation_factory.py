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

WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
_SMALL = {"d_model": 16, "dropout": 0.0}
_BLOCKS = {**_SMALL, "d_ff": 24, "num_heads": 2, "max_len": 40}
_TWO = {"num_encoder_layers": 2, "num_decoder_layers": 2}
_RNN = {**_SMALL, "hidden_size": 12, "num_layers": 2}
SMALL: dict[str, dict[str, object]] = {
    "rnn": _RNN,
    "attention-rnn": _RNN,
    "transformer": {**_BLOCKS, **_TWO},
    "transformer-lm": {**_BLOCKS, "num_layers": 2},
    "fixed-mixer": {**_BLOCKS, **_TWO},
}
# What changes how a source is read, or what can be seen.
VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    **{name: (name, {}) for name in MODELS},
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
    settings = MODELS[architecture][0].parse({"architecture": architecture, **SMALL[architecture], **changes})
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
