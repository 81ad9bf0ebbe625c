"""Bytes a token and characters outside the vocabulary, before training."""

from pathlib import Path

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.recipes import load_recipe
from seqloom.run.token_facts import TokenFacts, token_facts


def test_bytes_a_token_and_characters_outside_the_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("The old cat sleeps under the red house.\n" * 300)
    (tmp_path / "val.txt").write_text("The old cat sleeps ♞♞.\n" * 10)
    corpus = open_corpus(CorpusSettings(data=tmp_path / "train.txt", val=tmp_path / "val.txt"))
    facts = token_facts(corpus, load_recipe("transformer-lm-tiny"))
    assert TokenFacts.model_validate_json(facts.model_dump_json()) == facts
    train, val = facts.splits["train"], facts.splits["val"]
    assert set(facts.splits) == {"train", "val", "test"}
    assert (train.num_outside, val.num_outside, val.outside) == (0, 20, "♞")
    assert val.num_bytes == len(("The old cat sleeps ♞♞.\n" * 10).encode())
    # Six half bytes for each of the characters.
    assert val.num_tokens > 120
    assert train.bytes_per_token > 3 > val.bytes_per_token
