"""The lexicon of a run: what was written is read again, and what is wrong is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqloom.decoding.lexicon import NO_ID, Lexicon
from seqloom.decoding.settings import MOST_TRANSLATIONS
from seqloom.errors import CheckpointError, ConfigError
from seqloom.recipes import load_recipe
from seqloom.run.lexicon import LEXICON, load_lexicon, run_lexicon, save_lexicon
from seqloom.tokenizer import Tokenizer
from seqloom.vocabulary import Vocabulary
from tests.run_info import make_corpus_info

VOCAB = Vocabulary(9, 12, shared=False)


def lexicon() -> Lexicon:
    likely = np.full((9, MOST_TRANSLATIONS), NO_ID, dtype=np.int32)
    likely[3:, :2] = [[11, 5]]
    return Lexicon(np.array([5, 11], dtype=np.int32), likely)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    written = lexicon()
    save_lexicon(tmp_path, written)
    read = load_lexicon(tmp_path, VOCAB)
    assert (read.frequent == written.frequent).all()
    assert (read.likely == written.likely).all()
    assert read.likely.dtype == np.int32


@pytest.mark.parametrize("vocab", [Vocabulary(10, 12, shared=False), Vocabulary(9, 11, shared=False)])
def test_a_lexicon_of_another_vocabulary_is_told(vocab: Vocabulary, tmp_path: Path) -> None:
    save_lexicon(tmp_path, lexicon())
    with pytest.raises(CheckpointError, match=f"{LEXICON}: not a lexicon of this run's vocabulary"):
        load_lexicon(tmp_path, vocab)


def test_a_damaged_lexicon_is_told(tmp_path: Path) -> None:
    (tmp_path / LEXICON).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="damaged"):
        load_lexicon(tmp_path, VOCAB)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    path = tmp_path / "pairs.tsv"
    path.write_text("a b\tc d\n" * 5)
    from seqloom.corpus import CorpusSettings, open_corpus

    corpus = open_corpus(CorpusSettings(data=path, val=path, test=path, overlap="keep"))
    return Tokenizer.train(corpus.train, load_recipe("transformer-tiny").tokenizer)


@pytest.mark.parametrize(
    ("about", "data", "message"),
    [
        ({"kind": "text"}, None, "a model of plain text has no sources"),
        ({"kind": "pairs"}, None, "the run does not say which corpus"),
        ({"kind": "pairs", "fingerprint": "x"}, "gone.tsv", "cannot be had: .*gone.tsv"),
        ({"kind": "pairs", "fingerprint": "x"}, "pairs.tsv", "not the data that .* was trained on"),
    ],
)
def test_what_cannot_be_learned_from_is_told(
    about: dict[str, Any], data: str | None, message: str, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    corpus = {} if data is None else {"corpus": {"data": str(tmp_path / data), "val": None}}
    recipe = load_recipe("transformer-tiny", corpus)
    (tmp_path / "pairs.tsv").write_text("".join(f"a {n}\tb {n}\n" for n in range(50)))
    with pytest.raises(ConfigError, match=message):
        run_lexicon(tmp_path, recipe, tokenizer, make_corpus_info(**about))
    assert not (tmp_path / LEXICON).exists()
