"""Generated phrasings: reproducible, in splits that share no held-out nouns or phrases."""

import re

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.forms import COMMANDS, NO_COMMAND, SEPARATOR
from seqloom.fiction.parsing.inflection import participle, past, third_person
from seqloom.fiction.parsing.phrase_table import DIRECTIONS, PHRASES
from seqloom.fiction.parsing.phrasings import SPLITS, Example, examples, is_held_out

CLOAK = find_game("cloak").open().words()


def drawn(split: str, count: int = 150, seed: int = 0) -> list[Example]:
    return list(examples([CLOAK], split, count, seed))


def test_the_same_seed_gives_the_same_examples() -> None:
    assert drawn("train") == drawn("train")
    assert drawn("train") != drawn("train", seed=1)


@pytest.mark.parametrize("split", SPLITS)
def test_commands_are_canonical_and_name_things_of_the_text(split: str) -> None:
    for example in drawn(split):
        if example.commands == NO_COMMAND:
            continue
        for command in example.commands.split(SEPARATOR):
            markers = re.findall(r"@\d", command)
            assert set(markers) <= set(example.text.split()), example
            pattern = command
            for letter, marker in zip("AB", markers, strict=False):
                pattern = pattern.replace(marker, letter)
            assert pattern in COMMANDS or pattern in DIRECTIONS, example


def test_all_kinds_of_texts_are_drawn() -> None:
    listed = drawn("train", 600)
    commands = [example.commands for example in listed]
    assert 0.1 < sum(text == NO_COMMAND for text in commands) / len(commands) < 0.4
    assert any(SEPARATOR in text for text in commands)
    assert any(text in DIRECTIONS for text in commands)
    assert any(" it" in example.text and example.commands != NO_COMMAND for example in listed)


def test_held_out_nouns_stand_only_in_their_split() -> None:
    def things(split: str) -> set[str]:
        return {
            example.marked.names[int(number) - 1].text.split()[-1]
            for example in drawn(split, 300)
            for number in re.findall(r"@(\d)", example.commands)
            if example.marked.names[int(number) - 1].kind == "thing"
        }

    assert things("train")
    assert things("nouns")
    assert not things("train") & things("nouns")


def test_some_phrases_are_held_out_of_each_frequent_action() -> None:
    assert 0.03 < sum(is_held_out(phrase) for phrase in PHRASES["take A"]) / len(PHRASES["take A"]) < 0.3


def test_wrong_requests_are_named() -> None:
    with pytest.raises(
        FictionError, match="there is no split 'test' of phrasings; expected train, val, nouns, phrases"
    ):
        next(examples([CLOAK], "test", 1))
    with pytest.raises(FictionError, match="without at least two nouns"):
        next(examples([Words((), ("lamp",))], "train", 1))


def test_verbs_are_inflected() -> None:
    assert [third_person(verb) for verb in ("take", "catch", "carry", "go")] == ["takes", "catches", "carries", "goes"]
    assert [participle(verb) for verb in ("take", "put", "see", "tie")] == ["taking", "putting", "seeing", "tying"]
    assert [past(verb) for verb in ("take", "drop", "carry", "open")] == ["took", "dropped", "carried", "opened"]
