"""BeamTrace: every candidate that beam search or greedy search considered, and what happened to it.

It is an observer. Input: steps of a search; output: for each source a tree, whose nodes know their parents. It does not know
models, architectures or text.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqloom.decoding.observers import CandidateStep
from seqloom.decoding.penalty import LengthPenalty

NodeStatus = Literal["grew", "dropped", "pruned", "finished", "outscored", "cut", "left"]
"""What happened to a beginning of a target.

- "grew": it was kept in the beam, and at least one of its continuations was a candidate.
- "dropped": it was kept in the beam, but no continuation of it was good enough to be a candidate.
- "pruned": it was a candidate, but others were better, so it did not enter the beam.
- "finished": it ended with eos and was kept among the best.
- "outscored": it ended with eos, but `nbest` hypotheses had ended with better scores.
- "cut": the length limit was reached, or no id could follow.
- "left": it was in the beam when the search ended, because nothing in the beam could exceed the finished hypotheses.
"""


@dataclass(slots=True)
class TraceNode:
    """A beginning of a target: its last token, and the node of the beginning before it.

    Attributes:
        parent: its index in the trace's list; None for the root.
        depth: number of tokens of the beginning.
        token_id: the last of them; None for the root, which has none.
        log_prob: of the last token, in nats.
        total: of the whole beginning, in nats.
        score: the total divided by the length penalty, as if the beginning were a whole target.
        rank: its rank among the candidates of its step, from 0, over all hypotheses in the beam.
        status: what happened to it.
    """

    parent: int | None
    depth: int
    token_id: int | None
    log_prob: float
    total: float
    score: float
    rank: int
    status: NodeStatus


@dataclass(slots=True)
class _Tree:
    nodes: list[TraceNode] = field(default_factory=list)
    # The node at each entry of the beam now; -1 for an unused entry.
    beam: list[int] = field(default_factory=list)


class BeamTrace:
    """What a search considered: for each source a list of nodes, parents before their children."""

    def __init__(self, penalty: LengthPenalty) -> None:
        self._penalty = penalty
        self._trees: list[_Tree] = []

    @property
    def trees(self) -> list[list[TraceNode]]:
        """The nodes of each source, in the order of the sources."""
        return [tree.nodes for tree in self._trees]

    def on_prefixes(self, ids: NDArray[np.int64], log_probs: NDArray[np.float64]) -> None:
        """See `CandidateObserver.on_prefixes`."""
        for row, row_log_probs in zip(ids.tolist(), log_probs.tolist(), strict=True):
            tree = _Tree([TraceNode(None, 0, None, 0.0, 0.0, 0.0, 0, "grew")])
            for token_id, log_prob in zip(row, row_log_probs, strict=True):
                self._add(tree, len(tree.nodes) - 1, token_id, log_prob, tree.nodes[-1].total + log_prob, 0, "grew")
            tree.beam = [len(tree.nodes) - 1]
            self._trees.append(tree)

    def on_candidates(self, step: CandidateStep) -> None:
        """See `CandidateObserver.on_candidates`."""
        for row, source in enumerate(step.sources.tolist()):
            tree = self._trees[source]
            before, numbers = tree.beam, {}
            in_beam = [index for index in step.beam[row].tolist() if not step.ended[row, index]]
            for index in range(step.totals.shape[1]):
                total = float(step.totals[row, index])
                if total == -math.inf:
                    continue
                status: NodeStatus = "grew" if index in in_beam else "pruned"
                if step.ended[row, index]:
                    status = "finished" if step.kept[row, index] else "outscored"
                    if status == "outscored" and index >= step.beam.shape[1]:
                        status = "pruned"
                numbers[index] = len(tree.nodes)
                parent = before[int(step.parents[row, index])]
                token_id, log_prob = int(step.ids[row, index]), float(step.log_probs[row, index])
                self._add(tree, parent, token_id, log_prob, total, index, status)
            for number in before:
                if number >= 0 and not any(tree.nodes[child].parent == number for child in numbers.values()):
                    tree.nodes[number].status = "dropped"
            tree.beam = [-1 if step.ended[row, i] else numbers.get(i, -1) for i in step.beam[row].tolist()]

    def on_done(self, sources: NDArray[np.int64], cut: NDArray[np.bool_]) -> None:
        """See `CandidateObserver.on_done`."""
        for source, was_cut in zip(sources.tolist(), cut.tolist(), strict=True):
            tree = self._trees[source]
            for number in tree.beam:
                if number >= 0:
                    tree.nodes[number].status = "cut" if was_cut else "left"
            tree.beam = []

    def _add(
        self, tree: _Tree, parent: int, token_id: int, log_prob: float, total: float, rank: int, status: NodeStatus
    ) -> None:
        depth = tree.nodes[parent].depth + 1
        score = total / self._penalty.of(depth)
        tree.nodes.append(TraceNode(parent, depth, token_id, log_prob, total, score, rank, status))


def path_of(nodes: list[TraceNode], number: int) -> list[int]:
    """The indices of the nodes from the first token to the given node, traced through its parents."""
    path: list[int] = []
    index: int | None = number
    while index is not None:
        if nodes[index].token_id is not None:
            path.append(index)
        index = nodes[index].parent
    return path[::-1]
