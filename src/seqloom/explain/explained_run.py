"""ExplainedRun: encodes texts for a run, generates targets, and names the tokens of ids.

Input: text; output: a Sentence, with everything by which its ids become text again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seqloom.data.batching import Sources
from seqloom.decoding.encoded_input import UNFINISHED, InputEncoder
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.trace import BeamTrace, TraceNode
from seqloom.errors import ConfigError
from seqloom.explain.explanation import RunFacts, Token
from seqloom.explain.reference_alignment import Span
from seqloom.explain.sentence import Sentence
from seqloom.models.base import Model
from seqloom.run.command import training_command
from seqloom.run.load import Run
from seqloom.tasks import task_of

_CONTINUATION = 60
"""The largest number of new tokens of a language model."""


@dataclass(frozen=True, slots=True)
class GeneratedTarget:
    """A target that a run generated, and the candidates of its search."""

    sentence: Sentence
    output: str
    hypothesis: Hypothesis
    nodes: list[TraceNode]
    notes: tuple[str, ...] = ()


class ExplainedRun:
    """A run whose outputs are explained.

    Attributes:
        settings: those of the recipe's beam search, or of the default beam search if the recipe samples.
    """

    def __init__(self, run: Run, *, beam: int | None = None, max_tokens: int | None = None) -> None:
        """Takes a run.

        Args:
            beam: beam size; by default the recipe's.
            max_tokens: upper limit for the tokens of an output; the recipe's own limit applies if it is lower.
        """
        self.run = run
        self._max_tokens = max_tokens
        self.model = run.model
        self.tokenizer = run.tokenizer
        self.settings: DecodingSettings = run.generator(method="beam", nbest=1, beam=beam).settings
        self._encoder = InputEncoder(run.model, run.tokenizer, self.settings.max_src_len)
        self._is_text = not task_of(run.info.corpus.kind).has_sources

    def encode(self, text: str) -> tuple[Sentence, tuple[str, ...]]:
        """A source without a target, and notes for the user.

        Raises:
            ConfigError: the text has no tokens.
        """
        vocab = self.tokenizer.vocab
        if self._is_text:
            (prompt,) = self._encoder.prompts([(0, text)])
            ids = prompt.example.src_ids.tolist()
            return Sentence(tuple(ids[:-1]), (ids[-1],), ()), prompt.notes
        (source,) = self._encoder.sources([(0, text)])
        if source.blank:
            raise ConfigError(f"{text!r}: there is nothing in this text to explain; give one with words")
        return Sentence((*source.example.src_ids.tolist(), vocab.eos_id), (vocab.bos_id,), ()), source.notes

    def generate(
        self, sentence: Sentence, *, prefix: Sequence[int] = (), model: Model | None = None
    ) -> GeneratedTarget:
        """Generates a target for a source.

        Args:
            prefix: ids that the target begins with.
            model: searched instead of the run's own.
        """
        limit = _CONTINUATION if self._is_text else self.settings.length_limit(len(sentence.src_ids))
        limit = limit if self._max_tokens is None else min(limit, self._max_tokens)
        settings = self.settings.with_max_tokens(limit)
        trace = BeamTrace(LengthPenalty.from_settings(settings))
        sources = Sources.pad([sentence.src_ids], pad_id=self.model.vocab.pad_id, device=self.run.device)
        prompts = [[sentence.fed_ids[0], *prefix]]
        ((best,),) = search(model or self.model, sources, settings, observers=[trace], decoder_prompts=prompts)
        ids = (*best.ids, *([self.model.vocab.eos_id] if best.finished else []))
        notes = () if best.finished else (UNFINISHED,)
        output = self.tokenizer.decode_tgt(best.ids)
        return GeneratedTarget(sentence.with_target(ids), output, best, trace.trees[0], notes)

    def force(self, sentence: Sentence, target: str) -> Sentence:
        """The sentence with a target of the user.

        Raises:
            ConfigError: the target does not fit the model.
        """
        ids = self.tokenizer.encode_tgt([target])[0].tolist()
        limit = self.model.max_tgt_len(len(sentence.src_ids))
        if limit is not None and len(ids) + 1 > limit:
            raise ConfigError(f"a target of {len(ids) + 1} tokens does not fit: there is room for {limit}; shorten it")
        return sentence.with_target((*ids, self.model.vocab.eos_id))

    def prefix_ids(self, sentence: Sentence, text: str, ids: Sequence[int]) -> list[int]:
        """The ids that a target must begin with.

        Args:
            text: the prefix as text, or
            ids: as ids.

        Raises:
            ConfigError: the prefix does not fit the model, or contains ids that no target can contain.
        """
        prefix = self.tokenizer.encode_tgt([text])[0].tolist() if text else list(ids)
        vocab = self.tokenizer.vocab
        for token_id in prefix:
            if token_id in (vocab.pad_id, vocab.bos_id, vocab.eos_id) or not 0 <= token_id < vocab.tgt_size:
                raise ConfigError(
                    f"prefix_ids {token_id}: no token that a target can begin with; take ids from an explanation"
                )
        limit = self.model.max_tgt_len(len(sentence.src_ids))
        if limit is not None and len(prefix) + 1 > limit:
            raise ConfigError(
                f"a prefix of {len(prefix)} tokens does not fit: there is room for {limit - 1}; shorten it"
            )
        return prefix

    def src_tokens(self, ids: Sequence[int]) -> tuple[Token, ...]:
        """Source ids as tokens."""
        texts = self.tokenizer.tgt_tokens(ids) if self._is_text else self.tokenizer.src_tokens(ids)
        return tuple(Token(text=text, token_id=i) for text, i in zip(texts, ids, strict=True))

    def tgt_tokens(self, ids: Sequence[int]) -> tuple[Token, ...]:
        """Target ids as tokens."""
        return tuple(Token(text=text, token_id=i) for text, i in zip(self.tokenizer.tgt_tokens(ids), ids, strict=True))

    def spans(self, ids: Sequence[int], *, side: str) -> tuple[str, list[Span]]:
        """The text of ids, and the span of each id in it; special ids have empty spans.

        Args:
            side: "source" or "target".
        """
        decode = self.tokenizer.decode_src if side == "source" and not self._is_text else self.tokenizer.decode_tgt
        ends = [len(decode(ids[:count])) for count in range(len(ids) + 1)]
        return decode(ids), list(pairwise(ends))

    def non_special_positions(self, ids: Sequence[int]) -> list[int]:
        """The positions of all ids except the special ids pad, bos and eos."""
        vocab = self.tokenizer.vocab
        return [position for position, i in enumerate(ids) if i not in (vocab.pad_id, vocab.bos_id, vocab.eos_id)]


def run_facts(run: Run) -> RunFacts:
    """The facts about a run that an explanation holds."""
    return RunFacts(
        folder=run.folder.name,
        recipe=run.recipe.name,
        label=run.recipe.label,
        architecture=run.recipe.model.architecture,
        corpus=run.info.corpus.name,
        parameters=run.model.num_parameters(),
        vocab_size=run.model.vocab.tgt_size,
        max_len=run.model.max_len,
        trained_by=training_command(run),
    )
