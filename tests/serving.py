"""A server that really runs, on a thread and a free port, and a client of nothing but the standard library."""

import io
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from seqloom.serve.limits import RequestLimits
from seqloom.serve.served_run import open_runs
from seqloom.serve.server import Server, listen, make_state
from seqloom.serve.state import ServerState


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of a stream, [DONE] left out and asked for."""
        lines = [line.removeprefix("data: ") for line in self.body.decode().split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


@dataclass
class Running:
    """A server and how to reach it."""

    port: int
    state: ServerState
    server: Server
    log: io.StringIO = field(default_factory=io.StringIO)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        form: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends a request: JSON, a form, or bytes as they are."""
        sent = dict(headers or {})
        if isinstance(body, bytes) or body is None:
            data = body
        elif form:
            data = urlencode(body, doseq=True).encode()
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        else:
            data = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def access_log(self) -> list[dict[str, Any]]:
        """The lines of the log."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@contextmanager
def running(
    folders: Sequence[Path], limits: RequestLimits | None = None, *, origins: Sequence[str] = (), **settings: Any
) -> Iterator[Running]:
    """Serves runs for a while; when it ends, everything that was taken must have been answered.

    Args:
        settings: `engine`, and what `make_desk` takes.
    """
    limits, log = limits or RequestLimits(), io.StringIO()
    runs = open_runs(
        folders,
        engine=settings.pop("engine", "seqloom"),
        device="cpu",
        threads=1,
        max_tokens=limits.max_tokens,
        prefix_cache_bytes=limits.prefix_cache_bytes,
    )
    state = make_state(runs, limits, threads=1, log=log, **settings)
    door = listen("127.0.0.1", 0)
    server = Server(state, origins=origins)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        yield Running(door.getsockname()[1], state, server, log)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
        state.close()
        assert state.batcher.join(30)
