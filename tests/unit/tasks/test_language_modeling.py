"""Language modelling: the windows of a validation split, all of them or a sample of a large one."""

from pathlib import Path

import pytest

from seqloom.corpus.corpus import Document, Split
from seqloom.data.store import open_store
from seqloom.models import make_model
from seqloom.recipes import load_recipe
from seqloom.tasks import language_modeling, task_of
from seqloom.tokenizer import Tokenizer, TokenizerSettings


class Messages:
    """A Progress that keeps its messages."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def say(self, text: str) -> None:
        self.texts.append(text)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        """Not kept."""


@pytest.mark.parametrize("across", ["true", "false"])
def test_a_large_validation_split_is_sampled_and_says_so(
    across: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [Document(f"Document {number} of some words.\n" * 5) for number in range(30)]
    tokenizer = Tokenizer.train(documents, TokenizerSettings(vocab_size=100, collapse_whitespace=False))
    store = open_store(Split("val", "a test", "f", lambda: iter(documents)), tokenizer, folder=tmp_path)
    changes = ["training.window=16", f"training.across_documents={across}", "model.num_layers=1"]
    recipe = load_recipe("transformer-lm-tiny", changes)
    model = make_model(recipe.model, tokenizer.vocab)
    task, messages = task_of("text"), Messages()
    whole = task.validation_examples(store, model, recipe, messages)
    assert [e.tgt_ids.tolist() for e in whole] == [
        e.tgt_ids.tolist() for e in task.examples(store, model, recipe, "training", messages)
    ]
    assert messages.texts == []
    monkeypatch.setattr(language_modeling, "_MOST_VALIDATION_TOKENS", 200)
    sample = task.validation_examples(store, model, recipe, messages)
    assert abs(sample.num_tgt_tokens - 200) <= 32
    assert messages.texts[0].startswith(f"validation: the loss is over {sample.num_tgt_tokens:,} of ")
    assert task.validation_examples(store, model, recipe, messages)[3].tgt_ids.tolist() == sample[3].tgt_ids.tolist()
