"""CTranslate2 as an engine: texts -> Generations, decoded by CTranslate2 in place of our own search.

Text enters and text leaves, read, cut, noted and answered as by the Generator. What CTranslate2 finds is ranked here by our length
penalty, so that scores mean the same. No torch is imported where a run was converted before.
"""

import copy
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqloom.config import merge
from seqloom.decoding.encoded_input import UNFINISHED, EncodedInput, InputEncoder, windows
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError, DecodingError
from seqloom.example import Example
from seqloom.interop.ctranslate2_file import check_ctranslate2
from seqloom.interop.folder import PART, Manifest
from seqloom.progress import Progress
from seqloom.tokenizer import Tokenizer

NAME = "ctranslate2"
MISSING = f"the engine {NAME} needs the package of this name, which is not installed: pip install 'seqloom[{NAME}]'"

# How our search saves work; a recipe's do not keep another engine from decoding what the recipe trained.
_OF_OUR_SEARCH = ("stop", "shortlist")

# More sentences at once leave CTranslate2's small matrix products no faster, and its workers less evenly busy.
_MOST_SENTENCES = 64
_COST = 16
"""As in the Generator: a source counts at least as many tokens in a batch."""


def import_ctranslate2() -> Any:
    """The package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ctranslate2
    except ImportError:
        raise ConfigError(MISSING) from None
    return ctranslate2


def open_ctranslate2(
    folder: Path, decoding: Mapping[str, Any], *, device: str = "auto", threads: int | None = None
) -> "CTranslate2Engine":
    """An engine for a run, which is converted at first use, or for an exported folder.

    Raises:
        SeqloomError: see `seqloom.decoding.engines.EngineOpener`.
    """
    import_ctranslate2()
    from seqloom.interop.cache import converted

    return CTranslate2Engine(converted(folder), decoding, device=device, threads=threads)


class CTranslate2Engine:
    """A model in CTranslate2's format, its tokenizer and settings: text in, text out."""

    def __init__(
        self,
        folder: Path,
        decoding: Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
        threads: int | None = None,
        window: int = 4096,
    ) -> None:
        """Opens an exported folder.

        Args:
            decoding: settings that are given; the others are the recipe's.
            threads: how many sentences or batches are decoded beside each other; one a core by default.
            window: how many texts are read ahead and sorted by length; 1 answers each text before it reads the next.
        """
        package = import_ctranslate2()
        self.manifest = Manifest.load(folder, NAME)
        self.tokenizer = Tokenizer.load(folder / PART / "tokenizer.json", within=folder)
        self.window = window
        self._follow(_settings(self.manifest, decoding or {}))
        self._source, self._target = self.tokenizer.source.pieces, self.tokenizer.target.pieces
        check_ctranslate2(folder, self.manifest, self._source, self._target)
        self._ids = {piece: number for number, piece in enumerate(self._target)}
        vocab = self.tokenizer.vocab
        self._bos, self._eos = self._target[vocab.bos_id], self._target[vocab.eos_id]
        make = package.Generator if self.manifest.decoder_only else package.Translator
        where = _device(package, device)
        # One thread a worker: products as small as these gain little from a second, and CTranslate2's int8 loses by it.
        workers = {"inter_threads": threads or _num_cores(), "intra_threads": 1} if where == "cpu" else {}
        try:
            self._backend = make(str(folder), device=where, max_queued_batches=-1, **workers)
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{folder}: CTranslate2 cannot open it: {error}") from None

    def with_decoding(self, decoding: Mapping[str, Any]) -> "CTranslate2Engine":
        """The same model with other decoding settings; those that are not given are the recipe's.

        Raises:
            ConfigError: it cannot honour one.
        """
        other = copy.copy(self)
        other._follow(_settings(self.manifest, decoding))
        return other

    def _follow(self, settings: DecodingSettings) -> None:
        self.settings = settings
        self._penalty = LengthPenalty(settings.length_penalty, settings.length_penalty_form)
        self._encoder = InputEncoder(self.manifest, self.tokenizer, settings.max_src_len)

    def generate(
        self,
        texts: Iterable[str],
        *,
        alignments: bool = False,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Writes one Generation for each source text, in their order; see `Generator.generate`.

        The hypotheses have no `token_log_probs`: CTranslate2 tells of the whole only. Its log-probabilities are over the tokens
        that may come (not pad, not bos, nor what `min_len` and `no_repeat_ngram` forbid), ours over all.

        Raises:
            ConfigError: alignments are asked for.
        """
        if alignments:
            raise ConfigError(
                f"alignments: the engine {NAME} does not make them; leave them out, or use engine seqloom"
            )
        for window in windows(texts, self.window, progress, task):
            jobs = self._encoder.sources(window)
            found = self._search([job for job in jobs if not job.blank])
            for job in jobs:
                yield job.blank_generation() if job.blank else self._generation(job, found[job.number])

    def num_read(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each source `generate` reads; what does not fit is cut, and does not count."""
        return [len(job.example.src_ids) for job in self._encoder.sources(list(enumerate(texts)))]

    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        """The log-probability of each target token, forced; see `decoding.forced.score_targets`.

        Args:
            end: whether eos follows each source and target. Only a decoder-only model can go without, on running text.
        """
        options = {"max_batch_size": self.settings.batch_tokens, "batch_type": "tokens", "max_input_length": 0}
        sources = [self._source_tokens(example) if end else [self._bos] for example in examples]
        targets = [[self._target[number] for number in example.tgt_ids.tolist()] for example in examples]
        if not self.manifest.decoder_only:
            return [tuple(one.log_probs) for one in self._backend.score_batch(sources, targets, **options)]
        ends = [self._eos] if end else []
        whole = [[*source, *target, *ends] for source, target in zip(sources, targets, strict=True)]
        scores = self._backend.score_batch(whole, **options)
        # What precedes the target was scored too.
        return [tuple(one.log_probs[len(source) - 1 :]) for source, one in zip(sources, scores, strict=True)]

    def _generation(self, job: EncodedInput, hypotheses: Sequence[Hypothesis]) -> Generation:
        texts = tuple(self.tokenizer.decode_tgt(one.ids) for one in hypotheses)
        notes = job.notes if hypotheses[0].finished else (*job.notes, UNFINISHED)
        return Generation(job.text, texts, tuple(hypotheses), notes, num_cut_tokens=job.num_cut)

    def _search(self, jobs: Sequence[EncodedInput]) -> dict[int, list[Hypothesis]]:
        """The hypotheses of each job, by its number."""
        found: dict[int, list[Hypothesis]] = {}
        # All that the beam finds is wanted, not ranked: the ranking is ours. Only where we rank by log-probability as well may
        # CTranslate2 end as soon as nothing better can come.
        count = self.settings.beam if self.settings.length_penalty else self.settings.nbest
        # CTranslate2 knows one limit a batch. What ended within its source's own limit would have been found with that one too;
        # where that is not enough, others' longer limits let an output grow, and it is searched again with those of its limit.
        again: dict[int, list[EncodedInput]] = {}
        for job, result in self._decode(self._batches(jobs), count):
            own = self._limit(job)
            hypotheses = self._hypotheses(result)
            if any(len(tokens) > own for tokens in _sequences(result)):
                hypotheses = [one for one in hypotheses if one.finished and len(one.ids) < own]
            # One that was cut may hide others that ended.
            enough = all(one.finished for one in hypotheses) or count == self.settings.beam
            if enough and len(hypotheses) >= self.settings.nbest:
                found[job.number] = hypotheses[: self.settings.nbest]
            else:
                again.setdefault(own, []).append(job)
        batches = [batch for group in again.values() for batch in self._batches(group)]
        for job, result in self._decode(batches, self.settings.beam):
            found[job.number] = self._hypotheses(result)[: self.settings.nbest]
        return found

    def _batches(self, jobs: Sequence[EncodedInput]) -> list[list[EncodedInput]]:
        """Jobs of like length together, the longest first; prompts of one length only, since CTranslate2 pads none."""
        batches: list[list[EncodedInput]] = []
        for job in sorted(jobs, key=lambda job: -job.size):
            last = batches[-1] if batches else []
            longest = max(_COST, last[0].size) if last else 0
            fits = (len(last) + 1) * longest <= self.settings.batch_tokens and len(last) < _MOST_SENTENCES
            if last and fits and (not self.manifest.decoder_only or last[0].size == job.size):
                last.append(job)
            else:
                batches.append([job])
        return batches

    def _decode(self, batches: Sequence[Sequence[EncodedInput]], count: int) -> Iterator[tuple[EncodedInput, Any]]:
        """Each job with the `count` hypotheses that were found."""
        pending = []
        for batch in batches:
            limit = max(map(self._limit, batch))
            pending.append((batch, self._submit([self._source_tokens(job.example) for job in batch], limit, count)))
        for batch, results in pending:
            for job, result in zip(batch, results, strict=True):
                yield job, result.result()

    def _submit(self, tokens: list[list[str]], limit: int, count: int) -> Any:
        settings = self.settings
        options = {
            "beam_size": settings.beam,
            "num_hypotheses": count,
            "length_penalty": 0,
            "no_repeat_ngram_size": settings.no_repeat_ngram,
            "suppress_sequences": [[self._target[self.tokenizer.vocab.pad_id]], [self._bos]],
            "return_scores": True,
            "return_end_token": True,
            "asynchronous": True,
        }
        if self.manifest.decoder_only:
            lengths = {"max_length": limit, "min_length": settings.min_len, "include_prompt_in_result": False}
            return self._backend.generate_batch(tokens, **options, **lengths)
        lengths = {"max_decoding_length": limit, "min_decoding_length": settings.min_len, "max_input_length": 0}
        return self._backend.translate_batch(tokens, **options, **lengths)

    def _source_tokens(self, example: Example) -> list[str]:
        """What is read before the target: a source, or bos at the end of a prompt."""
        ids = example.src_ids.tolist()
        tokens = [self._source[number] for number in (reversed(ids) if self.manifest.reverse_source else ids)]
        # An encoder's eos is added by CTranslate2.
        return [*tokens, self._eos, self._bos] if self.manifest.decoder_only else tokens

    def _limit(self, job: EncodedInput) -> int:
        """The most tokens of the target, eos included."""
        length = len(job.example.src_ids) + 1
        return self.settings.length_limit(length, self.manifest.max_tgt_len(length))

    def _hypotheses(self, result: Any) -> list[Hypothesis]:
        """All that the beam found, best first."""
        found = []
        for tokens, log_prob in zip(_sequences(result), result.scores, strict=True):
            if math.isnan(log_prob):
                raise DecodingError("the model's scores are not numbers (NaN); its weights are damaged")
            finished = bool(tokens) and tokens[-1] == self._eos
            ids = tuple(self._ids[token] for token in (tokens[:-1] if finished else tokens))
            found.append(Hypothesis(ids, log_prob / self._penalty.of(len(tokens)), log_prob, finished, ()))
        # As in beam search of our own: what was cut is no rival of what ended.
        return sorted(found, key=lambda one: (not one.finished, -one.score))


def _sequences(result: Any) -> list[list[str]]:
    found: list[list[str]] = result.sequences if hasattr(result, "sequences") else result.hypotheses
    return found


def _settings(manifest: Manifest, decoding: Mapping[str, Any]) -> DecodingSettings:
    given = {name: value for name, value in decoding.items() if value is not None}
    recipe = DecodingSettings.parse(manifest.decoding, source="the recipe's decoding settings")
    own = recipe.for_method(given.get("method", recipe.method))
    for name in _OF_OUR_SEARCH:
        own.pop(name, None)
        if given.get(name, default := DecodingSettings.model_fields[name].default) != default:
            raise ConfigError(
                f"decoding.{name} is {given[name]!r}: the engine {NAME} searches by its own rules; leave it out, or use engine "
                "seqloom"
            )
    settings = DecodingSettings.parse(merge(own, given), source="decoding")
    if settings.method != "beam":
        raise ConfigError(
            f"decoding.method is {settings.method}: the engine {NAME} cannot draw by our seeds; accepted: beam (beam 1 is greedy)"
        )
    return settings


def _device(package: Any, name: str) -> str:
    if name == "auto":
        return "cuda" if package.get_cuda_device_count() else "cpu"
    if name not in ("cpu", "cuda"):
        raise ConfigError(f"device {name}: the engine {NAME} accepts auto, cpu and cuda")
    if name == "cuda" and not package.get_cuda_device_count():
        raise ConfigError("device cuda: CTranslate2 finds none on this machine; accepted: auto, cpu")
    return name


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
