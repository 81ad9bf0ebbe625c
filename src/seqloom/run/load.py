"""Run: a run folder, opened: a model that translates, generates, scores and is evaluated."""

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
    """A trained run: its recipe, tokenizer and weights, and what they can do."""

    def __init__(self, folder: Path, recipe: Recipe, tokenizer: Tokenizer, model: Model, device: torch.device) -> None:
        self.folder = folder
        self.recipe = recipe
        self.tokenizer = tokenizer
        self.model = model.eval()
        self.device = device
        self._known_lexicon: Lexicon | None = None

    @cached_property
    def info(self) -> RunInfo:
        """The content of run.json: corpus, budget, environment, result."""
        return read_info(self.folder)

    @cached_property
    def _inference_model(self) -> Model:
        # On an accelerator it has not been found to pay.
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
        """Text in, generations out; decoding settings that are None are the recipe's.

        Args:
            engine: "seqloom", or another program that decodes in its place, such as "ctranslate2".
            progress: reports on the lexicon, if it has to be learned first (`shortlist`).
            prefix_cache: stores what a language model has read of prompts, for one run; other engines do not use it.

        Raises:
            ConfigError: there is no such engine, it is not installed, or cannot honour a setting; or shortlists are asked for,
                and cannot be made.
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
        if self._known_lexicon is None:
            self._known_lexicon = run_lexicon(self.folder, self.recipe, self.tokenizer, self.info.corpus, progress)
        return self._known_lexicon

    def require_pairs(self, what: str) -> None:
        """Checks that the run is a model of pairs.

        Args:
            what: what needs pairs, such as "translate".

        Raises:
            ConfigError: the run is a language model; the message names what it can do instead.
        """
        task = task_of(self.info.corpus.kind)
        if not task.has_sources:
            raise ConfigError(
                f"{what}: {self.folder} is a language model, trained on plain text, so it has no source and target. To continue a "
                f"text: {use_command(self.folder, task.command)} --prompt TEXT"
            )

    def open_corpus(self, progress: Progress | None = None) -> Corpus:
        """The corpus that the run was trained on, where it lies now.

        Raises:
            SeqloomError: the run does not say which corpus it was, or the data are not found, or have changed.
        """
        from seqloom.run.data import open_run_corpus

        return open_run_corpus(self.folder, self.recipe.corpus, self.info.corpus, progress)[1]

    def translate(self, texts: str | Iterable[str], **decoding: Any) -> list[Generation]:
        """Translates texts; one generation each, in order. `decoding`: beam, nbest and the other DecodingSettings."""
        return list(self.translate_lines(check_texts(texts, "texts"), **decoding))

    def translate_lines(
        self, texts: Iterable[str], *, alignments: bool = False, progress: Progress | None = None, **decoding: Any
    ) -> Iterator[Generation]:
        """Translates a stream of any length; one generation for each text, in order, whatever it is.

        Raises:
            ConfigError: the run is a language model; see `generate`.
        """
        self.require_pairs("translate")
        engine = self.generator(progress=progress, **decoding)
        return engine.generate(texts, alignments=alignments, progress=progress)

    def generate(
        self, prompts: str | Sequence[str] = "", *, num_samples: int = 1, max_tokens: int = 200, **decoding: Any
    ) -> list[Generation]:
        """Continues prompts, by sampling unless `decoding` says otherwise. A model of pairs takes the prompt as its source.

        Args:
            max_tokens: the most tokens of an output, eos included.
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
        """As `generate` with one prompt, but each piece of the text is passed on as soon as it cannot change any more.

        Args:
            on_text: called with each piece; together they are the text of the generation.
            number: the index of the prompt among others; the seed and it determine the random numbers.
            max_tokens: the most tokens of the output, eos included.

        Raises:
            ConfigError: the settings ask for several outputs, or for a beam of several hypotheses, whose tokens are known only at
                the end.
        """
        (text,) = check_texts(prompt, "prompt")
        whole_number(max_tokens, "max_tokens", least=1, most=MAX_TOKENS)
        has_sources = task_of(self.info.corpus.kind).has_sources
        lengths = {"max_len_ratio": 0.0, "max_len_offset": max_tokens} if has_sources else {}
        generator = self.generator(**{"method": "sample", **decoding, **lengths})
        settings = generator.settings
        if settings.nbest > 1 or (settings.method == "beam" and settings.beam > 1):
            raise ConfigError(
                "stream: a text can be passed on while it is generated by greedy search (beam 1) or as one sample; set nbest to 1, "
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
        """The log-probability of each target given its source, by forced decoding.

        Raises:
            ConfigError: the run is a language model.
        """
        self.require_pairs("score")
        return self.generator().score(pairs)

    def score_text(self, texts: Sequence[str], *, are_documents: bool = False) -> list[PairScore]:
        """The log-probability of each line of a running text, with the text before it as context; for language models.

        Args:
            texts: lines without their line ends, or documents.
            are_documents: which of the two. Documents are each other's context if the run was trained so
                (`training.across_documents`).

        Raises:
            ConfigError: the run is a model of pairs; see `score`.
            CorpusError: there is no text.
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
        """Scores the run on its own corpus, on a file, or on given pairs.

        Of the run's own corpus and of named data sets the test splits are scored, of any other file all of it; the scopes of the
        evaluation say which, and how many items that were.

        Args:
            corpus: a corpus, settings, a name or a file; by default the run's own corpus.
            more_references: for given pairs, the references of further translators, one sequence for each translator.
            decoding: beam and the other DecodingSettings, where they are not to be the recipe's.

        Raises:
            SeqloomError: the data cannot be read, or do not fit each other or the metrics.
        """
        # What reads corpora and scores takes longer to import than the first translation to find.
        from seqloom.run.scoring import choose_test_data

        data = choose_test_data(
            corpus, own=self.recipe.corpus, about=self.info.corpus, folder=self.folder, progress=progress
        )
        own = data.corpus is None or self.recipe.task is not None
        task = task_of(self.info.corpus.kind if own or data.corpus is None else data.corpus.kind)
        return task.evaluate(
            self, data, metrics=metrics, more_references=more_references, decoding=decoding, progress=progress
        )

    def describe(self) -> dict[str, Any]:
        """Everything that the run knows about itself, as plain values."""
        return describe(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.recipe.name} on {self.info.corpus.name})"


def load(
    *folders: Path | str,
    device: str = "auto",
    threads: int | None = None,
    weights: Sequence[float] | Literal["tune"] | None = None,
) -> Run:
    """Opens a run; several of one vocabulary are an ensemble.

    An ensemble has the folder and the recipe of its first run that is trained by gradients, or of the first one.

    Args:
        weights: of the runs in an ensemble, at least 0 and 1 in sum; equal by default. "tune", for language models: the weights
            that predict the validation split of the ensemble's corpus best.

    Raises:
        CheckpointError: a folder is not a run, is damaged, or the vocabularies differ.
        ConfigError: there are weights for a single run, or to be tuned for models of pairs.
        DecodingError: the weights do not fit.
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
                "weights: they belong to several runs, but there is one; name another run, or leave them out"
            )
        return first
    for other in runs[1:]:
        if other.tokenizer.hash != first.tokenizer.hash:
            raise CheckpointError(
                f"{other.folder} and {first.folder} have different vocabularies, so their scores cannot be averaged: train both "
                "with one tokenizer (seqloom compare does, and seqloom train --from)"
            )
    lead = next((run for run in runs if not run.model.fitted_by_counting), first)
    if weights == "tune":
        task = task_of(lead.info.corpus.kind)
        if task.has_sources:
            raise ConfigError(
                "weights: tune is for language models, and these runs are models of pairs; give the weights as numbers"
            )
        weights = task.tune_weights(runs, lead.open_corpus().val)
    model = Ensemble([run.model for run in runs], weights)
    return Run(lead.folder, lead.recipe, lead.tokenizer, model, chosen_device)


def describe(folder: Path | str) -> dict[str, Any]:
    """Everything that a run folder says about its run, as plain values; one that is not finished can be described too.

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
        else f"not finished; go on: {command_line('train', '--resume', '--out', folder)}",
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
    """The recipe that a run was trained with, every default written out.

    Raises:
        CheckpointError: the folder is not a run.
    """
    path = folder / "recipe.yaml"
    if not path.exists():
        raise CheckpointError(f"{folder}: this is not a run folder (there is no recipe.yaml in it)")
    values, lines = read_yaml(path, within=folder)
    return Recipe.parse(values, source=str(path), lines=lines)
