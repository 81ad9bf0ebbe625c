"""How the target came about: the distribution at each step, and the beam as a tree.

Log-probabilities and a beam trace enter, plain data leaves.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.trace import BeamNode as TracedNode
from seqloom.decoding.trace import path_of
from seqloom.explain.explanation import BeamNode, BeamTree, Candidate, Step, Token
from seqloom.explain.numbers import plain

Name = Callable[[Sequence[int]], tuple[Token, ...]]
"""Target ids -> tokens."""


def steps_of(
    log_probs: Float[Tensor, "tgt_len vocab"], tgt_ids: Sequence[int], name: Name, top: int
) -> tuple[Step, ...]:
    """The model's own distribution at each step.

    Args:
        top: how many candidates to keep.
    """
    found = []
    entropies = -(log_probs.exp() * log_probs).nansum(dim=1)
    best = log_probs.topk(min(top, log_probs.shape[1]), dim=1)
    for row, (token, chosen) in enumerate(zip(name(tgt_ids), tgt_ids, strict=True)):
        own = log_probs[row, chosen]
        tokens = name(best.indices[row].tolist())
        candidates = zip(tokens, best.values[row].tolist(), strict=True)
        found.append(
            Step(
                token=token,
                log_prob=plain(float(own)),
                probability=plain(float(own.exp())),
                rank=1 + int((log_probs[row] > own).sum()),
                entropy=plain(float(entropies[row])),
                candidates=tuple(Candidate(token=one, log_prob=plain(value)) for one, value in candidates),
            )
        )
    return tuple(found)


def tree_of(
    nodes: list[TracedNode], hypothesis: Hypothesis, settings: DecodingSettings, name: Name, eos_id: int
) -> BeamTree:
    """What the search looked at; the path of `hypothesis` is marked."""
    wanted = [*hypothesis.ids, *([eos_id] if hypothesis.finished else [])]
    best: list[int] = []
    for number, node in enumerate(nodes):
        if node.depth == len(wanted) and node.status in ("finished", "cut", "left"):
            path = path_of(nodes, number)
            if [nodes[place].token_id for place in path] == wanted:
                best = path
    told = tuple(
        BeamNode(
            parent=node.parent,
            depth=node.depth,
            token=None if node.token_id is None else name([node.token_id])[0],
            log_prob=plain(node.log_prob),
            total=plain(node.total),
            score=plain(node.score),
            rank=node.rank,
            fate=node.status,
        )
        for node in nodes
    )
    return BeamTree(beam=settings.beam, length_penalty=settings.length_penalty, nodes=told, best=tuple(best))


def full_log_probs(logits: Float[Tensor, "tgt_len vocab"]) -> Float[Tensor, "tgt_len vocab"]:
    """The logarithm of the softmax over the whole vocabulary."""
    found: Tensor = torch.log_softmax(logits, dim=-1)
    return found
