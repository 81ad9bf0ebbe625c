"""Effects: contrasts between arms from their outputs, over seeds and sentences."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from seqloom.claims.effects import EXACT, NATS, Part, bars, between, contrast, contrast_of_corpora, point
from seqloom.claims.rule import effect_of, interval_of
from seqloom.evaluation import TestOutputs
from seqloom.experiment.arms import Test, arm
from seqloom.experiment.runner import RunRecord, Trained
from seqloom.experiment.worker import outputs_file
from seqloom.files import write_json

SOURCES = tuple(" ".join(["word"] * (1 + place % 10)) for place in range(200))


def outputs(right):
    """Outputs of which the given sentences are right; each target has two tokens of one nat each."""
    return TestOutputs(
        sources=SOURCES[: len(right)],
        references=tuple("yes" for _ in right),
        outputs=tuple("yes" if one else "no" for one in right),
        log_probs=tuple(-2.0 for _ in right),
        num_tokens=tuple(2 for _ in right),
        sentences_per_second=1.0,
        latency_ms=1.0,
        notes=(),
    )


@pytest.fixture
def make(tmp_path):
    def make(name, *seeds, splits=("test",)):
        """A trained arm; for each seed, for each split, which sentences are right."""
        made = replace(
            arm("rnn-tiny", "copy", 1, small=True, tests=tuple(Test(split) for split in splits)), name=name, label=name
        )
        runs = []
        for seed, of_splits in enumerate(seeds):
            folder = tmp_path / f"{name}-{seed}"
            for split, right in zip(splits, of_splits, strict=True):
                write_json(outputs_file(folder, Test(split), made), asdict(outputs(right)))
            runs.append(RunRecord(made, seed, folder, {}))
        return Trained(made, tuple(runs), ())

    return make


def drawn(share, seed, count=200):
    return (np.random.default_rng(seed).random(count) < share).tolist()


def test_the_effect_is_the_difference_of_corpus_values(make):
    one, other = make("one", [[True] * 150 + [False] * 50]), make("other", [[True] * 100 + [False] * 100])
    found = contrast(EXACT, Part(1, one), Part(-1, other))
    assert effect_of(found) == pytest.approx(25.0)
    assert [term.values for term in found.terms] == [(75.0,), (50.0,)]


def test_sentences_that_both_get_right_do_not_vary_the_difference(make):
    right = drawn(0.5, 1)
    found = contrast(EXACT, Part(1, make("one", [right])), Part(-1, make("other", [right])))
    assert found.sentence_variance == 0.0
    apart_from_it = contrast(EXACT, Part(1, make("third", [right])))
    assert apart_from_it.sentence_variance == pytest.approx(100**2 * 0.25 / 200, rel=0.2)


def test_splits_have_sentences_of_their_own(make):
    one = make("one", [drawn(0.5, 1), drawn(0.5, 2)], splits=("test", "beyond"))
    found = contrast(EXACT, Part(1, one), Part(-1, one, "beyond"))
    assert found.sentence_variance == pytest.approx(2 * 100**2 * 0.25 / 200, rel=0.2)
    assert [term.arm for term in found.terms] == ["one", "one, beyond"]


def test_the_same_split_of_different_corpora_too(make):
    right = drawn(0.5, 1)
    one, other = make("one", [right]), make("other", [right])
    assert contrast_of_corpora(EXACT, Part(1, one), Part(-1, other)).sentence_variance > 0


def test_an_arm_that_stands_twice_is_one_term(make):
    one, other = make("one", [drawn(0.5, 1)], [drawn(0.5, 2)]), make("other", [drawn(0.5, 3)], [drawn(0.5, 4)])
    twice = contrast(EXACT, Part(0.5, one), Part(0.5, one), Part(-1, other))
    once = contrast(EXACT, Part(1, one), Part(-1, other))
    assert interval_of(twice) == pytest.approx(interval_of(once))
    assert len(contrast(EXACT, Part(1, one), Part(-1, one), Part(1, other)).terms) == 1


def test_sentences_can_be_chosen_by_length(make):
    # Sources of 1 to 5 words are all right, longer ones all wrong.
    right = [len(source.split()) <= 5 for source in SOURCES]
    one = make("one", [right])
    assert contrast(EXACT, Part(1, one, chosen=between(1, 5))).terms[0].values == (100.0,)
    assert contrast(EXACT, Part(1, one, chosen=between(6, 10))).terms[0].values == (0.0,)
    assert contrast(EXACT, Part(1, one, chosen=between(5, 6))).terms[0].values == (50.0,)


def test_cross_entropy_is_nats_a_token(make):
    assert effect_of(contrast(NATS, Part(1, make("one", [[True] * 50])))) == pytest.approx(1.0)
    assert not NATS.higher_is_better


def test_points_have_the_interval_of_their_mean(make):
    one = make("one", [drawn(0.5, 1)], [drawn(0.6, 2)])
    found = point("here", EXACT, one)
    low, high = interval_of(contrast(EXACT, Part(1, one)))
    assert (found.low, found.high) == (low, high)
    assert low < found.y < high
    (series,) = bars(EXACT, [one])
    assert series.label == "one"
    assert series.points[0].y == found.y


def test_intervals_over_seeds_and_sentences_cover(make):
    rng = np.random.default_rng(8)
    covered = 0
    for trial in range(60):
        seeds = [[(rng.random(200) < np.clip(share, 0, 1)).tolist()] for share in rng.normal(0.5, 0.05, 3)]
        low, high = interval_of(contrast(EXACT, Part(1, make(f"arm {trial}", *seeds))))
        covered += low <= 50.0 <= high
    assert covered / 60 >= 0.9
