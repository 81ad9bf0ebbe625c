"""Messages of parsers, told from outcomes; questions, told from statements."""

import pytest

from seqloom.fiction.interpreter import Awaiting, ParserError
from seqloom.fiction.zmachine.parser_messages import awaiting, parser_error


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ('I don\'t know the word "frob".', "take frob", (ParserError.UNKNOWN_NOUN, "frob")),
        ('I don\'t know the word "frob".', "Frob lamp", (ParserError.UNKNOWN_VERB, "frob")),
        ("You can't see any lamp here!", "take lamp", (ParserError.NOT_IN_SCOPE, "")),
        ("You can't see any such thing.", "take lamp", (ParserError.NOT_IN_SCOPE, "")),
        ("That's not a verb I recognise.", "frob", (ParserError.UNKNOWN_VERB, "")),
        ("Taken.\n\nThat sentence isn't one I recognize.", "take lamp. of", (ParserError.SYNTAX, "")),
        ('You used the word "of" in a way that I don\'t understand.', "of", (ParserError.SYNTAX, "of")),
        ("I only understood you as far as wanting to go north.", "north frob", (ParserError.SYNTAX, "")),
        ("I beg your pardon?", "", (ParserError.SYNTAX, "")),
        ('I don\'t know the word "frob."', "take frob", (ParserError.UNKNOWN_NOUN, "frob")),
        ('[This story doesn\'t recognize the word "frob."]', "frob", (ParserError.UNKNOWN_VERB, "frob")),
        ("[There aren't any verbs in that sentence.]", "lamp", (ParserError.SYNTAX, "")),
        ("[You don't see any lamp here.]", "take lamp", (ParserError.NOT_IN_SCOPE, "")),
        ("You don't see how to do that here.", "take lamp", None),
        ("Taken.", "take lamp", None),
        ("The door is locked.", "open door", None),
        ("You can't see any way to do that from where you stand, but the hill shows a path", "climb", None),
        ('"I didn\'t think you would come," says the troll.', "talk to troll", None),
    ],
)
def test_parser_errors(text: str, line: str, expected: tuple[ParserError, str] | None) -> None:
    assert parser_error(text, line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Taken.", Awaiting.COMMAND),
        ("What a nice day!", Awaiting.COMMAND),
        ("Which do you mean, the small key or the large key?", Awaiting.CLARIFICATION),
        ("What do you want to open?", Awaiting.CLARIFICATION),
        ("Your score is 0.\nDo you wish to leave the game? (Y is affirmative): >", Awaiting.YES_OR_NO),
        ("Are you sure you want to quit?", Awaiting.YES_OR_NO),
        ("Do you want to begin?\n\n[Type BEGIN, RESTORE or QUIT.]", Awaiting.YES_OR_NO),
        ("Please answer yes or no.>", Awaiting.YES_OR_NO),
        ("You have died.\n\nWould you like to RESTART, RESTORE a saved game or QUIT?", Awaiting.YES_OR_NO),
    ],
)
def test_questions(text: str, expected: Awaiting) -> None:
    assert awaiting(text) is expected
