"""Which answers of a story are messages of its parser, and what a story asks.

The phrases are those of Infocom's parser and of Inform's libraries. A story does not tell its interpreter whether it understood a
line; only its words show it.
"""

import re

from seqloom.fiction.interpreter import Awaiting, ParserError

# Phrases that begin a line of the answer. A group is the word that the message is about.
_ERRORS: tuple[tuple[ParserError, str], ...] = (
    (ParserError.UNKNOWN_VERB, r"That's not a verb I recogni[sz]e"),
    (ParserError.UNKNOWN_NOUN, r"I don'?t know the word [\"“']([^\"”']+)"),
    (ParserError.UNKNOWN_NOUN, r"\[?The word [\"“]([^\"”]+)[\"”] (?:isn't|is not) in (?:the|your) vocabulary"),
    (ParserError.UNKNOWN_NOUN, r"\[?This story doesn't recogni[sz]e the word [\"“]([^\"”]+)"),
    (ParserError.UNKNOWN_NOUN, r"\[?You don't need to use the word [\"“]([^\"”]+)"),
    (ParserError.NOT_IN_SCOPE, r"\[You (?:don't|can't) see (?:any )?[\w' -]+ here"),
    (ParserError.NOT_IN_SCOPE, r"You can't see any (?:such thing|[\w -]+ here)"),
    (ParserError.NOT_IN_SCOPE, r"I don't see (?:any |what you're referring)"),
    (ParserError.SYNTAX, r"I didn't understand (?:that sentence|that number|the way that finished)"),
    (ParserError.SYNTAX, r"I only understood you as far as"),
    (ParserError.SYNTAX, r"(?:Sorry, )?I (?:couldn't|can't) understand"),
    (ParserError.SYNTAX, r"You seem to have said too little"),
    (ParserError.SYNTAX, r"You excepted something not included anyway"),
    (ParserError.SYNTAX, r"You can't use multiple objects with that verb"),
    (ParserError.SYNTAX, r"You can't use multiple (?:direct|indirect) objects"),
    (ParserError.SYNTAX, r"You can only do that to something animate"),
    (ParserError.SYNTAX, r"I can only do that to something animate"),
    (ParserError.SYNTAX, r"You must (?:name something more substantial|supply a (?:noun|second noun))"),
    (ParserError.SYNTAX, r"There (?:was no verb|aren't any verbs) in that sentence"),
    (ParserError.SYNTAX, r"There (?:were|are) too many (?:nouns|verbs) in that sentence"),
    (ParserError.SYNTAX, r"I (?:can't|couldn't) find a (?:verb|noun) in that sentence"),
    (ParserError.SYNTAX, r"I can't use multiple (?:direct|indirect) objects"),
    (ParserError.SYNTAX, r"I can't use the word [\"“]([^\"”]+)[\"”] here"),
    (ParserError.SYNTAX, r"(?:That sentence|This sentence) isn't one I recogni[sz]e"),
    (ParserError.SYNTAX, r"(?:Sorry, but )?I don't (?:recogni[sz]e|understand) that sentence"),
    (ParserError.SYNTAX, r"You used the word [\"“]([^\"”]+)[\"”] in a way that I don't understand"),
    (ParserError.SYNTAX, r"I beg your pardon\?"),
)
_PATTERNS = tuple((error, re.compile(rf"^\W*{phrase}", re.MULTILINE)) for error, phrase in _ERRORS)
_CLARIFICATION = re.compile(
    r"^\W*(?:Which|What|Who|Whom|Where) (?:do|did) you (?:mean|want)\b|^\W*Which one|^\W*What do you want to",
    re.MULTILINE,
)
_YES_OR_NO = re.compile(
    r"(?:\bare you sure\b.*\?|\bdo you (?:really )?(?:wish|want) to (?:leave|quit|restart|restore|end|stop)\b.*\?"
    r"|\(y is affirmative\)|\byes or no\b|\by/n\b|\bRESTART, RESTORE\b|\bRESTORE,? or QUIT\b|\bRESTART\b.*\bor QUIT\b)\W*$",
    re.IGNORECASE,
)


def parser_error(text: str, line: str) -> tuple[ParserError, str] | None:
    """The parser error that an answer states, with the word that it is about; None if it states none."""
    for error, pattern in _PATTERNS:
        match = pattern.search(text)
        if match is None:
            continue
        word = match[1].rstrip(".,") if match.lastindex else ""
        if error is ParserError.UNKNOWN_NOUN and line.lower().split()[:1] == [word.lower()]:
            error = ParserError.UNKNOWN_VERB
        return error, word
    return None


def awaiting(text: str) -> Awaiting:
    """What a story that reads a line awaits, by the end of its answer."""
    last = text.rstrip().rstrip(">").rstrip().rpartition("\n\n")[2]
    if _YES_OR_NO.search(last):
        return Awaiting.YES_OR_NO
    return Awaiting.CLARIFICATION if _CLARIFICATION.search(last) else Awaiting.COMMAND
