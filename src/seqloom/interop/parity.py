"""Parity: checks that an exported model gives the same target scores and the same outputs as its run.

Input: a run, the exported model as a `Peer`, and sentences; output: a Parity, plain data. This module does not import the other
program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from seqloom.corpus import SentencePair
from seqloom.data.example import Example
from seqloom.decoding.encoded_input import InputEncoder
from seqloom.decoding.forced import score_targets
from seqloom.decoding.hypothesis import Generation
from seqloom.metrics import score
from seqloom.run.load import Run

SCHEMA_VERSION = 1
# Passages of plain text are cut to this number of tokens.
_MAX_PASSAGE_TOKENS = 64


class Peer(Protocol):
    """An exported model that runs in the other program."""

    def outputs(self, texts: Sequence[str], beam: int) -> list[Generation]:
        """Its outputs for sources, with the recipe's decoding settings except the beam size."""

    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        """The log-probability of each token of the examples' targets.

        Args:
            end: whether eos follows each source and target.
        """

    def search_difference(self, beam: int) -> str:
        """A sentence that says how its search differs from seqloom's; empty if it does not."""


@dataclass(frozen=True, slots=True)
class ParityData:
    """The sentences that parity is measured on.

    Attributes:
        origin: the split or file that they come from, for messages.
        sources: sentences, or passages of plain text.
        references: the references of the sources, or None.
        running_text: whether the sources are passages of plain text.
    """

    origin: str
    sources: tuple[str, ...]
    references: tuple[str, ...] | None = None
    running_text: bool = False


@dataclass(frozen=True, slots=True)
class ForcedScores:
    """Differences between both programs' log-probabilities of the same given targets, in nats.

    Attributes:
        of: the targets, such as "the references".
        mean_difference: the mean, over sentences, of the absolute difference of their total log-probabilities.
        max_difference: the largest absolute difference of a sentence's total log-probability.
        max_token_difference: the largest absolute difference of a token.
    """

    of: str
    sentences: int
    tokens: int
    mean_difference: float
    max_difference: float
    max_token_difference: float


@dataclass(frozen=True, slots=True)
class SearchParity:
    """How similar the outputs of both programs are, with the same beam size.

    Attributes:
        identical: the share of sentences with the same tokens.
        token_agreement: the share of positions, up to the longer of two outputs, with the same token, eos included.
        bleu: the BLEU of both programs, the difference and the signature; None without references.
        words: how the searches differ; empty if they do not.
    """

    beam: int
    identical: float
    token_agreement: float
    bleu: Mapping[str, Any] | None
    words: str


@dataclass(frozen=True, slots=True)
class Parity:
    """The results of a comparison; `searches` is empty for a model of plain text."""

    origin: str
    sentences: int
    forced: ForcedScores
    searches: tuple[SearchParity, ...]

    def to_json(self) -> dict[str, Any]:
        """The results as plain values, for `parity.json`."""
        return {"schema_version": SCHEMA_VERSION, "measured": True, **asdict(self)}


def measure(run: Run, peer: Peer, data: ParityData, *, beam: int) -> Parity:
    """Compares outputs of both programs, greedy and with a beam, and log-probabilities of the same targets."""
    if data.running_text:
        return Parity(data.origin, len(data.sources), _passage_differences(run, peer, data), ())
    searches, greedy = [], list[Generation]()
    for width in sorted({1, beam}):
        ours = list(run.generator(beam=width, nbest=1, stop="certain", shortlist=0).generate(data.sources))
        theirs = peer.outputs(data.sources, width)
        searches.append(_compare(width, ours, theirs, data.references, run.tokenizer.vocab.eos_id, peer))
        greedy = greedy or ours
    of = "the references" if data.references else "the greedy outputs of seqloom"
    targets = data.references or tuple(generation.text for generation in greedy)
    pairs = [SentencePair(source, target) for source, target in zip(data.sources, targets, strict=True)]
    inputs = InputEncoder(run.model, run.tokenizer, run.recipe.decoding.max_src_len).pairs(list(enumerate(pairs)))
    forced = _score_differences(of, run, peer, [item.example for item in inputs if len(item.example.src_ids)], end=True)
    return Parity(data.origin, len(data.sources), forced, tuple(searches))


def _passage_differences(run: Run, peer: Peer, data: ParityData) -> ForcedScores:
    max_len = min(_MAX_PASSAGE_TOKENS, run.model.max_tgt_len(0) or _MAX_PASSAGE_TOKENS)
    empty_source = np.zeros(0, dtype=np.int64)
    encoded = run.tokenizer.encode_tgt(data.sources)
    examples = [Example(empty_source, ids[:max_len]) for ids in encoded if len(ids)]
    return _score_differences("the passages", run, peer, examples, end=False)


def _score_differences(of: str, run: Run, peer: Peer, examples: Sequence[Example], *, end: bool) -> ForcedScores:
    ours = [target.token_log_probs for example in examples for target in score_targets(run.model, [example], end=end)]
    theirs = peer.token_log_probs(examples, end=end)
    gaps = [np.array(mine) - np.array(other) for mine, other in zip(ours, theirs, strict=True)]
    sums = np.array([abs(gap.sum()) for gap in gaps] or [0.0])
    return ForcedScores(
        of,
        len(examples),
        sum(map(len, ours)),
        float(sums.mean()),
        float(sums.max()),
        float(max((np.abs(gap).max() for gap in gaps if gap.size), default=0.0)),
    )


def _compare(
    beam: int,
    ours: Sequence[Generation],
    theirs: Sequence[Generation],
    references: Sequence[str] | None,
    eos_id: int,
    peer: Peer,
) -> SearchParity:
    rows = [(_ids(mine, eos_id), _ids(other, eos_id)) for mine, other in zip(ours, theirs, strict=True)]
    positions = sum(max(len(mine), len(other)) for mine, other in rows)
    agreeing = sum(a == b for mine, other in rows for a, b in zip(mine, other, strict=False))
    bleu = None
    if references:
        mine = score("bleu", [generation.text for generation in ours], references)
        other = score("bleu", [generation.text for generation in theirs], references)
        bleu = {
            "ours": mine.value,
            "theirs": other.value,
            "difference": other.value - mine.value,
            "signature": mine.signature,
        }
    return SearchParity(
        beam,
        sum(mine == other for mine, other in rows) / max(1, len(rows)),
        agreeing / max(1, positions),
        bleu,
        peer.search_difference(beam),
    )


def _ids(generation: Generation, eos_id: int) -> list[int]:
    best = generation.hypotheses[0]
    return [*best.ids, eos_id] if best.finished else list(best.ids)
