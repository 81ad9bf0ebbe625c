"""Tables of the actions of an adventure: canonical commands, and the phrases that players use for them.

`{0}` and `{1}` are the objects of a command. Each phrase belongs to one command.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Form = Literal["base", "gerund", "participle"]


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """A phrase for a command.

    Attributes:
        template: "pick {0} up".
        order: the objects in reading order.
        no_pronoun: the objects that cannot be pronouns: "pick up it" is wrong.
        one_object: whether `{0}` must be a single thing: "pick the lamp, the rope and the sword up" is not natural.
        inflects: whether its first word is a verb that can be inflected; "x {0}" and "n" are used only as they are.
    """

    template: str
    order: tuple[int, ...]
    no_pronoun: frozenset[int]
    one_object: bool
    inflects: bool

    def text(self, form: Form, objects: tuple[str, ...]) -> str:
        """The phrase with its objects, its verb in the given form."""
        template = self.template
        if form != "base":
            verb, space, rest = template.partition(" ")
            template = inflect(verb, form) + space + rest
        return template.format(*objects)


@dataclass(frozen=True, slots=True, eq=False)
class Verb:
    """A canonical command.

    Attributes:
        command: its template, "unlock {0} with {1}".
        objects: the kind of noun of each object.
        phrases: the phrases of players for it, the most usual first.
        weight: how often it is drawn, relative to other verbs.
        several: whether `{0}` may be several things ("take the lamp and the rope"); each is a command.
        everything: whether `{0}` may be "everything".
    """

    command: str
    objects: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    weight: int = 1
    several: bool = False
    everything: bool = False


# Columns: command | objects | weight and flags | phrases. "pick+up" is a particle verb: "pick up {0}" and "pick {0} up".
# A phrase after "!" cannot be inflected.
_VERBS = """
take {0}            | portable           | 12 several all | take {0}, get {0}, grab {0}, pick+up
drop {0}            | portable           | 6 several all  | drop {0}, put+down, leave {0} here
examine {0}         | thing              | 6 several      | examine {0}, look at {0}, inspect {0}, !x {0}
examine {0}         | creature           | 1              | examine {0}, look at {0}, inspect {0}, !x {0}
open {0}            | openable           | 7              | open {0}, pull {0} open
close {0}           | openable           | 3              | close {0}, shut {0}
unlock {0} with {1} | lockable key       | 4              | unlock {0} with {1}, use {1} to unlock {0}
lock {0} with {1}   | lockable key       | 2              | lock {0} with {1}, use {1} to lock {0}
enter {0}           | enterable          | 3              | enter {0}, go through {0}
light {0}           | lightable          | 4              | light {0}, set fire to {0}
extinguish {0}      | lightable          | 2              | extinguish {0}, put+out, blow+out
switch on {0}       | switchable         | 2              | switch+on, turn+on
switch off {0}      | switchable         | 2              | switch+off, turn+off
read {0}            | readable           | 4              | read {0}, look through {0}
eat {0}             | edible             | 4              | eat {0}, swallow {0}, take a bite of {0}
drink {0}           | liquid             | 3              | drink {0}, take a sip of {0}
wear {0}            | wearable           | 4 several      | wear {0}, put+on, slip+on
remove {0}          | wearable           | 3 several      | remove {0}, take+off, slip+off
put {0} in {1}      | portable container | 6 several all  | put {0} in {1}, place {0} in {1}, drop {0} into {1}
put {0} on {1}      | portable supporter | 4 several all  | put {0} on {1}, place {0} on {1}, lay {0} on {1}
take {0} from {1}   | portable container | 3 several all  | take {0} from {1}, take {0} out of {1}, get {0} out of {1}
search {0}          | container          | 3              | search {0}, look in {0}, look inside {0}
give {0} to {1}     | portable person    | 5 several      | give {0} to {1}, give {1} {0}, hand {1} {0}, offer {0} to {1}
show {0} to {1}     | portable person    | 2              | show {0} to {1}, show {1} {0}
ask {0} about {1}   | person portable    | 2              | ask {0} about {1}
talk to {0}         | person             | 4              | talk to {0}, speak to {0}, speak with {0}
greet {0}           | person             | 2              | greet {0}, say hello to {0}, wave to {0}
follow {0}          | creature           | 2              | follow {0}, go after {0}
wake {0}            | creature           | 2              | wake {0}, wake+up
buy {0} from {1}    | treasure person    | 2              | buy {0} from {1}
attack {0}          | creature           | 2              | attack {0}, fight {0}
attack {0} with {1} | creature weapon    | 4              | attack {0} with {1}, hit {0} with {1}, use {1} to attack {0}
throw {0} at {1}    | portable creature  | 2              | throw {0} at {1}
feed {0} to {1}     | edible beast       | 2              | feed {0} to {1}, feed {1} {0}
tie {0} to {1}      | cord post          | 3              | tie {0} to {1}, fasten {0} to {1}
cut {0} with {1}    | cord blade         | 2              | cut {0} with {1}, use {1} to cut {0}
break {0}           | breakable          | 3              | break {0}, smash {0}
break {0} with {1}  | breakable tool     | 2              | break {0} with {1}, smash {0} with {1}, use {1} to break {0}
push {0}            | control            | 3              | push {0}, press {0}
push {0}            | movable            | 2              | push {0}, shove {0}
pull {0}            | control            | 2              | pull {0}, tug on {0}
turn {0}            | turnable           | 3              | turn {0}, spin {0}
climb {0}           | climbable          | 3              | climb {0}, climb up {0}
look behind {0}     | movable            | 2              | look behind {0}
look under {0}      | supporter          | 2              | look under {0}
sit on {0}          | seat               | 3              | sit on {0}, sit down on {0}
clean {0}           | treasure           | 2 several      | clean {0}, polish {0}
go {0}              | direction          | 9              | go {0}, walk {0}, head {0}, !{0}, !{0}
look                |                    | 2              | look around, !look, !l
inventory           |                    | 1              | check my inventory, !inventory, !i
wait                |                    | 1              | wait, wait a moment, !z
listen              |                    | 1              | listen
jump                |                    | 1              | jump, jump up and down
sleep               |                    | 1              | sleep, go to sleep
"""

# Gerund and participle of verbs that do not follow the spelling rules.
_IRREGULAR: Mapping[str, tuple[str, str]] = {
    "take": ("taking", "taken"),
    "get": ("getting", "gotten"),
    "put": ("putting", "put"),
    "leave": ("leaving", "left"),
    "shut": ("shutting", "shut"),
    "set": ("setting", "set"),
    "light": ("lighting", "lit"),
    "blow": ("blowing", "blown"),
    "read": ("reading", "read"),
    "eat": ("eating", "eaten"),
    "drink": ("drinking", "drunk"),
    "wear": ("wearing", "worn"),
    "lay": ("laying", "laid"),
    "give": ("giving", "given"),
    "show": ("showing", "shown"),
    "speak": ("speaking", "spoken"),
    "say": ("saying", "said"),
    "go": ("going", "gone"),
    "wake": ("waking", "woken"),
    "buy": ("buying", "bought"),
    "fight": ("fighting", "fought"),
    "hit": ("hitting", "hit"),
    "throw": ("throwing", "thrown"),
    "feed": ("feeding", "fed"),
    "tie": ("tying", "tied"),
    "cut": ("cutting", "cut"),
    "break": ("breaking", "broken"),
    "spin": ("spinning", "spun"),
    "sit": ("sitting", "sat"),
    "sleep": ("sleeping", "slept"),
}
_DOUBLED = frozenset({"grab", "drop", "slip", "tug"})


def inflect(verb: str, form: Form) -> str:
    """A form of a verb: ("drop", "gerund") gives "dropping"."""
    if form == "base":
        return verb
    if verb in _IRREGULAR:
        gerund, participle = _IRREGULAR[verb]
        return gerund if form == "gerund" else participle
    stem = verb + verb[-1] if verb in _DOUBLED else verb
    if stem.endswith("e"):
        return stem[:-1] + ("ing" if form == "gerund" else "ed")
    if form == "participle" and stem.endswith("y") and stem[-2] not in "aeiou":
        return stem[:-1] + "ied"
    return stem + ("ing" if form == "gerund" else "ed")


def _phrases(text: str) -> list[Phrase]:
    text = text.strip()
    inflects = not text.startswith("!")
    text = text.removeprefix("!")
    if "+" in text:
        verb, particle = text.split("+")
        joined = Phrase(f"{verb} {particle} {{0}}", (0,), frozenset({0}), False, inflects)
        return [Phrase(f"{verb} {{0}} {particle}", (0,), frozenset(), True, inflects), joined]
    order = tuple(int(after[0]) for after in text.split("{")[1:])
    # "give him the lamp", but not "give him it".
    dative = frozenset({order[1]}) if "} {" in text else frozenset()
    return [Phrase(text, order, dative, False, inflects)]


def _read_table() -> tuple[Verb, ...]:
    verbs = []
    for line in _VERBS.strip().splitlines():
        command, objects, facts, phrases = (cell.strip() for cell in line.split("|"))
        weight, *flags = facts.split()
        known = tuple(phrase for text in phrases.split(",") for phrase in _phrases(text))
        kinds = tuple(objects.split())
        verbs.append(Verb(command, kinds, known, int(weight), "several" in flags, "all" in flags))
    return tuple(verbs)


VERBS: tuple[Verb, ...] = _read_table()
