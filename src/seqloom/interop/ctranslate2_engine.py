"""CTranslate2 as an engine: texts -> Generations, decoded by CTranslate2 instead of seqloom's search.

Texts are read, cut and noted as by the Generator. The hypotheses of CTranslate2 are ranked here by seqloom's length penalty, so
that scores mean the same. A run that was converted before is opened without torch.
"""

import copy
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqloom.config import merge
from seqloom.data.example import Example
from seqloom.decoding.encoded_input import UNFINISHED, EncodedInput, InputEncoder, windows
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, ConfigError, DecodingError
from seqloom.interop.ctranslate2_file import check_ctranslate2
from seqloom.interop.folder import SEQLOOM_FOLDER, Manifest
from seqloom.progress import Progress
from seqloom.tokenizer import Tokenizer

NAME = "ctranslate2"
MISSING = f"the engine {NAME} needs the package of this name, which is not installed: pip install 'seqloom[{NAME}]'"

# These settings only save work in seqloom's search. If they come from the recipe, this engine ignores them.
_SEARCH_SHORTCUTS = ("stop", "shortlist")

_UNSUPPORTED = ("repetition_penalty", "frequency_penalty", "stop_strings", "full_context")

# Larger batches are not faster for models of this size, and they divide the work less evenly among the workers.
_MOST_SENTENCES = 64
_COST = 16
"""A source counts as at least this many tokens of a batch, as in the Generator."""


def import_ctranslate2() -> Any:
    """Imports the package.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        import ctranslate2
    except ImportError:
        raise ConfigError(MISSING) from None
    return ctranslate2


def open_ctranslate2(
    folder: Path, decoding: Mapping[str, Any], *, device: str = "auto", threads: int | None = None
) -> "CTranslate2Engine":
    """Opens a run, which is converted at its first use, or an exported folder.

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
            decoding: settings that override the recipe's.
            threads: how many batches are decoded in parallel; by default one per core.
            window: how many texts are read ahead and sorted by length; 1 decodes each text before the next one is read.
        """
        package = import_ctranslate2()
        self.manifest = Manifest.load(folder, NAME)
        self.tokenizer = Tokenizer.load(folder / SEQLOOM_FOLDER / "tokenizer.json", within=folder)
        self.window = window
        self._apply(_settings(self.manifest, decoding or {}))
        self._source, self._target = self.tokenizer.source.pieces, self.tokenizer.target.pieces
        check_ctranslate2(folder, self.manifest, self._source, self._target)
        self._ids = {piece: number for number, piece in enumerate(self._target)}
        vocab = self.tokenizer.vocab
        self._bos, self._eos = self._target[vocab.bos_id], self._target[vocab.eos_id]
        backend_class = package.Generator if self.manifest.decoder_only else package.Translator
        device_name = _device(package, device)
        # One thread per worker: a second thread hardly helps such small products, and makes int8 slower.
        workers = {"inter_threads": threads or _num_cores(), "intra_threads": 1} if device_name == "cpu" else {}
        try:
            self._backend = backend_class(str(folder), device=device_name, max_queued_batches=-1, **workers)
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{folder}: CTranslate2 cannot open it: {error}") from None

    def with_decoding(self, decoding: Mapping[str, Any]) -> "CTranslate2Engine":
        """The same model with other decoding settings, which override the recipe's.

        Raises:
            ConfigError: this engine cannot apply a setting.
        """
        other = copy.copy(self)
        other._apply(_settings(self.manifest, decoding))
        return other

    def _apply(self, settings: DecodingSettings) -> None:
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
        """Yields one Generation for each source text, in their order; see `Generator.generate`.

        The hypotheses have no `token_log_probs`, because CTranslate2 returns only the sum. Its log-probabilities are normalised
        over the allowed tokens (without pad, bos and what `min_len` and `no_repeat_ngram` forbid), seqloom's over all tokens.

        Raises:
            ConfigError: alignments are asked for.
        """
        if alignments:
            raise ConfigError(
                f"alignments: the engine {NAME} does not make them; leave them out, or use engine seqloom"
            )
        for window in windows(texts, self.window, progress, task):
            inputs = self._encoder.sources(window)
            results = self._search([item for item in inputs if not item.blank])
            for item in inputs:
                yield item.blank_generation() if item.blank else self._generation(item, results[item.number])

    def num_read(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each source `generate` reads, without those that are cut."""
        return [len(item.example.src_ids) for item in self._encoder.sources(list(enumerate(texts)))]

    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        """The log-probability of each token of given targets; see `decoding.forced.score_targets`.

        Args:
            end: whether eos follows each source and target. Only a decoder-only model on running text supports False.
        """
        options = {"max_batch_size": self.settings.batch_tokens, "batch_type": "tokens", "max_input_length": 0}
        sources = [self._source_tokens(example) if end else [self._bos] for example in examples]
        targets = [[self._target[number] for number in example.tgt_ids.tolist()] for example in examples]
        if not self.manifest.decoder_only:
            return [tuple(result.log_probs) for result in self._backend.score_batch(sources, targets, **options)]
        ends = [self._eos] if end else []
        sequences = [[*source, *target, *ends] for source, target in zip(sources, targets, strict=True)]
        results = self._backend.score_batch(sequences, **options)
        # The tokens before the target were scored too.
        return [tuple(result.log_probs[len(source) - 1 :]) for source, result in zip(sources, results, strict=True)]

    def _generation(self, item: EncodedInput, hypotheses: Sequence[Hypothesis]) -> Generation:
        texts = tuple(self.tokenizer.decode_tgt(hypothesis.ids) for hypothesis in hypotheses)
        notes = item.notes if hypotheses[0].finished else (*item.notes, UNFINISHED)
        return Generation(item.text, texts, tuple(hypotheses), notes, num_cut_tokens=item.num_cut)

    def _search(self, inputs: Sequence[EncodedInput]) -> dict[int, list[Hypothesis]]:
        """The `nbest` best hypotheses of each input, by its number."""
        results: dict[int, list[Hypothesis]] = {}
        # With a length penalty all hypotheses of the beam are needed, because they are ranked here. Without a penalty CTranslate2
        # ranks in the same way, and may stop as soon as no better hypothesis can follow.
        num_hypotheses = self.settings.beam if self.settings.length_penalty else self.settings.nbest
        # CTranslate2 has one length limit for a batch: the largest of its inputs. An output that ended within the limit of its own
        # input is valid. Inputs without enough valid outputs are decoded again, in batches of inputs with the same limit.
        retries: dict[int, list[EncodedInput]] = {}
        for item, result in self._decode(self._batches(inputs), num_hypotheses):
            limit = self._limit(item)
            hypotheses = self._hypotheses(result)
            if any(len(tokens) > limit for tokens in _sequences(result)):
                hypotheses = [
                    hypothesis for hypothesis in hypotheses if hypothesis.finished and len(hypothesis.ids) < limit
                ]
            # A hypothesis that was cut may have replaced one that ended.
            enough = all(hypothesis.finished for hypothesis in hypotheses) or num_hypotheses == self.settings.beam
            if enough and len(hypotheses) >= self.settings.nbest:
                results[item.number] = hypotheses[: self.settings.nbest]
            else:
                retries.setdefault(limit, []).append(item)
        batches = [batch for group in retries.values() for batch in self._batches(group)]
        for item, result in self._decode(batches, self.settings.beam):
            results[item.number] = self._hypotheses(result)[: self.settings.nbest]
        return results

    def _batches(self, inputs: Sequence[EncodedInput]) -> list[list[EncodedInput]]:
        """Batches of inputs of similar length, longest first; prompts have equal lengths, because CTranslate2 pads none."""
        batches: list[list[EncodedInput]] = []
        for item in sorted(inputs, key=lambda item: -item.size):
            last = batches[-1] if batches else []
            longest = max(_COST, last[0].size) if last else 0
            fits = (len(last) + 1) * longest <= self.settings.batch_tokens and len(last) < _MOST_SENTENCES
            if last and fits and (not self.manifest.decoder_only or last[0].size == item.size):
                last.append(item)
            else:
                batches.append([item])
        return batches

    def _decode(
        self, batches: Sequence[Sequence[EncodedInput]], num_hypotheses: int
    ) -> Iterator[tuple[EncodedInput, Any]]:
        """Yields each input with the result of CTranslate2, which holds `num_hypotheses` hypotheses."""
        pending = []
        for batch in batches:
            limit = max(map(self._limit, batch))
            pending.append(
                (batch, self._submit([self._source_tokens(item.example) for item in batch], limit, num_hypotheses))
            )
        for batch, results in pending:
            for item, result in zip(batch, results, strict=True):
                yield item, result.result()

    def _submit(self, tokens: list[list[str]], limit: int, num_hypotheses: int) -> Any:
        settings = self.settings
        options = {
            "beam_size": settings.beam,
            "num_hypotheses": num_hypotheses,
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
        """The tokens before the target: the source; for a decoder-only model with eos and bos at its end."""
        ids = example.src_ids.tolist()
        tokens = [self._source[number] for number in (reversed(ids) if self.manifest.reverse_source else ids)]
        # CTranslate2 adds the eos of an encoder's source.
        return [*tokens, self._eos, self._bos] if self.manifest.decoder_only else tokens

    def _limit(self, item: EncodedInput) -> int:
        """The most tokens of the target, eos included."""
        length = len(item.example.src_ids) + 1
        return self.settings.length_limit(length, self.manifest.max_tgt_len(length))

    def _hypotheses(self, result: Any) -> list[Hypothesis]:
        """The hypotheses of a result, best first."""
        hypotheses = []
        for tokens, log_prob in zip(_sequences(result), result.scores, strict=True):
            if math.isnan(log_prob):
                raise DecodingError("the model's scores are not numbers (NaN); its weights are damaged")
            finished = bool(tokens) and tokens[-1] == self._eos
            ids = tuple(self._ids[token] for token in (tokens[:-1] if finished else tokens))
            hypotheses.append(Hypothesis(ids, log_prob / self._penalty.of(len(tokens)), log_prob, finished, ()))
        # As in seqloom's beam search, hypotheses that ended come before those that were cut.
        return sorted(hypotheses, key=lambda hypothesis: (not hypothesis.finished, -hypothesis.score))


def _sequences(result: Any) -> list[list[str]]:
    sequences: list[list[str]] = result.sequences if hasattr(result, "sequences") else result.hypotheses
    return sequences


def _settings(manifest: Manifest, decoding: Mapping[str, Any]) -> DecodingSettings:
    overrides = {name: value for name, value in decoding.items() if value is not None}
    recipe = DecodingSettings.parse(manifest.decoding, source="the recipe's decoding settings")
    settings_of_recipe = recipe.for_method(overrides.get("method", recipe.method))
    for name in _SEARCH_SHORTCUTS:
        settings_of_recipe.pop(name, None)
        if overrides.get(name, default := DecodingSettings.model_fields[name].default) != default:
            raise ConfigError(
                f"decoding.{name} is {overrides[name]!r}: the engine {NAME} searches by its own rules; leave it out, or use engine "
                "seqloom"
            )
    settings = DecodingSettings.parse(merge(settings_of_recipe, overrides), source="decoding")
    unsupported = [
        name for name in _UNSUPPORTED if getattr(settings, name) != type(settings).model_fields[name].default
    ]
    if unsupported:
        raise ConfigError(
            f"decoding.{unsupported[0]} is {getattr(settings, unsupported[0])!r}: the engine {NAME} does not have it; "
            "leave it out, or use engine seqloom"
        )
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
