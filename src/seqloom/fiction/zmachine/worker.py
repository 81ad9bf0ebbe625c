"""The process that runs a story with fernz: reads requests as lines of JSON, and answers each with a line of JSON.

It is started by `process`. A request has `do`: `start` (with the story and its seed), `step` (with a line) or `restore` (with a
state). The answer has the text, the state after it, and what the story reads next; or `error`, with the state as it was before.
"""

import base64
import contextlib
import json
import signal
import sys
import zlib
from collections.abc import Iterator
from types import FrameType
from typing import Any

from fernz import FernzEnv, GameState, Story

from seqloom.fiction.zmachine.screen import read_screen

MAX_MEMORY = 1 << 30
"""Bytes that the process may use."""
MAX_TEXT = 200_000
"""Characters of an answer; more is an error."""
_MAX_STATE = 16 << 20
_MAX_INSTRUCTIONS = 50_000_000


class OutOfTimeError(Exception):
    """The story computed longer than it may."""


class Worker:
    """A story that runs."""

    def __init__(self) -> None:
        self._env: FernzEnv | None = None
        self._may_save = False
        self._saved: bytes | None = None
        self._restored = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a request says."""
        before = self._env.get_state() if self._env is not None and self._env.initialized else None
        try:
            with _time_limit(float(request["seconds"])):
                return self._do(request)
        except OutOfTimeError:
            error = "it computed for too long"
        except Exception as problem:
            # The story is damaged, or uses what fernz does not have; nothing that a story does may end the process.
            error = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        if self._env is not None and before is not None:
            self._env.set_state(before)
        return {"error": error[:500]}

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "start":
            story = Story(base64.b64decode(request["story"]))
            self._env = FernzEnv(story, seed=request["seed"], save_handler=self._save, restore_handler=self._restore)
            observation, _ = self._env.reset(max_steps=_MAX_INSTRUCTIONS)
            return self._answered(observation.stream, in_upper=False)
        assert self._env is not None
        if request["do"] == "restore":
            self._env.set_state(GameState.from_json(_unpacked(request["state"]), story=self._env.story))
            return self._answered("", in_upper=False)
        self._may_save, self._restored = request["may_save"], False
        self._saved = base64.b64decode(request["saved"]) if "saved" in request else None
        in_upper = self._env.get_state().output.window == 1
        observation, *_ = self._env.step(request["line"], max_steps=_MAX_INSTRUCTIONS)
        answered = self._answered(observation.stream, in_upper=in_upper)
        if self._may_save and self._saved is not None:
            answered["saved"] = base64.b64encode(self._saved).decode()
        return answered

    def _save(self, content: bytes) -> bool:
        if self._may_save:
            self._saved = content
        return self._may_save

    def _restore(self) -> bytes | None:
        self._restored = self._saved is not None
        return self._saved

    def _answered(self, stream: str, *, in_upper: bool) -> dict[str, Any]:
        assert self._env is not None
        if len(stream) > MAX_TEXT:
            raise ValueError(f"it printed {len(stream):,} characters in one turn")
        screen = read_screen(stream, in_upper=in_upper)
        state = self._env.get_state()
        return {
            "text": screen.lower,
            "upper": screen.upper_lines(),
            "upper_height": state.output.split_lines,
            "restored": self._restored and "fail" not in screen.lower.lower(),
            "reads": "nothing" if self._env.done else "key" if self._env.awaiting_character else "line",
            "state": base64.b64encode(zlib.compress(state.to_json().encode(), 1)).decode(),
        }


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises OutOfTimeError after seconds of computing; Windows has no such clock, so there only the parent process watches."""
    if sys.platform == "win32":
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _unpacked(state: str) -> str:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(base64.b64decode(state), _MAX_STATE)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("the state is incomplete or too large")
    return content.decode()


def _limit_resources() -> None:
    """No files may be written, and memory has a limit, where the system can do that."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, limit in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CORE, 0)):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Answers requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_resources()
    worker = Worker()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(worker.answer(json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
