"""The forms of command that Cloak of Darkness understands: one table for the parser and for the words that `Words` lists."""

from dataclasses import dataclass

from seqloom.fiction.interpreter import GrammarLine

# Verbs, pattern, action. The action's objects are the slots of the pattern, in order.
_TABLE = """
go walk run head move step proceed return | <direction> | go
go walk run head move step proceed return | to/toward/towards/in/into/through/inside the <direction> | go
go walk run step head proceed return | to/into/through/in/inside/toward/towards <thing> | enter
enter | <thing> | enter
exit leave | | out
exit leave | <thing> | leave
get | out | out
get | out of <thing> | leave
look l | | look
look l | around | look
look l | at <thing> | examine
look l | in/into/inside/under/behind/through/on <thing> | search
examine x inspect study check describe watch | <thing> | examine
read | <thing> | read
search | <thing> | search
inventory i inv | | inventory
take | inventory | inventory
take get grab hold fetch collect carry | <things> | take
pick | up <things> | take
pick | <things> up | take
take get | <thing> from/off <thing> | take
take pull slip get | off <thing> | take off
take pull slip | <thing> off | take off
remove doff shed unwear | <thing> | take off
remove | <thing> from <thing> | take
wear don | <thing> | wear
put pull slip | on <thing> | wear
put pull slip | <thing> on | wear
drop discard abandon | <things> | drop
put set lay | down <things> | drop
put set lay | <things> down | drop
leave | <thing> here | drop
throw toss | <thing> | drop
throw toss | <thing> at/on/onto/to/over <thing> | hang
put hang place set attach fasten insert leave lay | <thing> on/onto/over/in/into/from/to/at/by <thing> | hang
hang | <thing> | hang up
hang | up <thing> | hang up
hang | <thing> up | hang up
hang | up <thing> on/onto/from/over <thing> | hang
hang | <thing> up on/onto/from/over <thing> | hang
wait z | | wait
touch feel stroke rub | <thing> | touch
smell sniff | | smell
smell sniff | <thing> | smell
listen | | listen
listen | to <thing> | listen
taste lick | <thing> | taste
eat | <thing> | eat
drink | <thing> | eat
open close shut lock unlock | <thing> | open
push press shove turn twist | <thing> | push
pull drag tug | <thing> | push
clean wipe brush sweep scrape dust | <thing> | clean
shake squeeze wring dry fold wave | <thing> | shake
attack hit kick break smash tear cut | <thing> | attack
sit | | sit
sit | on/in/at <thing> | sit
climb | <thing> | climb
climb | on/up/over <thing> | climb
knock | on/at <thing> | knock
jump | | jump
sing hum | | sing
dance | | dance
sleep | | sleep
think | | think
shout yell scream | | shout
say | <text> | shout
stand | | stand
stand | up | stand
yes no | | yes
thank thanks hello hi | | yes
again g | | again
score | | score
help hint hints | | help
about credits info | | about
quit q | | quit
restart | | restart
"""

META = {"score", "help", "about", "quit", "restart"}
"""Actions outside the story: they take no turn."""

DIRECTIONS = {
    "north": "north",
    "n": "north",
    "south": "south",
    "s": "south",
    "west": "west",
    "w": "west",
    "east": "east",
    "e": "east",
    "northeast": "northeast",
    "ne": "northeast",
    "northwest": "northwest",
    "nw": "northwest",
    "southeast": "southeast",
    "se": "southeast",
    "southwest": "southwest",
    "sw": "southwest",
    "up": "up",
    "u": "up",
    "down": "down",
    "d": "down",
    "in": "in",
    "inside": "in",
    "out": "out",
    "outside": "out",
}


@dataclass(frozen=True)
class Form:
    """A form of command and the action that it stands for."""

    verbs: tuple[str, ...]
    pattern: tuple[str, ...]
    action: str


def _form(line: str) -> Form:
    verbs, pattern, action = line.split("|")
    return Form(tuple(verbs.split()), tuple(word for word in pattern.split() if word != "the"), action.strip())


FORMS = tuple(_form(line) for line in _TABLE.strip().splitlines())
VERBS = {verb for form in FORMS for verb in form.verbs}

GRAMMAR = tuple(GrammarLine(form.verbs, form.pattern) for form in FORMS)
