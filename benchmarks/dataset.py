"""The data that all measured programs share: Multi30k English-German, tokenized once by seqloom.

The files are written for programs that cannot read seqloom's formats. `train.src`, `train.tgt`, `val.*` and `test.*` hold a
sentence per line. Each token is written as its id (`t17`), so that no program can normalise or split it again. `vocab.txt` lists
the tokens. `train.npz` holds the same ids, and seqloom's batches of the first epochs for plain loops. Counts of target tokens
include eos.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sizes import BATCH_TOKENS, SEED, TINY, our_recipe
from seqloom import CorpusSettings, load_recipe, open_corpus
from seqloom.data.batching import Batches
from seqloom.run.prepare import prepare
from seqloom.tokenizer import Tokenizer

CORPUS = CorpusSettings(data="multi30k", from_lang="en", to_lang="de")
_EPOCHS = 4
_VERSION = 1


@dataclass(frozen=True)
class Dataset:
    """The folder of the shared data, the lengths of the training pairs in tokens (eos included), and facts about the data."""

    folder: Path
    src_lengths: np.ndarray
    tgt_lengths: np.ndarray
    facts: dict[str, Any]

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.load(self.folder / "tokenizer.json")

    def lines(self, name: str) -> list[str]:
        """The lines of a file of the folder: `test.src` (ids), `test.text.src` or `test.text.tgt` (text)."""
        return (self.folder / name).read_text(encoding="utf-8").splitlines()


def prepare_dataset(folder: Path) -> Dataset:
    """Writes the shared data unless the folder has this version of them, and opens them."""
    done = folder / "facts.json"
    if not done.is_file() or json.loads(done.read_text())["version"] != _VERSION:
        _write(folder)
    facts = json.loads(done.read_text())
    with np.load(folder / "train.npz") as arrays:
        src, tgt = np.diff(arrays["src_ends"], prepend=0), np.diff(arrays["tgt_ends"], prepend=0)
    return Dataset(folder, src + 1, tgt + 1, facts)


def _write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ours = our_recipe(TINY)
    corpus = open_corpus(CORPUS)
    prepared = prepare(corpus, load_recipe(ours.recipe, ours.assignments()))
    tokenizer = prepared.tokenizer
    tokenizer.save(folder / "tokenizer.json")
    vocab = tokenizer.vocab
    _write_lines(folder / "vocab.txt", [f"t{number}" for number in range(vocab.eos_id + 1, vocab.tgt_size)])
    examples = [prepared.train[i] for i in range(len(prepared.train))]
    src_ids, tgt_ids = [e.src_ids for e in examples], [e.tgt_ids for e in examples]
    _write_ids(folder / "train", src_ids, tgt_ids)
    for name, split in (("val", corpus.val), ("test", next(iter(corpus.tests.values())))):
        pairs = list(split.pairs())
        sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
        _write_ids(folder / name, tokenizer.encode_src(sources), tokenizer.encode_tgt(targets))
        _write_lines(folder / f"{name}.text.src", sources)
        _write_lines(folder / f"{name}.text.tgt", targets)
    batches = Batches(
        prepared.train,
        batch_tokens=BATCH_TOKENS,
        seed=SEED,
        pad_id=vocab.pad_id,
        bos_id=vocab.bos_id,
        eos_id=vocab.eos_id,
    )
    chosen = [indices for epoch in range(_EPOCHS) for indices in batches.indices(epoch)]
    np.savez(
        folder / "train.npz",
        src=np.concatenate(src_ids),
        src_ends=np.cumsum([len(ids) for ids in src_ids]),
        tgt=np.concatenate(tgt_ids),
        tgt_ends=np.cumsum([len(ids) for ids in tgt_ids]),
        batches=np.concatenate(chosen),
        batch_ends=np.cumsum([len(indices) for indices in chosen]),
    )
    facts = {
        "version": _VERSION,
        "corpus": corpus.name,
        "fingerprint": corpus.fingerprint,
        "tokenizer": tokenizer.describe(),
        "vocab_size": vocab.tgt_size,
        "pairs": len(examples),
        "target_tokens": int(sum(len(ids) + 1 for ids in tgt_ids)),
        "source_tokens": int(sum(len(ids) + 1 for ids in src_ids)),
        "test": split.name,
        "test_sentences": len(pairs),
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


def _write_ids(stem: Path, src_ids: Sequence[Any], tgt_ids: Sequence[Any]) -> None:
    for side, rows in (("src", src_ids), ("tgt", tgt_ids)):
        lines = (" ".join(f"t{number}" for number in ids.tolist()) for ids in rows)
        _write_lines(stem.with_name(f"{stem.name}.{side}"), lines)


def _write_lines(path: Path, lines: Any) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
