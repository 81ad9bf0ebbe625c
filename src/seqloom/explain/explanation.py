"""Explanation: what a run computed for a text, as data, the same for every architecture.

Input: numbers; output: frozen values, which `model_dump_json` writes as JSON and `model_validate_json` reads. This module does
not compute or draw.

Axes: S source tokens and T target tokens, special ones included; H heads; L layers. At step t the model is fed `fed[t]` and
predicts `target[t]`, so rows over target positions belong to `target`, columns to `fed`. Matrices are tuples of rows. Floats are
rounded to six significant digits. Log-probabilities and entropies are in nats. Older files call the agreements `trust`.
"""

from typing import Literal

from pydantic import AliasChoices, Field

from seqloom.config import Results

SCHEMA_VERSION = 1

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]
Side = Literal["source", "target"]
Method = Literal["attention", "gradient", "occlusion"]
NodeStatus = Literal["grew", "dropped", "pruned", "finished", "outscored", "cut", "left"]


class Token(Results):
    """A token with its id."""

    text: str = Field(description='"▁" is a space; special tokens are in angle brackets')
    token_id: int


class Agreement(Results):
    """How far two pictures agree, over the rows that can be compared; special tokens are left out."""

    alike: float = Field(description="the fraction of rows in which both have their maximum at the same token, 0 to 1")
    rank: float | None = Field(description="Spearman's rank correlation, the mean over rows; None: too few tokens")
    count: int = Field(description="rows that were compared")


class AlignmentAgreement(Results):
    """How far a picture agrees with the reference alignment, over the target tokens whose sources are known."""

    alike: float = Field(
        description="the fraction of target tokens whose maximum is at an aligned source token, 0 to 1"
    )
    mass: float = Field(description="the mean fraction of the weight that is on aligned source tokens, 0 to 1")
    chance: float = Field(description="the value of `alike` that random guessing would have")
    count: int = Field(description="target tokens whose sources are known")


class Agreements(Results):
    """How far a picture agrees with other pictures and with the reference alignment (`truth`); None if they cannot be compared."""

    occlusion: Agreement | None = None
    gradient: Agreement | None = None
    truth: AlignmentAgreement | None = None


class Attention(Results):
    """How much the positions of one side attend to other positions, in one layer.

    Attributes:
        name: its name among the captured tensors: "decoder.1.cross", "encoder.0.self".
        queries: the side of the queries: S or T rows.
        keys: the side of the keys: S or T columns; "both" has the S source tokens first, then the T tokens that were fed.
        heads: (H, queries, keys), each row sums to 1.
        mean: (queries, keys), the mean of the heads.
        agreements: one for each head; `mean_agreements`: of `mean`. With keys "both", only the source columns are compared.
    """

    name: str
    layer: int
    queries: Side
    keys: Literal["source", "target", "both"]
    heads: tuple[Matrix, ...]
    mean: Matrix
    agreements: tuple[Agreements, ...] = Field((), validation_alias=AliasChoices("agreements", "trust"))
    mean_agreements: Agreements = Field(Agreements(), validation_alias=AliasChoices("mean_agreements", "mean_trust"))


class Saliency(Results):
    """How much each input token matters for each output token. It is defined for every architecture.

    "gradient" is the length of the gradient of log p(target[t]) with respect to the token's embedding. "occlusion" is how much
    log p(target[t]) falls when the token's embedding is replaced by zero; positions stay as they are.

    Attributes:
        source: (T, S).
        target: (T, T), with respect to `fed`; 0 where a token comes later.
        agreements: of `source`; the agreement of a method with itself is None.
    """

    method: Literal["gradient", "occlusion"]
    source: Matrix
    target: Matrix
    agreements: Agreements = Field(Agreements(), validation_alias=AliasChoices("agreements", "trust"))


class ReferenceAlignment(Results):
    """The source tokens that each target token comes from, if rules of the corpus define them.

    Attributes:
        rule: the rule, for people.
        sources: for each of the T target tokens its positions in `source`; empty if they are not known.
    """

    rule: str
    sources: tuple[tuple[int, ...], ...]


class StateTrack(Results):
    """One recurrent layer over time: S or T values each, in the order of the text.

    Attributes:
        backwards: whether it read from the end to the beginning.
        units: the size of the hidden state, and of the cell.
        gates: for each gate the mean activation over the units.
        hidden_norm: the norm of the hidden state after each position.
        cell_norm: the norm of the cell; None for a GRU.
        change: the norm of the change of the hidden state at each position.
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
    """A token that could have come next."""

    token: Token
    log_prob: float


class Step(Results):
    """The model's own distribution at one step of decoding, before any search.

    Attributes:
        rank: the rank of the chosen token among all tokens, from 1.
        entropy: of the whole distribution, in nats.
        candidates: the most probable tokens, best first.
    """

    token: Token
    log_prob: float
    probability: float
    rank: int
    entropy: float
    candidates: tuple[Candidate, ...]


class BeamNode(Results):
    """A beginning of a target that was a candidate of the search: its last token, and its parent.

    Attributes:
        parent: the index of its parent in `nodes`; None for the root.
        log_prob: of the last token. `total`: of the whole beginning. `score`: divided by the length penalty.
        rank: its rank among the candidates of its step, from 0.
        status: "grew": kept and continued. "dropped": kept, but no continuation was good enough. "pruned": not kept. "finished":
            ended, among the best. "outscored": ended, but others had ended with better scores. "cut": the length limit was reached.
            "left": in the beam when the search ended. Older files call it `fate`.
    """

    parent: int | None
    depth: int
    token: Token | None
    log_prob: float
    total: float
    score: float
    rank: int
    status: NodeStatus = Field(validation_alias=AliasChoices("status", "fate"))


class BeamTree(Results):
    """All candidates of beam search; parents come before their children.

    Attributes:
        best: indices in `nodes`, from the first token of the output to the last.
    """

    beam: int
    length_penalty: float
    nodes: tuple[BeamNode, ...]
    best: tuple[int, ...]


class AttentionStage(Results):
    """The computation of one head, with its numbers: q queries and k keys.

    Attributes:
        query, key, value: (q, head_dim), (k, head_dim), (k, head_dim).
        scores: (q, k), Q K^T / sqrt(head_dim), before biases and masks.
        mask: (q, k), True where attention is allowed.
        weights: (q, k), the softmax over the allowed positions.
        context: (q, head_dim), the weighted sum of the values.
        joined: (q, d_model), all heads concatenated and projected.
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
    """The embeddings of a side, (length, d_model) each; `position` is None if no position embedding is added."""

    side: Side
    tokens: tuple[Token, ...]
    token: Matrix
    position: Matrix | None
    total: Matrix


class Logit(Results):
    """The probability of a candidate: the hidden state times the token's row of the output matrix, then the softmax."""

    token: Token
    row: Vector
    logit: float
    probability: float


class Computation(Results):
    """The computation of a model, as lectures draw it, for one layer, one head and one step.

    Attributes:
        padding: the number of padding tokens that were added to the source, to show masks.
        memory: (S + padding, d_model), the output of the encoder; None if there is none.
        hidden: (d_model,), the output of the decoder at the step; the output matrix is multiplied with it.
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
    """The effect of a change.

    Attributes:
        change: the change, for people.
        text: the source after the change.
        log_probs: of each token of `target`, without the change.
        changed_log_probs: of the same tokens with the change, by forced decoding.
        output: the output of the run with the change; `output_log_probs` are those of its tokens, with the change.
    """

    change: str
    text: str
    source: tuple[Token, ...]
    log_probs: Vector
    changed_log_probs: Vector
    output: str
    output_tokens: tuple[Token, ...]
    output_log_probs: Vector


class HistoryCheckpoint(Results):
    """The run with the weights of an earlier step, forced to predict the same target.

    Attributes:
        output: its own output at that step.
        log_probs: of the T target tokens.
        picture: (T, S), the alignment, or occlusion if there is no alignment.
    """

    training_step: int
    output: str
    log_probs: Vector
    picture: Matrix
    agreements: Agreements = Field(validation_alias=AliasChoices("agreements", "trust"))


class RunFacts(Results):
    """Facts about the run.

    Attributes:
        vocab_size: the number of target ids.
        max_len: the largest number of positions of a source or a target; None if there is no limit.
        trained_by: the command line that trains such a run; None if the run does not record it.
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
    """What a run computed for a text.

    Attributes:
        source: S tokens. `fed` and `target`: T tokens each.
        output: the target as text.
        forced: whether the target was given by the user, not generated by the run.
        attention: of every layer that has attention weights, in the order in which the model computes them.
        alignment: (T, S), the model's own summary of the attention from target to source; None if it has no such attention.
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
    alignment_agreements: Agreements | None = Field(
        None, validation_alias=AliasChoices("alignment_agreements", "alignment_trust")
    )
    saliency: tuple[Saliency, ...] = ()
    truth: ReferenceAlignment | None = None
    states: tuple[StateTrack, ...] = ()
    steps: tuple[Step, ...]
    beam: BeamTree | None = None
    computation: Computation | None = None
    what_if: WhatIf | None = None
    history: tuple[HistoryCheckpoint, ...] = ()
