"""Facts about texts: sizes, passages that splits share, new characters."""

import random
from collections import Counter
from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.inspection import Inspection, inspect
from seqloom.corpus.text_inspection import TextFacts, TextInspector


def text(seed: int, count: int = 8000) -> str:
    draw = random.Random(seed)
    return "".join(draw.choice("abcdefgh ") for _ in range(count))


def facts_of(inspector: TextInspector, texts: list[str], *, training: bool) -> TextFacts:
    for each in texts:
        inspector.add(each)
    return inspector.facts("documents", Counter("".join(texts)), training=training)


@pytest.mark.parametrize("max_hashes", [1_000_000, 100])
def test_the_share_of_repeated_passages(max_hashes: int) -> None:
    inspector = TextInspector(max_hashes)
    train = facts_of(inspector, [text(seed) for seed in range(6)], training=True)
    assert train.repeated_passages < 0.02
    half = facts_of(inspector, [text(3), text(100)], training=False)
    assert abs(half.repeated_passages - 0.5) < (0.1 if max_hashes > 1000 else 0.35)
    assert facts_of(inspector, [text(101)], training=False).repeated_passages == 0
    whole = facts_of(inspector, [text(1).upper()[50:]], training=False)
    assert whole.repeated_passages > 0.95


def test_sizes_and_new_characters() -> None:
    inspector = TextInspector(100)
    train = facts_of(inspector, ["abc é\n"], training=True)
    assert (train.num_characters, train.num_bytes, train.num_new_characters) == (6, 7, 0)
    val = facts_of(inspector, ["abc ♞♞d"], training=False)
    assert (val.new_characters, val.num_new_characters, val.unit) == ("♞d", 3, "documents")


def test_a_corpus_of_documents_is_inspected(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.txt").write_text(text(number % 28, 2000))
    inspection = inspect(open_corpus(CorpusSettings(data=tmp_path, overlap="keep")))
    assert Inspection.model_validate_json(inspection.model_dump_json()) == inspection
    assert [split.text is not None and split.text.unit for split in inspection.splits] == ["documents"] * 3
    assert sum(split.items for split in inspection.splits) == 30
