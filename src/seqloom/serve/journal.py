"""Journal: what happened, one JSON object a line. It is never given a text of a user, nor a path or name that a request chose."""

import datetime
import json
import logging
import threading
import traceback
from typing import Any, TextIO


class Journal:
    """Writes lines to a stream; None writes nothing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, event: str, **facts: Any) -> None:
        """Adds a line."""
        if self._stream is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **facts}, ensure_ascii=False)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Whoever read the journal has gone; that is no reason to stop serving.
                self._stream = None

    def failure(self, error: BaseException, **facts: Any) -> None:
        """A bug: its kind and where it was raised. Its message stays out, since it may quote a text."""
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
        self.write("failure", error=type(error).__name__, where=where, **facts)


class JournalHandler(logging.Handler):
    """Puts what libraries log into the journal: where it comes from and its wording, without what it was filled with."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Adds a line."""
        facts = {"logger": record.name, "level": record.levelname, "message": str(record.msg).partition("\n")[0][:200]}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._journal.failure(error, **facts)
        else:
            self._journal.write("library", **facts)
