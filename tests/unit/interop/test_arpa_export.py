"""ARPA files: read by a reader of our own and, where it is installed, by the package arpa, they give the model's probabilities."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from seqloom.data.batching import Example, Sources
from seqloom.errors import ConfigError
from seqloom.interop.arpa_export import write_arpa
from seqloom.models.ngram import NGram, NGramSettings
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(9, 9, shared=True)
PIECES = ("<pad>", "<s>", "</s>", "a", "b", "\n", "▁", "é", "d e")
NAMES = ("<pad>", "<s>", "</s>", "a", "b", "\\x0a", "▁", "é", "d\\x20e")
EOS = 2


class ArpaReader:
    """Back-off probabilities, as the format defines them."""

    def __init__(self, path: Path) -> None:
        self.log_probs: dict[tuple[str, ...], float] = {}
        self.backoffs: dict[tuple[str, ...], float] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = line.split("\t")
            if len(fields) > 1:
                words = tuple(fields[1].split(" "))
                self.log_probs[words] = float(fields[0])
                self.backoffs[words] = float(fields[2]) if len(fields) > 2 else 0.0

    def log10(self, context: tuple[str, ...], word: str) -> float:
        if (*context, word) in self.log_probs:
            return self.log_probs[*context, word]
        return self.backoffs.get(context, 0.0) + self.log10(context[1:], word)


def fitted(order: int, min_count: int) -> NGram:
    rng = np.random.default_rng(order)
    ids = rng.choice([2, 3, 4, 5, 6], size=400, p=[0.05, 0.4, 0.3, 0.15, 0.1])
    model = NGram(NGramSettings(order=order, min_count=min_count), VOCAB)
    model.fit([Example(np.empty(0, dtype=np.int64), ids)], end=False)
    return model.eval()


def contexts(order: int) -> list[list[int]]:
    """Contexts without a document's end, which the format has no rule for, but at their beginning."""
    rng = np.random.default_rng(7)
    found = [rng.choice([3, 4, 5, 6, 7], size=rng.integers(1, order + 2)).tolist() for _ in range(40)]
    return [*found, [EOS], [EOS, 3], [EOS, 4, 3]]


def distribution(model: NGram, context: Sequence[int]) -> torch.Tensor:
    state = model.start(Sources.pad([context[:-1]], pad_id=0))
    return model.log_probs(model.advance(torch.tensor([context[-1:]]), state)[0])[0, 0] / math.log(10)


@pytest.mark.parametrize(("order", "min_count"), [(1, 1), (2, 1), (4, 1), (4, 3)])
def test_a_file_holds_the_model(order: int, min_count: int, tmp_path: Path) -> None:
    model = fitted(order, min_count)
    path = tmp_path / "model.arpa"
    write_arpa(model, PIECES, path)
    reader = ArpaReader(path)
    for context in contexts(order):
        words = tuple(NAMES[i] for i in context[max(0, len(context) - order + 1) :]) if order > 1 else ()
        theirs = [reader.log10(words, name) for name in NAMES]
        assert distribution(model, context).tolist() == pytest.approx(theirs, abs=1e-6)
    lines = path.read_text(encoding="utf-8").splitlines()
    for length in range(1, order + 1):
        count = sum(len(words) == length for words in reader.log_probs)
        assert f"ngram {length}={count}" in lines
    assert (lines[0], lines[-1]) == ("\\data\\", "\\end\\")


def test_the_package_arpa_reads_it(tmp_path: Path) -> None:
    arpa = pytest.importorskip("arpa", reason="the package arpa is not installed")
    model = fitted(3, 1)
    path = tmp_path / "model.arpa"
    write_arpa(model, PIECES, path)
    (read,) = arpa.loadf(str(path))
    for context in contexts(3):
        ours = distribution(model, context)
        for word in (3, 4, 5, 6):
            words = " ".join(NAMES[i] for i in (*context[-2:], word))
            assert read.log_p(words) == pytest.approx(float(ours[word]), abs=1e-6)


def test_pieces_need_different_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two pieces of the tokenizer have the same name"):
        write_arpa(fitted(2, 1), (*PIECES[:8], "\\x0a"), tmp_path / "model.arpa")
