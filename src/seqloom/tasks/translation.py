"""Translation: an item is a source and a target; the model writes the target. Any two sequences will do, not only languages."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqloom.corpus.corpus import Corpus, SentencePair
from seqloom.data.example import IdArray
from seqloom.data.store import BothDirections, ExampleStore, SelectedExamples, StoredExamples
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CorpusError
from seqloom.messages import counted
from seqloom.models.base import Model
from seqloom.progress import Progress
from seqloom.tasks.task import RecipeParts, Task, TrainedRun
from seqloom.tokenizer import Tokenizer
from seqloom.training.selection import Validation

if TYPE_CHECKING:
    from seqloom.evaluation import Evaluation, TestData

# The lengths of so many examples are compared with the model's limit at a time.
_CHUNK_SIZE = 200_000


class Translation(Task):
    """Pairs of a source and a target."""

    kind = "pairs"
    description = "pairs"
    noun = "pair"
    unit = "pairs"
    test_item = "sentence"
    command = "translate"
    has_sources = True

    def examples(
        self, store: ExampleStore, model: Model, recipe: RecipeParts, what: str, progress: Progress
    ) -> StoredExamples:
        """The pairs that fit into the model; the number of those that do not is reported."""
        if model.max_len is None:
            return store
        fits = _which_fit(store.src_lengths, store.tgt_lengths, model)
        if fits.all():
            return store
        progress.say(
            f"left out {np.count_nonzero(~fits):,} of {counted(len(store), f'{what} pair')}, too long for the model's "
            f"{counted(model.max_len, 'position')} (model.max_len)"
        )
        if not fits.any():
            raise CorpusError(
                f"no {what} pair fits into the model's {counted(model.max_len, 'position')}; raise model.max_len"
            )
        return SelectedExamples(store, np.flatnonzero(fits))

    def validation_items(self, corpus: Corpus, recipe: RecipeParts, num_items: int) -> list[SentencePair]:
        """As many pairs as the recipe wants, evenly over the split."""
        from seqloom.metrics import find_metric

        wanted = recipe.training.validation_sentences if find_metric(corpus.metric).count is not None else 0
        every = max(1, num_items // wanted) if wanted else 1
        return list(islice(corpus.val.pairs(), 0, None, every))[:wanted] if wanted else []

    def validator(
        self,
        corpus: Corpus,
        items: Sequence[SentencePair],
        examples: StoredExamples,
        recipe: RecipeParts,
        tokenizer: Tokenizer,
        device: torch.device,
    ) -> Callable[[Model], Validation]:
        """Nats a token over the validation split, and the leading metric over `items`, decoded greedily."""
        from seqloom.decoding.generator import Generator
        from seqloom.evaluation import likelihood, metric_value

        decoding = recipe.decoding
        greedy = DecodingSettings(beam=1, max_len_ratio=decoding.max_len_ratio, max_len_offset=decoding.max_len_offset)

        def validate(model: Model) -> Validation:
            loss = likelihood(model, examples, device=device).nats_per_token
            if not items:
                return Validation(loss, None)
            generator = Generator(model, tokenizer, greedy, device=device)
            outputs = [generation.text for generation in generator.generate(pair.src for pair in items)]
            value, higher = metric_value(corpus.metric, outputs, [pair.tgt for pair in items], corpus.item_separator)
            return Validation(loss, value, higher)

        return validate

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
        """Decodes the sources and scores the outputs against the targets."""
        from seqloom.evaluation import evaluate_pairs

        generator = run.generator(progress=progress, **(decoding or {}))
        return evaluate_pairs(generator, data, metrics=metrics, more_references=more_references, progress=progress)


def both_directions(examples: StoredExamples, model: Model) -> BothDirections:
    """The examples, and those that fit into the model with source and target exchanged."""
    return BothDirections(examples, np.flatnonzero(_which_fit(examples.tgt_lengths, examples.src_lengths, model)))


def _which_fit(src_lengths: IdArray, tgt_lengths: IdArray, model: Model) -> NDArray[np.bool_]:
    """Which examples of such lengths, special ids not counted, fit into the model."""
    fits = np.ones(len(src_lengths), dtype=bool)
    if model.max_len is None:
        return fits
    # Whether a target fits depends on its source's length alone. Sources of max_len ids and more fit with no target.
    max_tgt_lengths = np.array(
        [(model.max_tgt_len(n + 1) or 0) if model.fits(n, 0) else 0 for n in range(model.max_len)] + [0], dtype=np.int32
    )
    for start in range(0, len(fits), _CHUNK_SIZE):
        part = slice(start, start + _CHUNK_SIZE)
        fits[part] = tgt_lengths[part] < max_tgt_lengths[np.minimum(src_lengths[part], model.max_len)]
    return fits
