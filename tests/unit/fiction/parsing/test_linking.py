"""Linking: the things of a scene in a text, under the names that players give them."""

import pytest

from seqloom.fiction.interpreter import GrammarLine, SceneObject, Words
from seqloom.fiction.parsing.linking import link
from seqloom.fiction.parsing.scene import Scene, scene_from_texts, ways

WORDS = Words(
    (GrammarLine(("take",), ("<things>",)), GrammarLine(("xyzzy",))),
    ("lamp", "lantern", "knife", "sack", "case", "button", "bottle", "water", "buoy"),
    ("brass", "rusty", "nasty", "trophy", "red", "blue"),
    ("north", "south"),
)
SCENE = Scene(
    WORDS,
    (
        SceneObject("brass lantern", ("lantern", "lamp"), ("brass",)),
        SceneObject("rusty knife", ("knife",), ("rusty",)),
        SceneObject("nasty knife", ("knife",), ("nasty",)),
        SceneObject("sack", ("sack",)),
        SceneObject("bottle", ("bottle",)),
    ),
)


@pytest.mark.parametrize(
    ("text", "marked", "names"),
    [
        ("Set my brass lantern down here!", "set my @1 down here !", ["lantern"]),
        ("put the lamp in the sack, then the lamp again", "put the @1 in the @2 , then the @1 again", ["lamp", "sack"]),
        ("take the nasty knife", "take the @1", ["nasty knife"]),
        ("the flashlight please", "the @1 please", ["lantern"]),
        ("grab the lantrn n the sacks", "grab the @1 and the @2", ["lantern", "sack"]),
        ("that brass thing", "that @1", ["lantern"]),
        ("the bottle of water", "the @1", ["bottle"]),
        ("say xyzzy", "say @1", ["xyzzy"]),
        ("go n", "go north", []),
        ("I'm off northwards", "i am off north", []),
        ("water the sack", "water the @1", ["sack"]),
        ("what a might", "what a might", []),
    ],
)
def test_things_become_markers(text: str, marked: str, names: list[str]) -> None:
    found = link(text, SCENE)
    assert found.text == marked
    assert [name.text for name in found.names] == names


def test_a_scene_is_read_from_the_texts_of_a_game() -> None:
    scene = scene_from_texts(
        WORDS,
        "Gallery\nThere is a red button here, and a crack in the wall leads south.",
        "You are carrying:\n  A brass lamp",
    )
    assert [(thing.name, thing.held) for thing in scene.things] == [("brass lamp", True), ("red button", False)]
    assert link("squeeze through the crack", scene).text == "squeeze through the south"


def test_a_word_that_stands_with_two_directions_is_no_way() -> None:
    assert ways("A path leads north. Another path leads south, and stairs go up.") == {"stairs": "up"}
