"""A game of one counter, which can be told to fail, to answer slowly or to change its answers."""

from seqloom.errors import FictionError
from seqloom.fiction.games import Game
from seqloom.fiction.interpreter import Awaiting, GrammarLine, ParserError, SceneObject, Score, Turn, Words


class Counter:
    """Understands `add` and `key`; the opening shows the seed."""

    title = "Counter"

    def __init__(self, answer: str = "The count is") -> None:
        self.answer = answer
        self.count = 0
        self.seed = 0
        self.steps = 0
        self.awaiting = Awaiting.COMMAND
        self.closed = False

    def reset(self, seed: int = 0) -> Turn:
        self.count, self.seed, self.awaiting = 0, seed, Awaiting.COMMAND
        return Turn(f"Counter with seed {seed}", self.awaiting)

    def step(self, line: str) -> Turn:
        self.steps += 1
        if self.awaiting is Awaiting.KEY:
            self.awaiting = Awaiting.COMMAND
            return Turn(f"key {line!r}", self.awaiting)
        match line:
            case "add":
                self.count += 1
                return Turn(f"{self.answer} {self.count}", self.awaiting)
            case "key":
                self.awaiting = Awaiting.KEY
                return Turn("Press a key", self.awaiting)
            case "end":
                self.awaiting = Awaiting.NOTHING
                return Turn("The end", self.awaiting)
            case "fail":
                raise FictionError("the interpreter failed")
        return Turn(f"What is {line}?", self.awaiting, ParserError.UNKNOWN_VERB, line)

    def snapshot(self) -> bytes:
        return f"{self.count} {self.seed} {self.awaiting.value}".encode()

    def restore(self, snapshot: bytes) -> None:
        count, seed, awaiting = snapshot.decode().split()
        self.count, self.seed, self.awaiting = int(count), int(seed), Awaiting(awaiting)

    def words(self) -> Words:
        return Words((GrammarLine(("add",)),), ())

    def objects_in_scope(self) -> tuple[SceneObject, ...]:
        return ()

    def score(self) -> Score | None:
        return Score(self.count)

    def close(self) -> None:
        self.closed = True


TOY = Game("counter", "counter 1", Counter)
