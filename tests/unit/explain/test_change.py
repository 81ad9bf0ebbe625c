"""What if: nothing changed changes nothing; silence is what it says."""

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from seqloom.errors import ConfigError
from seqloom.explain import Change, explain
from seqloom.explain.change import ChangedModel, heads_of, silencing_interventions
from seqloom.explain.explained_run import ExplainedRun
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.models.base import Model
from tests.explanation_factory import VARIANTS, make_run
from tests.searching import search_with

TEXT = "alpha bravo charlie delta"
ATTENTIVE = [name for name in VARIANTS if not name.startswith("rnn")]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_word_that_becomes_itself_changes_nothing(name: str) -> None:
    found = explain(make_run(name), TEXT, change=Change(words={2: "bravo"})).what_if
    assert found.log_probs == found.changed_log_probs
    assert found.text == TEXT
    assert found.output_log_probs == found.log_probs


@pytest.mark.parametrize("name", ATTENTIVE)
def test_an_alteration_that_alters_nothing_is_the_model(name: str) -> None:
    model, sentence = case(name)
    inert = ChangedModel(model, {"decoder.hidden": lambda value: value}).eval()
    batch = sentence.batch(model)
    with torch.no_grad():
        assert_close(log_probs(inert, batch), log_probs(model, batch), rtol=0, atol=1e-12)
    options: dict[str, Any] = {"beam": 3, "nbest": 3, "max_len_offset": 4}
    ours, theirs = (search_with(one, batch.sources, **options)[0] for one in (inert, model))
    assert [one.ids for one in ours] == [one.ids for one in theirs]
    assert [one.score for one in ours] == pytest.approx([one.score for one in theirs], abs=1e-10)


def case(name: str) -> tuple[Model, Sentence]:
    run = make_run(name)
    explained_run = ExplainedRun(run)
    return run.model, explained_run.force(explained_run.encode(TEXT)[0], "golf echo alpha")


@pytest.mark.parametrize("name", ATTENTIVE)
def test_a_silent_head_changes_what_is_said_and_all_silent_heads_cut_the_source_off(name: str) -> None:
    model, sentence = case(name)
    known = heads_of(model, sentence)
    batch = sentence.batch(model)
    with torch.no_grad():
        plain = log_probs(model, batch)
        # The last block of a prompt hands over keys and values alone, which no head of its own has touched.
        for one in known.keys() - {"prompt.1.self"}:
            altered = ChangedModel(model, silencing_interventions(model, sentence, (f"{one}.0",))).eval()
            assert not torch.allclose(log_probs(altered, batch), plain, atol=1e-9), one
    across = [one for one in known if one.endswith(("cross", "decoder.attention"))]
    if not across or name not in ("transformer", "transformer reversed", "fixed-mixer", "fixed mixer reversed"):
        return
    # Without any attention to it the source cannot matter.
    cut_off = ChangedModel(model, silencing_interventions(model, sentence, tuple(across))).eval()
    other = ExplainedRun(make_run(name)).encode("golf golf")[0].with_target(sentence.tgt_ids)
    with torch.no_grad():
        assert_close(log_probs(cut_off, batch), log_probs(cut_off, other.batch(model)))


def test_a_head_is_silent_in_every_step_of_a_search() -> None:
    run = make_run("transformer")
    found = explain(run, TEXT, change=Change(silence=("decoder.0.cross.1", "decoder.1.self")))
    again = explain(run, TEXT, change=Change(silence=("decoder.1.self", "decoder.0.cross.1")))
    assert found.what_if.output_log_probs == again.what_if.output_log_probs
    assert found.what_if.log_probs != found.what_if.changed_log_probs


def test_a_forced_beginning_begins_the_output() -> None:
    found = explain(make_run("attention-rnn"), TEXT, change=Change(prefix="golf golf"))
    assert found.what_if.output.startswith("golf golf")
    assert found.what_if.log_probs == found.what_if.changed_log_probs


def test_a_beginning_of_ids_is_the_same_as_one_of_text() -> None:
    run = make_run("transformer")
    (ids,) = run.tokenizer.encode_tgt(["golf golf"])
    by_text = explain(run, TEXT, change=Change(prefix="golf golf")).what_if
    assert explain(run, TEXT, change=Change(prefix_ids=tuple(ids.tolist()))).what_if == by_text
    with pytest.raises(ConfigError, match="give one of them"):
        Change.parse({"prefix": "golf", "prefix_ids": [5]})


@pytest.mark.parametrize("wrong", [0, 1, 2, -1, 10**6])
def test_a_beginning_holds_only_what_a_target_may_hold(wrong: int) -> None:
    with pytest.raises(ConfigError, match="no token that a target can begin with"):
        explain(make_run("rnn"), TEXT, change=Change(prefix_ids=(wrong,)))


def test_a_beginning_must_fit_the_model() -> None:
    with pytest.raises(ConfigError, match="there is room for"):
        explain(make_run("transformer"), TEXT, change=Change(prefix_ids=(5,) * 60))


def test_changes_are_told_in_words() -> None:
    change = Change(words={1: "golf", 3: ""}, silence=("decoder.0.cross.1",), prefix="echo")
    assert change.apply(TEXT) == "golf bravo delta"
    assert change.describe(TEXT) == (
        "word 1, 'alpha', becomes 'golf'; word 3, 'charlie', is removed; decoder.0.cross.1 is set to zero; "
        "the target begins with 'echo'"
    )
    assert not Change()


@pytest.mark.parametrize(
    ("variant", "change", "told"),
    [
        ("transformer", Change(words={5: "x"}), "words 1 to 4"),
        ("transformer", Change(silence=("decoder.0.cros.1",)), "Did you mean 'decoder.0.cross'"),
        ("transformer", Change(silence=("decoder.0.cross.7",)), "heads 0 to 1"),
        ("rnn", Change(silence=("decoder.0.cross",)), "no attention"),
    ],
)
def test_what_cannot_be_changed_is_told(variant: str, change: Change, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        explain(make_run(variant), TEXT, change=change)
