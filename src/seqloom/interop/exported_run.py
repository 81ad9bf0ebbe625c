"""ExportedRun: the parts of a run that an export reads: recipe, tokenizer, and weights as arrays."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqloom.errors import CheckpointError
from seqloom.interop.folder import SEQLOOM_FOLDER, Manifest, file_hash
from seqloom.models.transformer import BlockSettings
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.recipes import Recipe
from seqloom.run.info import CorpusInfo, check_model_settings, read_info
from seqloom.run.load import WEIGHTS, read_recipe
from seqloom.run.prepare import CHARACTERS
from seqloom.run.weights import load_model
from seqloom.tasks import task_of
from seqloom.tokenizer import Tokenizer


@dataclass(frozen=True)
class ExportedRun:
    """The parts of a run that an export reads.

    Attributes:
        folder: the run folder.
        weights: the state dict of the model.
        corpus: the corpus that the run was trained on.
    """

    folder: Path
    recipe: Recipe
    tokenizer: Tokenizer
    weights: Mapping[str, NDArray[np.float32]]
    corpus: CorpusInfo

    @property
    def running_text(self) -> bool:
        """Whether the run was trained on documents, not on pairs."""
        return not task_of(self.corpus.kind).has_sources

    @property
    def decoder_only(self) -> bool:
        """Whether the model is decoder-only, so that a source is the prompt of its target."""
        return isinstance(self.recipe.model, TransformerLMSettings)

    @property
    def max_len(self) -> int:
        """The largest number of positions of a source or a target; for a decoder-only model of both together."""
        assert isinstance(self.recipe.model, BlockSettings)
        return self.recipe.model.max_len

    @classmethod
    def read(cls, folder: Path) -> "ExportedRun":
        """Reads a run folder.

        Raises:
            CheckpointError: the folder is not a run, or is damaged.
        """
        if not folder.is_dir():
            raise CheckpointError(f"{folder}: there is no such run folder")
        recipe = read_recipe(folder)
        tokenizer = Tokenizer.load(folder / "tokenizer.json", within=folder)
        info = read_info(folder)
        if tokenizer.hash != info.tokenizer.hash:
            raise CheckpointError(
                f"{folder}/tokenizer.json: not the tokenizer that this run was trained with; restore it"
            )
        check_model_settings(info, recipe.model.model_dump(mode="json"), folder)
        # `load_model` checks the names and shapes of the weights.
        model = load_model(recipe.model, tokenizer.vocab, folder / WEIGHTS, within=folder)
        weights = {name: tensor.float().contiguous().numpy() for name, tensor in model.state_dict().items()}
        return cls(folder, recipe, tokenizer, weights, info.corpus)

    def write_seqloom_files(self, out: Path, *, target: str, quantization: str) -> None:
        """Writes recipe, tokenizer, manifest and the character statistics of the languages into an exported folder."""
        settings = self.recipe.model
        shutil.copyfile(self.folder / "recipe.yaml", out / SEQLOOM_FOLDER / "recipe.yaml")
        if (self.folder / CHARACTERS).is_file():
            shutil.copyfile(self.folder / CHARACTERS, out / SEQLOOM_FOLDER / CHARACTERS)
        self.tokenizer.save(out / SEQLOOM_FOLDER / "tokenizer.json")
        Manifest(
            target=target,
            quantization=quantization,
            decoder_only=self.decoder_only,
            max_len=self.max_len,
            reverse_source=bool(getattr(settings, "reverse_source", False)),
            decoding=self.recipe.decoding.model_dump(mode="json", exclude_unset=True),
            run=self.recipe.name,
            weights=file_hash(self.folder / WEIGHTS),
            corpus=self.corpus.name,
            src_lang=self.corpus.src_lang,
            tgt_lang=self.corpus.tgt_lang,
        ).save(out)
