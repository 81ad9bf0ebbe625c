"""No verdict comes from a metric that cannot tell the arms apart."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from seqloom.comparison.arm_results import ArmRuns, FinishedRun, Outside
from seqloom.comparison.comparison import Comparison
from seqloom.comparison.findings import gather
from seqloom.corpus import Corpus, SentencePair, Split
from seqloom.evaluation import TestOutputs
from seqloom.recipes import load_recipe
from tests.unit.comparison.test_findings import Prepared, info

LABELS = ["positive", "negative"] * 30
SENTENCES = [f"the {a} sees the {b} house" for a in ("dog", "cat", "bird") for b in ("red", "green", "old", "new")] * 5


def compared(
    references: Sequence[str], outside: dict[str, Sequence[str]], metric: str = "bleu", trained: Sequence[str] = ()
) -> Comparison:
    pairs = [SentencePair(f"source {i}", reference) for i, reference in enumerate(references)]
    split = Split("test", "made up", "0" * 64, lambda: iter(pairs))
    corpus = Corpus("made-up", "pairs", split, split, {"test": split}, metric=metric)
    said = tuple(trained) or tuple("nothing" for _ in pairs)
    ones = tuple(-1.0 for _ in pairs)
    made = TestOutputs(
        tuple(p.src for p in pairs), tuple(references), said, ones, tuple(3 for _ in pairs), 10.0, 5.0, ()
    )
    results = {"rnn-tiny": ArmRuns(load_recipe("rnn-tiny"), [FinishedRun(info(0), {"test": made}, Path("runs/r"))], ())}
    return gather(
        corpus,
        Prepared(),  # type: ignore[arg-type]
        {"test": pairs},
        results,
        {name: Outside("test", tuple(texts)) for name, texts in outside.items()},
        budget="5 steps",
        beam=1,
        caveats=(),
        environment={},
        command="seqloom compare",
    )


def between(found: Comparison, one: str, other: str) -> tuple[str, str, bool]:
    (pair,) = (d for d in found.differences if {d.better, d.worse} == {one, other})
    return pair.better, pair.metric or found.metric, pair.significant


def test_labels_are_judged_by_exact_match_since_bleu_is_0_for_all() -> None:
    found = compared(LABELS, {"perfect": LABELS, "constant": ["positive"] * 60})
    assert found.metric == "exact_match"
    assert between(found, "perfect", "constant") == ("perfect", "exact_match", True)
    assert "BLEU says nothing here, since no reference has four words in a row" in found.caveats[-1]
    assert found.arms[0].name == "perfect"
    assert found.arms[0].tests["test"][0].metric == "exact_match"
    assert (found.val_metric, found.val_metric_label) == ("bleu", "BLEU")
    assert any("perfect is ahead of constant by 50 [" in sentence for sentence in found.verdict)


def test_long_nonsense_does_not_lead_over_right_labels() -> None:
    # Its four words in a row give it a BLEU above 0, while right labels have none.
    found = compared(LABELS, {"perfect": LABELS, "long": ["positive is what I say here"] * 60})
    assert found.arms[0].name == "perfect"


def test_arms_that_are_all_wrong_are_judged_by_what_still_tells_them_apart() -> None:
    near = [text.replace("house", "mouse") for text in SENTENCES]
    found = compared(SENTENCES, {"near": near, "far": ["x y z"] * 60}, metric="exact_match")
    assert found.metric == "bleu"
    assert between(found, "near", "far") == ("near", "bleu", True)
    assert "it is 0 for all" in found.caveats[-1]


def test_a_pair_that_the_leading_metric_cannot_judge_goes_by_another() -> None:
    outputs = {"right": SENTENCES, "near": [text.replace("house", "mouse") for text in SENTENCES], "far": ["x"] * 60}
    found = compared(SENTENCES, outputs, metric="exact_match", trained=SENTENCES)
    assert found.metric == "exact_match"
    assert between(found, "right", "near") == ("right", "exact_match", True)
    assert between(found, "near", "far") == ("near", "bleu", True)
    (sentence,) = (s for s in found.verdict if s.startswith("near is ahead of far"))
    assert "in BLEU (exact match says nothing about them, since it is 0 for both)" in sentence


def test_equal_outputs_are_said_to_be_equal() -> None:
    for outputs in (SENTENCES, ["x"] * 60):
        found = compared(SENTENCES, {"one": outputs, "two": outputs})
        (pair,) = (d for d in found.differences if {d.better, d.worse} == {"one", "two"})
        assert not pair.significant
        assert pair.note == "their outputs are the same"
        (sentence,) = (s for s in found.verdict if "tells one and two apart" in s or "tells two and one apart" in s)
        assert "their outputs are the same" in sentence


def test_empty_outputs_are_behind() -> None:
    found = compared(SENTENCES, {"empty": [""] * 60, "right": SENTENCES})
    assert between(found, "empty", "right") == ("right", "bleu", True)


def test_one_sentence_says_nothing_about_who_is_ahead() -> None:
    found = compared(SENTENCES[:1], {"right": SENTENCES[:1]})
    assert found.differences == ()
    assert "One test sentence does not show which arm is better." in found.verdict


def test_chinese_is_compared_by_its_own_bleu() -> None:
    references = [f"今天是第{i}天，天气很好。" for i in range(40)]
    near = [text.replace("。", "！") for text in references]
    pairs = [SentencePair("s", text) for text in references]
    split = Split("test", "made up", "0" * 64, lambda: iter(pairs))
    corpus = Corpus("made-up", "pairs", split, split, {"test": split}, metric="bleu_zh", bleu="bleu_zh")
    made = TestOutputs(("s",) * 40, tuple(references), tuple(near), (-1.0,) * 40, (3,) * 40, 10.0, 5.0, ())
    results = {"rnn-tiny": ArmRuns(load_recipe("rnn-tiny"), [FinishedRun(info(0), {"test": made}, Path("runs/r"))], ())}
    found = gather(
        dataclasses.replace(corpus),
        Prepared(),  # type: ignore[arg-type]
        {"test": pairs},
        results,
        {},
        budget="5 steps",
        beam=1,
        caveats=(),
        environment={},
        command="seqloom compare",
    )
    names = [quality.metric for quality in found.arms[0].tests["test"]]
    assert names == ["bleu_zh", "exact_match", "chrf", "ter_segments", "perplexity"]
    assert found.arms[0].tests["test"][0].value > 80


def test_an_arm_that_has_diverged_does_not_stop_the_comparison() -> None:
    pairs = [SentencePair("s", text) for text in SENTENCES]
    split = Split("test", "made up", "0" * 64, lambda: iter(pairs))
    corpus = Corpus("made-up", "pairs", split, split, {"test": split})
    nans, texts = (float("nan"),) * 60, ("x",) * 60
    made = TestOutputs(("s",) * 60, tuple(SENTENCES), texts, nans, (3,) * 60, 10.0, 5.0, ())
    results = {"rnn-tiny": ArmRuns(load_recipe("rnn-tiny"), [FinishedRun(info(0), {"test": made}, Path("runs/r"))], ())}
    texts_of = {"budget": "5 steps", "beam": 1, "caveats": (), "environment": {}, "command": "seqloom compare"}
    found = gather(corpus, Prepared(), {"test": pairs}, results, {}, **texts_of)  # type: ignore[arg-type]
    assert [quality.metric for quality in found.arms[0].tests["test"]] == ["bleu", "exact_match", "chrf", "ter"]
    assert any("has diverged" in caveat for caveat in found.caveats)
