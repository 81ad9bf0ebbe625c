"""Generator: texts -> Generations, in order, from inputs larger than memory.

Input and output: text; between them are a tokenizer, a model and search. Every text gets exactly one Generation, whatever it
contains. It does not know files, run folders or the command line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from seqloom import machine
from seqloom.corpus.corpus import SentencePair
from seqloom.data.batching import Example, Sources
from seqloom.decoding.constraints import Constraint
from seqloom.decoding.encoded_input import UNFINISHED, EncodedInput, InputEncoder, TextCodec, windows
from seqloom.decoding.forced import align_targets, score_targets
from seqloom.decoding.full_context import num_forgotten
from seqloom.decoding.hypothesis import Generation, Hypothesis, PairScore
from seqloom.decoding.lexicon import Lexicon
from seqloom.decoding.prefix_cache import CachedPrompts, PrefixCache
from seqloom.decoding.sampling import numbered_draw_keys
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.sliding import SlidingContext
from seqloom.decoding.stop_strings import StopStrings, cut_at
from seqloom.decoding.streaming import TokenCallback, TokenStream
from seqloom.decoding.workers import in_parallel
from seqloom.errors import ConfigError
from seqloom.messages import counted
from seqloom.models.base import Model
from seqloom.progress import Progress

_MIN_SIZE = 16
"""The smallest number of tokens that a source counts for in a batch: even a short source needs rows of logits."""

_CPU_ROWS = 320
"""Hypotheses that are decoded at once on a CPU: more make products no faster, and their logits no longer fit the cache."""

_Result = TypeVar("_Result")


class Generator:
    """A model, its tokenizer and settings: text in, text out."""

    def __init__(
        self,
        model: Model,
        tokenizer: TextCodec,
        settings: DecodingSettings | None = None,
        *,
        device: torch.device | str = "cpu",
        window: int = 4096,
        lexicon: Lexicon | None = None,
        prefix_cache: PrefixCache | None = None,
    ) -> None:
        """Moves the model to the device.

        Args:
            window: how many texts are read ahead and sorted by length; with 1, each text is answered before the next is read.
            lexicon: gives the shortlists.
            prefix_cache: stores the states of prompts; it must not serve another model. A model that cannot store them
                (`Model.reuses_prompts`) reads each prompt.

        Raises:
            ConfigError: the settings need shortlists, and there is no lexicon.
        """
        self.model = model if _is_on(model, torch.device(device)) else model.to(device)
        self.tokenizer = tokenizer
        self.settings = settings or DecodingSettings()
        self.device = torch.device(device)
        self.window = window
        if self.settings.shortlist and lexicon is None:
            raise ConfigError(
                f"decoding.shortlist is {self.settings.shortlist}, but there is no lexicon to take shortlists from; set it to 0"
            )
        self._lexicon = lexicon
        self._encoder = InputEncoder(model, tokenizer, self.settings.max_src_len, self.settings.full_context)
        # The limit of a context that slides.
        self._sliding = model.max_tgt_len(0) if self.settings.full_context == "slide" else None
        reuses_prompts = prefix_cache is not None and model.reuses_prompts
        self._reader = CachedPrompts(self.model, prefix_cache) if prefix_cache and reuses_prompts else self.model

    def generate(
        self,
        texts: Iterable[str],
        *,
        alignments: bool = False,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Yields one Generation for each source text, in their order.

        Args:
            texts: may be endless; they are read window by window, as results are taken.
            alignments: whether to find the source token that each token of the best output attends to most.
            task: the name of the work for `progress`.

        Raises:
            DecodingError: alignments are requested of a model without attention.
            ConfigError: `full_context` is "slide", which is for language models only; sources are cut (`max_src_len`).
        """
        self._check_sources()

        def process_batch(inputs: list[EncodedInput]) -> list[Generation]:
            generations = list(map(self._generation, inputs, self._search(inputs)))
            return self._align(inputs, generations) if alignments else generations

        for window in windows(texts, self.window, progress, task):
            inputs = self._encoder.sources(window)
            generations = iter(self._in_batches([item for item in inputs if not item.blank], process_batch))
            for item in inputs:
                yield item.blank_generation(alignments=alignments) if item.blank else next(generations)

    def score(
        self, pairs: Iterable[SentencePair], *, progress: Progress | None = None, task: str = "scoring"
    ) -> Iterator[PairScore]:
        """Yields the log-probability of each pair's target, in their order."""

        def process_batch(inputs: list[EncodedInput]) -> list[PairScore]:
            targets = score_targets(self.model, [item.example for item in inputs])
            return [
                PairScore(target.log_prob, target.token_log_probs, item.notes)
                for target, item in zip(targets, inputs, strict=True)
            ]

        for window in windows(pairs, self.window, progress, task):
            yield from self._in_batches(self._encoder.pairs(window), process_batch, rows=1)

    def continue_text(
        self,
        prompts: Iterable[str],
        *,
        max_tokens: int = 200,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Continues each prompt, with a language model; the output texts do not contain the prompt.

        Args:
            max_tokens: the largest number of new tokens, eos included; it replaces `max_len_ratio` and `max_len_offset`.

        Raises:
            ConfigError: the settings need shortlists.
            PromptTooLongError: a prompt does not fit the context of the model, and the context does not slide.
        """
        if self.settings.shortlist:
            raise ConfigError(
                "decoding.shortlist: a text that is continued has no source to take a shortlist from; set it to 0"
            )

        def process_batch(inputs: list[EncodedInput]) -> list[Generation]:
            return list(map(self._continuation, inputs, self._search(inputs, max_tokens=max_tokens)))

        for window in windows(prompts, self.window, progress, task):
            yield from self._in_batches(self._encoder.prompts(window), process_batch)

    def answer(
        self,
        texts: Sequence[str],
        *,
        max_tokens: int | None = None,
        draw_keys: Sequence[Sequence[int]] | None = None,
        on_token: TokenCallback | None = None,
    ) -> list[Generation]:
        """One Generation for each of a few texts; it does not depend on the other texts.

        Args:
            max_tokens: takes the texts as prompts, as `continue_text` does; None takes them as sources, as `generate` does.
            draw_keys: for each text the integers that its random numbers follow from, where each text is sampled once.
            on_token: called with each token when it is chosen, where each text has one output and the beam is 1. A text that it
                stops stays as it is, unfinished. It is not called for blank sources.

        Raises:
            ConfigError: the texts are sources, and `full_context` is "slide".
            PromptTooLongError: see `continue_text`.
        """
        if max_tokens is None:
            self._check_sources()
        inputs = self._encode(texts, max_tokens)
        continues = max_tokens is not None

        def process_batch(batch: list[EncodedInput]) -> list[Generation]:
            keys = None if draw_keys is None else [draw_keys[item.number] for item in batch]
            stream = None if on_token is None else self._stream(batch, on_token, continues=continues)
            hypotheses = self._search(batch, max_tokens=max_tokens, draw_keys=keys, stream=stream)
            make = self._continuation if continues else self._generation
            return list(map(make, batch, hypotheses))

        generations = iter(
            self._in_batches([item for item in inputs if not item.blank], process_batch, in_processes=False)
        )
        return [item.blank_generation() if item.blank else next(generations) for item in inputs]

    def num_read(self, texts: Sequence[str], *, max_tokens: int | None = None) -> list[int]:
        """The number of tokens of each text that `answer` reads: without tokens that are cut, and without special tokens.

        Args:
            max_tokens: as `answer` takes it.
        """
        num_special = 0 if max_tokens is None else 1
        return [len(item.example.src_ids) - num_special for item in self._encode(texts, max_tokens)]

    def _encode(self, texts: Sequence[str], max_tokens: int | None) -> list[EncodedInput]:
        numbered = list(enumerate(texts))
        return self._encoder.sources(numbered) if max_tokens is None else self._encoder.prompts(numbered)

    def _check_sources(self) -> None:
        """Raises a ConfigError if the settings hold a setting for prompts, which sources would ignore."""
        if self.settings.full_context != "refuse":
            raise ConfigError(
                "decoding.full_context is slide, but only the context of a language model slides; leave it out: a source that is "
                "too long is cut, and a note says so"
            )

    def _stream(self, inputs: list[EncodedInput], on_token: TokenCallback, *, continues: bool) -> TokenStream:
        decode = self._decoder(inputs, continues=continues)
        return TokenStream(on_token, [item.number for item in inputs], self.tokenizer.vocab.eos_id, decode)

    def _decoder(self, inputs: list[EncodedInput], *, continues: bool) -> Callable[[int, Sequence[int]], str]:
        """A function from the index of an input and the ids of its output to the output's text."""
        return lambda index, ids: self._new_text(inputs[index], ids) if continues else self.tokenizer.decode_tgt(ids)

    def _in_batches(
        self,
        inputs: list[EncodedInput],
        process_batch: Callable[[list[EncodedInput]], list[_Result]],
        *,
        rows: int | None = None,
        in_processes: bool = True,
    ) -> list[_Result]:
        """Processes inputs in batches of similar length; the results are in the order of the inputs.

        Args:
            rows: hypotheses of an input; by default as many as the search keeps.
            in_processes: see `in_parallel`.
        """
        results: dict[int, _Result] = {}
        batches = self._batches(inputs, rows or max(self.settings.beam, self.settings.nbest))
        # These hold for all batches together, so that nothing depends on which of them run at the same time.
        with torch.inference_mode(), _evaluating(self.model), machine.plain_products():
            on_cpu = self.device.type == "cpu"
            finished = (
                in_parallel(batches, process_batch, in_processes=in_processes)
                if on_cpu
                else map(process_batch, batches)
            )
            for batch, of_batch in zip(batches, finished, strict=True):
                results.update(zip((item.number for item in batch), of_batch, strict=True))
        return [results[item.number] for item in inputs]

    def _batches(self, inputs: list[EncodedInput], rows: int) -> list[list[EncodedInput]]:
        # The longest first: if memory is too small, the error comes at once.
        remaining = sorted(inputs, key=lambda item: -item.size)
        max_inputs = max(1, _CPU_ROWS // rows) if self.device.type == "cpu" else len(inputs)
        batches = []
        while remaining:
            count = min(max_inputs, max(1, self.settings.batch_tokens // max(_MIN_SIZE, remaining[0].size)))
            batches.append(remaining[:count])
            remaining = remaining[count:]
        return batches

    def _search(
        self,
        inputs: list[EncodedInput],
        *,
        max_tokens: int | None = None,
        draw_keys: Sequence[Sequence[int]] | None = None,
        stream: TokenStream | None = None,
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each input.

        Args:
            max_tokens: takes the inputs as prompts.
            draw_keys: by default those of the inputs' numbers.
        """
        vocab, settings = self.tokenizer.vocab, self.settings
        rows = [item.example.src_ids for item in inputs]
        decoder_prompts = shortlists = prompts = None
        model = self.model
        if max_tokens is None:
            rows = [np.append(row, vocab.eos_id) for row in rows]
        else:
            # The last token of a prompt is fed to the decoder: the first new token follows it.
            settings = settings.with_max_tokens(max_tokens)
            decoder_prompts = [[int(row[-1])] for row in rows]
            rows = [row[:-1] for row in rows]
            prompts = [item.example.src_ids.tolist() for item in inputs]
            model = self._reader
            if self._sliding is not None:
                model = SlidingContext(self.model, self._sliding, reader=self._reader)
        constraints: list[Constraint] = [stream] if stream else []
        if settings.stop_strings:
            decode = self._decoder(inputs, continues=max_tokens is not None)
            constraints.append(
                StopStrings(settings.stop_strings, decode, lambda _, ids: self.tokenizer.decode_tgt(ids))
            )
        if self._lexicon is not None and settings.shortlist:
            shortlists = self._lexicon.shortlists(rows, vocab, settings.shortlist)
        if draw_keys is None:
            draw_keys = numbered_draw_keys(settings, [item.number for item in inputs])
        return search(
            model,
            Sources.pad(rows, pad_id=vocab.pad_id, device=self.device),
            settings,
            constraints=constraints,
            observers=[stream] if stream else [],
            decoder_prompts=decoder_prompts,
            shortlists=shortlists,
            draw_keys=draw_keys,
            penalised_context=prompts,
        )

    def _generation(self, item: EncodedInput, hypotheses: list[Hypothesis]) -> Generation:
        texts = [self.tokenizer.decode_tgt(hypothesis.ids) for hypothesis in hypotheses]
        generation = self._ended(item, texts, hypotheses)
        if generation.finish_reason == "length":
            generation = replace(generation, notes=(*generation.notes, UNFINISHED))
        return generation

    def _continuation(self, item: EncodedInput, hypotheses: list[Hypothesis]) -> Generation:
        texts = [self._new_text(item, hypothesis.ids) for hypothesis in hypotheses]
        generation = self._ended(item, texts, hypotheses)
        if self._sliding is None:
            return generation
        lengths = [len(hypothesis.ids) + int(hypothesis.finished) for hypothesis in hypotheses]
        forgotten = num_forgotten(len(item.example.src_ids), max(lengths), self._sliding)
        note = (
            f"prompt and output are longer than the context of {counted(self._sliding, 'token')}: their first "
            f"{counted(forgotten, 'token')} did not count in the end"
        )
        return replace(generation, notes=(*generation.notes, note)) if forgotten else generation

    def _ended(self, item: EncodedInput, texts: list[str], hypotheses: list[Hypothesis]) -> Generation:
        """The generation with its texts, cut at stop strings."""
        cut = [cut_at(text, self.settings.stop_strings) for text in texts]
        return Generation(
            item.text,
            tuple(text for text, _ in cut),
            tuple(hypotheses),
            item.notes,
            num_cut_tokens=item.num_cut,
            stops=tuple(stop for _, stop in cut),
        )

    def _new_text(self, item: EncodedInput, ids: Sequence[int]) -> str:
        """The text of the ids that follow a prompt."""
        prompt_ids = item.example.src_ids[1:].tolist()
        prompt = self.tokenizer.decode_tgt(prompt_ids)
        # Decoded together, because a tokenizer may leave out the space before the first token of a text.
        whole = self.tokenizer.decode_tgt([*prompt_ids, *ids])
        return whole.removeprefix(prompt) if whole.startswith(prompt) else self.tokenizer.decode_tgt(ids)

    def _align(self, inputs: list[EncodedInput], generations: list[Generation]) -> list[Generation]:
        targets = [np.array(item.hypotheses[0].ids, dtype=np.int64) for item in generations]
        examples = [Example(item.example.src_ids, target) for item, target in zip(inputs, targets, strict=True)]
        alignments = align_targets(self.model, examples)
        return [replace(item, alignment=alignment) for item, alignment in zip(generations, alignments, strict=True)]


def _is_on(model: Model, device: torch.device) -> bool:
    """Whether the model is on the device already. Even a move that changes nothing takes as long as decoding a short sentence."""
    current = next((parameter.device for parameter in model.parameters()), device)
    return current.type == device.type and device.index in (None, current.index)


@contextmanager
def _evaluating(model: Model) -> Iterator[None]:
    """Switches the model to evaluation mode (no dropout), and afterwards back."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()
