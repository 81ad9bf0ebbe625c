"""What a run of `seqloom fiction train-parser` holds beside an ordinary run: its threshold and its games."""

import json
from dataclasses import dataclass
from pathlib import Path

from seqloom.errors import FictionError
from seqloom.fiction.parsing.hybrid import HybridParser
from seqloom.fiction.parsing.network import NetworkParser
from seqloom.fiction.parsing.rules import RuleParser
from seqloom.files import write_text
from seqloom.untrusted import parse_json

FILE = "parser.json"


@dataclass(frozen=True)
class TrainedParser:
    """A run, ready to parse.

    Attributes:
        network: the network alone.
        parser: rules and network together, which is what plays.
        threshold: the least confidence of `parser` at which it executes.
        games: the games whose words its training data used.
    """

    network: NetworkParser
    parser: HybridParser
    threshold: float
    games: tuple[str, ...]


def write_trained(folder: Path, *, threshold: float, games: tuple[str, ...]) -> None:
    """Writes the file.

    Raises:
        OutputError: it cannot be written.
    """
    write_text(folder / FILE, json.dumps({"threshold": threshold, "games": list(games)}, indent=2) + "\n")


def open_trained(folder: Path) -> TrainedParser:
    """Opens a run.

    Raises:
        FictionError: the run was not made by `seqloom fiction train-parser`.
        CheckpointError: the folder holds no run.
    """
    network = NetworkParser.load(folder)
    path = folder / FILE
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
        threshold, games = values["threshold"], tuple(values["games"])
        if (
            not isinstance(threshold, float | int)
            or not 0 <= threshold <= 1
            or not all(isinstance(game, str) for game in games)
        ):
            raise ValueError("threshold is a number between 0 and 1, games are names")
    except OSError:
        raise FictionError(
            f"{folder}: is no parser run: it holds no {FILE}; seqloom fiction train-parser makes one"
        ) from None
    except (ValueError, TypeError, KeyError) as problem:
        raise FictionError(f"{path}: is damaged: {problem}") from None
    return TrainedParser(network, HybridParser(RuleParser(), network), float(threshold), games)
