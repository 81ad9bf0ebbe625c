"""What runs say together: who is ahead, whichever way the metric runs, and how surely."""

from pathlib import Path

import pytest

from seqloom.comparison.arm_results import ArmRuns, FinishedRun, Outside
from seqloom.comparison.comparison import Comparison
from seqloom.comparison.findings import gather
from seqloom.corpus import Corpus, SentencePair, Split
from seqloom.evaluation import TestOutputs
from seqloom.recipes import load_recipe
from seqloom.run.info import RunInfo
from tests.run_info import make_result_info, make_run_info

PAIRS = [SentencePair(f"source number {i}" + " word" * (i % 9), f"the target number {i} is here") for i in range(120)]


def corpus(metric: str) -> Corpus:
    split = Split("test", "made up", "0" * 64, lambda: iter(PAIRS))
    return Corpus("made-up", "pairs", split, split, {"test": split}, metric=metric)


class Prepared:
    """As much of run.Prepared as findings read."""

    train = val = range(10)

    class tokenizer:  # noqa: N801
        hash = "0" * 64

        @staticmethod
        def describe() -> str:
            return "none"


def info(seed: int) -> RunInfo:
    return make_run_info(seed=seed, setup_seconds=1.0, result=make_result_info(steps=5))


def outputs(num_wrong: int, offset: int = 0) -> dict[str, TestOutputs]:
    wrong = {(offset + 7 * i) % len(PAIRS) for i in range(num_wrong)}
    said = tuple("nothing of it" if i in wrong else pair.tgt for i, pair in enumerate(PAIRS))
    sources, references = tuple(p.src for p in PAIRS), tuple(p.tgt for p in PAIRS)
    ones = tuple(-1.0 for _ in PAIRS)
    return {"test": TestOutputs(sources, references, said, ones, tuple(5 for _ in PAIRS), 10.0, 5.0, ())}


def compared(metric: str, wrong: dict[str, list[int]], outside: dict[str, Outside] | None = None) -> Comparison:
    results = {
        name: ArmRuns(
            load_recipe(name),
            [
                FinishedRun(info(seed), outputs(count, seed), Path(f"runs/{name}-seed{seed}"))
                for seed, count in enumerate(counts)
            ],
            (),
        )
        for name, counts in wrong.items()
    }
    texts = {"budget": "5 steps", "beam": 1, "caveats": (), "environment": {}, "command": "seqloom compare"}
    return gather(corpus(metric), Prepared(), {"test": PAIRS}, results, outside or {}, **texts)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["exact_match", "bleu", "ter", "perplexity"])
@pytest.mark.parametrize("order", [("rnn-tiny", "transformer-tiny"), ("transformer-tiny", "rnn-tiny")])
def test_the_better_arm_is_ahead_whichever_way_the_metric_runs(metric: str, order: tuple[str, str]) -> None:
    wrong = {"rnn-tiny": [60], "transformer-tiny": [5]}
    found = compared(metric, {name: wrong[name] for name in order})
    (difference,) = found.differences
    if metric == "perplexity":  # both find the references equally likely, so another metric judges
        assert found.metric == "exact_match"
        assert "Perplexity says nothing here" in found.caveats[-1]
    assert [arm.name for arm in found.arms] == ["transformer-tiny", "rnn-tiny"]
    assert (difference.better, difference.worse) == ("transformer-tiny", "rnn-tiny")
    assert 0 < difference.interval.low < difference.difference < difference.interval.high
    assert difference.significant
    assert difference.scope == "between these runs"
    assert any("Transformer is ahead of RNN by" in sentence for sentence in found.verdict)


def test_equal_arms_cannot_be_told_apart() -> None:
    found = compared("exact_match", {"rnn-tiny": [30], "transformer-tiny": [31]})
    (difference,) = found.differences
    assert not difference.significant
    assert difference.interval.low <= 0 < difference.interval.high
    assert any("cannot be told apart between these runs" in sentence for sentence in found.verdict)


def test_several_seeds_speak_of_architectures() -> None:
    found = compared("exact_match", {"rnn-tiny": [60, 62, 58], "transformer-tiny": [5, 6, 4]})
    (difference,) = found.differences
    assert difference.scope == "between architectures"
    assert difference.significant
    assert found.seeds == (0, 1, 2)
    arm = found.arms[0]
    assert arm.tests["test"][0].value == pytest.approx(100 * (1 - 5 / 120))
    assert [run.folder for run in arm.runs][2] == "runs/transformer-tiny-seed2"


def test_an_outside_system_stands_beside_ours() -> None:
    perfect = Outside("test", tuple(pair.tgt for pair in PAIRS))
    found = compared("exact_match", {"rnn-tiny": [60]}, {"other": perfect})
    assert [arm.name for arm in found.arms] == ["other", "rnn-tiny"]
    assert found.arms[0].recipe is None
    assert found.arms[0].tests["test"][0].value == 100
    assert {sample.outputs["other"] == sample.ref for sample in found.samples} == {True}


def test_a_comparison_survives_json() -> None:
    found = compared("bleu", {"rnn-tiny": [60], "transformer-tiny": [5]})
    assert Comparison.model_validate_json(found.model_dump_json()) == found
