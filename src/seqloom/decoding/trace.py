"""BeamTrace: what a beam search did, step by step: every candidate that it looked at, and what became of it.

Beam search tells a trace where it is given one, and spends nothing on it otherwise. Places in the beam enter; for each source a
tree leaves, whose nodes know their parents. It does not know models, architectures or text.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqloom.decoding.penalty import LengthPenalty

Fate = Literal["grew", "dropped", "pruned", "finished", "outscored", "cut", "left"]
"""What became of a beginning.

"grew": it was kept in the beam, and continuations of it were looked at. "dropped": it was kept, but none of its continuations was
good enough to be looked at. "pruned": others were better, so it did not come into the beam. "finished": it ended and was kept among
the best. "outscored": it ended, but as many as were asked for had ended better. "cut": its limit was reached, or nothing could
follow. "left": it stood in the beam when the search was over, since nothing that still grew could beat what had ended.
"""


@dataclass(slots=True)
class BeamNode:
    """A beginning of a target: its last token, and a way to the token before.

    Attributes:
        parent: its place in the trace's list; None for what was forced.
        depth: how many tokens the beginning has.
        token_id: the last of them; None where nothing was forced.
        log_prob: of the last token, in nats.
        total: of the whole beginning, in nats.
        score: the total divided by the length penalty: what would rank it, were it a whole.
        rank: its place among the candidates of its step, from 0, over all that the beam offered.
    """

    parent: int | None
    depth: int
    token_id: int | None
    log_prob: float
    total: float
    score: float
    rank: int
    fate: Fate


@dataclass(slots=True)
class _Tree:
    nodes: list[BeamNode] = field(default_factory=list)
    # Which node stands at each place of the beam now; -1 for an unused place.
    places: list[int] = field(default_factory=list)


class BeamTrace:
    """What a search looked at, for each source a list of nodes, parents before their children."""

    def __init__(self, penalty: LengthPenalty) -> None:
        self._penalty = penalty
        self._trees: list[_Tree] = []

    @property
    def trees(self) -> list[list[BeamNode]]:
        """The nodes of each source, in the order of the sources."""
        return [tree.nodes for tree in self._trees]

    def open(self, forced: NDArray[np.int64], log_probs: NDArray[np.float64]) -> None:
        """Takes note of what every target must begin with.

        Args:
            forced: (sources, length), ids; the length may be 0.
            log_probs: of the same shape.
        """
        for ids, gains in zip(forced.tolist(), log_probs.tolist(), strict=True):
            root = BeamNode(None, 0, None, 0.0, 0.0, 0.0, 0, "grew")
            tree = _Tree([root])
            for token_id, gain in zip(ids, gains, strict=True):
                self._add(tree, len(tree.nodes) - 1, token_id, gain, tree.nodes[-1].total + gain, 0, "grew")
            tree.places = [len(tree.nodes) - 1]
            self._trees.append(tree)

    def step(
        self,
        origin: NDArray[np.int64],
        parents: NDArray[np.int64],
        ids: NDArray[np.int64],
        gains: NDArray[np.float64],
        totals: NDArray[np.float64],
        *,
        ended: NDArray[np.bool_],
        kept: Iterable[Sequence[int]],
        going: NDArray[np.int64],
    ) -> None:
        """Takes note of the candidates of a step, (sources, candidates) each, best first; -inf in `totals` marks an empty place.

        Args:
            origin: (sources,), which of all sources each of these is.
            parents: the place in the beam that a candidate goes on from.
            ended: where the candidate is an eos.
            kept: [source, place] of ended candidates that are among the best so far.
            going: (sources, beam), which candidates fill the beam now; ended ones among them do not grow.
        """
        finished = {(source, place) for source, place in kept}
        for source, whole in enumerate(origin.tolist()):
            tree = self._trees[whole]
            before, numbers = tree.places, {}
            in_beam = [place for place in going[source].tolist() if not ended[source, place]]
            for place in range(totals.shape[1]):
                total = float(totals[source, place])
                if total == -math.inf:
                    continue
                fate: Fate = "grew" if place in in_beam else "pruned"
                if ended[source, place]:
                    fate = "finished" if (source, place) in finished else "outscored"
                    if fate == "outscored" and place >= going.shape[1]:
                        fate = "pruned"
                numbers[place] = len(tree.nodes)
                parent = before[int(parents[source, place])]
                self._add(tree, parent, int(ids[source, place]), float(gains[source, place]), total, place, fate)
            for number in before:
                if number >= 0 and not any(tree.nodes[child].parent == number for child in numbers.values()):
                    tree.nodes[number].fate = "dropped"
            tree.places = [-1 if ended[source, p] else numbers.get(p, -1) for p in going[source].tolist()]

    def close(self, origin: NDArray[np.int64], *, cut: NDArray[np.bool_], done: NDArray[np.bool_]) -> None:
        """Takes note of which sources are over, and whether what grew for them was cut.

        Args:
            cut: (sources,), whether the limit was reached or nothing could follow.
            done: (sources,), whether the search for this source is over.
        """
        for source in np.flatnonzero(done).tolist():
            tree = self._trees[int(origin[source])]
            for number in tree.places:
                if number >= 0:
                    tree.nodes[number].fate = "cut" if cut[source] else "left"
            tree.places = []

    def _add(
        self, tree: _Tree, parent: int, token_id: int, log_prob: float, total: float, rank: int, fate: Fate
    ) -> None:
        depth = tree.nodes[parent].depth + 1
        score = total / self._penalty.of(depth)
        tree.nodes.append(BeamNode(parent, depth, token_id, log_prob, total, score, rank, fate))


def path_of(nodes: list[BeamNode], number: int) -> list[int]:
    """The nodes from the first token to the given one, traced through its own parents."""
    found: list[int] = []
    place: int | None = number
    while place is not None:
        if nodes[place].token_id is not None:
            found.append(place)
        place = nodes[place].parent
    return found[::-1]
