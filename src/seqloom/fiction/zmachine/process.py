"""Runs a story in a process of its own, so that a story that hangs or eats memory can be stopped."""

import base64
import json
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story

STEP_SECONDS = 2.0
"""How long a story may compute in one turn."""
# Beside other programs a turn takes longer than it computes; a process that says nothing for so long is ended.
_SILENT_SECONDS = 20.0 if sys.platform != "win32" else 2 * STEP_SECONDS
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What a story answered.

    Attributes:
        text: what it printed in the lower window.
        upper: the rows of the upper window that it painted.
        upper_height: how many rows the upper window has.
        reads: `line`, `key` or `nothing`.
        state: everything that changes; bytes for `StoryProcess.restore`.
        saved: a saved game in Quetzal format, if the story saved.
        restored: whether the story restored a saved game.
    """

    text: str
    upper: tuple[str, ...]
    upper_height: int
    reads: str
    state: bytes
    saved: bytes | None = None
    restored: bool = False


class StoryProcess:
    """A story that runs in a process; the process is started again if it had to be ended."""

    def __init__(self, story: Story, seconds: float = STEP_SECONDS) -> None:
        """Prepares the process; `start` starts it.

        Args:
            seconds: how long the story may compute in one turn.
        """
        self._story = story
        self._seconds = seconds
        self._seed = 0
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._state: bytes | None = None

    def start(self, seed: int) -> Answer:
        """Starts the story.

        Raises:
            FictionError: it failed, or exceeded its time limit.
        """
        self._seed = seed
        if self._process is None:
            self._open()
        return self._start()

    def step(self, line: str, *, may_save: bool = False, saved: bytes | None = None) -> Answer:
        """Passes a line to the story.

        Args:
            may_save: whether the story may save; if not, its command to save fails.
            saved: a game in Quetzal format, which the story reads if the line is a command to restore; without it that fails.

        Raises:
            FictionError: it failed, or exceeded its time limit; it is then as it was before the line.
        """
        request = {"do": "step", "line": line, "may_save": may_save}
        if saved is not None:
            request["saved"] = base64.b64encode(saved).decode()
        return self._ask(request)

    def restore(self, state: bytes) -> None:
        """Returns to a state.

        Raises:
            FictionError: it is no state of this story.
        """
        before = self._state
        try:
            self._ask({"do": "restore", "state": base64.b64encode(state).decode()})
        except FictionError:
            self._state = before
            raise

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def _open(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "seqloom.fiction.zmachine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines = queue.Queue()
        threading.Thread(target=_forward, args=(self._process, self._lines), daemon=True).start()

    def _start(self) -> Answer:
        story = base64.b64encode(self._story.data).decode()
        # The opening of a story may compute more than a turn.
        request = {"do": "start", "story": story, "seed": self._seed, "seconds": 5 * self._seconds}
        return self._answer(request, _START_SECONDS)

    def _ask(self, request: dict[str, Any]) -> Answer:
        if self._process is None:
            self._open_again()
        return self._answer(request | {"seconds": self._seconds}, _SILENT_SECONDS)

    def _open_again(self) -> None:
        """Starts the process again in the last state, after it had to be ended."""
        state = self._state
        self._open()
        self._start()
        if state is not None:
            packed = base64.b64encode(state).decode()
            self._answer({"do": "restore", "state": packed, "seconds": self._seconds}, _SILENT_SECONDS)

    def _answer(self, request: dict[str, Any], seconds: float) -> Answer:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{json.dumps(request)}\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=seconds)
        except (OSError, queue.Empty):
            line = ""
        if not line:
            self.close()
            raise FictionError(
                f"{self._story.source}: the interpreter had to be ended in this turn, since it used too much time or memory; "
                "the game is as it was before: try other words"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise FictionError(
                f"{self._story.source}: the story failed in this turn: {answer['error']}; the game is as it was before: try "
                "other words"
            )
        self._state = base64.b64decode(answer["state"])
        saved = base64.b64decode(answer["saved"]) if "saved" in answer else None
        upper = tuple(answer["upper"])
        return Answer(
            answer["text"], upper, answer["upper_height"], answer["reads"], self._state, saved, answer["restored"]
        )


def _forward(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    """Passes the answers of a process on, and an empty line at the end, so that waiting for them can have a time limit."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line)
    except ValueError:  # The process was closed meanwhile.
        pass
    lines.put("")
