"""Server: opens runs, listens, and ends well: what runs is finished, what is new is refused."""

import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

import uvicorn

from seqloom import machine
from seqloom.core_sharing import share_cores
from seqloom.decoding.engines import OWN
from seqloom.errors import ConfigError
from seqloom.serve.app import make_app
from seqloom.serve.batcher import Batcher
from seqloom.serve.desk import Desk
from seqloom.serve.directory import Directory
from seqloom.serve.explainer import Explainer
from seqloom.serve.journal import Journal, JournalHandler
from seqloom.serve.keys import Keys
from seqloom.serve.limits import Limits
from seqloom.serve.measures import Measures
from seqloom.serve.origins import parse_origins
from seqloom.serve.served import Served, open_runs

# What they log would otherwise stand between the journal's lines.
_LOGGERS = ("uvicorn.error", "asyncio")


class Server(uvicorn.Server):
    """A uvicorn that refuses new texts as soon as it is told to end."""

    def __init__(self, desk: Desk, *, origins: Sequence[str] = ()) -> None:
        seconds = desk.limits.max_seconds
        config = uvicorn.Config(
            make_app(desk, origins=origins),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=15,
            # Long enough for every request that was taken.
            timeout_graceful_shutdown=int(seconds) + 5,
        )
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends on a signal, and at once on a second one; unlike uvicorn's own, it does not raise the signal again after the end."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends."""
        self._desk.close()
        self._desk.journal.write("closing")
        await super().shutdown(sockets)


def make_desk(
    runs: Sequence[Served],
    limits: Limits | None = None,
    *,
    keys: Sequence[str] = (),
    workers: int = 1,
    threads: int | None = None,
    log: TextIO | None = None,
) -> Desk:
    """Everything that the endpoints need, with its threads running.

    Args:
        workers: how many batches are decoded beside each other.
        threads: processor threads of each of them; by default they share the cores, since more threads than cores wait for each
            other.
        log: where the journal goes.
    """
    limits, measures = limits or Limits(), Measures()
    num_threads = own_threads(workers, threads)
    batcher = Batcher(
        queue=limits.queue,
        batch=limits.batch,
        wait_ms=limits.wait_ms,
        workers=workers,
        prepare=lambda: machine.set_threads(num_threads),
        watch=measures.decoded,
    )
    explainer = Explainer(queue=limits.explanations, watch=measures.explained)
    measures.watch_queue(lambda: len(batcher), lambda: len(explainer))
    return Desk(Directory(runs), batcher, explainer, limits, Keys(keys), measures, Journal(log))


def own_threads(workers: int, threads: int | None) -> int:
    """The processor threads of each worker: as many as asked for, or its share of the cores."""
    return threads or max(1, machine.available_cores() // workers)


def serve(
    folders: Sequence[Path | str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    keys: Sequence[str] = (),
    origins: Sequence[str] = (),
    engine: str = OWN,
    workers: int = 1,
    device: str = "auto",
    threads: int | None = None,
    log: TextIO | None = sys.stderr,
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Serves runs until the process is told to end (Ctrl-C or SIGTERM).

    Args:
        port: 0 takes any that is free.
        keys: whoever has one of them may use the server; without any everybody may.
        origins: see `make_app`.
        workers: how many batches are decoded beside each other.
        listening: told of the address, once requests are answered.

    Raises:
        SeqloomError: a run cannot be opened, the address cannot be listened at, or an origin is none.
    """
    limits = limits or Limits()
    parse_origins(origins)
    door = listen(host, port)
    with door:
        runs = open_runs(
            [Path(folder) for folder in folders],
            engine=engine,
            max_tokens=limits.max_tokens,
            device=device,
            threads=threads,
        )
        desk = make_desk(runs, limits, keys=keys, workers=workers, threads=threads, log=log)
        url = f"http://{f'[{host}]' if ':' in host else host}:{door.getsockname()[1]}"
        handler = JournalHandler(desk.journal)
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(handler)
        desk.journal.write("listening", url=url, runs=[run.name for run in runs], key_required=desk.keys.required)
        listening(url)
        try:
            with share_cores(num_threads=own_threads(workers, threads)):
                Server(desk, origins=origins).run(sockets=[door])
        finally:
            for name in _LOGGERS:
                logging.getLogger(name).removeHandler(handler)
            desk.close()
            done = desk.batcher.join(seconds=limits.max_seconds)
            desk.journal.write("closed", all_done=done)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that an address that is taken shows before runs are loaded.

    Raises:
        ConfigError: it cannot listen there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
            door.listen(1024)
        except OSError:
            door.close()
            raise
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--host {host} --port {port}: cannot listen there: {error}; choose another port (0 takes any that is free)"
        ) from None
    return door
