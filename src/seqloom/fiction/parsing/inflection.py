"""Forms of English verbs, by the rules of spelling and a list of irregular verbs."""

from functools import cache

from seqloom.fiction.parsing.word_sets import word_set

_PAST = dict(
    pair.split(":")
    for pair in [
        "take:took",
        "get:got",
        "steal:stole",
        "catch:caught",
        "bring:brought",
        "hold:held",
        "have:had",
        "keep:kept",
        "go:went",
        "let:let",
        "put:put",
        "set:set",
        "lay:laid",
        "leave:left",
        "give:gave",
        "hang:hung",
        "shut:shut",
        "read:read",
        "see:saw",
        "find:found",
        "light:lit",
        "make:made",
        "hit:hit",
        "fight:fought",
        "strike:struck",
        "slay:slew",
        "beat:beat",
        "throw:threw",
        "eat:ate",
        "drink:drank",
        "feed:fed",
        "spin:spun",
        "shake:shook",
        "ring:rang",
        "feel:felt",
        "run:ran",
        "break:broke",
        "cut:cut",
        "wind:wound",
        "blow:blew",
        "tie:tied",
        "wear:wore",
        "come:came",
        "climb:climbed",
        "sit:sat",
        "wake:woke",
        "dig:dug",
        "say:said",
        "speak:spoke",
        "swim:swam",
        "sleep:slept",
        "lie:lay",
        "sing:sang",
        "hear:heard",
        "stand:stood",
        "tell:told",
        "show:showed",
        "stick:stuck",
        "slide:slid",
        "swing:swung",
        "drive:drove",
        "creep:crept",
        "sneak:snuck",
        "do:did",
        "pay:paid",
        "bind:bound",
        "spring:sprang",
    ]
)
_DOUBLED = word_set(
    "grab drop nab scoop stop slip pop pat pet hop get put set let shut hit cut run sit dig swim step stab nip tap "
    "dip pin strip slam wrap jab spin nag snag ship rub hum sip bag jog shin lob rap fit tug chop top hug beg skim "
    "stun"
) - {"scoop"}
_PARTICIPLES = {"lie": "lying", "tie": "tying", "untie": "untying", "see": "seeing", "be": "being", "eye": "eyeing"}


@cache
def third_person(verb: str) -> str:
    """`catch` -> `catches`."""
    if verb in ("have", "go", "do"):
        return {"have": "has", "go": "goes", "do": "does"}[verb]
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


@cache
def participle(verb: str) -> str:
    """`take` -> `taking`."""
    if verb in _PARTICIPLES:
        return _PARTICIPLES[verb]
    if verb in _DOUBLED:
        return f"{verb}{verb[-1]}ing"
    if verb.endswith("e") and not verb.endswith(("ee", "oe")):
        return f"{verb[:-1]}ing"
    return f"{verb}ing"


@cache
def past(verb: str) -> str:
    """`take` -> `took`."""
    if verb in _PAST:
        return _PAST[verb]
    if verb in _DOUBLED:
        return f"{verb}{verb[-1]}ed"
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}ed"


@cache
def forms(verb: str) -> frozenset[str]:
    """All forms of a verb."""
    return frozenset({verb, third_person(verb), participle(verb), past(verb), participle(verb)[:-1]})
