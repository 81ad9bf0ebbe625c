"""explain(): a valid Explanation of every architecture, whose numbers add up."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqloom.decoding.ensemble import Ensemble
from seqloom.errors import ConfigError
from seqloom.explain import Explanation, explain
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.training.weights import save_weights
from tests.explanation_factory import EXPLAINED, VARIANTS, make_run

TEXT = "alpha bravo charlie delta"
Explained = Callable[[str], Explanation]


@pytest.fixture(scope="module")
def explained() -> Explained:
    known: dict[str, Explanation] = {}

    def get(name: str) -> Explanation:
        if name not in known:
            known[name] = explain(make_run(name), TEXT)
        return known[name]

    return get


def test_every_architecture_is_tried() -> None:
    assert {name for name, _ in VARIANTS.values()} == set(EXPLAINED)


@pytest.mark.parametrize("name", VARIANTS)
def test_shapes_are_as_told(name: str, explained: Explained) -> None:
    found = explained(name)
    src, tgt = len(found.source), len(found.target)
    assert [token.text for token in found.source] == ["▁alpha", "▁bravo", "▁charlie", "▁delta", "</s>"]
    assert len(found.fed) == tgt == len(found.steps)
    assert [token.token_id for token in found.fed[1:]] == [token.token_id for token in found.target[:-1]]
    for one in found.attention:
        queries = src if one.queries == "source" else tgt
        keys = {"source": src, "target": tgt, "both": src + tgt}[one.keys]
        for rows in (*one.heads, one.mean):
            assert np.array(rows).shape == (queries, keys), one.name
        assert len(one.agreements) == len(one.heads)
    for saliency in found.saliency:
        assert np.array(saliency.source).shape == (tgt, src)
        assert np.array(saliency.target).shape == (tgt, tgt)
    if found.alignment is not None:
        assert np.array(found.alignment).shape == (tgt, src)
    for track in found.states:
        length = src if track.side == "source" else tgt
        assert all(len(values) == length for values in (*track.gates.values(), track.hidden_norm, track.change))


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_sum_to_one_over_what_may_be_seen(name: str, explained: Explained) -> None:
    for one in explained(name).attention:
        for rows in (*one.heads, one.mean):
            weights = np.array(rows)
            assert weights.sum(axis=1) == pytest.approx(np.ones(len(weights)), abs=1e-5)
            if one.queries == "target" and one.keys != "source":
                within = weights[:, -len(weights) :]
                assert (np.triu(within, 1) == 0).all(), "the future is seen"


@pytest.mark.parametrize("name", VARIANTS)
def test_distributions_are_the_models_own(name: str, explained: Explained) -> None:
    found = explained(name)
    assert found.log_prob == pytest.approx(sum(step.log_prob for step in found.steps), rel=1e-4)
    vocab = make_run(name).tokenizer.vocab.tgt_size
    for step in found.steps:
        assert step.probability == pytest.approx(math.exp(step.log_prob), rel=1e-4)
        assert 0 <= step.entropy <= math.log(vocab) + 1e-6
        assert [c.log_prob for c in step.candidates] == sorted((c.log_prob for c in step.candidates), reverse=True)
        if step.rank <= len(step.candidates):
            assert step.candidates[step.rank - 1].log_prob == pytest.approx(step.log_prob)
        else:
            assert step.log_prob <= step.candidates[-1].log_prob


@pytest.mark.parametrize("name", VARIANTS)
def test_the_beam_ends_in_the_output(name: str, explained: Explained) -> None:
    found = explained(name)
    tree = found.beam
    assert tuple(tree.nodes[place].token for place in tree.best) == found.target
    assert tree.nodes[tree.best[-1]].total == pytest.approx(found.log_prob, rel=1e-4)
    for parent, child in zip(tree.best, tree.best[1:], strict=False):
        assert tree.nodes[child].parent == parent
    assert any(node.status == "pruned" for node in tree.nodes)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_computation_can_be_done_again_by_hand(name: str, explained: Explained) -> None:
    found = explained(name).computation
    for embedding in found.embeddings:
        if embedding.position is not None:
            assert np.array(embedding.token) + np.array(embedding.position) == pytest.approx(
                np.array(embedding.total), abs=1e-4
            )
    for stage in found.stages:
        query, key, value = (np.array(part) for part in (stage.query, stage.key, stage.value))
        scores = query @ key.T / math.sqrt(query.shape[1])
        assert scores == pytest.approx(np.array(stage.scores), abs=1e-4)
        weights, mask = np.array(stage.weights), np.array(stage.mask)
        assert (weights[~mask] == 0).all()
        assert (weights[mask] > 0).all()
        if "alibi" not in name:
            exponents = np.where(mask, np.exp(scores), 0)
            assert exponents / exponents.sum(axis=1, keepdims=True) == pytest.approx(weights, abs=1e-4)
        assert weights @ value == pytest.approx(np.array(stage.context), abs=1e-4)
    for logit in found.logits:
        assert np.dot(found.hidden, logit.row) == pytest.approx(logit.logit, abs=1e-3)
    assert bool(found.stages) == name.startswith(("transformer", "lm"))
    assert found.embeddings[0].side == "source"
    assert found.embeddings[0].tokens[-1].text == "<pad>"


@pytest.mark.parametrize("name", ["transformer", "transformer reversed"])
def test_the_whole_way_is_shown_with_its_masks(name: str, explained: Explained) -> None:
    found = explained(name)
    stages = {stage.name: stage for stage in found.computation.stages}
    assert set(stages) == {"encoder.1.self", "decoder.1.self", "decoder.1.cross"}
    assert not np.array(stages["encoder.1.self"].mask)[:, -2:].any(), "padding can be looked at"
    assert np.array(stages["decoder.1.cross"].mask)[:, :-2].all()
    causal = np.array(stages["decoder.1.self"].mask)
    assert (causal == np.tril(np.ones_like(causal))).all()
    # Padding changes nothing: the head seen here is the head in the attention of the sentence alone.
    weights = np.array(stages["decoder.1.cross"].weights)[:, :-2]
    (head, *_) = next(one for one in found.attention if one.name == "decoder.1.cross").heads
    assert weights == pytest.approx(np.array(head), abs=1e-5)


def test_a_source_read_backwards_is_told_in_the_order_of_the_text() -> None:
    """With one word changed at the beginning of the text, what a forward or backward reader has seen by each word follows."""
    for name, unmoved in (("rnn forwards", 0), ("rnn", 2)):
        tracks = [explain(make_run(name), text).states[0] for text in ("alpha bravo charlie", "alpha bravo delta")]
        same = [a == b for a, b in zip(tracks[0].hidden_norm, tracks[1].hidden_norm, strict=True)]
        assert tracks[0].side == "source"
        # Forwards only what comes after the third word can differ; backwards, the first two words were read after it.
        assert same[:3] == ([True, True, False] if unmoved == 0 else [False, False, False])


def test_reversed_weights_name_the_right_words() -> None:
    """A word looks at itself alike in two models that differ in nothing but how they number the words."""
    run = make_run("transformer reversed")
    found = explain(run, TEXT, target="golf")
    hooks = ActivationHooks()
    ids = torch.tensor([[token.token_id for token in found.source]])
    from seqloom.data.batching import Sources

    with torch.no_grad():
        run.model.start(Sources(ids, torch.ones_like(ids).bool()), hooks)
    raw = hooks["encoder.0.self.attn_weights"][0, 0]
    length = len(found.source) - 1
    ours = np.array(next(one for one in found.attention if one.name == "encoder.0.self").heads[0])
    for row in range(length):
        for column in range(length):
            assert ours[row, column] == pytest.approx(float(raw[length - 1 - row, length - 1 - column]), rel=1e-4)


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_forced_target_is_explained_without_a_beam(name: str) -> None:
    found = explain(make_run(name), TEXT, target="golf golf")
    assert found.forced
    assert found.output == "golf golf"
    assert found.beam is None
    assert [token.text for token in found.target] == ["▁golf", "▁golf", "</s>"]


def test_only_what_is_asked_for_is_made() -> None:
    found = explain(make_run("transformer"), TEXT, methods=("occlusion",))
    assert not found.attention
    assert found.alignment is None
    assert [one.method for one in found.saliency] == ["occlusion"]
    assert explain(make_run("transformer"), TEXT, methods=("attention",)).alignment_agreements.occlusion is None


def test_an_explanation_is_the_same_after_json(explained: Explained) -> None:
    for name in EXPLAINED:
        found = explained(name)
        assert Explanation.model_validate_json(found.model_dump_json()) == found


def test_truth_is_known_where_the_corpus_tells_it(explained: Explained) -> None:
    found = explain(make_run("transformer", corpus="copy"), TEXT, target=TEXT)
    assert found.truth.sources == ((0,), (1,), (2,), (3,), ())
    assert found.alignment_agreements.truth.count == 4
    assert explain(make_run("transformer", corpus="multi30k"), TEXT).truth is None


def test_a_language_model_of_text_is_explained_from_its_prompt() -> None:
    run = make_run("transformer-lm", kind="text")
    found = explain(run, "alpha bravo charlie")
    assert [token.text for token in found.source] == ["<s>", "▁alpha", "▁bravo"]
    assert found.fed[0].text == "▁charlie"
    empty = explain(run, "")
    assert empty.source == ()
    assert empty.steps


def test_kept_weights_are_seen_over_time(tmp_path: Path) -> None:
    run = make_run("attention-rnn", folder=tmp_path)
    weights = run.model.state_dict()
    for step, scale in ((20, 1.0), (3, 0.5)):
        scaled = {key: (value * scale).float() for key, value in weights.items()}
        save_weights(tmp_path / "weights" / f"step-{step}.safetensors", scaled)
    found = explain(run, TEXT, target="golf echo", history=True)
    assert [moment.training_step for moment in found.history] == [3, 20]
    assert found.history[1].log_probs == pytest.approx([step.log_prob for step in found.steps], abs=1e-4)
    assert np.array(found.history[1].picture) == pytest.approx(np.array(found.alignment), abs=1e-4)
    assert found.history[0].log_probs != found.history[1].log_probs


def test_what_cannot_be_explained_is_told() -> None:
    run = make_run("rnn")
    with pytest.raises(ConfigError, match="nothing in this text"):
        explain(run, "  ")
    with pytest.raises(ConfigError, match="choose among"):
        explain(run, TEXT, methods=("saliency",))
    with pytest.raises(ConfigError, match="does not fit"):
        explain(make_run("transformer"), TEXT, target="golf " * 60)
    run.model = Ensemble([run.model, run.model])
    with pytest.raises(ConfigError, match="one by one"):
        explain(run, TEXT)


def test_outputs_are_as_long_as_is_allowed_and_the_computation_can_be_left_out() -> None:
    whole = explain(make_run("rnn"), "alpha bravo charlie")
    for most in (1, 3, 10**6):
        found = explain(make_run("rnn"), "alpha bravo charlie", max_tokens=most, computation=False)
        assert len(found.target) <= most
        assert found.computation is None
    assert found.target == whole.target
    assert whole.computation is not None


def test_work_ends_where_nobody_wants_it_any_more() -> None:
    class EnoughError(Exception):
        pass

    def until(stop: int) -> Callable[[], None]:
        left = iter(range(stop))

        def check_cancelled() -> None:
            if next(left, None) is None:
                raise EnoughError

        return check_cancelled

    explain(make_run("transformer"), "alpha bravo", check_cancelled=until(100))
    for stop in range(4):
        with pytest.raises(EnoughError):
            explain(make_run("transformer"), "alpha bravo", check_cancelled=until(stop))


def test_explanations_with_the_older_key_of_beam_nodes_are_read() -> None:
    found = explain(make_run("rnn"), TEXT, beam=2)
    older = found.model_dump_json().replace('"status":', '"fate":')
    assert '"status":' in found.model_dump_json()
    assert Explanation.model_validate_json(older) == found


def test_keys_of_older_files_are_read() -> None:
    found = explain(make_run("transformer"), TEXT, methods=("attention", "gradient", "occlusion"))
    older = (
        found.model_dump_json()
        .replace('"mean_agreements":', '"mean_trust":')
        .replace('"alignment_agreements":', '"alignment_trust":')
        .replace('"agreements":', '"trust":')
    )
    assert '"trust":' in older
    assert Explanation.model_validate_json(older) == found
