"""Effects: contrasts between arms from their outputs, over seeds and sentences."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from seqloom.claims.effects import EXACT, NATS, Part, bars, between, contrast, contrast_of_corpora, point
from seqloom.claims.rule import effect_of, interval_of
from seqloom.evaluation import TestOutputs
from seqloom.experiment.arms import Test, arm
from seqloom.experiment.runner import RunRecord, Trained
from seqloom.experiment.worker import outputs_file
from seqloom.files import write_json

MakeArm: TypeAlias = Callable[..., Trained]

SOURCES = tuple(" ".join(["word"] * (1 + index % 10)) for index in range(200))


def outputs(right: Sequence[bool]) -> TestOutputs:
    """Outputs of which the given sentences are right; each target has two tokens of one nat each."""
    return TestOutputs(
        sources=SOURCES[: len(right)],
        references=tuple("yes" for _ in right),
        outputs=tuple("yes" if is_right else "no" for is_right in right),
        log_probs=tuple(-2.0 for _ in right),
        num_tokens=tuple(2 for _ in right),
        sentences_per_second=1.0,
        latency_ms=1.0,
        notes=(),
    )


@pytest.fixture
def make(tmp_path: Path) -> MakeArm:
    def make_arm(name: str, *seeds: Sequence[Sequence[bool]], splits: Sequence[str] = ("test",)) -> Trained:
        """A trained arm; for each seed, for each split, which sentences are right."""
        trained_arm = replace(
            arm("rnn-tiny", "copy", 1, small=True, tests=tuple(Test(split) for split in splits)), name=name, label=name
        )
        runs = []
        for seed, right_by_split in enumerate(seeds):
            folder = tmp_path / f"{name}-{seed}"
            for split, right in zip(splits, right_by_split, strict=True):
                write_json(outputs_file(folder, Test(split), trained_arm), asdict(outputs(right)))
            runs.append(RunRecord(trained_arm, seed, folder, {}))
        return Trained(trained_arm, tuple(runs), ())

    return make_arm


def drawn(share: float, seed: int, count: int = 200) -> list[bool]:
    return (np.random.default_rng(seed).random(count) < share).tolist()


def test_the_effect_is_the_difference_of_corpus_values(make: MakeArm) -> None:
    first, second = make("one", [[True] * 150 + [False] * 50]), make("other", [[True] * 100 + [False] * 100])
    effect = contrast(EXACT, Part(1, first), Part(-1, second))
    assert effect_of(effect) == pytest.approx(25.0)
    assert [term.values for term in effect.terms] == [(75.0,), (50.0,)]


def test_sentences_with_equal_outcomes_add_no_variance_to_a_difference(make: MakeArm) -> None:
    right = drawn(0.5, 1)
    both = contrast(EXACT, Part(1, make("one", [right])), Part(-1, make("other", [right])))
    assert both.sentence_variance == 0.0
    single = contrast(EXACT, Part(1, make("third", [right])))
    assert single.sentence_variance == pytest.approx(100**2 * 0.25 / 200, rel=0.2)


def test_variances_of_different_splits_add_up(make: MakeArm) -> None:
    trained = make("one", [drawn(0.5, 1), drawn(0.5, 2)], splits=("test", "beyond"))
    difference = contrast(EXACT, Part(1, trained), Part(-1, trained, "beyond"))
    assert difference.sentence_variance == pytest.approx(2 * 100**2 * 0.25 / 200, rel=0.2)
    assert [term.arm for term in difference.terms] == ["one", "one, beyond"]


def test_variances_of_different_corpora_add_up(make: MakeArm) -> None:
    right = drawn(0.5, 1)
    first, second = make("one", [right]), make("other", [right])
    assert contrast_of_corpora(EXACT, Part(1, first), Part(-1, second)).sentence_variance > 0


def test_an_arm_with_two_parts_is_one_term(make: MakeArm) -> None:
    first, second = make("one", [drawn(0.5, 1)], [drawn(0.5, 2)]), make("other", [drawn(0.5, 3)], [drawn(0.5, 4)])
    twice = contrast(EXACT, Part(0.5, first), Part(0.5, first), Part(-1, second))
    once = contrast(EXACT, Part(1, first), Part(-1, second))
    assert interval_of(twice) == pytest.approx(interval_of(once))
    assert len(contrast(EXACT, Part(1, first), Part(-1, first), Part(1, second)).terms) == 1


def test_sentences_can_be_chosen_by_length(make: MakeArm) -> None:
    # Sources of 1 to 5 words are all right, longer ones all wrong.
    right = [len(source.split()) <= 5 for source in SOURCES]
    trained = make("one", [right])
    assert contrast(EXACT, Part(1, trained, chosen=between(1, 5))).terms[0].values == (100.0,)
    assert contrast(EXACT, Part(1, trained, chosen=between(6, 10))).terms[0].values == (0.0,)
    assert contrast(EXACT, Part(1, trained, chosen=between(5, 6))).terms[0].values == (50.0,)


def test_cross_entropy_is_nats_a_token(make: MakeArm) -> None:
    assert effect_of(contrast(NATS, Part(1, make("one", [[True] * 50])))) == pytest.approx(1.0)
    assert not NATS.higher_is_better


def test_points_have_the_interval_of_their_mean(make: MakeArm) -> None:
    trained = make("one", [drawn(0.5, 1)], [drawn(0.6, 2)])
    single = point("here", EXACT, trained)
    low, high = interval_of(contrast(EXACT, Part(1, trained)))
    assert (single.low, single.high) == (low, high)
    assert low < single.y < high
    (series,) = bars(EXACT, [trained])
    assert series.label == "one"
    assert series.points[0].y == single.y


def test_intervals_over_seeds_and_sentences_cover(make: MakeArm) -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for trial in range(60):
        seeds = [[(rng.random(200) < np.clip(share, 0, 1)).tolist()] for share in rng.normal(0.5, 0.05, 3)]
        low, high = interval_of(contrast(EXACT, Part(1, make(f"arm {trial}", *seeds))))
        covered += low <= 50.0 <= high
    assert covered / 60 >= 0.9
