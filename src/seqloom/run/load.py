"""Run: an opened run folder, with methods to translate, generate, score and evaluate."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import torch

from seqloom import machine
from seqloom.arguments import MAX_BEAM, MAX_TOKENS, as_path, check_texts, whole_number
from seqloom.config import merge, read_yaml
from seqloom.corpus.corpus import Corpus, SentencePair
from seqloom.corpus.settings import CorpusSettings
from seqloom.decoding.engines import OWN, Engine, open_engine
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.generator import Generator
from seqloom.decoding.hypothesis import Generation, PairScore
from seqloom.decoding.lexicon import Lexicon
from seqloom.decoding.output_stream import OutputStream
from seqloom.decoding.prefix_cache import PrefixCache
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError
from seqloom.messages import command_line, use_command
from seqloom.models.base import Model
from seqloom.progress import Progress
from seqloom.recipes import Recipe
from seqloom.run.info import RunInfo, check_model_settings, read_info
from seqloom.run.lexicon import run_lexicon
from seqloom.run.weights import load_model
from seqloom.tasks import task_of
from seqloom.tokenizer import Tokenizer
from seqloom.training import Budget

if TYPE_CHECKING:
    from seqloom.evaluation import Evaluation

WEIGHTS = "weights/best.safetensors"


class Run:
    """A trained run: recipe, tokenizer and model, with methods that use them."""

    def __init__(self, folder: Path, recipe: Recipe, tokenizer: Tokenizer, model: Model, device: torch.device) -> None:
        self.folder = folder
        self.recipe = recipe
        self.tokenizer = tokenizer
        self.model = model.eval()
        self.device = device
        self._cached_lexicon: Lexicon | None = None

    @cached_property
    def info(self) -> RunInfo:
        """The content of run.json: corpus, budget, environment, result."""
        return read_info(self.folder)

    @cached_property
    def _inference_model(self) -> Model:
        # On accelerators, no measurement showed that an inference model is faster.
        return self.model.inference_model() if self.device.type == "cpu" else self.model

    @overload
    def generator(
        self,
        *,
        engine: Literal["seqloom"] = "seqloom",
        progress: Progress | None = None,
        prefix_cache: PrefixCache | None = None,
        **decoding: Any,
    ) -> Generator: ...
    @overload
    def generator(
        self,
        *,
        engine: str,
        progress: Progress | None = None,
        prefix_cache: PrefixCache | None = None,
        **decoding: Any,
    ) -> Engine: ...

    def generator(
        self,
        *,
        engine: str = OWN,
        progress: Progress | None = None,
        prefix_cache: PrefixCache | None = None,
        **decoding: Any,
    ) -> Engine:
        """A generator: it encodes texts, decodes them and returns generations.

        Args:
            engine: "seqloom", or another program that decodes, such as "ctranslate2".
            progress: receives the progress of learning the lexicon, if `shortlist` needs one.
            prefix_cache: stores the states of prompts that a language model has read; other engines do not use it.
            decoding: decoding settings that replace those of the recipe, unless they are None.

        Raises:
            ConfigError: the engine does not exist, is not installed, or does not support a setting; or the lexicon for
                `shortlist` cannot be made.
        """
        if engine != OWN:
            if isinstance(self.model, Ensemble):
                raise ConfigError(f"engine {engine}: it decodes with one run at a time; an ensemble needs engine {OWN}")
            threads = torch.get_num_threads()
            return open_engine(engine, self.folder, decoding, device=self.device.type, threads=threads)
        overrides = {name: value for name, value in decoding.items() if value is not None}
        own = self.recipe.decoding.for_method(overrides.get("method", self.recipe.decoding.method))
        settings = DecodingSettings.parse(merge(own, overrides), source="decoding")
        lexicon = self._lexicon(progress) if settings.shortlist else None
        return Generator(
            self._inference_model,
            self.tokenizer,
            settings,
            device=self.device,
            lexicon=lexicon,
            prefix_cache=prefix_cache,
        )

    def _lexicon(self, progress: Progress | None) -> Lexicon:
        if self._cached_lexicon is None:
            self._cached_lexicon = run_lexicon(self.folder, self.recipe, self.tokenizer, self.info.corpus, progress)
        return self._cached_lexicon

    def require_pairs(self, what: str) -> None:
        """Checks that the run is a model of pairs.

        Args:
            what: the operation that needs pairs, such as "translate".

        Raises:
            ConfigError: the run is a language model; the message names the command to use instead.
        """
        task = task_of(self.info.corpus.kind)
        if not task.has_sources:
            raise ConfigError(
                f"{what}: {self.folder} is a language model, trained on plain text, so it has no source and target. To continue a "
                f"text: {use_command(self.folder, task.command)} --prompt TEXT"
            )

    def open_corpus(self, progress: Progress | None = None) -> Corpus:
        """Opens the corpus that the run was trained on, also if its files were moved.

        Raises:
            SeqloomError: the run does not record its corpus, or the data are not found or have changed.
        """
        from seqloom.run.data import open_run_corpus

        return open_run_corpus(self.folder, self.recipe.corpus, self.info.corpus, progress)[1]

    def translate(self, texts: str | Iterable[str], **decoding: Any) -> list[Generation]:
        """Translates texts. Returns a generation for each text, in order. `decoding`: see `generator`."""
        return list(self.translate_lines(check_texts(texts, "texts"), **decoding))

    def translate_lines(
        self, texts: Iterable[str], *, alignments: bool = False, progress: Progress | None = None, **decoding: Any
    ) -> Iterator[Generation]:
        """Translates a stream of any length. Yields a generation for each text, in order; an empty one for an empty text.

        Raises:
            ConfigError: the run is a language model; use `generate`.
            DecodingError: alignments are requested of a model without attention.
        """
        self.require_pairs("translate")
        engine = self.generator(progress=progress, **decoding)
        return engine.generate(texts, alignments=alignments, progress=progress)

    def generate(
        self, prompts: str | Sequence[str] = "", *, num_samples: int = 1, max_tokens: int = 200, **decoding: Any
    ) -> list[Generation]:
        """Continues prompts, by sampling unless `decoding` names another method. For a model of pairs, a prompt is a source.

        Args:
            num_samples: the number of outputs for each prompt.
            max_tokens: the largest number of tokens of an output, including eos.
        """
        texts = check_texts(prompts, "prompts")
        whole_number(max_tokens, "max_tokens", least=1, most=MAX_TOKENS)
        whole_number(num_samples, "num_samples", least=1, most=MAX_BEAM)
        settings = {"method": "sample", "nbest": num_samples, **decoding}
        if task_of(self.info.corpus.kind).has_sources:
            return list(self.generator(**settings, max_len_ratio=0.0, max_len_offset=max_tokens).generate(texts))
        generations = self.generator(**settings).continue_text(texts, max_tokens=max_tokens)
        return [generation.with_limit_note(max_tokens) for generation in generations]

    def stream(
        self, prompt: str, on_text: Callable[[str], object], *, number: int = 0, max_tokens: int = 200, **decoding: Any
    ) -> Generation:
        """Continues a prompt as `generate` does, and passes on each piece of the text as soon as it is final.

        Args:
            on_text: called with each piece; all pieces together are the text of the generation.
            number: the index of the prompt, which determines the random numbers together with the seed.
            max_tokens: the largest number of tokens of the output, including eos.

        Raises:
            ConfigError: the settings require several outputs, or a beam of several hypotheses, whose tokens are final only at the
                end.
        """
        (text,) = check_texts(prompt, "prompt")
        whole_number(max_tokens, "max_tokens", least=1, most=MAX_TOKENS)
        has_sources = task_of(self.info.corpus.kind).has_sources
        lengths = {"max_len_ratio": 0.0, "max_len_offset": max_tokens} if has_sources else {}
        generator = self.generator(**{"method": "sample", **decoding, **lengths})
        settings = generator.settings
        if settings.nbest > 1 or (settings.method == "beam" and settings.beam > 1):
            raise ConfigError(
                "stream: only greedy search (beam 1) and a single sample give a text while it is generated; set nbest to 1, "
                "and beam to 1 or method to 'sample'"
            )
        output = OutputStream(self.tokenizer, stop=settings.stop_strings, emit=lambda piece, _: on_text(piece))
        (generation,) = generator.answer(
            [text],
            max_tokens=None if has_sources else max_tokens,
            draw_keys=[(settings.seed, number, 0)] if settings.method == "sample" else None,
            on_token=output,
        )
        output.finish(generation)
        rest, _ = output.remaining()
        if rest:
            on_text(rest)
        return generation if has_sources else generation.with_limit_note(max_tokens)

    def score(self, pairs: Iterable[SentencePair]) -> Iterator[PairScore]:
        """The log-probability of each target given its source, by forced decoding; see `PairScore`.

        Raises:
            ConfigError: the run is a language model; use `score_text`.
        """
        self.require_pairs("score")
        return self.generator().score(pairs)

    def score_text(self, texts: Sequence[str], *, are_documents: bool = False) -> list[PairScore]:
        """The log-probability of each line of a running text, given the text before it, or of each document; for language models.

        Args:
            texts: lines without line ends, or documents.
            are_documents: whether `texts` are documents. Earlier documents are context if the run was trained that way
                (`training.across_documents`).

        Raises:
            ConfigError: the run is a model of pairs; use `score`.
            CorpusError: the texts are empty.
        """
        task = task_of(self.info.corpus.kind)
        return task.score_text(self, check_texts(texts, "texts"), are_documents=are_documents)

    def evaluate(
        self,
        corpus: Corpus | CorpusSettings | str | Path | Sequence[SentencePair] | None = None,
        *,
        more_references: Sequence[Sequence[str]] = (),
        metrics: Sequence[str] | None = None,
        progress: Progress | None = None,
        **decoding: Any,
    ) -> "Evaluation":
        """Scores the run on its own corpus, on a file, or on pairs.

        It scores the test splits of the run's own corpus and of named data sets, and all items of any other file. The scopes of
        the evaluation describe the scored items and their number.

        Args:
            corpus: a corpus, settings, a name, a file or pairs; by default the run's own corpus.
            more_references: for pairs, the references of further translators, a sequence for each translator.
            metrics: names of metrics; by default those that fit the data.

        Raises:
            SeqloomError: the data cannot be read, or do not fit each other or the metrics.
        """
        # Importing the modules that read and score corpora takes longer than a first translation.
        from seqloom.run.scoring import choose_test_data

        data = choose_test_data(
            corpus, own=self.recipe.corpus, info=self.info.corpus, folder=self.folder, progress=progress
        )
        uses_own_task = data.corpus is None or self.recipe.task is not None
        task = task_of(self.info.corpus.kind if uses_own_task or data.corpus is None else data.corpus.kind)
        return task.evaluate(
            self, data, metrics=metrics, more_references=more_references, decoding=decoding, progress=progress
        )

    def describe(self) -> dict[str, Any]:
        """The facts that the run folder stores about the run; see the function `describe`."""
        return describe(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.recipe.name} on {self.info.corpus.name})"


def load(
    *folders: Path | str,
    device: str = "auto",
    threads: int | None = None,
    weights: Sequence[float] | Literal["tune"] | None = None,
) -> Run:
    """Opens a run, or an ensemble of several runs with the same vocabulary.

    An ensemble has the folder and the recipe of its first run that was trained with gradients; if there is none, of its first run.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        threads: processor threads; None: one for each core.
        weights: for an ensemble, the weights of the runs, at least 0 and with the sum 1; equal by default. "tune", for language
            models: the weights that predict the validation split of the corpus best.

    Raises:
        CheckpointError: a folder is not a run or is damaged, or the vocabularies differ.
        ConfigError: `weights` is set for a single run, or is "tune" for models of pairs.
        DecodingError: the weights are not as many as the runs, are negative, or do not have the sum 1.
    """
    if not folders:
        raise ConfigError("name at least one run folder")
    paths = [as_path(folder, "a run folder") for folder in folders]
    chosen_device = machine.choose_device(device)
    machine.set_threads(threads)
    if chosen_device.type == "cpu":
        machine.arrange_matrix_products()
    runs = [_load_one(path, chosen_device) for path in paths]
    first = runs[0]
    if len(runs) == 1:
        if weights is not None:
            raise ConfigError(
                "weights: they belong to several runs, but there is only one; name another run, or leave them out"
            )
        return first
    for other in runs[1:]:
        if other.tokenizer.hash != first.tokenizer.hash:
            raise CheckpointError(
                f"{other.folder} and {first.folder} have different vocabularies, so their scores cannot be averaged: train both "
                "with the same tokenizer (as seqloom compare and seqloom train --from do)"
            )
    main_run = next((run for run in runs if not run.model.fitted_by_counting), first)
    if weights == "tune":
        task = task_of(main_run.info.corpus.kind)
        if task.has_sources:
            raise ConfigError(
                "weights: tune is for language models, and these runs are models of pairs; give the weights as numbers"
            )
        weights = task.tune_weights(runs, main_run.open_corpus().val)
    model = Ensemble([run.model for run in runs], weights)
    return Run(main_run.folder, main_run.recipe, main_run.tokenizer, model, chosen_device)


def describe(folder: Path | str) -> dict[str, Any]:
    """The facts that a run folder stores about its run, as values for JSON; the run need not be finished.

    Raises:
        CheckpointError: the folder is not a run, or is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such run folder")
    recipe = read_recipe(folder)
    info = read_info(folder)
    return {
        "run": str(folder),
        "recipe": recipe.name,
        "description": recipe.description,
        "state": "finished"
        if info.result
        else f"not finished; continue: {command_line('train', '--resume', '--out', folder)}",
        "seed": info.seed,
        "budget": str(Budget.parse(info.budget)) if info.budget else "one pass over the data, by counting",
        "corpus": info.corpus.to_json(),
        "tokenizer": info.tokenizer.description,
        "parameters": info.parameters,
        "parameters_without_embeddings": info.parameters_without_embeddings,
        "setup_seconds": info.setup_seconds,
        **(info.result.to_json() if info.result else {}),
        "settings": {part: getattr(recipe, part).model_dump(mode="json") for part in ("model", "training", "decoding")},
        "environment": info.environment.to_json(),
    }


def _load_one(folder: Path, device: torch.device) -> Run:
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: there is no such run folder")
    recipe = read_recipe(folder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json", within=folder)
    info = read_info(folder)
    if info.tokenizer.hash != tokenizer.hash:
        raise CheckpointError(f"{folder}/tokenizer.json: not the tokenizer that this run was trained with; restore it")
    check_model_settings(info, recipe.model.model_dump(mode="json"), folder)
    model = load_model(recipe.model, tokenizer.vocab, folder / WEIGHTS, within=folder)
    run = Run(folder, recipe, tokenizer, model.to(device), device)
    run.info = info
    return run


def read_recipe(folder: Path) -> Recipe:
    """The recipe that a run was trained with, including all default values.

    Raises:
        CheckpointError: the folder is not a run.
    """
    path = folder / "recipe.yaml"
    if not path.exists():
        raise CheckpointError(f"{folder}: this is not a run folder (there is no recipe.yaml in it)")
    values, lines = read_yaml(path, within=folder)
    return Recipe.parse(values, source=str(path), lines=lines)
