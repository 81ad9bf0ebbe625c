"""Parity: whether what was exported is what was trained: the same scores of the same targets, and the same outputs.

A run, another program's model and sentences enter; a Parity leaves, as data. It does not know how either of them computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from seqloom.corpus import SentencePair
from seqloom.decoding.encoded_input import InputEncoder
from seqloom.decoding.forced import score_targets
from seqloom.decoding.hypothesis import Generation
from seqloom.example import Example
from seqloom.metrics import score
from seqloom.run.load import Run

SCHEMA_VERSION = 1
# Passages of plain text are cut to this many tokens.
_PASSAGE = 64


class Peer(Protocol):
    """The exported model, as the other program runs it."""

    def outputs(self, texts: Sequence[str], beam: int) -> list[Generation]:
        """What it makes of sources, with the recipe's decoding settings but the beam."""

    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        """The log-probability of each target token, forced."""

    def search_difference(self, beam: int) -> str:
        """In what its search differs from ours; empty where in nothing."""


@dataclass(frozen=True, slots=True)
class ParityData:
    """What parity is measured on.

    Attributes:
        origin: for people: which split, or which file.
        sources: sentences; for a model of plain text its passages.
        references: their references, or None.
        running_text: whether the sources are passages of plain text.
    """

    origin: str
    sources: tuple[str, ...]
    references: tuple[str, ...] | None = None
    running_text: bool = False


@dataclass(frozen=True, slots=True)
class ForcedScores:
    """How far the log-probabilities of the same targets are apart, in nats.

    Attributes:
        of: which targets.
        mean_difference: the mean over sentences of the absolute difference.
        max_difference: the largest of a sentence.
        max_token_difference: the largest of a single token.
    """

    of: str
    sentences: int
    tokens: int
    mean_difference: float
    max_difference: float
    max_token_difference: float


@dataclass(frozen=True, slots=True)
class SearchParity:
    """How far two outputs of the same search are alike.

    Attributes:
        identical: the share of sentences with the same tokens.
        token_agreement: the share of positions, up to the longer of two outputs, with the same token, eos included.
        bleu: ours, theirs, their difference and the signature; None without references.
        words: in what the searches differ.
    """

    beam: int
    identical: float
    token_agreement: float
    bleu: Mapping[str, Any] | None
    words: str


@dataclass(frozen=True, slots=True)
class Parity:
    """What was found; `searches` is empty for a model of plain text."""

    origin: str
    sentences: int
    forced: ForcedScores
    searches: tuple[SearchParity, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"schema_version": SCHEMA_VERSION, "measured": True, **asdict(self)}


def measure(run: Run, peer: Peer, data: ParityData, *, beam: int) -> Parity:
    """Decodes with both, greedily and with a beam, and compares the scores of the same targets."""
    if data.running_text:
        return Parity(data.origin, len(data.sources), _forced_passages(run, peer, data), ())
    searches, greedy = [], list[Generation]()
    for width in sorted({1, beam}):
        ours = list(run.generator(beam=width, nbest=1, stop="certain", shortlist=0).generate(data.sources))
        theirs = peer.outputs(data.sources, width)
        searches.append(_compare(width, ours, theirs, data.references, run.tokenizer.vocab.eos_id, peer))
        greedy = greedy or ours
    of = "the references" if data.references else "our greedy outputs"
    targets = data.references or tuple(generation.text for generation in greedy)
    pairs = [SentencePair(source, target) for source, target in zip(data.sources, targets, strict=True)]
    inputs = InputEncoder(run.model, run.tokenizer, run.recipe.decoding.max_src_len).pairs(list(enumerate(pairs)))
    forced = _forced(of, run, peer, [item.example for item in inputs if len(item.example.src_ids)], end=True)
    return Parity(data.origin, len(data.sources), forced, tuple(searches))


def _forced_passages(run: Run, peer: Peer, data: ParityData) -> ForcedScores:
    max_len = min(_PASSAGE, run.model.max_tgt_len(0) or _PASSAGE)
    nothing = np.zeros(0, dtype=np.int64)
    encoded = run.tokenizer.encode_tgt(data.sources)
    examples = [Example(nothing, ids[:max_len]) for ids in encoded if len(ids)]
    return _forced("the passages", run, peer, examples, end=False)


def _forced(of: str, run: Run, peer: Peer, examples: Sequence[Example], *, end: bool) -> ForcedScores:
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
