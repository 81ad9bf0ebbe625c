"""The corpus `player-commands`: texts that players of text adventures type, and the commands that they mean.

    before you open the oak door, pick the brass lamp up and light it
    -> take brass lamp ; light brass lamp ; open oak door

Items of training, validation and `test` have 1 to 5 commands. Each item of `test` contains a combination that training never
shows, although training shows its parts: an adjective with a noun ("brass lamp"), or a phrase in a construction ("fetch …" after
"before you"). `beyond` is like `test`, with 6 to 8 commands. The held-out combinations depend on the words alone, not on the
seed, so the training data of a seed never contain test items of another seed. `adventure/` has the words.
"""

from functools import cache

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.adventure.discourse import PLAIN, CombinationRules, PlayerText, draw_player_text
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw, bucket

SEPARATOR = " ; "
MOST_TRAINED = 5
"""The largest number of commands of an item of training, validation and `test`."""

LONGEST = 8
"""The largest number of commands of an item of `beyond`."""

# One of 8 combinations is held out; one of 20 sources belongs to validation.
_ONE_PAIR_IN = 8
_ONE_PHRASE_IN = 8
_ONE_SOURCE_IN = 20
_MOST_DRAWS = 500


@cache
def holds_out_pair(adjective: str, noun: str) -> bool:
    """Whether a combination of adjective and noun is held out of training."""
    return bucket(f"{adjective} {noun}", _ONE_PAIR_IN) == 0


@cache
def holds_out_phrase(template: str, slot: str) -> bool:
    """Whether a phrase is held out of training in a slot of a construction. Plain sentences use all phrases."""
    return slot != PLAIN and bucket(f"{template} in {slot}", _ONE_PHRASE_IN) == 0


_TRAINED = CombinationRules(
    allows_pair=lambda adjective, noun: not holds_out_pair(adjective, noun),
    allows_phrase=lambda template, slot: not holds_out_phrase(template, slot),
)
_ANYTHING = CombinationRules(allows_pair=lambda adjective, noun: True, allows_phrase=lambda template, slot: True)


def _propose(draw: Draw, split: str) -> SentencePair | None:
    # The length is drawn once, because otherwise lengths that are easier to draw would be more frequent.
    num_commands = draw.between(MOST_TRAINED + 1, LONGEST) if split == "beyond" else draw.between(1, MOST_TRAINED)
    is_trained = split in ("train", "val")
    for _ in range(_MOST_DRAWS):
        text = draw_player_text(draw, num_commands, _TRAINED if is_trained else _ANYTHING)
        if text is not None and _belongs(text, split):
            return SentencePair(text.text, SEPARATOR.join(text.commands))
    return None


def _belongs(text: PlayerText, split: str) -> bool:
    if split in ("train", "val"):
        return (bucket(text.text.lower(), _ONE_SOURCE_IN) == 0) == (split == "val")
    return any(holds_out_pair(*pair) for pair in text.pairs) or any(holds_out_phrase(*used) for used in text.phrases)


PLAYER_COMMANDS = CorpusGenerator(
    name="player-commands",
    description="What players of text adventures type, and the commands that they mean; made by a grammar.",
    version=1,
    propose=_propose,
    facts={
        "src_lang": "en",
        "metric": "items",
        "item_separator": SEPARATOR,
        "item_name": "commands",
        "notes": (
            "Synthetic: a grammar wrote it; 1 to 5 commands an item.",
            "Each item of test and beyond combines words or phrases that training shows only separately.",
            "beyond: 6 to 8 commands an item.",
        ),
    },
)
