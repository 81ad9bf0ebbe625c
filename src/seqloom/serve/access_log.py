"""Access log: a JSON object in each line. It never contains texts, paths or names from requests."""

import datetime
import json
import logging
import threading
import traceback
from typing import Any, TextIO


class AccessLog:
    """Writes log lines to a stream. Without a stream (None) it writes nothing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, event: str, **log_fields: Any) -> None:
        """Writes a line with the time, the event and its fields."""
        if self._stream is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **log_fields}, ensure_ascii=False)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # The stream was closed (a broken pipe, for example), so the server continues without a log.
                self._stream = None

    def failure(self, error: BaseException, **log_fields: Any) -> None:
        """Logs an unexpected exception: its class and its stack, but not its message, because that may quote a text."""
        stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
        self.write("failure", error=type(error).__name__, where=stack, **log_fields)


class AccessLogHandler(logging.Handler):
    """Logging handler that copies warnings of libraries into the access log."""

    def __init__(self, access_log: AccessLog) -> None:
        super().__init__(logging.WARNING)
        self._access_log = access_log

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message template of the record without its arguments, because these may quote a text."""
        log_fields = {
            "logger": record.name,
            "level": record.levelname,
            "message": str(record.msg).partition("\n")[0][:200],
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._access_log.failure(error, **log_fields)
        else:
            self._access_log.write("library", **log_fields)
