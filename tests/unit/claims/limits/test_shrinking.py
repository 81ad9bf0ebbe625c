"""Failures become as small as they can, and never leave their family."""

from seqloom.claims.limits.asking import Answered, Asker
from seqloom.claims.limits.shrinking import Shrinker
from seqloom.progress import Silent
from tests.unit.corpus.generators.reader import readings

from .engines import KnownEngine, family_of, limits, lucky


def shrink(engine: KnownEngine, corpus: str, on: str, size: int, num: int = 40, **options: int) -> Shrinker:
    family = family_of(corpus, on)
    asker = Asker(engine)
    answers = asker.ask([family.sample(size, str(key)) for key in range(num)])
    shrinker = Shrinker(asker, family, **options)
    shrinker.shrink([one for one in answers if not one.right], Silent())
    return shrinker


def smallest(shrinker: Shrinker) -> Answered:
    assert shrinker.smallest is not None
    return shrinker.smallest


def test_one_bad_word_is_all_that_is_left() -> None:
    shrinker = shrink(KnownEngine(lambda text: "wrong" if "kilo" in text.split() else text), "copy", "length", 20)
    assert smallest(shrinker).sample.case.src == "kilo"
    report = shrinker.report()
    assert report is not None
    assert report.remark == "made from a failure of 20 words; nothing smaller can be made from it"


def test_two_bad_words_in_their_order_are_left() -> None:
    def says(text: str) -> str:
        words = text.split()
        both = "kilo" in words and "echo" in words[words.index("kilo") :]
        return "wrong" if both else text

    shrinker = shrink(KnownEngine(says), "copy", "length", 40)
    assert smallest(shrinker).sample.case.src == "kilo echo"
    report = shrinker.report()
    assert report is not None
    assert report.remark.endswith("all 2 smaller inputs made from it by one change are answered rightly")


def test_a_limit_of_length_is_where_shrinking_ends() -> None:
    engine = KnownEngine(lambda text: text if len(text.split()) <= 7 else "wrong")
    shrinker = shrink(engine, "copy", "length", 33)
    assert smallest(shrinker).sample.size == 8


def test_no_input_one_word_smaller_fails() -> None:
    """Whatever fails: leaving out any one word makes it right."""
    for salt in range(8):
        engine = KnownEngine(lambda text, s=salt: text if lucky(text, 0.9, s) or len(text.split()) < 3 else "wrong")
        words = smallest(shrink(engine, "copy", "length", 12)).sample.case.src.split()
        assert engine.says(" ".join(words)) == "wrong"
        for place in range(len(words)):
            assert engine.says(" ".join(words[:place] + words[place + 1 :])) != "wrong"


def test_what_is_asked_is_always_of_the_family() -> None:
    engine = KnownEngine(
        lambda text: "wrong" if "lamp" in text or "dragon" in text else "; ".join(next(iter(readings(text))))
    )
    found = smallest(shrink(engine, "player-commands", "clauses", 5, num=10))
    assert found.sample.size == 1
    for text in engine.asked:
        assert len(readings(text)) == 1, text
    assert readings(found.sample.case.src) == {(found.sample.case.truth,)}


def test_commands_lose_what_does_not_matter() -> None:
    """Two things that fail only together: both must stay, and hardly anything else."""
    truths = {}

    def says(text: str) -> str:
        [truth] = readings(text)
        truths[text] = " ; ".join(truth)
        return "wrong" if "open" in truths[text] and "go" in truths[text].split() else truths[text]

    found = smallest(shrink(KnownEngine(says), "player-commands", "clauses", 6))
    assert found.sample.size == 2
    assert len(found.sample.case.src.split()) <= 6


def test_the_judged_word_stays_judged() -> None:
    engine = KnownEngine(lambda text: " ".join(text.split()[:5]))
    shrinker = shrink(engine, "copy", "distance", 15)
    case = smallest(shrinker).sample.case
    assert case.judged_index == 5
    assert len(case.src.split()) == smallest(shrinker).sample.size == 6


def test_a_search_that_may_ask_no_more_says_so() -> None:
    engine = KnownEngine(lambda text: "wrong" if "kilo" in text.split() else text)
    shrinker = shrink(engine, "copy", "length", 20, most_asked=1)
    report = shrinker.report()
    assert report is not None
    assert "kilo" in report.source
    assert report.remark.endswith("ended early, so there may be some")
    assert len(engine.asked) < 40 + 64


def test_no_source_is_asked_twice() -> None:
    engine = KnownEngine(lambda text: text if lucky(text, 0.7) else "wrong")
    shrink(engine, "copy", "length", 9)
    assert len(engine.asked) == len(set(engine.asked))


def test_nothing_to_shrink() -> None:
    shrinker = shrink(KnownEngine(lambda text: text), "copy", "length", 9)
    assert shrinker.report() is None


def test_failures_at_sizes_that_pass_count_too() -> None:
    found = limits(lambda text: "wrong" if "kilo" in text or len(text.split()) > 9 else text)
    assert found.limit == 10
    assert found.smallest_failing is not None
    assert found.smallest_failing.source == "kilo"
