from hypothesis import given
from hypothesis import strategies as st

from seqloom.corpus.split import HeldOut, automatic_size, hash_key, pair_key, split_key


def test_near_duplicates_share_a_key() -> None:
    assert split_key("Please, vote!") == split_key("please vote") == split_key("PLEASE  — VOTE.")
    assert split_key("It costs 12 euros.") == split_key("It costs 99 euros.")
    assert split_key("ﬁne") == split_key("fine")


def test_what_differs_keeps_its_own_key() -> None:
    assert split_key("12 7 5") != split_key("12 7 6")
    assert split_key("!?") != split_key("...")
    assert split_key("कि") != split_key("का")
    assert pair_key("room 12", "Raum 12") != pair_key("room 13", "Raum 13")
    assert pair_key("Hi!", "Hallo.") == pair_key("hi", "hallo")


@given(st.text(st.characters(max_codepoint=127)), st.booleans())
def test_the_fast_way_for_ascii_gives_what_the_general_one_gives(text: str, numbers: bool) -> None:
    class NotAscii(str):
        def isascii(self) -> bool:
            return False

    assert split_key(text, numbers=numbers) == split_key(NotAscii(text), numbers=numbers)


@given(st.lists(st.integers(0, 60), min_size=20, max_size=400), st.integers(0, 3))
def test_choices_do_not_depend_on_order_and_do_not_overlap(keys: list[int], seed: int) -> None:
    def choose(items: list[int]) -> list[set[int]]:
        held_out = HeldOut(200)
        for item in items:
            held_out.add(hash_key(str(item), seed))
        return held_out.choose(5, 5)

    val, test = choose(keys)
    assert not val & test
    assert [val, test] == choose(keys[::-1])
    assert sum(hash_key(str(key), seed) in val for key in keys) <= 5


def test_a_bounded_memory_chooses_what_an_unbounded_one_would() -> None:
    hashes = [hash_key(str(i % 3000)) for i in range(10_000)]
    small, large = HeldOut(64), HeldOut(10_000)
    for hashed in hashes:
        small.add(hashed)
        large.add(hashed)
    assert small.choose(40, 40) == large.choose(40, 40)
    assert len(small._sizes) == 64


def test_a_frequent_source_does_not_fill_a_test() -> None:
    held_out = HeldOut(1000)
    for index in range(1000):
        held_out.add(hash_key("the same" if index % 2 else str(index)))
    (chosen,) = held_out.choose(50)
    assert hash_key("the same") not in chosen
    assert len(chosen) == 50


def test_automatic_sizes() -> None:
    assert automatic_size(10_000_000) == 1000
    assert automatic_size(10_000) == 500
    assert automatic_size(100) == 16
    assert automatic_size(3) == 1
