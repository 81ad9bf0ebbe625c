"""Steps of decoding: the model's distribution at each step, and the candidates of the search as a tree.

Input: log-probabilities and a beam trace; output: plain data.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.trace import TraceNode, path_of
from seqloom.explain.explanation import BeamNode, BeamTree, Candidate, Step, Token
from seqloom.explain.rounding import rounded

NameTokens = Callable[[Sequence[int]], tuple[Token, ...]]
"""Ids -> tokens."""


def steps_of(
    log_probs: Float[Tensor, "tgt_len vocab"], tgt_ids: Sequence[int], name_tokens: NameTokens, top: int
) -> tuple[Step, ...]:
    """The model's own distribution at each step.

    Args:
        top: how many candidates to keep.
    """
    steps = []
    entropies = -(log_probs.exp() * log_probs).nansum(dim=1)
    best = log_probs.topk(min(top, log_probs.shape[1]), dim=1)
    for row, (token, chosen) in enumerate(zip(name_tokens(tgt_ids), tgt_ids, strict=True)):
        own = log_probs[row, chosen]
        tokens = name_tokens(best.indices[row].tolist())
        candidates = zip(tokens, best.values[row].tolist(), strict=True)
        steps.append(
            Step(
                token=token,
                log_prob=rounded(float(own)),
                probability=rounded(float(own.exp())),
                rank=1 + int((log_probs[row] > own).sum()),
                entropy=rounded(float(entropies[row])),
                candidates=tuple(
                    Candidate(token=candidate, log_prob=rounded(value)) for candidate, value in candidates
                ),
            )
        )
    return tuple(steps)


def tree_of(
    nodes: list[TraceNode], hypothesis: Hypothesis, settings: DecodingSettings, name_tokens: NameTokens, eos_id: int
) -> BeamTree:
    """The candidates of a search; `best` is the path of `hypothesis`."""
    wanted = [*hypothesis.ids, *([eos_id] if hypothesis.finished else [])]
    best: list[int] = []
    for number, node in enumerate(nodes):
        if node.depth == len(wanted) and node.status in ("finished", "cut", "left"):
            path = path_of(nodes, number)
            if [nodes[index].token_id for index in path] == wanted:
                best = path
    tree_nodes = tuple(
        BeamNode(
            parent=node.parent,
            depth=node.depth,
            token=None if node.token_id is None else name_tokens([node.token_id])[0],
            log_prob=rounded(node.log_prob),
            total=rounded(node.total),
            score=rounded(node.score),
            rank=node.rank,
            status=node.status,
        )
        for node in nodes
    )
    return BeamTree(beam=settings.beam, length_penalty=settings.length_penalty, nodes=tree_nodes, best=tuple(best))


def full_log_probs(logits: Float[Tensor, "tgt_len vocab"]) -> Float[Tensor, "tgt_len vocab"]:
    """The logarithm of the softmax over the whole vocabulary."""
    log_probs: Tensor = torch.log_softmax(logits, dim=-1)
    return log_probs
