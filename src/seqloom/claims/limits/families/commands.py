"""The family of `player-commands`: size is the number of commands in a text.

Inputs combine only words and constructions that occur in training. So size is the only difference from training.
"""

from collections.abc import Mapping

from seqloom.claims.limits.family import Case, Family
from seqloom.corpus.generators.adventure.discourse import CombinationRules, draw_player_text
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.player_commands import MOST_TRAINED, SEPARATOR, holds_out_pair, holds_out_phrase

_TRAINED = CombinationRules(
    allows_pair=lambda adjective, noun: not holds_out_pair(adjective, noun),
    allows_phrase=lambda template, position: not holds_out_phrase(template, position),
)


def _draw(draw: Draw, size: int) -> Case | None:
    typed = draw_player_text(draw, size, _TRAINED)
    return None if typed is None else Case(typed.text, SEPARATOR.join(typed.commands))


COMMANDS: Mapping[str, tuple[Family, ...]] = {
    "player-commands": (
        Family(
            size_measure="clauses",
            unit="command",
            units="commands",
            draw=_draw,
            trained=(1, MOST_TRAINED),
            default_max_size=24,
            description="texts of words and constructions that training shows, right where every command is, in order",
        ),
    )
}
