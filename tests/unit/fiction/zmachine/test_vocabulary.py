"""The tables of a story, against the listings of the compiler that wrote them, and on damaged stories."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import TEXT, THING, THINGS, GrammarLine, ParserError, SceneObject, Words
from seqloom.fiction.zmachine.dictionary import cut, read_dictionary
from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.grammar import read_grammar
from seqloom.fiction.zmachine.objects import read_objects
from seqloom.fiction.zmachine.story import Story
from seqloom.fiction.zmachine.vocabulary import Vocabulary
from tests.unit.fiction.zmachine.tiny_story import WORDS, tiny_story

Compile = Callable[..., tuple[Story, str]]
OpenGame = Callable[..., ZMachine]
BARE = Path(__file__).parent / "bare.inf"
VERSIONS = pytest.mark.parametrize("version", [5, 8])


def between(listing: str, start: str) -> list[str]:
    """The lines of a listing after the line that begins with `start`."""
    return re.split(rf"^{start}.*\n", listing, flags=re.MULTILINE)[1].splitlines()


@VERSIONS
def test_the_dictionary_is_that_of_the_listing(version: int, compile_inform: Compile) -> None:
    story, listing = compile_inform(version, "$!DICT")
    listed = {}
    for line in between(listing, "Dictionary contains"):
        if not line.strip():
            break
        word, *parts = line.split()
        verb = next((255 - int(part.split(":")[1]) for part in parts if "verb:" in part), None)
        listed[word] = ("noun" in parts, "preposition" in parts, verb)
    words = read_dictionary(story).values()
    assert len(listed) > 300
    assert {word.text: (word.is_noun, word.is_preposition, word.verb) for word in words} == listed


@VERSIONS
def test_the_tree_of_objects_is_that_of_the_listing(version: int, compile_inform: Compile) -> None:
    story, listing = compile_inform(version, "$!OBJECTS")
    rows = [line.split() for line in between(listing, "obj name") if re.match(r" *\d+ \S+ +\d+ +\d+ +\d+$", line)]
    listed = {int(row[0]): tuple(map(int, row[2:])) for row in rows}
    objects = read_objects(story)
    assert len(listed) > 20
    assert {item.number: (item.parent, item.sibling, item.child) for item in objects.values()} == listed
    assert [item.name for item in objects.values()][-4:] == ["brass lantern", "tin box", "small key", "large key"]


@VERSIONS
def test_the_grammar_is_that_of_the_listing(version: int, compile_inform: Compile) -> None:
    story, listing = compile_inform(version, "$!VERBS")
    grammar = read_grammar(story, read_dictionary(story))
    slots = {"noun": THING, "held": THING, "creature": THING, "topic": TEXT, "special": TEXT, "number": TEXT}
    slots |= dict.fromkeys(("multi", "multiheld", "multiexcept", "multiinside"), THINGS)
    listed: dict[str, list[tuple[str, ...]]] = {}
    for line in between(listing, "Grammar table"):
        if match := re.match(r"Verb '(\S+)'", line):
            lines = listed.setdefault(match[1][:9], [])
        elif match := re.match(r"  \* (.*)-> ", line):
            tokens = match[1].replace("' / '", "/").split()
            elements = [slots.get(token) or (THING if "=" in token else token.strip("'")) for token in tokens]
            lines.append(tuple("/".join(word[:9] for word in element.split("/")) for element in elements))
        else:
            break
    assert len(listed) > 80
    # A form that two actions share is listed twice, and a form of command once.
    for verb, patterns in listed.items():
        assert [line.pattern for line in grammar if verb in line.verbs] == list(dict.fromkeys(patterns)), verb


@pytest.mark.parametrize("version", [3, 5, 8])
@pytest.mark.parametrize("grammar_version", [1, 2])
def test_both_versions_of_informs_grammar_are_read(
    grammar_version: int, version: int, compile_inform: Compile, tmp_path: Path
) -> None:
    source = tmp_path / f"bare{grammar_version}.inf"
    source.write_text(
        f"Constant Grammar__Version = {grammar_version};\n{BARE.read_text(encoding='utf-8')}", encoding="utf-8"
    )
    words = Vocabulary(compile_inform(version, source=source)[0]).words
    assert words.grammar == (
        GrammarLine(("get", "take"), (THING,)),
        GrammarLine(("get", "take"), (THINGS,)),
        GrammarLine(("get", "take"), (THINGS, "from", THING)),
        GrammarLine(("get", "take"), ("up", THING)),
        GrammarLine(("put",), (THINGS, "in", THING)),
        GrammarLine(("put",), ("down", THINGS)),
        GrammarLine(("put",), (THING, "on", THING)),
        GrammarLine(("look",)),
        GrammarLine(("look",), ("at", THING)),
        GrammarLine(("give",), (THING, THING)),
        GrammarLine(("give",), (THING, "to", THING)),
        GrammarLine(("give",), (THING,)),
        GrammarLine(("say",), (TEXT,)),
    )
    assert words.nouns == ("brass", "lantern", "lamp", "tin", "box", "small", "key")


@VERSIONS
def test_words_and_scope_of_an_inform_story(version: int, compile_inform: Compile, open_game: OpenGame) -> None:
    game = open_game(compile_inform(version)[0])
    words = game.words()
    assert {"lantern", "lamp", "brass", "box"} <= set(words.nouns)
    assert {"north", "n", "up"} <= set(words.directions)
    assert words.num_letters == 9
    assert GrammarLine(("caress", "tickle"), (THING, "with", THING)) in words.grammar
    game.step("take lantern")
    assert game.objects_in_scope()[:2] == (
        SceneObject("brass lantern", ("brass", "lantern", "lamp"), held=True),
        SceneObject("wooden table", ("wooden", "table")),
    )
    game.step("north")
    assert [thing.name for thing in game.objects_in_scope()] == ["brass lantern", "large key"]


def test_the_dictionary_tells_unknown_words_from_things_elsewhere(compile_inform: Compile, open_game: OpenGame) -> None:
    game = open_game(compile_inform(5)[0])
    errors = [(turn.error, turn.word) for turn in map(game.step, ("take frob", "take key", "frob key"))]
    assert errors == [
        (ParserError.UNKNOWN_NOUN, "frob"),
        (ParserError.NOT_IN_SCOPE, ""),
        (ParserError.UNKNOWN_VERB, "frob"),
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("lantern", "lanter"), ("hand-held", "hand-"), ("pdp10", "pdp1"), ("ärger", "ärg"), ("key", "key")],
)
def test_words_are_cut_as_the_story_cuts_them(word: str, expected: str, tiny: Story) -> None:
    assert cut(word, tiny) == expected


def test_a_story_without_grammar_has_only_words(tiny: Story) -> None:
    vocabulary = Vocabulary(tiny)
    assert {word.text for word in vocabulary.dictionary.values()} == set(WORDS)
    assert vocabulary.knows("Lamp")
    assert not vocabulary.knows("frob")
    assert vocabulary.words == Words((), ("lamp",), num_letters=6)


@pytest.fixture(scope="module")
def inform_story(compile_inform: Compile) -> Story:
    return compile_inform(5)[0]


def read_everything(story: Story) -> None:
    """Reads all tables: a damaged one is an error for users, and nothing else."""
    vocabulary = Vocabulary(story)
    try:
        assert isinstance(vocabulary.words, Words)
        vocabulary.objects_in_scope(story.data[: story.static_memory])
    except FictionError as error:
        assert str(error)  # noqa: PT017


@given(st.data())
def test_damaged_stories_are_read_or_are_one_message(data: st.DataObject) -> None:
    story = bytearray(tiny_story())
    for _ in range(data.draw(st.integers(1, 30))):
        story[data.draw(st.integers(1, len(story) - 1))] = data.draw(st.integers(0, 255))
    read_everything(Story(bytes(story), "damaged.z3"))


@given(changes=st.lists(st.tuples(st.integers(1, 12_000), st.integers(0, 255)), min_size=1, max_size=40))
def test_damaged_inform_stories_are_read_or_are_one_message(
    inform_story: Story, changes: list[tuple[int, int]]
) -> None:
    story = bytearray(inform_story.data)
    for address, value in changes:
        story[address] = value
    read_everything(Story(bytes(story), "damaged.z5"))
