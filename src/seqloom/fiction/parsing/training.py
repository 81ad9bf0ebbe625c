"""Trains a parser network: phrasings made from the words of games, an ordinary run, and a threshold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqloom.corpus import CorpusSettings
from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.calibration import decisions, threshold
from seqloom.fiction.parsing.evaluation import merged_words
from seqloom.fiction.parsing.hybrid import HybridParser
from seqloom.fiction.parsing.network import NetworkParser
from seqloom.fiction.parsing.phrasings import SPLITS, examples
from seqloom.fiction.parsing.rules import RuleParser
from seqloom.fiction.parsing.scene import game_words
from seqloom.fiction.parsing.trained import write_trained
from seqloom.files import make_folder, write_text
from seqloom.progress import Progress
from seqloom.run.load import Run
from seqloom.run.train import train
from seqloom.training import Budget

_CALIBRATION = 600
DEFAULT_RECIPE = "attention-rnn-tiny"
DEFAULT_BUDGET = Budget(minutes=5)
SIZES = {"train": 60_000, "val": 1_000, "nouns": 1_000, "phrases": 1_000}
# Subwords of a small vocabulary, so that misspelt words can be read.
_SETTINGS: dict[str, Any] = {
    "tokenizer": {"lowercase": True, "vocab_size": 2000},
    "training": {"validation_sentences": 200},
}
# The default recipe is made smaller: a marked text is short, and has few different words.
_SMALLER: dict[str, Any] = {"model": {"d_model": 96, "hidden_size": 160, "num_layers": 1}}


@dataclass(frozen=True)
class PhrasingFiles:
    """The files of phrasings that were written: one for each split, with the columns `text` and `commands`."""

    folder: Path
    paths: Mapping[str, Path]

    def corpus(self) -> CorpusSettings:
        """What a run trains on; held-out phrases are its test data."""
        return CorpusSettings(
            data=str(self.paths["train"]),
            val=str(self.paths["val"]),
            test=str(self.paths["phrases"]),
            src_column="text",
            tgt_column="commands",
            metric="exact_match",
        )


def write_phrasings(
    games: Sequence[Words], folder: Path, *, size: int = SIZES["train"], seed: int = 0
) -> PhrasingFiles:
    """Writes the splits as files of tab-separated values, which `seqloom train` and `seqloom compare` read too.

    Args:
        size: the number of training examples.

    Raises:
        OutputError: the folder cannot be written.
    """
    make_folder(folder)
    paths = {}
    for split in SPLITS:
        count = size if split == "train" else SIZES[split]
        lines = [f"{example.text}\t{example.commands}" for example in examples(games, split, count, seed)]
        paths[split] = folder / f"{split}.tsv"
        write_text(paths[split], "\n".join(["text\tcommands", *lines]) + "\n")
    return PhrasingFiles(folder, paths)


def train_parser(
    games: Sequence[str],
    out: Path,
    *,
    recipe: str | Path = DEFAULT_RECIPE,
    budget: Budget | None = None,
    size: int = SIZES["train"],
    seed: int = 0,
    changes: Sequence[str] = (),
    data_dir: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Trains a parser network for all games; the names of things are no part of it, so that it also serves other games.

    The phrasings are kept beside the run, in `OUT-phrasings`. Its many parameters are the options of the command.

    Args:
        games: names of games or story files, whose nouns and adjectives the phrasings use.
        out: the run folder.
        size: the number of training examples.
        changes: settings of the recipe to change.

    Raises:
        SeqloomError: a game, a setting or a folder is not what it should be.
    """
    words = game_words(games, data_dir=data_dir, progress=progress)
    if progress is not None:
        progress.say(f"writing {size:,} phrasings with the words of {', '.join(games)}")
    files = write_phrasings(list(words.values()), out.with_name(f"{out.name}-phrasings"), size=size, seed=seed)
    run = train(
        recipe,
        files.corpus(),
        budget=budget or DEFAULT_BUDGET,
        out=out,
        changes=[*_as_changes(_SETTINGS | (_SMALLER if recipe == DEFAULT_RECIPE else {}), changes), *changes],
        seed=seed,
        threads=threads,
        progress=progress,
    )
    parser = HybridParser(RuleParser(), NetworkParser(run))
    merged = merged_words(words.values())
    if progress is not None:
        progress.say("finding the threshold on held-out phrases")
    sample = examples(list(words.values()), "phrases", _CALIBRATION, seed + 1)
    write_trained(out, threshold=threshold(decisions(parser, sample, merged)), games=tuple(games))
    return run


def _as_changes(settings: dict[str, Any], changes: Sequence[str]) -> list[str]:
    """Default settings as changes, without those that the changes set."""
    own = [f"{part}.{key}={json.dumps(value)}" for part, values in settings.items() for key, value in values.items()]
    return [text for text in own if not any(change.split("=")[0] == text.split("=")[0] for change in changes)]
