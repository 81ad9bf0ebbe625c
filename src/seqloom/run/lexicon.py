"""The lexicon of a run: learned from the data that the run was trained on, and stored in its folder.

A run's recipe, tokenizer and corpus become a Lexicon. Nothing here decodes.
"""

from pathlib import Path

import torch

from seqloom.decoding.lexicon import NO_ID, Lexicon
from seqloom.decoding.settings import MOST_TRANSLATIONS
from seqloom.errors import CheckpointError, ConfigError, OutputError, SeqloomError
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.info import CorpusInfo
from seqloom.tasks import task_of
from seqloom.tokenizer import Tokenizer
from seqloom.training.weights import load_weights, save_weights
from seqloom.vocabulary import Vocabulary

LEXICON = "lexicon.safetensors"


def save_lexicon(folder: Path, lexicon: Lexicon) -> None:
    """Writes the lexicon of a run.

    Raises:
        OutputError: it cannot be written.
    """
    tensors = {"frequent": lexicon.frequent, "likely": lexicon.likely}
    save_weights(folder / LEXICON, {name: torch.from_numpy(array) for name, array in tensors.items()})


def load_lexicon(folder: Path, vocab: Vocabulary) -> Lexicon:
    """Reads the lexicon of a run.

    Raises:
        CheckpointError: there is none, or it is damaged or of another vocabulary.
    """
    path = folder / LEXICON
    tensors = load_weights(path, within=folder)
    try:
        # The types are checked first, because numpy does not have all types of safetensors.
        fits = all(tensors[name].dtype == torch.int32 for name in ("frequent", "likely"))
        if fits:
            lexicon = Lexicon(*(tensors[name].numpy() for name in ("frequent", "likely")))
            fits = lexicon.likely.shape == (vocab.src_size, MOST_TRANSLATIONS) and lexicon.frequent.ndim == 1
            fits = fits and len(lexicon.frequent) <= MOST_TRANSLATIONS
            parts = (lexicon.likely, lexicon.frequent)
            fits = fits and all(NO_ID <= part.min(initial=0) <= part.max(initial=0) < vocab.tgt_size for part in parts)
    except KeyError:
        fits = False
    if not fits:
        raise CheckpointError(
            f"{path}: not a lexicon of this run's vocabulary; remove it, and it will be learned again"
        )
    return lexicon


def run_lexicon(
    folder: Path, recipe: Recipe, tokenizer: Tokenizer, about: CorpusInfo, progress: Progress | None = None
) -> Lexicon:
    """The lexicon of a run; learned at first use from the run's own corpus.

    Raises:
        ConfigError: there is none, and the corpus cannot be opened, has changed or is plain text.
    """
    if (folder / LEXICON).is_file():
        return load_lexicon(folder, tokenizer.vocab)
    progress = progress or Silent()
    lexicon = _learn(folder, recipe, tokenizer, about, progress)
    try:
        save_lexicon(folder, lexicon)
    except OutputError as error:
        progress.say(f"{error}. The lexicon will be learned again next time")
    return lexicon


def _learn(folder: Path, recipe: Recipe, tokenizer: Tokenizer, about: CorpusInfo, progress: Progress) -> Lexicon:
    # The slow imports that read corpora are needed only if a lexicon is learned.
    from seqloom.data.store import open_store
    from seqloom.run.data import open_run_corpus

    needs = (
        f"decoding.shortlist needs {folder / LEXICON}, which is learned from the data that the run was trained on, but"
    )
    if not task_of(about.kind).has_sources:
        raise ConfigError(
            "decoding.shortlist: a model of plain text has no sources to take shortlists from; set it to 0"
        )
    try:
        corpus = open_run_corpus(folder, recipe.corpus, about, progress)[1]
    except SeqloomError as error:
        raise ConfigError(f"{needs} they cannot be had: {error}; set decoding.shortlist to 0") from None
    return Lexicon.learn(open_store(corpus.train, tokenizer, progress=progress), tokenizer.vocab, progress)
