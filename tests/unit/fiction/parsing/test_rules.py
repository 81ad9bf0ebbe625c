"""The rules: phrases with gaps, several commands, pronouns, and texts that are no commands."""

import pytest

from seqloom.fiction.interpreter import SceneObject, Words
from seqloom.fiction.parsing.baselines import KeywordParser, NearestParser
from seqloom.fiction.parsing.clauses import clauses
from seqloom.fiction.parsing.linking import MarkedText, Name
from seqloom.fiction.parsing.rules import RuleParser
from seqloom.fiction.parsing.scene import Scene

SCENE = Scene(Words((), ()), (SceneObject("lamp", ("lamp",)),))
NAMES = (Name("lamp"), Name("sack"), Name("knife"), Name("case"))


def parsed(text: str) -> tuple[str, ...]:
    candidates = RuleParser().parse(MarkedText(tuple(text.split()), NAMES), SCENE)
    return candidates[0].commands if candidates else ()


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("could you please pick the old @1 up ?", ("take @1",)),
        ("he carefully puts the @1 down on the floor .", ("drop @1",)),
        ("i am putting the @1 inside the @2", ("put @1 in @2",)),
        ("into the @1 i gently place the @2", ("put @2 in @1",)),
        ("the @1 i leave here", ("drop @1",)),
        ("oh , a @1 ! i will take it", ("take @1",)),
        ("take the @1 , the @2 and the @3", ("take @1", "take @2", "take @3")),
        ("put the @1 , the @2 and the @3 in the @4", ("put @1 in @4", "put @2 in @4", "put @3 in @4")),
        ("place the @1 in the @2 , then slip the @3 in there", ("put @1 in @2", "put @3 in @2")),
        ("i have taken the @1 already", ()),
        ("use the @1 to open the @2", ("open @2 with @1",)),
        ("before i go north , drop the @1", ("drop @1", "north")),
        ("go north after you take the @1", ("take @1", "north")),
        ("i would rather walk along the path to the west", ("west",)),
        ("let us climb the stairs", ("up",)),
        ("i wish i had a @1", ()),
        ("why is the @1 here ?", ()),
        ("the @1 is beautiful", ()),
        ("do not take the @1", ()),
    ],
)
def test_free_phrasings_become_commands(text: str, commands: tuple[str, ...]) -> None:
    assert parsed(text) == commands


def test_clauses_stand_in_the_order_of_their_actions() -> None:
    found = clauses(("before", "i", "go", "north", ",", "take", "@1", ".", "then", "wait", "?"))
    assert [clause.tokens for clause in found] == [("take", "@1"), ("i", "go", "north"), ("wait",)]
    assert [clause.is_question for clause in found] == [False, False, True]


def test_keywords_take_the_first_verb() -> None:
    text = MarkedText(("so", "drop", "the", "@1", "and", "take", "@2"), ())
    assert KeywordParser().parse(text, SCENE)[0].commands == ("drop @1",)


def test_the_nearest_example_gives_its_commands() -> None:
    parser = NearestParser(
        [("take the @1", ("take @1",)), ("put the @1 in the @2", ("put @1 in @2",)), ("i am tired", ())]
    )
    best = parser.parse(MarkedText(("put", "@1", "in", "the", "@2"), ()), SCENE)[0]
    assert best.commands == ("put @1 in @2",)
    assert 0 < best.confidence < 1
