"""Reading: a run and a text -> what to explain: the ids of a source, and of the target that was found or given.

Text enters, a Sentence leaves with everything by which its ids become text again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seqloom.batching import Sources
from seqloom.decoding.encoded_input import UNFINISHED, InputEncoder
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.trace import BeamNode, BeamTrace
from seqloom.errors import ConfigError
from seqloom.explain.explanation import Token
from seqloom.explain.sentence import Sentence
from seqloom.explain.truth import Span
from seqloom.models.base import Model
from seqloom.run.load import Run
from seqloom.tasks import task_of

_CONTINUATION = 60
"""The most tokens by which a language model goes on from a prompt."""


@dataclass(frozen=True, slots=True)
class Found:
    """A target that a run wrote, and how its search came to it."""

    sentence: Sentence
    output: str
    hypothesis: Hypothesis
    nodes: list[BeamNode]
    notes: tuple[str, ...] = ()


class RunReader:
    """Reads texts for one run, and lets it write.

    Attributes:
        settings: how the run searches: its recipe's beam search, or the default where the recipe samples.
    """

    def __init__(self, run: Run, *, beam: int | None = None, max_tokens: int | None = None) -> None:
        """Makes it.

        Args:
            beam: by default the recipe's.
            max_tokens: the most tokens of what it writes, where its own rule allows more.
        """
        self.run = run
        self._max_tokens = max_tokens
        self.model = run.model
        self.tokenizer = run.tokenizer
        self.settings: DecodingSettings = run.generator(method="beam", nbest=1, beam=beam).settings
        self._encoder = InputEncoder(run.model, run.tokenizer, self.settings.max_src_len)
        self._of_text = not task_of(run.info.corpus.kind).has_sources

    def read(self, text: str) -> tuple[Sentence, tuple[str, ...]]:
        """A source without a target yet, and what the user should know.

        Raises:
            ConfigError: there is nothing to read.
        """
        vocab = self.tokenizer.vocab
        if self._of_text:
            (job,) = self._encoder.prompts([(0, text)], _CONTINUATION)
            ids = job.example.src_ids.tolist()
            return Sentence(tuple(ids[:-1]), (ids[-1],), ()), job.notes
        (job,) = self._encoder.sources([(0, text)])
        if job.blank:
            raise ConfigError(f"{text!r}: there is nothing in this text to explain; give one with words")
        return Sentence((*job.example.src_ids.tolist(), vocab.eos_id), (vocab.bos_id,), ()), job.notes

    def write(self, sentence: Sentence, *, begin: Sequence[int] = (), model: Model | None = None) -> Found:
        """What the run, or an altered model in its place, writes for a source.

        Args:
            begin: ids that the target begins with.
        """
        limit = _CONTINUATION if self._of_text else self.settings.length_limit(len(sentence.src_ids))
        limit = limit if self._max_tokens is None else min(limit, self._max_tokens)
        settings = self.settings.with_max_tokens(limit)
        trace = BeamTrace(LengthPenalty.from_settings(settings))
        sources = Sources.pad([sentence.src_ids], pad_id=self.model.vocab.pad_id, device=self.run.device)
        prompts = [[sentence.fed_ids[0], *begin]]
        ((best,),) = search(model or self.model, sources, settings, observers=[trace], decoder_prompts=prompts)
        ids = (*best.ids, *([self.model.vocab.eos_id] if best.finished else []))
        notes = () if best.finished else (UNFINISHED,)
        return Found(sentence.with_target(ids), self.tokenizer.decode_tgt(best.ids), best, trace.trees[0], notes)

    def given(self, sentence: Sentence, target: str) -> Sentence:
        """The sentence with a target that is given.

        Raises:
            ConfigError: it does not fit the model.
        """
        ids = self.tokenizer.encode_tgt([target])[0].tolist()
        room = self.model.max_tgt_len(len(sentence.src_ids))
        if room is not None and len(ids) + 1 > room:
            raise ConfigError(f"a target of {len(ids) + 1} tokens does not fit: there is room for {room}; shorten it")
        return sentence.with_target((*ids, self.model.vocab.eos_id))

    def beginning(self, sentence: Sentence, force: str, begin: Sequence[int]) -> list[int]:
        """What a target is to begin with, as ids.

        Args:
            force: as text.
            begin: as ids.

        Raises:
            ConfigError: it does not fit the model, or is of ids that no target may hold.
        """
        ids = self.tokenizer.encode_tgt([force])[0].tolist() if force else list(begin)
        vocab = self.tokenizer.vocab
        for number in ids:
            if number in (vocab.pad_id, vocab.bos_id, vocab.eos_id) or not 0 <= number < vocab.tgt_size:
                raise ConfigError(
                    f"begin {number}: no token that a target can begin with; take ids from an explanation"
                )
        room = self.model.max_tgt_len(len(sentence.src_ids))
        if room is not None and len(ids) + 1 > room:
            raise ConfigError(
                f"a beginning of {len(ids)} tokens does not fit: there is room for {room - 1}; shorten it"
            )
        return ids

    def src_tokens(self, ids: Sequence[int]) -> tuple[Token, ...]:
        """Source ids as they are shown."""
        texts = self.tokenizer.tgt_tokens(ids) if self._of_text else self.tokenizer.src_tokens(ids)
        return tuple(Token(text=text, token_id=i) for text, i in zip(texts, ids, strict=True))

    def tgt_tokens(self, ids: Sequence[int]) -> tuple[Token, ...]:
        """Target ids as they are shown."""
        return tuple(Token(text=text, token_id=i) for text, i in zip(self.tokenizer.tgt_tokens(ids), ids, strict=True))

    def spans(self, ids: Sequence[int], *, of: str) -> tuple[str, list[Span]]:
        """The text of ids, and where each of them stands in it; special ids have empty spans."""
        decode = self.tokenizer.decode_src if of == "source" and not self._of_text else self.tokenizer.decode_tgt
        ends = [len(decode(ids[:count])) for count in range(len(ids) + 1)]
        return decode(ids), list(pairwise(ends))

    def real(self, ids: Sequence[int]) -> list[int]:
        """The places of ids that are no special ones."""
        vocab = self.tokenizer.vocab
        return [place for place, i in enumerate(ids) if i not in (vocab.pad_id, vocab.bos_id, vocab.eos_id)]
