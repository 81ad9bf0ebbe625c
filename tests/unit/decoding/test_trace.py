"""BeamTrace: the tree holds what the search returned, and everything that it looked at."""

from typing import Any

import pytest

from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.trace import BeamTrace, TraceNode, path_of
from tests.searching import search_with
from tests.toy_model import make_toy
from tests.unit.decoding.test_beam import make_sources, ragged


def traced(
    seed: int, *, beam: int, nbest: int, alpha: float = 0.6, sources: int = 4, **options: Any
) -> tuple[list[list[Hypothesis]], list[list[TraceNode]]]:
    model = make_toy(seed, eos_bias=1.0).double()
    batch = make_sources(ragged(sources, seed))
    trace = BeamTrace(LengthPenalty(alpha))
    settings: dict[str, Any] = {
        "beam": beam,
        "nbest": nbest,
        "length_penalty": alpha,
        "max_len_ratio": 0.0,
        "max_len_offset": 7,
    }
    found = search_with(model, batch, observers=[trace], **settings, **options)
    plain = search_with(model, batch, **settings, **options)
    assert found == plain
    return found, trace.trees


@pytest.mark.parametrize(("beam", "nbest"), [(1, 1), (2, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_leaves_are_the_results_with_their_scores(beam: int, nbest: int, seed: int, alpha: float) -> None:
    found, trees = traced(seed, beam=beam, nbest=nbest, alpha=alpha)
    for hypotheses, nodes in zip(found, trees, strict=True):
        leaves = {}
        for number, node in enumerate(nodes):
            if node.status in ("finished", "cut"):
                ids = tuple(nodes[place].token_id for place in path_of(nodes, number))
                leaves[ids] = node
        for one in hypotheses:
            ids = (*one.ids, 2) if one.finished else one.ids
            assert leaves[ids].score == pytest.approx(one.score, abs=1e-12)
            assert leaves[ids].total == pytest.approx(one.log_prob, abs=1e-12)
            assert leaves[ids].status == ("finished" if one.finished else "cut")
        ended = sorted((node.score for node in leaves.values() if node.status == "finished"), reverse=True)
        assert ended[: len(hypotheses)] == pytest.approx([one.score for one in hypotheses if one.finished])


@pytest.mark.parametrize("seed", range(4))
def test_every_node_adds_up_through_its_own_parents(seed: int) -> None:
    _, trees = traced(seed, beam=3, nbest=1)
    for nodes in trees:
        for number, node in enumerate(nodes):
            path = path_of(nodes, number)
            assert len(path) == node.depth
            assert sum(nodes[place].log_prob for place in path) == pytest.approx(node.total, abs=1e-12)
            assert node.parent is None or node.parent < number
        parents = {node.parent for node in nodes}
        assert all((node.status == "grew") == (number in parents) for number, node in enumerate(nodes))
        assert sum(node.parent is None for node in nodes) == 1


@pytest.mark.parametrize("seed", range(4))
def test_no_more_grow_than_the_beam_holds_and_the_pruned_are_worse(seed: int) -> None:
    _, trees = traced(seed, beam=3, nbest=1)
    for nodes in trees:
        for depth in range(1, max(node.depth for node in nodes) + 1):
            level = [node for node in nodes if node.depth == depth]
            kept = [node for node in level if node.status in ("grew", "dropped", "left", "cut")]
            # An end that was not among the best of the beam is pruned, however likely it is.
            pruned = [node.total for node in level if node.status == "pruned" and node.token_id != 2]
            assert len(kept) <= 3
            assert len(level) <= 6
            assert not pruned or not kept or max(pruned) <= min(node.total for node in kept)
            assert sorted(node.rank for node in level) == list(range(len(level)))


def test_what_is_forced_is_the_trunk() -> None:
    found, trees = traced(1, beam=3, nbest=1, sources=2, decoder_prompts=[[1, 4, 5], [1, 6, 7]])
    for (best,), nodes, prefix in zip(found, trees, ([4, 5], [6, 7]), strict=True):
        assert [node.token_id for node in nodes[:3]] == [None, *prefix]
        assert all(node.depth > 2 for node in nodes[3:])
        assert best.ids[:2] == tuple(prefix)
