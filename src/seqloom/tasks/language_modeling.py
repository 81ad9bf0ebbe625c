"""Language modelling: an item is a text, read as one running text; the model predicts each token from those before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.data.store import ExampleStore, StoredExamples, WindowSample
from seqloom.decoding.hypothesis import PairScore
from seqloom.errors import ConfigError, CorpusError
from seqloom.models import model_class
from seqloom.models.base import Model
from seqloom.progress import Progress
from seqloom.tasks.context_loss import loss_by_context
from seqloom.tasks.passages import (
    EncodedText,
    Passage,
    default_stride,
    passage_outputs,
    passages_of,
    predict_ids,
    score_ids,
    score_passages,
    text_statistics,
)
from seqloom.tasks.task import RecipeParts, Task, TextPredictions, TrainedRun
from seqloom.tasks.text_details import Continuation, TextDetails
from seqloom.tasks.word_use import SAMPLE_CHARACTERS, SEED, prompts_of, sample_continuations, unseen_words, word_use
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from seqloom.training.selection import Validation

if TYPE_CHECKING:
    from seqloom.evaluation import Evaluation, TestData, TestOutputs
    from seqloom.metrics.metric import Score, Stats

# Tokens of a validation split that are measured at each validation.
_MOST_VALIDATION_TOKENS = 1 << 18
# A model that is fitted by counting reads any length. With long windows there are few beginnings, where it has no context.
_LONG_WINDOW = 1 << 16


# Samples that a report shows in full.
_SHOWN_SAMPLES = 6


class LanguageModeling(Task):
    """Plain text, cut into windows."""

    kind = "text"
    description = "plain text"
    noun = "text"
    unit = "bytes"
    test_item = "passage"
    command = "generate"
    predicts_text = True
    has_sources = False
    default_recipes = ("ngram", "rnn-lm-tiny", "transformer-lm-tiny")

    def check(self, recipe: RecipeParts, corpus_name: str) -> None:
        """Plain text has neither sources nor directions, and needs a model that learns from targets alone."""
        if not model_class(recipe.model).trains_on_texts:
            raise ConfigError(
                f"{recipe.name} translates pairs, but {corpus_name} is plain text: train a language model on it, such as "
                "transformer-lm-tiny, or give pairs"
            )
        if recipe.decoding.shortlist:
            raise ConfigError(
                f"decoding.shortlist is {recipe.decoding.shortlist}, but {corpus_name} is plain text, which has no sources to "
                "take shortlists from; set it to 0"
            )
        if recipe.training.bidirectional:
            raise ConfigError(
                f"training.bidirectional is {recipe.training.bidirectional:g}, but {corpus_name} is plain text, which has no "
                "other direction; set it to 0"
            )

    def tokenizer_settings(self, settings: TokenizerSettings, corpus: Corpus) -> TokenizerSettings:
        """A running text keeps its line ends and spaces."""
        return settings.model_copy(update={"collapse_whitespace": False})

    def examples(
        self, store: ExampleStore, model: Model, recipe: RecipeParts, what: str, progress: Progress
    ) -> StoredExamples:
        """Windows of `training.window` tokens, fewer if the model holds fewer; long ones for a model that is fitted by counting."""
        return store.windows(_window(model, recipe), across_documents=recipe.training.across_documents)

    def validation_examples(
        self, store: ExampleStore, model: Model, recipe: RecipeParts, progress: Progress
    ) -> StoredExamples:
        """All windows of the split. If the split is large, only some, at equal distances, so that a validation takes seconds."""
        windows = store.windows(_window(model, recipe), across_documents=recipe.training.across_documents)
        if windows.num_tgt_tokens <= _MOST_VALIDATION_TOKENS:
            return windows
        sample = WindowSample(windows, _MOST_VALIDATION_TOKENS)
        progress.say(
            f"validation: the loss is over {sample.num_tgt_tokens:,} of {windows.num_tgt_tokens:,} tokens, in windows at equal "
            "distances"
        )
        return sample

    def validation_items(self, corpus: Corpus, recipe: RecipeParts, num_items: int) -> list[SentencePair]:
        """No items: no continuation of a text is wrong, so only the loss is measured."""
        return []

    def validator(
        self,
        corpus: Corpus,
        items: Sequence[SentencePair],
        examples: StoredExamples,
        recipe: RecipeParts,
        tokenizer: Tokenizer,
        device: torch.device,
    ) -> Callable[[Model], Validation]:
        """Nats per token over the validation split."""
        from seqloom.evaluation import likelihood

        return lambda model: Validation(likelihood(model, examples, device=device).nats_per_token, None)

    def evaluate(
        self,
        run: TrainedRun,
        data: "TestData",
        *,
        metrics: Sequence[str] | None = None,
        more_references: Sequence[Sequence[str]] = (),
        decoding: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> "Evaluation":
        """Bits per byte and per character and perplexities of the test splits, in sliding windows.

        Intervals are over documents, or over passages if the split is one running text or has fewer than ten documents.
        """
        from seqloom.evaluation import Evaluation, Scope

        if more_references:
            raise ConfigError("more references: running text has none; they belong to pairs")
        assert data.corpus is not None
        names = metrics or ("bits_per_byte", "bits_per_character", "word_perplexity", "perplexity")
        scores, scopes, notes = {}, {}, list(data.notes)
        for name, split in data.corpus.tests.items():
            passages = list(passages_of(split.documents()))
            if not passages:
                raise CorpusError(f"the test split {name!r} holds no text, so there is nothing to score")
            stats, unit = text_statistics(
                passages, _token_log_probs(run, passages), are_documents=split.unit == "documents"
            )
            scores[name] = tuple(self._score(metric, stats, unit, run) for metric in names)
            scopes[name] = Scope(int(stats[:, 2].sum()), self.unit, data.scopes[name].what)
            if len(stats) > 1:
                notes.append(f"{name}: intervals are over {len(stats):,} {unit}")
        return Evaluation(scores, {}, scopes, notes=tuple(notes))

    def _score(self, metric: str, stats: "Stats", unit: str, run: TrainedRun) -> "Score":
        """A score whose signature says how much context each token had."""
        from seqloom.evaluation import score_statistics

        window, across = _window(run.model, run.recipe), run.recipe.training.across_documents
        context = window if run.model.context_len is None else min(window, run.model.context_len)
        how = f"context:{context}|stride:{default_stride(window)}|documents:{'joined' if across else 'apart'}|version:"
        score = score_statistics(metric, stats, item_name=unit)
        return replace(score, signature=score.signature.replace("version:", how))

    def tune_weights(self, runs: Sequence[TrainedRun], split: Split) -> tuple[float, ...]:
        """The weights of a mixture of runs that predicts a split best; all runs have one tokenizer."""
        from seqloom.evaluation import tune_weights

        passages = list(passages_of(split.documents()))
        if not passages:
            raise CorpusError(
                "weights are tuned on the validation split, but it holds no text; give weights as numbers"
            )
        scored = [_token_log_probs(run, passages) for run in runs]
        return tune_weights([np.array([value for tokens in of_run for value in tokens]) for of_run in scored])

    def metrics(self, corpus: Corpus) -> list[str]:
        """Bits per byte; perplexities per token cannot be compared between tokenizers."""
        return ["bits_per_byte"]

    def score_text(self, run: TrainedRun, texts: Sequence[str], *, are_documents: bool = False) -> list[PairScore]:
        """The log-probability of each line or document; the text before it is its context, as far as a window reaches."""
        if not texts:
            raise CorpusError("there is nothing to score: the text is empty; give a text with at least one line")
        if are_documents:
            passages = [Passage("", text, first=True) for text in texts]
        else:
            passages = [Passage("", f"{line}\n", first=number == 0) for number, line in enumerate(texts)]
        text = EncodedText.of(run.tokenizer, passages, across_documents=run.recipe.training.across_documents)
        log_probs = text.by_passage(score_ids(run.model, text, window=_window(run.model, run.recipe)))
        ids = text.by_passage(text.ids.tolist())
        return [PairScore(sum(own), own, token_ids=own_ids) for own, own_ids in zip(log_probs, ids, strict=True)]

    def predict_text(self, run: TrainedRun, text: str, *, num_top: int) -> TextPredictions:
        """What the model predicts at each token of a text, in the windows of `score_text`."""
        if not text:
            raise CorpusError("the text is empty, so there is nothing to predict; give at least one character")
        encoded = EncodedText.of(run.tokenizer, [Passage("", text, first=True)])
        window = _window(run.model, run.recipe)
        tokens = predict_ids(run.model, encoded, window=window, num_top=num_top)
        return TextPredictions(tuple(tokens), window, default_stride(window))

    def test_items(self, split: Split) -> list[SentencePair]:
        """Passages of about 500 characters."""
        return list(passages_of(split.documents()))

    def report_details(
        self, run: TrainedRun, corpus: Corpus, items: Sequence[SentencePair], progress: Progress
    ) -> dict[str, Any]:
        """The loss by the length of the context, samples from held-out prompts, and the words of these samples."""
        passages = [item for item in items if isinstance(item, Passage)]
        prompts = prompts_of(passages)
        if not prompts:
            progress.say("The held-out text is too short to take prompts from it, so the report has no samples.")
            return {}
        progress.update("reading with little and with much context", 0.0)
        window, across = _window(run.model, run.recipe), run.recipe.training.across_documents
        context = loss_by_context(run.model, run.tokenizer, passages, window=window, across_documents=across)
        progress.update("sampling from held-out prompts", 0.5)
        samples = sample_continuations(run, prompts)
        human = [prompt.human for prompt in prompts]
        unseen, num_characters, is_whole = unseen_words([*samples, *human], corpus.train.documents())
        progress.update("sampling from held-out prompts", 1.0)
        shown = range(0, len(prompts), max(1, len(prompts) // _SHOWN_SAMPLES))
        details = TextDetails(
            window=window,
            context=context,
            continuations=tuple(
                Continuation(prompt=prompts[number].text, human=human[number], text=samples[number])
                for number in shown[:_SHOWN_SAMPLES]
            ),
            num_samples=len(samples),
            sample_characters=SAMPLE_CHARACTERS,
            seed=SEED,
            words=word_use(samples, unseen),
            human_words=word_use(human, unseen),
            training_characters=num_characters,
            training_is_whole=is_whole,
        )
        return details.model_dump(mode="json")

    def outputs(
        self, run: TrainedRun, pairs: Sequence[SentencePair], *, beam: int, progress: Progress | None, title: str
    ) -> "TestOutputs":
        """The likelihood of each passage, and a sampled continuation of its first words; `beam` does not apply."""
        window = _window(run.model, run.recipe)
        return passage_outputs(run, pairs, window=window, progress=progress, title=title)


def _token_log_probs(run: TrainedRun, passages: Sequence[Passage]) -> list[tuple[float, ...]]:
    """The log-probability of each token of each passage under a run."""
    across = run.recipe.training.across_documents
    window = _window(run.model, run.recipe)
    return score_passages(run.model, run.tokenizer, passages, window=window, across_documents=across)


def _window(model: Model, recipe: RecipeParts) -> int:
    """How many tokens are read together: `training.window`, or fewer if the model holds fewer; many if it is fitted by counting."""
    if model.fitted_by_counting:
        return _LONG_WINDOW
    max_tgt_len = model.max_tgt_len(0)
    window = recipe.training.window
    return window if max_tgt_len is None else min(window, max_tgt_len - 1)
