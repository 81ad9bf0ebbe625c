"""Spellings of players: contractions, abbreviations and typing errors."""

import re

from seqloom.fiction.parsing.word_sets import word_set

_EXPANSIONS = {
    "i'm": "i am",
    "im": "i am",
    "i'll": "i will",
    "i'd": "i would",
    "i've": "i have",
    "let's": "let us",
    "lets": "let us",
    "lemme": "let me",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "have to",
    "outta": "out of",
    "thru": "through",
    "pls": "please",
    "plz": "please",
    "dont": "do not",
    "don't": "do not",
    "can't": "can not",
    "cant": "can not",
    "we'll": "we will",
    "we're": "we are",
    "you're": "you are",
    "that's": "that is",
    "it's": "it is",
    "there's": "there is",
    "what's": "what is",
    "whats": "what is",
    "&": "and",
    "'em": "them",
    "em": "them",
    "ur": "your",
    "gimme": "give me",
    "w/": "with",
    "inv": "inventory",
    "bout": "about",
    "thats": "that is",
    "theres": "there is",
    "lil": "little",
    "kinda": "rather",
    "he's": "he is",
    "she's": "she is",
    "won't": "will not",
    "didn't": "did not",
    "didnt": "did not",
    "isn't": "is not",
    "where's": "where is",
    "who's": "who is",
}

COMMON_WORDS = word_set(
    "able about above across actually after again against ahead almost alone along already also although always "
    "among another answer anymore anyone anything anyway around asked away back barely because become been before "
    "began begin behind being believe below beneath beside best better between beyond bigger black blue bottom "
    "bright bring broken brought brown build careful carefully cause center certain chance change check choose "
    "circle clean clear clearly close closer cold color come coming completely corner could couple course curious "
    "dark deep different direction does doing done down dream during each eager early easily edge either else empty "
    "enough even evening ever every everyone everything exactly expect face fact family fast feel feeling feet "
    "fellow felt find fine finger fingers finish finished first foot forget forward found four fresh friend from "
    "front full further game gentle gently getting give given glad goes gone good grand great green guess half hand "
    "hands hang happen happens happy hard have having heard heart heavy hello help here high himself home honestly "
    "hope hour house however huge idea inside instead into itself just keep kind knew know large last late later "
    "laugh lead leads leap least leave less like line listen little live long longer look lost loud love made make "
    "many maybe mean meet middle might mind minute moment more most mother mouth move much must myself name near "
    "nearby nearly need never next nice night none nothing number often older once only open other others over part "
    "pass past people perhaps person place places play please point precious pretty probably quick quickly quiet "
    "quietly quite rather reach ready real really remain remember rest right rise round said same second seem seems "
    "seen several shall shape sharp short should shoulder show side silent simple simply since sleep slow slowly "
    "small soft softly some someone something soon sort space spare speak stand start started starts stay still "
    "stop story straight strange strong such suddenly sure sweet take taken talk tell than thank thanks that their "
    "them then there these they thick thin thing things think third this those though thought three through till "
    "time tiny together told tonight took toward towards tried true trust turn under until upon used useful using "
    "usual very voice wait walk want warm watch water well went were what when where which while white whole wild "
    "will wind wish with within without wonder word work world worse worst would write wrong year years yellow "
    "young your"
)
"""Frequent words, which are no misspelt names of things."""


def split(text: str) -> list[str]:
    """The words and punctuation marks of a text, in lower case, with contractions written out."""
    tokens = re.findall(r"[a-z0-9]+(?:['/-][a-z0-9]+)*/?|'em|[.,;:!?&]", text.lower().replace("’", "'"))
    return [part for token in tokens for part in _EXPANSIONS.get(token, _without_possessive(token)).split()]


def _without_possessive(token: str) -> str:
    return token.removesuffix("'s") if token.endswith("'s") else token


def is_near(word: str, target: str) -> bool:
    """Whether a word is a target with one typing error: a letter more, less, other, doubled, or two that changed places."""
    if min(len(word), len(target)) < 4 or word[0] != target[0] or abs(len(word) - len(target)) > 1 or word == target:
        return False
    start = 0
    while start < min(len(word), len(target)) and word[start] == target[start]:
        start += 1
    rest, rest_of_target = word[start:], target[start:]
    if min(len(word), len(target)) == 4 and len(word) == len(target):
        return rest[:2] == rest_of_target[1::-1] and rest[2:] == rest_of_target[2:]
    if len(word) == len(target):
        swapped = rest[:2] == rest_of_target[1::-1] if len(rest) > 1 else False
        return rest[1:] == rest_of_target[1:] or (swapped and rest[2:] == rest_of_target[2:])
    return rest[1:] == rest_of_target if len(word) > len(target) else rest == rest_of_target[1:]


def number_forms(word: str) -> tuple[str, ...]:
    """The singular or plural forms of a noun."""
    forms = [f"{word}s", f"{word}es"]
    if word.endswith("ves"):
        forms += [f"{word[:-3]}fe", f"{word[:-3]}f"]
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s"):
        forms.append(word[:-1])
    return tuple(forms)
