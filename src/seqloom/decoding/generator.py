"""Generator: texts -> Generations, in order, from inputs larger than memory.

Text enters and text leaves; between them stand a tokenizer, a model and search. Every text gets exactly one Generation, whatever
it holds. It does not know files, run folders or the command line.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from seqloom import machine
from seqloom.batching import Example, Sources
from seqloom.corpus.corpus import SentencePair
from seqloom.decoding.engines import Engine as Engine
from seqloom.decoding.forced import align_targets, score_targets
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.lexicon import Lexicon
from seqloom.decoding.reading import UNFINISHED as UNFINISHED
from seqloom.decoding.reading import Job, Reader, TextCodec, blank_generation, windows
from seqloom.decoding.sampling import numbered_draw_keys
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings as DecodingSettings
from seqloom.decoding.streaming import TokenCallback, TokenStream
from seqloom.decoding.workers import beside_each_other
from seqloom.errors import ConfigError
from seqloom.messages import counted
from seqloom.models.base import Model
from seqloom.progress import Progress

_COST = 16
"""A source counts at least as many tokens in a batch: even the shortest needs its rows over the vocabulary."""

_CPU_ROWS = 320
"""Hypotheses that are decoded at once on a CPU: more make products no faster, and their scores leave the cache."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class PairScore:
    """How likely a model finds a target, given its source.

    Attributes:
        log_prob: the natural logarithm of the probability, eos included.
        token_log_probs: one for each target token, the last one for eos.
        notes: what the user should know: that a side was cut.
    """

    log_prob: float
    token_log_probs: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Target tokens, eos included."""
        return len(self.token_log_probs)

    @property
    def perplexity(self) -> float:
        """The perplexity of a token; infinite where it is beyond floating point."""
        mean = -self.log_prob / self.num_tokens
        return math.exp(mean) if mean < 700 else math.inf


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
    ) -> None:
        """Moves the model to the device.

        Args:
            window: how many texts are read ahead and sorted by length; 1 answers each text before it reads the next.
            lexicon: where shortlists come from.

        Raises:
            ConfigError: the settings ask for shortlists, and there is no lexicon.
        """
        self.model = model if _stands_on(model, torch.device(device)) else model.to(device)
        self.tokenizer = tokenizer
        self.settings = settings or DecodingSettings()
        self.device = torch.device(device)
        self.window = window
        if self.settings.shortlist and lexicon is None:
            raise ConfigError(
                f"decoding.shortlist is {self.settings.shortlist}, but there is no lexicon to take shortlists from; set it to 0"
            )
        self._lexicon = lexicon
        self._reader = Reader(model, tokenizer, self.settings.max_src_len)

    def generate(
        self,
        texts: Iterable[str],
        *,
        alignments: bool = False,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Writes one Generation for each source text, in their order.

        Args:
            texts: may be endless; they are read window by window, as results are taken.
            alignments: whether to say which source token each token of the best output attends to most.
            task: what to call the work in front of `progress`.

        Raises:
            DecodingError: alignments are asked of a model without attention.
        """

        def finish(jobs: list[Job]) -> list[Generation]:
            found = [self._generation(job, one) for job, one in zip(jobs, self._search(jobs), strict=True)]
            return self._align(jobs, found) if alignments else found

        for window in windows(texts, self.window, progress, task):
            jobs = self._reader.sources(window)
            found = iter(self._in_batches([job for job in jobs if not job.blank], finish))
            for job in jobs:
                yield blank_generation(job, alignments=alignments) if job.blank else next(found)

    def score(
        self, pairs: Iterable[SentencePair], *, progress: Progress | None = None, task: str = "scoring"
    ) -> Iterator[PairScore]:
        """How likely the model finds each pair's target, in their order."""

        def finish(jobs: list[Job]) -> list[PairScore]:
            found = score_targets(self.model, [job.example for job in jobs])
            return [
                PairScore(one.log_prob, one.token_log_probs, job.notes) for one, job in zip(found, jobs, strict=True)
            ]

        for window in windows(pairs, self.window, progress, task):
            yield from self._in_batches(self._reader.pairs(window), finish, rows=1)

    def continue_text(
        self,
        prompts: Iterable[str],
        *,
        max_tokens: int = 200,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Goes on from each prompt, for language models; the texts hold what follows the prompt, without it.

        Args:
            max_tokens: the most new tokens, eos included; it stands in place of `max_len_ratio` and `max_len_offset`.

        Raises:
            ConfigError: the settings ask for shortlists.
        """
        if self.settings.shortlist:
            raise ConfigError(
                "decoding.shortlist: a text that is continued has no source to take a shortlist from; set it to 0"
            )

        def finish(jobs: list[Job]) -> list[Generation]:
            found = self._search(jobs, max_tokens=max_tokens)
            return [self._continuation(job, hypotheses) for job, hypotheses in zip(jobs, found, strict=True)]

        for window in windows(prompts, self.window, progress, task):
            yield from self._in_batches(self._reader.prompts(window, max_tokens), finish)

    def answer(
        self,
        texts: Sequence[str],
        *,
        max_tokens: int | None = None,
        draw_keys: Sequence[Sequence[int]] | None = None,
        on_token: TokenCallback | None = None,
    ) -> list[Generation]:
        """Writes one Generation for each of a few texts, each as it would be if the others were not there.

        Args:
            max_tokens: takes the texts as prompts, as `continue_text` does; None takes them as sources, as `generate` does.
            draw_keys: for each text the integers that its random numbers follow from, where each text is sampled once.
            on_token: called with each token when it is chosen, where each text has one output and the beam is 1. A text that it
                stops stays as it is, unfinished. It is not called for blank sources.
        """
        numbered = list(enumerate(texts))
        continues = max_tokens is not None
        jobs = self._reader.sources(numbered) if max_tokens is None else self._reader.prompts(numbered, max_tokens)

        def finish(batch: list[Job]) -> list[Generation]:
            keys = None if draw_keys is None else [draw_keys[job.number] for job in batch]
            stream = None if on_token is None else self._stream(batch, on_token, continues=continues)
            found = self._search(batch, max_tokens=max_tokens, draw_keys=keys, stream=stream)
            become = self._continuation if continues else self._generation
            return [become(job, hypotheses) for job, hypotheses in zip(batch, found, strict=True)]

        found = iter(self._in_batches([job for job in jobs if not job.blank], finish, apart=False))
        return [blank_generation(job) if job.blank else next(found) for job in jobs]

    def num_read(self, texts: Sequence[str], *, max_tokens: int | None = None) -> list[int]:
        """How many tokens of each text `answer` reads: what does not fit is cut, and does not count. Special tokens do not either.

        Args:
            max_tokens: as `answer` takes it.
        """
        numbered = list(enumerate(texts))
        if max_tokens is None:
            return [len(job.example.src_ids) for job in self._reader.sources(numbered)]
        return [len(job.example.src_ids) - 1 for job in self._reader.prompts(numbered, max_tokens)]

    def _stream(self, jobs: list[Job], on_token: TokenCallback, *, continues: bool) -> TokenStream:
        def decode(index: int, ids: Sequence[int]) -> str:
            return self._words(jobs[index], ids) if continues else self.tokenizer.decode_tgt(ids)

        return TokenStream(on_token, [job.number for job in jobs], self.tokenizer.vocab.eos_id, decode)

    def _in_batches(
        self,
        jobs: list[Job],
        finish: Callable[[list[Job]], list[_Item]],
        *,
        rows: int | None = None,
        apart: bool = True,
    ) -> list[_Item]:
        """Handles jobs of like length together; the results stand in the jobs' order.

        Args:
            rows: hypotheses of a job; by default as many as the search keeps.
            apart: whether processes may do it, from which nothing but results comes back.
        """
        results: dict[int, _Item] = {}
        batches = self._batches(jobs, rows or max(self.settings.beam, self.settings.nbest))
        # Around all batches, so that nothing depends on which of them are under way beside each other.
        with torch.inference_mode(), _evaluating(self.model), machine.plain_products():
            on_cpu = self.device.type == "cpu"
            finished = beside_each_other(batches, finish, apart=apart) if on_cpu else map(finish, batches)
            for batch, found in zip(batches, finished, strict=True):
                results.update(zip((job.number for job in batch), found, strict=True))
        return [results[job.number] for job in jobs]

    def _batches(self, jobs: list[Job], rows: int) -> list[list[Job]]:
        # The longest first: should memory not suffice, it shows at once.
        waiting = sorted(jobs, key=lambda job: -job.size)
        most = max(1, _CPU_ROWS // rows) if self.device.type == "cpu" else len(jobs)
        batches = []
        while waiting:
            count = min(most, max(1, self.settings.batch_tokens // max(_COST, waiting[0].size)))
            batches.append(waiting[:count])
            waiting = waiting[count:]
        return batches

    def _search(
        self,
        jobs: list[Job],
        *,
        max_tokens: int | None = None,
        draw_keys: Sequence[Sequence[int]] | None = None,
        stream: TokenStream | None = None,
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each text.

        Args:
            max_tokens: takes the texts as prompts.
            draw_keys: by default those of the texts' numbers in the input.
        """
        vocab, settings = self.tokenizer.vocab, self.settings
        rows = [job.example.src_ids for job in jobs]
        decoder_prompts = shortlists = None
        if max_tokens is None:
            rows = [np.append(row, vocab.eos_id) for row in rows]
        else:
            # The last token of a prompt is fed, not read: what follows it is the first to be chosen.
            settings = settings.with_max_tokens(max_tokens)
            decoder_prompts = [[int(row[-1])] for row in rows]
            rows = [row[:-1] for row in rows]
        if self._lexicon is not None and settings.shortlist:
            shortlists = self._lexicon.shortlists(rows, vocab, settings.shortlist)
        if draw_keys is None:
            draw_keys = numbered_draw_keys(settings, [job.number for job in jobs])
        return search(
            self.model,
            Sources.pad(rows, pad_id=vocab.pad_id, device=self.device),
            settings,
            constraints=[stream] if stream else [],
            observers=[stream] if stream else [],
            decoder_prompts=decoder_prompts,
            shortlists=shortlists,
            draw_keys=draw_keys,
        )

    def _generation(self, job: Job, hypotheses: list[Hypothesis]) -> Generation:
        texts = tuple(self.tokenizer.decode_tgt(one.ids) for one in hypotheses)
        notes = job.notes if hypotheses[0].finished else (*job.notes, UNFINISHED)
        return Generation(job.text, texts, tuple(hypotheses), notes, num_cut_tokens=job.num_cut)

    def _continuation(self, job: Job, hypotheses: list[Hypothesis]) -> Generation:
        texts = tuple(self._words(job, one.ids) for one in hypotheses)
        return Generation(job.text, texts, tuple(hypotheses), job.notes, num_cut_tokens=job.num_cut)

    def _words(self, job: Job, ids: Sequence[int]) -> str:
        """The text of what follows a prompt."""
        prompt = job.example.src_ids[1:].tolist()
        before = self.tokenizer.decode_tgt(prompt)
        # Decoded together, because a tokenizer may write the first token of a text without the space before it.
        whole = self.tokenizer.decode_tgt([*prompt, *ids])
        return whole.removeprefix(before) if whole.startswith(before) else self.tokenizer.decode_tgt(ids)

    def _align(self, jobs: list[Job], generations: list[Generation]) -> list[Generation]:
        targets = [np.array(one.hypotheses[0].ids, dtype=np.int64) for one in generations]
        examples = [Example(job.example.src_ids, target) for job, target in zip(jobs, targets, strict=True)]
        alignments = align_targets(self.model, examples)
        return [replace(one, alignment=alignment) for one, alignment in zip(generations, alignments, strict=True)]


def note_limit(generation: Generation, max_tokens: int) -> Generation:
    """A continuation with a note of which limit ended it, if one did."""
    cut = [one for one in generation.hypotheses if not one.finished]
    if not cut:
        return generation
    total = len(generation.hypotheses)
    which = "the output" if total == 1 else f"{len(cut)} of {total} outputs"
    if all(len(one.ids) >= max_tokens for one in cut):
        note = f"{which} reached the limit of {counted(max_tokens, 'token')} (max_tokens) and ended there"
    else:
        note = f"{which} reached the length that the model can hold and ended there"
    return replace(generation, notes=(*generation.notes, note))


def _stands_on(model: Model, device: torch.device) -> bool:
    """Whether the model is on the device already; moving it nowhere would take as long as a short sentence."""
    found = next((parameter.device for parameter in model.parameters()), device)
    return found.type == device.type and device.index in (None, found.index)


@contextmanager
def _evaluating(model: Model) -> Iterator[None]:
    """Without dropout, as generation must be; afterwards the model is as it was."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()
