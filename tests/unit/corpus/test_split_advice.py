"""What is said of a corpus that is too small to be divided names what really helps."""

from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.errors import CorpusError


def pairs(path: Path, count: int) -> Path:
    path.write_text("".join(f"source {'abcdefghij'[n]}\ttarget {n}\n" for n in range(count)))
    return path


def test_train_val_and_test_at_once(tmp_path: Path) -> None:
    five = pairs(tmp_path / "five.tsv", 5)
    with pytest.raises(CorpusError, match=r"5 pairs .* in val and test.*by heart: --overlap keep"):
        open_corpus(CorpusSettings(data=five, val=five, test=five))
    corpus = open_corpus(CorpusSettings(data=five, val=five, test=five, overlap="keep"))
    assert corpus.train.size == 5


def test_val_alone_at_once(tmp_path: Path) -> None:
    five = pairs(tmp_path / "five.tsv", 5)
    with pytest.raises(CorpusError, match="--overlap keep"):
        open_corpus(CorpusSettings(data=five, val=five))


@pytest.mark.parametrize(
    ("count", "given", "advice", "never"),
    [
        (2, {}, "add training data, or give --val FILE and --test FILE", "-size"),
        (2, {"val_size": 1}, "add training data", "-size"),
        (9, {"val_size": 20}, "ask for less with --val-size, or give", "--test-size"),
        (9, {"val_size": 20, "test_size": 30}, "ask for less with --val-size and --test-size", "add training"),
    ],
)
def test_too_few(tmp_path: Path, count: int, given: dict[str, Any], advice: str, never: str) -> None:
    with pytest.raises(CorpusError, match=advice) as error:
        open_corpus(CorpusSettings(data=pairs(tmp_path / "few.tsv", count), **given))
    assert never not in str(error.value)


def test_aligned_files_are_advised_in_their_form(tmp_path: Path) -> None:
    for name in ("a.de", "a.en"):
        (tmp_path / name).write_text(f"one {name}\ntwo {name}\n")
    with pytest.raises(CorpusError, match="--val-src FILE --val-tgt FILE"):
        open_corpus(CorpusSettings(src=tmp_path / "a.de", tgt=tmp_path / "a.en"))
