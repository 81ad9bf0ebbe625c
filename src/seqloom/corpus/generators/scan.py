"""The corpora `scan-simple`, `scan-length` and `scan-add-jump`: commands and the actions of an agent (Lake & Baroni 2018).

    jump opposite left after walk twice -> I_WALK I_WALK I_TURN_LEFT I_TURN_LEFT I_JUMP

The grammar has 20,910 commands. This module makes them and their actions by the rules of the paper's supplement, so nothing is
downloaded. The splits are those of the paper's three experiments. `scan-simple` tests a random fifth. `scan-length` tests action
sequences that are longer than those of training. `scan-add-jump` trains `jump` alone, as a tenth of the training pairs, and tests
it in all combinations.
"""

from collections.abc import Callable
from functools import cache, partial

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.draw import bucket
from seqloom.corpus.generators.finite import Division, FiniteGenerator

PRIMITIVES = ("walk", "look", "run", "jump")
DIRECTIONS = ("left", "right")
TIMES = {"twice": 2, "thrice": 3}
MOST_TRAINED_ACTIONS = 22
TESTED_AT_RANDOM = 4_182
# As published: 1,467 of 14,670 training pairs are the one pair `jump`.
JUMPS_TRAINED = 1_467


@cache
def commands() -> tuple[str, ...]:
    """All 20,910 commands of the grammar."""
    turns = [
        f"{verb}{how} {way}"
        for verb in (*PRIMITIVES, "turn")
        for how in ("", " opposite", " around")
        for way in DIRECTIONS
    ]
    verbs = [*PRIMITIVES, *turns]
    phrases = verbs + [f"{verb} {times}" for verb in verbs for times in TIMES]
    joined = [f"{first} {joint} {second}" for joint in ("and", "after") for first in phrases for second in phrases]
    return tuple(phrases + joined)


def interpret(command: str) -> list[str]:
    """The actions of a command: the function [[.]] in the supplement of the paper.

    Args:
        command: a command of the grammar.
    """
    for joint in ("and", "after"):
        first, separator, second = command.partition(f" {joint} ")
        if separator:
            both = interpret(first), interpret(second)
            return both[0] + both[1] if joint == "and" else both[1] + both[0]
    *words, last = command.split()
    if last in TIMES:
        return interpret(" ".join(words)) * TIMES[last]
    if last not in DIRECTIONS:
        return [f"I_{last.upper()}"]
    turn = [f"I_TURN_{last.upper()}"]
    act = [] if words[0] == "turn" else [f"I_{words[0].upper()}"]
    if words[-1] == "around":
        return (turn + act) * 4
    return turn * 2 + act if words[-1] == "opposite" else turn + act


@cache
def _pairs() -> tuple[SentencePair, ...]:
    return tuple(SentencePair(command, " ".join(interpret(command))) for command in commands())


def _divide_at_random() -> Division:
    # There are so many buckets that two commands rarely share one. The order depends on the command only.
    ordered = sorted(_pairs(), key=lambda pair: bucket(pair.src, 1 << 60))
    return ordered[TESTED_AT_RANDOM:], {"test": ordered[:TESTED_AT_RANDOM]}


def _divide(is_tested: Callable[[SentencePair], bool], repeated: str | None = None) -> Division:
    trained = [pair for pair in _pairs() if not is_tested(pair)]
    trained += [pair for pair in trained if pair.src == repeated] * (JUMPS_TRAINED - 1)
    return trained, {"test": [pair for pair in _pairs() if is_tested(pair)]}


def _is_long(pair: SentencePair) -> bool:
    return len(pair.tgt.split()) > MOST_TRAINED_ACTIONS


def _combines_jump(pair: SentencePair) -> bool:
    return "jump" in pair.src.split() and pair.src != "jump"


_TASKS: dict[str, tuple[str, Callable[[], Division]]] = {
    "simple": ("a random fifth is tested", _divide_at_random),
    "length": ("trained to 22 actions, tested on 24 to 48", partial(_divide, _is_long)),
    "add-jump": ("jump is trained alone, and tested in combinations", partial(_divide, _combines_jump, "jump")),
}

SCAN = tuple(
    FiniteGenerator(
        name=f"scan-{name}",
        description=f"Commands and the actions they ask for (SCAN): {description}.",
        version=1,
        divide=cache(divide),
        facts={
            "src_lang": "en",
            "metric": "exact_match",
            "item_separator": " ",
            "item_name": "actions",
            "notes": (
                f"Synthetic: SCAN's grammar; {description}.",
                "Validation is 1,000 of the published training pairs.",
                "Commands of at most 9 words ask for up to 48 actions: tokenizer.kind=words makes each one token, and "
                "decoding.max_len_ratio=6 leaves room for them.",
            ),
        },
    )
    for name, (description, divide) in _TASKS.items()
)
