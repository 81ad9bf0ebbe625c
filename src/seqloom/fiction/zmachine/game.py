"""A Z-machine story as an interpreter."""

import base64
import importlib.metadata
import json
import re
import zlib
from pathlib import Path

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Awaiting, ParserError, SceneObject, Score, Turn, Words
from seqloom.fiction.zmachine.parser_messages import awaiting, parser_error
from seqloom.fiction.zmachine.process import STEP_SECONDS, Answer, StoryProcess
from seqloom.fiction.zmachine.quetzal import check_saved_game
from seqloom.fiction.zmachine.story import Story
from seqloom.fiction.zmachine.text import unreadable
from seqloom.fiction.zmachine.vocabulary import Vocabulary

_AWAITING = tuple(Awaiting)
# The upper window of most stories is a status line of one or two rows.
_STATUS_ROWS = 2
_MAX_STATUS = 255


MISSING = "Z-machine stories: need the package fernz, which is not installed: pip install 'seqloom[fiction]'"


def version() -> str:
    """The version of fernz.

    Raises:
        FictionError: it is not installed.
    """
    try:
        return importlib.metadata.version("fernz")
    except importlib.metadata.PackageNotFoundError:
        raise FictionError(MISSING) from None


class ZMachine:
    """A story; see `Interpreter` for its methods."""

    def __init__(self, story: Story, *, title: str | None = None, seconds: float = STEP_SECONDS) -> None:
        """Prepares a story.

        Args:
            title: the name of the game, for the player; None: the name of the file.
            seconds: how long the story may compute in one turn.
        """
        self.story = story
        self.title = title or Path(story.source).name
        self.awaiting = Awaiting.COMMAND
        self._process = StoryProcess(story, seconds)
        self._vocabulary = Vocabulary(story)
        self._state = b""
        self._memory: tuple[bytes, bytes] | None = None
        self._status = ""

    def reset(self, seed: int = 0) -> Turn:
        """Starts the story."""
        return self._turn(self._process.start(seed % 2**31), line=None)

    def step(self, line: str) -> Turn:
        """Passes a line or a key to the story."""
        if self.awaiting is Awaiting.NOTHING:
            raise FictionError(f"{self.title}: the game has ended; it reads no more commands")
        if self.awaiting is not Awaiting.KEY:
            line = line.strip()
        if letters := unreadable(self.story, line):
            return Turn(f"The game cannot read {letters}.", self.awaiting, ParserError.SYNTAX, letters)
        reads_command = self.awaiting in (Awaiting.COMMAND, Awaiting.CLARIFICATION)
        return self._turn(self._process.step(line), line=line if reads_command else None)

    def snapshot(self) -> bytes:
        """What the story awaits, the length of the status line and its text, and the state of fernz, as compressed JSON."""
        status = self._status.encode()[:_MAX_STATUS]
        return bytes([_AWAITING.index(self.awaiting), len(status)]) + status + self._state

    def restore(self, snapshot: bytes) -> None:
        """Returns to a snapshot."""
        if len(snapshot) < 2 or snapshot[0] >= len(_AWAITING):
            raise FictionError(f"{self.title}: the snapshot is damaged")
        status, state = snapshot[2 : 2 + snapshot[1]], snapshot[2 + snapshot[1] :]
        if state != self._state:
            self._process.restore(state)
            self._state = state
        self.awaiting = _AWAITING[snapshot[0]]
        self._status = status.decode(errors="ignore")

    def words(self) -> Words:
        """The words and the grammar in the tables of the story."""
        return self._vocabulary.words

    def objects_in_scope(self) -> tuple[SceneObject, ...]:
        """The things around and on the player in the tree of objects."""
        return self._vocabulary.objects_in_scope(self.memory(), self._status)

    def score(self) -> Score | None:
        """The score that the status line shows: in version 3 from its variables (section 8.2.2), else from its text."""
        if self.story.version == 3:
            if self.story.byte(1) & 2:  # The status line shows the time.
                return None
            story = self.story.with_memory(self.memory())
            variables = story.word(0x0C)
            points = story.word(variables + 2)
            return Score(points - 0x10000 if points & 0x8000 else points, None, story.word(variables + 4))
        return _score_of(self._status)

    def export_save(self) -> bytes:
        """The game in Quetzal format, as the story's own command SAVE writes it."""
        before = self.snapshot()
        try:
            saved = self._process.step("save", may_save=True).saved if self.awaiting is Awaiting.COMMAND else None
        finally:
            self._process.restore(self._state)
            self.restore(before)
        if saved is None:
            raise FictionError(
                f"{self.title}: the story does not save here; go on until it awaits a command, and try again"
            )
        return saved

    def import_save(self, content: bytes, source: str) -> Turn:
        """Continues a game in Quetzal format, as the story's own command RESTORE reads it."""
        check_saved_game(content, self.story, source)
        before = self.snapshot()
        answer = self._process.step("restore", saved=content)
        turn = self._turn(answer, line=None)
        if not answer.restored:
            self.restore(before)
            raise FictionError(f"{source}: the story does not restore this saved game here; its answer is: {turn.text}")
        return turn

    def memory(self) -> bytes:
        """The part of the story's memory that changes, as it is now."""
        if self._memory is None or self._memory[0] is not self._state:
            state = json.loads(zlib.decompress(self._state))
            self._memory = (self._state, base64.b64decode(state["ram_base64"]))
        return self._memory[1]

    def close(self) -> None:
        """Ends the process of the story."""
        self._process.close()

    def _turn(self, answer: Answer, line: str | None) -> Turn:
        self._state = answer.state
        text = _without_prompt(answer.text)
        if answer.upper_height > _STATUS_ROWS:  # A menu, or a quotation.
            text = "\n".join([*answer.upper, "", text]).strip("\n")
        else:
            self._status = " ".join(answer.upper) or self._status
        if answer.reads == "line":
            self.awaiting = awaiting(text)
        else:
            self.awaiting = Awaiting.KEY if answer.reads == "key" else Awaiting.NOTHING
        if line is None or self.awaiting is Awaiting.YES_OR_NO:
            return Turn(text, self.awaiting)
        return Turn(text, self.awaiting, *self._parser_error(text, line))

    def _parser_error(self, text: str, line: str) -> tuple[ParserError | None, str]:
        """The parser error that an answer states; the dictionary says which word of the line is unknown."""
        error, word = parser_error(text, line) or (None, "")
        if error is None or word:
            return error, word
        words = re.findall(r"[\w'-]+", line)
        try:
            unknown = [word for word in words if not self._vocabulary.knows(word) and not word.isdigit()]
        except FictionError:  # A damaged dictionary; the story goes on without.
            unknown = []
        if error is ParserError.UNKNOWN_VERB:
            return error, words[0] if words else ""
        if unknown:
            return ParserError.UNKNOWN_NOUN, unknown[0]
        return error, word


def _score_of(status: str) -> Score | None:
    """The score in a status line such as `Kitchen  Score: 5  Moves: 12` or `Kitchen  5/12`."""
    match = re.search(r"Score:\s*(-?\d+)\s+(?:Moves|Turns):\s*(\d+)", status) or re.search(
        r"\s(-?\d+)/(\d+)\s*$", status
    )
    return Score(int(match[1]), None, int(match[2])) if match else None


def _without_prompt(text: str) -> str:
    """The text without the prompt at its end, and without the empty lines around it."""
    return text.rstrip().removesuffix(">").strip("\n").rstrip()
