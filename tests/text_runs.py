"""Language models of a short text: of every architecture that learns from text, untrained or fitted by counting."""

from pathlib import Path

import numpy as np
import torch

from seqloom.corpus.corpus import Document
from seqloom.data.batching import Example
from seqloom.models import MODELS, make_model
from seqloom.recipes import Recipe
from seqloom.run.load import Run
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from tests.run_info import make_corpus_info, make_run_info
from tests.tiny_models import tiny_settings

TEXT = "To be, or not to be,\nthat is the question:\n\nWhether 'tis nobler in the mind.\n"
ARCHITECTURES = [name for name, (_, cls) in MODELS.items() if cls.trains_on_texts]


def make_text_run(architecture: str, kind: str = "characters", *, window: int = 16, label: str = "") -> Run:
    """A language model of TEXT, the same for the same arguments."""
    documents = [Document(TEXT * 3)]
    tokenizer = Tokenizer.train(
        documents, TokenizerSettings.parse({"kind": kind, "vocab_size": 80, "collapse_whitespace": False})
    )
    settings = MODELS[architecture][0].parse(tiny_settings(architecture, **_own(architecture)))
    recipe = Recipe.parse(
        {
            "name": f"{architecture}-test",
            "label": label or architecture,
            "description": "a test",
            "model": settings.model_dump(),
            **({} if MODELS[architecture][1].fitted_by_counting else {"training": {"window": window}}),
        },
        source="test",
    )
    torch.manual_seed(3)
    model = make_model(settings, tokenizer.vocab)
    if model.fitted_by_counting:
        (ids,) = tokenizer.encode_tgt([documents[0].text])
        model.fit([Example(np.empty(0, dtype=np.int64), ids)], end=False)
    run = Run(Path("runs") / (label or architecture), recipe, tokenizer, model, torch.device("cpu"))
    run.info = make_run_info(corpus=make_corpus_info(name="a text", kind="text"), budget={}, seed=3)
    return run


def _own(architecture: str) -> dict[str, object]:
    return {"order": 3} if "order" in MODELS[architecture][0].model_fields else {"dropout": 0.0}
