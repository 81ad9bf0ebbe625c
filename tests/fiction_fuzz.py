"""Plays damaged stories: each ends in turns or in one message for users, in bounded time, and writes nothing."""

import contextlib
import random
from collections import Counter
from pathlib import Path

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Awaiting, Interpreter
from seqloom.fiction.playthrough import Playthrough
from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.story import parse_story

LINES = ("take lamp", "look", "", "save", "restore", "x" * 300, "open all. north", "quit", "\u00e4\u4e2d", "y", "undo")


def damaged(story: bytes, draw: random.Random) -> bytes:
    """A story with some changed bytes, most of them in its tables and its first code."""
    content = bytearray(story)
    for _ in range(draw.choice((1, 2, 5, 20, 200))):
        content[draw.randrange(min(len(content), draw.choice((64, 0x400, len(content)))))] = draw.randrange(256)
    return bytes(content[: draw.choice((len(content), len(content), draw.randrange(len(content))))])


def play(interpreter: Interpreter, draw: random.Random, num_lines: int) -> str:
    """Plays some lines with undo in between; returns how it ended."""
    playthrough = Playthrough(interpreter, seed=1)
    for _ in range(num_lines):
        if playthrough.turn.awaiting is Awaiting.NOTHING:
            return "ended"
        if draw.random() < 0.2:
            playthrough.undo()
        else:
            playthrough.play(draw.choice(LINES))
        interpreter.score()
        with contextlib.suppress(FictionError):  # A damaged table of objects; the story itself may not need it.
            interpreter.objects_in_scope()
    return "played"


def fuzz(story: bytes, num_stories: int, *, seed: int, seconds: float = 0.3, num_lines: int = 6) -> Counter[str]:
    """Plays damaged copies of a story; returns how often they ended in which way.

    Raises:
        Exception: any error that is not for users.
    """
    draw = random.Random(seed)
    ends: Counter[str] = Counter()
    for _ in range(num_stories):
        try:
            interpreter = ZMachine(parse_story(damaged(story, draw), "damaged"), seconds=seconds)
        except FictionError:
            ends["no story"] += 1
            continue
        try:
            ends[play(interpreter, draw, num_lines)] += 1
        except FictionError as error:
            ends["too long" if "too long" in str(error) or "had to be ended" in str(error) else "failed"] += 1
        finally:
            interpreter.close()
    return ends


def files(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
