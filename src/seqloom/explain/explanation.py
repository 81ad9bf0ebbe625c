"""Explanation: what one run did with one text, as data, the same for every architecture.

Numbers enter; frozen values leave, which `model_dump_json` writes as JSON and `model_validate_json` reads again. Nothing here
computes or draws.

Axes: S source tokens and T target tokens, special ones included; H heads; L layers. At step t the model is fed `fed[t]` and says
`target[t]`, so rows over target positions belong to `target`, columns to `fed`. Matrices are tuples of rows. Floats are rounded to
six significant digits. Log-probabilities and entropies are in nats.
"""

from typing import Literal

from pydantic import Field

from seqloom.config import Results

SCHEMA_VERSION = 1

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]
Side = Literal["source", "target"]
Method = Literal["attention", "gradient", "occlusion"]
Fate = Literal["grew", "dropped", "pruned", "finished", "outscored", "cut", "left"]


class Token(Results):
    """A token as it is shown, with its id."""

    text: str = Field(description='"▁" is a space; special tokens stand in angle brackets')
    token_id: int


class Agreement(Results):
    """How far two ways of pointing at tokens agree, over the positions that ask; special tokens are left out."""

    alike: float = Field(description="the share of positions at which both point at the same token, 0 to 1")
    rank: float | None = Field(description="Spearman's rank correlation, the mean over positions; None: too few tokens")
    count: int = Field(description="positions that were compared")


class TruthAgreement(Results):
    """How far a way of pointing agrees with the true alignment, over the target tokens whose sources are known."""

    alike: float = Field(description="the share of tokens at which it points at a true source, 0 to 1")
    mass: float = Field(description="the mean share of its weight that lies on true sources, 0 to 1")
    chance: float = Field(description="what `alike` would be by blind guessing")
    count: int = Field(description="target tokens whose sources are known")


class Trust(Results):
    """How far to believe a picture; what could not be compared is None."""

    occlusion: Agreement | None = None
    gradient: Agreement | None = None
    truth: TruthAgreement | None = None


class Attention(Results):
    """Where the positions of one side look, in one layer.

    Attributes:
        name: as in the record: "decoder.1.cross", "encoder.0.self".
        queries: the side that asks: S or T rows.
        keys: the side that is asked: S or T columns; "both" has the S source tokens first, then the T that were fed.
        heads: (H, queries, keys), each row sums to 1.
        mean: (queries, keys), the mean of the heads.
        trust: one for each head, then `mean_trust` for the mean. With "both", the columns of the source alone are judged.
    """

    name: str
    layer: int
    queries: Side
    keys: Literal["source", "target", "both"]
    heads: tuple[Matrix, ...]
    mean: Matrix
    trust: tuple[Trust, ...] = ()
    mean_trust: Trust = Trust()


class Saliency(Results):
    """How much each token matters for each token that was said: defined for every architecture.

    "gradient" is the length of the gradient of log p(target[t]) with respect to the token's embedding. "occlusion" is how much
    log p(target[t]) falls when the token's embedding becomes zero: its place stays, what stood there is gone.

    Attributes:
        source: (T, S).
        target: (T, T), with respect to `fed`; 0 where a token comes later.
        trust: of `source`; agreement with itself is None.
    """

    method: Literal["gradient", "occlusion"]
    source: Matrix
    target: Matrix
    trust: Trust = Trust()


class Truth(Results):
    """Which source tokens each target token comes from, where the corpus tells it.

    Attributes:
        rule: how that is known, for people.
        sources: T tuples of places in `source`; empty where it is not known.
    """

    rule: str
    sources: tuple[tuple[int, ...], ...]


class StateTrack(Results):
    """One recurrent layer over time; all values stand in the order of the text, S or T of them.

    Attributes:
        backwards: whether it read from the end to the beginning.
        units: how many numbers its hidden state has; the cell has as many.
        gates: for each gate the mean activation over the units.
        hidden_norm: the length of the hidden state after each position.
        cell_norm: the length of the cell; None for a GRU.
        change: how far the hidden state moved at each position: the length of the difference.
    """

    side: Side
    layer: int
    backwards: bool
    units: int
    gates: dict[str, Vector]
    hidden_norm: Vector
    cell_norm: Vector | None
    change: Vector


class Candidate(Results):
    """A token that might have come next."""

    token: Token
    log_prob: float


class Step(Results):
    """The model's own distribution at one step of decoding, before any search.

    Attributes:
        rank: the place of the chosen token among all, from 1.
        entropy: of the whole distribution, nats.
        candidates: the likeliest tokens, best first.
    """

    token: Token
    log_prob: float
    probability: float
    rank: int
    entropy: float
    candidates: tuple[Candidate, ...]


class BeamNode(Results):
    """A beginning that the search looked at: its last token, and its parent.

    Attributes:
        parent: its place in `nodes`; None for the root.
        log_prob: of the last token. `total`: of the whole beginning. `score`: divided by the length penalty.
        rank: its place among the candidates of its step, from 0.
        fate: "grew": kept and extended. "dropped": kept, but no continuation was good enough. "pruned": never kept. "finished":
            ended, among the best. "outscored": ended, but better ones had. "cut": its limit was reached. "left": in the beam when
            the search was over.
    """

    parent: int | None
    depth: int
    token: Token | None
    log_prob: float
    total: float
    score: float
    rank: int
    fate: Fate


class BeamTree(Results):
    """Everything that beam search looked at; parents stand before their children.

    Attributes:
        best: places in `nodes` from the first token of the output to its last.
    """

    beam: int
    length_penalty: float
    nodes: tuple[BeamNode, ...]
    best: tuple[int, ...]


class AttentionStage(Results):
    """One head at work, with its real numbers; q positions ask k positions.

    Attributes:
        query, key, value: (q, head_dim), (k, head_dim), (k, head_dim).
        scores: (q, k), Q K^T / sqrt(head_dim), before anything is added.
        mask: (q, k), True where looking is allowed.
        weights: (q, k), the softmax over what is allowed.
        context: (q, head_dim), the weighted sum of the values.
        joined: (q, d_model), all heads joined and projected.
    """

    name: str
    head: int
    query_tokens: tuple[Token, ...]
    key_tokens: tuple[Token, ...]
    query: Matrix
    key: Matrix
    value: Matrix
    scores: Matrix
    mask: tuple[tuple[bool, ...], ...]
    weights: Matrix
    context: Matrix
    joined: Matrix


class Embedding(Results):
    """What a side's tokens become first: (length, d_model) each; `position` is None where nothing is added."""

    side: Side
    tokens: tuple[Token, ...]
    token: Matrix
    position: Matrix | None
    total: Matrix


class Logit(Results):
    """A candidate's way to its probability: the hidden state times the token's row of the output matrix, then the softmax."""

    token: Token
    row: Vector
    logit: float
    probability: float


class Computation(Results):
    """The way through the model, as lectures draw it, for one layer, one head and one step.

    Attributes:
        padding: how many padding tokens were added to the source, to show what masks do.
        memory: (S + padding, d_model), what the encoder hands over; None where there is none.
        hidden: (d_model,), the decoder's output at the step, which the output matrix is multiplied with.
    """

    layer: int
    head: int
    step: int
    padding: int
    embeddings: tuple[Embedding, ...]
    stages: tuple[AttentionStage, ...]
    memory: Matrix | None
    hidden: Vector
    logits: tuple[Logit, ...]


class WhatIf(Results):
    """What a change would do.

    Attributes:
        change: what was changed, for people.
        text: the source after the change.
        log_probs: of each token of `target` without the change, and
        changed_log_probs: with it: the same tokens, forced.
        output: what the run writes under the change; `output_tokens` and their log-probabilities under it.
    """

    change: str
    text: str
    source: tuple[Token, ...]
    log_probs: Vector
    changed_log_probs: Vector
    output: str
    output_tokens: tuple[Token, ...]
    output_log_probs: Vector


class Moment(Results):
    """The run at one of its kept checkpoints, forced to say the same target.

    Attributes:
        output: what it wrote then.
        log_probs: T of them.
        picture: (T, S), the alignment, or occlusion where there is none.
    """

    training_step: int
    output: str
    log_probs: Vector
    picture: Matrix
    trust: Trust


class RunFacts(Results):
    """Which run it is.

    Attributes:
        vocab_size: how many ids the output chooses among.
        max_len: the most positions a source or a target may have; None where there is no limit.
        trained_by: the command line that trains such a run; None where the run does not say.
    """

    folder: str
    recipe: str
    label: str
    architecture: str
    corpus: str
    parameters: int
    vocab_size: int
    max_len: int | None = None
    trained_by: str | None = None


class Explanation(Results):
    """What one run did with one text.

    Attributes:
        source: S tokens. `fed` and `target`: T tokens each.
        output: the target as text.
        forced: whether the target was given, not found by the run.
        attention: of every layer that has heads or weights, in the order in which the model computes.
        alignment: (T, S), the model's own summary of how target looks at source; None without attention between them.
        pointing: which of alignment and occlusion the main picture shows.
    """

    schema_version: int = SCHEMA_VERSION
    run: RunFacts
    text: str
    output: str
    forced: bool
    source: tuple[Token, ...]
    fed: tuple[Token, ...]
    target: tuple[Token, ...]
    log_prob: float
    notes: tuple[str, ...] = ()
    attention: tuple[Attention, ...] = ()
    alignment: Matrix | None = None
    alignment_trust: Trust | None = None
    saliency: tuple[Saliency, ...] = ()
    truth: Truth | None = None
    states: tuple[StateTrack, ...] = ()
    steps: tuple[Step, ...]
    beam: BeamTree | None = None
    computation: Computation | None = None
    what_if: WhatIf | None = None
    history: tuple[Moment, ...] = ()


class Explanations(Results):
    """One text, explained for several runs side by side."""

    schema_version: int = SCHEMA_VERSION
    text: str
    explanations: tuple[Explanation, ...]
