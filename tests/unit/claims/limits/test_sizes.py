"""Known limits are found, also where answers are noisy, and chance does not make any."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from seqloom.claims.limits.result import LimitsResult
from seqloom.claims.limits.sizes import looks
from seqloom.errors import ConfigError
from seqloom.progress import Silent

from .engines import KnownEngine, limits, lucky, search


def up_to(size: int) -> Callable[[str], str]:
    return lambda text: text if len(text.split()) <= size else "wrong"


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 9, 20, 63, 99])
def test_the_known_limit_is_found(limit: int) -> None:
    found = limits(up_to(limit))
    assert found.limit == limit + 1
    assert found.finished
    assert {one.first: one.state for one in found.sizes}[limit] == "passes"
    assert found.verdict.startswith(f"Fails from {limit + 1} words on: 0 of 20 right")
    assert f"passes at {limit} word" in found.verdict
    assert [one.trained for one in found.sizes] == [one.first <= 20 for one in found.sizes]


def test_what_never_fails_has_no_limit() -> None:
    found = limits(lambda text: text)
    assert found.limit is None
    assert found.smallest_failing is None
    assert found.verdict.startswith("No limit found up to 100 words: 20 of 20 right")
    assert found.sizes[-1].last == 100


def test_what_always_fails_fails_from_the_smallest_on() -> None:
    found = limits(lambda text: "wrong")
    assert found.limit == 1
    assert found.verdict.startswith("Fails from 1 word on: 0 of 20 right")
    assert [one.first for one in found.sizes] == [1, 2]


def test_no_size_above_the_most_is_tried() -> None:
    assert [one.first for one in limits(lambda text: text, most=6).sizes] == [1, 2, 4, 6]
    assert limits(up_to(5), most=6).limit == 6
    assert [one.first for one in limits(lambda text: text, most=1).sizes] == [1]


def test_a_size_that_fails_below_sizes_that_pass_is_told() -> None:
    found = limits(lambda text: text if 2 <= len(text.split()) <= 11 else "wrong")
    assert found.limit == 1
    assert found.verdict.startswith("Fails at 1 word: ")
    assert "yet passes at 2, 4, 8 and 10–11 words; fails again from 12 words on." in found.verdict


def test_a_limit_between_steps_is_found() -> None:
    """Reversed words stand at odd distances only."""
    found = limits(lambda text: " ".join(text.split()[::-1][:9]), "reverse", "distance")
    assert found.limit == 19
    assert all(one.first % 2 for one in found.sizes)
    assert "passes at 17 words back" in found.verdict
    failing = found.smallest_failing
    assert failing is not None
    assert (failing.size, failing.judged_index) == (19, 9)
    assert len(failing.source.split()) == 10


def noisy(text: str, share: float, salt: int) -> str:
    return text if lucky(text, share, salt) else "wrong"


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_noise_alone_is_no_limit(share: float) -> None:
    """Of 60 searches of six sizes each, where 80% of all answers are right, none may find a size below 50%."""
    found = [limits(partial(noisy, share=share, salt=salt), seed=salt, most=32) for salt in range(60)]
    # At one word there are only 26 inputs, of which a salt may make most wrong.
    assert not [one.limit for one in found if one.limit not in (None, 1)]
    assert sum(one.limit is None for one in found) >= 57


def test_noise_does_not_hide_a_limit() -> None:
    """80% right up to 12 words, 20% beyond."""

    def says(text: str, salt: int) -> str:
        return text if lucky(text, 0.8 if len(text.split()) <= 12 else 0.2, salt) else "wrong"

    found = [limits(partial(says, salt=salt), seed=salt).limit for salt in range(40)]
    assert sum(limit == 13 for limit in found) >= 38


def test_at_the_threshold_itself_hardly_anything_fails() -> None:
    """The chance that a size is called failing is at most 2.5%, looks included; here at a single size."""
    failing = 0
    for salt in range(300):
        answers = search(KnownEngine(lambda text, s=salt: text if lucky(text, 0.5, s) else "wrong"), seed=salt)
        failing += answers._try(8, Silent()).state == "fails"
    # 7.5 are expected at most; 16 would be three standard deviations more.
    assert failing <= 16


def test_the_threshold_decides() -> None:
    def says(text: str) -> str:
        return text if lucky(text, 0.7) else "wrong"

    assert limits(says, most=64, threshold=0.4).limit is None
    assert limits(says, most=64, threshold=0.95).limit is not None


def test_guessing_fails_where_there_are_two_answers() -> None:
    """Half of the answers are right by chance, so half is not enough."""
    found = limits(lambda text: "odd" if lucky(text, 0.5) else "even", "parity")
    assert found.limit is not None
    assert found.settings.threshold == 0.75
    assert found.rule == "a size fails where surely fewer than 75% of answers are right"
    with pytest.raises(ConfigError, match=r"--threshold 0.4: guessing gets 0.5 right here; give more than that"):
        limits(lambda text: "odd", "parity", threshold=0.4)


def test_a_memory_of_six_pairs_ends_at_seven() -> None:
    def says(text: str) -> str:
        told, _, asked = text.partition(" ? ")
        words = told.split()
        keys = [word for word in asked.split() if word != "x"]
        return " , ".join(f"{key} {words[words.index(key) + 1] if len(keys) <= 6 else 'none'}" for key in keys)

    found = limits(says, "recall-4", "pairs")
    assert found.limit == 7
    assert found.smallest_failing is not None
    assert found.smallest_failing.size == 7
    assert [one.first for one in found.sizes if one.trained] == [4]


def test_a_size_is_sampled_until_it_is_decided() -> None:
    found = limits(lambda text: text if lucky(text, 0.5) else "wrong", most=40)
    tried = {one.state: set() for one in found.sizes} | {"undecided": set()}
    for one in found.sizes:
        tried[one.state].add(one.tried)
        assert one.low <= one.value <= one.high
        assert (one.high < 50) == (one.state == "fails")
        assert (one.low > 50) == (one.state == "passes")
        assert one.tried in looks(160)
    assert tried["undecided"] == {160}


def test_looks_double() -> None:
    assert looks(160) == (20, 40, 80, 160)
    assert looks(100) == (20, 40, 80, 100)
    assert looks(12) == (12,)
    assert all(one < other for one, other in pairwise(looks(1000)))


def test_the_same_seed_finds_the_same() -> None:
    def says(text: str) -> str:
        return text if lucky(text, 0.6) else "wrong"

    first, again, other = (limits(says, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.sizes != other.sizes


def test_it_can_be_written_and_read_again() -> None:
    found = limits(up_to(3))
    assert LimitsResult.model_validate_json(found.model_dump_json()) == found


def test_an_interrupted_search_has_what_it_found() -> None:
    engine = KnownEngine(up_to(7), most=70)
    interrupted = search(engine)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run(Silent())
    found = interrupted.result()
    assert not found.finished
    assert found.verdict.startswith("Interrupted; so far: no limit found up to ")
    assert found.sizes
    assert interrupted.result() == found


def test_interrupted_before_anything() -> None:
    interrupted = search(KnownEngine(up_to(7), most=0))
    with pytest.raises(KeyboardInterrupt):
        interrupted.run(Silent())
    assert interrupted.result().verdict == "Interrupted; so far: nothing was tried."


def test_interrupted_while_a_failure_is_made_smaller() -> None:
    engine = KnownEngine(lambda text: "wrong" if "kilo" in text else text)
    whole = search(engine, most=4)
    whole._search_sizes(Silent())
    engine.most = len(engine.asked) + 1
    with pytest.raises(KeyboardInterrupt):
        whole.run(Silent())
    failing = whole.result().smallest_failing
    assert failing is not None
    assert "kilo" in failing.source


def test_notes_of_wrong_answers_are_told() -> None:
    engine = KnownEngine(up_to(3), notes=("the source was cut",))
    whole = search(engine)
    whole.run(Silent())
    [note] = whole.result().notes
    assert note.endswith("wrong answers: the source was cut.")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 3}, "--samples 3: all wrong would not prove less than 0.5; give more samples"),
        ({"samples": 20, "threshold": 0.9}, "--samples 20: all right would not prove more than 0.9"),
    ],
)
def test_settings_that_decide_nothing_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limits(lambda text: text, **settings)
    assert message in str(caught.value)
