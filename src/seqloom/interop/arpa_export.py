"""An n-gram run becomes an ARPA file, the text format of KenLM, SRILM and others.

An ARPA file holds for each n-gram the logarithm (base 10) of its probability, and for each n-gram that is the context of longer
ones the logarithm of its back-off weight. An n-gram that is not listed has the weight of its context times its probability in the
shorter context. The interpolated model has this form too, so the file holds the same model.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqloom.errors import ConfigError
from seqloom.files import open_new
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.folder import SEQLOOM_FOLDER
from seqloom.interop.unsupported import UnsupportedFeature, check_supported
from seqloom.models.ngram import NGram
from seqloom.run.load import WEIGHTS
from seqloom.run.weights import load_model

NAME = "arpa"
FILE = "model.arpa"
# Lines that are written at once.
_CHUNK = 1 << 16
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def write_arpa_run(source: ExportedRun, folder: Path, quantization: str) -> tuple[str, tuple[str, ...]]:
    """Writes a run into an empty folder: model.arpa, and the tokenizer whose pieces are its words.

    Returns:
        The layout in words, and notes for the user.

    Raises:
        ConfigError: the run is not an n-gram model, or two pieces of its tokenizer have the same name in the file.
    """
    del quantization
    settings = source.recipe.model
    model = load_model(settings, source.tokenizer.vocab, source.folder / WEIGHTS, within=source.folder)
    if not isinstance(model, NGram):
        feature = UnsupportedFeature("model.architecture", settings.architecture, "ngram")
        check_supported([feature], run=str(source.folder), target="an ARPA file")
        raise AssertionError("an unsupported feature is an error")
    write_arpa(model.eval(), source.tokenizer.target.pieces, folder / FILE)
    shutil.copyfile(source.folder / "recipe.yaml", folder / SEQLOOM_FOLDER / "recipe.yaml")
    source.tokenizer.save(folder / SEQLOOM_FOLDER / "tokenizer.json")
    return f"n-grams of up to {model.settings.order}", (
        f"the words of {FILE} are the pieces of seqloom/tokenizer.json; white space in them is written as \\x0a",
        "seqloom begins a text without a context, and does not read beyond the end of a document (</s>)",
    )


def write_arpa(model: NGram, pieces: Sequence[str], path: Path) -> None:
    """Writes a model as an ARPA file.

    Args:
        pieces: the text of each id.

    Raises:
        ConfigError: two pieces have the same name in the file.
    """
    names = [_INVISIBLE.sub(lambda match: f"\\x{ord(match[0]):02x}", piece) for piece in pieces]
    if len(set(names)) < len(names):
        raise ConfigError(
            "two pieces of the tokenizer have the same name in an ARPA file, which shows white space as \\x0a"
        )
    sections = list(_sections(model))
    with open_new(path) as stream:
        counts = "".join(f"ngram {length}={len(section[1])}\n" for length, section in enumerate(sections, start=1))
        stream.write(f"\\data\\\n{counts}".encode())
        for length, (ids, log_probs, backoffs) in enumerate(sections, start=1):
            stream.write(f"\n\\{length}-grams:\n".encode())
            for begin in range(0, len(ids), _CHUNK):
                part = slice(begin, begin + _CHUNK)
                rows = zip(ids[part].tolist(), log_probs[part].tolist(), backoffs[part].tolist(), strict=True)
                stream.write("".join(_line(names, *row) for row in rows).encode())
        stream.write(b"\n\\end\\\n")


def _line(names: Sequence[str], ids: Sequence[int], log_prob: float, backoff: float) -> str:
    weight = "" if np.isnan(backoff) else f"\t{backoff:.9g}"
    return f"{log_prob:.9g}\t{' '.join(names[i] for i in ids)}{weight}\n"


def _sections(model: NGram) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """For each length the ids of all n-grams, their log-probabilities and their back-off weights (NaN where there is none)."""
    size, levels = model.vocab.tgt_size, model.levels()
    # Unigrams: all ids are listed, those that were never seen too.
    ngrams = torch.arange(size)
    probs = levels[0].distribution
    context_ids = torch.empty((1, 0), dtype=torch.int64)
    # For each context, the number of the context that it becomes without its last id.
    prefixes = torch.zeros(1, dtype=torch.int64)
    for length, level in enumerate(levels):
        if length:
            parents, firsts = level.contexts // size, level.contexts % size
            context_ids = torch.cat([firsts[:, None], context_ids[parents]], dim=1)
            contexts = level.ngrams // size
            shorter = torch.searchsorted(ngrams, parents[contexts] * size + level.ngrams % size)
            own = level.probs(contexts, level.ngrams % size)
            ngrams, probs = level.ngrams, own + level.backoff[contexts] * probs[shorter]
        backoffs = torch.full((len(ngrams),), torch.nan, dtype=torch.float64)
        if length + 1 < len(levels):
            longer = levels[length + 1]
            prefixes = _without_last(longer.contexts, prefixes, level.contexts if length else None, size)
            lasts = _last_ids(longer.contexts, context_ids, size)
            backoffs[torch.searchsorted(ngrams, prefixes * size + lasts)] = longer.backoff.log10()
        ids = torch.cat([context_ids[ngrams // size], (ngrams % size)[:, None]], dim=1)
        yield ids.numpy(), probs.log10().numpy(), backoffs.numpy()


def _without_last(longer: Tensor, prefixes: Tensor, contexts: Tensor | None, size: int) -> Tensor:
    """The numbers of contexts of one id more, without their last id.

    Args:
        longer: the keys of the longer contexts.
        prefixes: the same numbers for the contexts that they extend.
        contexts: the keys of the contexts that they extend; None for empty ones.
    """
    if contexts is None:
        return torch.zeros_like(longer)
    return torch.searchsorted(contexts, prefixes[longer // size] * size + longer % size)


def _last_ids(longer: Tensor, context_ids: Tensor, size: int) -> Tensor:
    """The last id of each longer context: that of the context that it extends to the left."""
    return context_ids[longer // size, -1] if context_ids.shape[1] else longer % size
