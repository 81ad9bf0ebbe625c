"""Server: opens runs, listens, and shuts down gracefully: it finishes accepted requests and rejects new ones."""

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
from seqloom.serve.access_log import AccessLog, AccessLogHandler
from seqloom.serve.app import make_app
from seqloom.serve.batcher import Batcher
from seqloom.serve.explainer import Explainer
from seqloom.serve.keys import Keys
from seqloom.serve.limits import RequestLimits
from seqloom.serve.metrics import Metrics
from seqloom.serve.origins import parse_origins
from seqloom.serve.run_registry import RunRegistry
from seqloom.serve.served_run import ServedRun, open_runs
from seqloom.serve.state import ServerState

# Messages of these loggers are written to the access log, so that every line of the output is JSON.
_LOGGERS = ("uvicorn.error", "asyncio")


class Server(uvicorn.Server):
    """A uvicorn server that rejects new texts as soon as it begins to shut down."""

    def __init__(self, state: ServerState, *, origins: Sequence[str] = ()) -> None:
        seconds = state.limits.max_seconds
        config = uvicorn.Config(
            make_app(state, origins=origins),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=15,
            # Long enough for every request that was accepted.
            timeout_graceful_shutdown=int(seconds) + 5,
        )
        super().__init__(config)
        self._state = state

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Shuts down gracefully on the first signal, and immediately on the second. uvicorn would raise the signal again."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the queues, so that new requests get 503, and then waits for accepted requests as uvicorn does."""
        self._state.close()
        self._state.access_log.write("closing")
        await super().shutdown(sockets)


def make_state(
    runs: Sequence[ServedRun],
    limits: RequestLimits | None = None,
    *,
    keys: Sequence[str] = (),
    workers: int = 1,
    threads: int | None = None,
    log: TextIO | None = None,
) -> ServerState:
    """Creates the shared state of a server and starts its threads.

    Args:
        workers: number of batches that are decoded in parallel.
        threads: processor threads of each worker; by default an equal share of the cores, because more threads than cores wait
            for each other.
        log: stream of the access log; None writes no log.
    """
    limits, metrics = limits or RequestLimits(), Metrics()
    num_threads = threads_per_worker(workers, threads)
    batcher = Batcher(
        queue=limits.queue,
        batch=limits.batch,
        wait_ms=limits.wait_ms,
        workers=workers,
        prepare=lambda: machine.set_threads(num_threads),
        on_batch=metrics.decoded,
    )
    explainer = Explainer(queue=limits.explanations, on_explanation=metrics.explained)
    metrics.watch_prefixes({run.name: run.prefix_cache for run in runs if run.prefix_cache is not None})
    metrics.watch_queue(lambda: len(batcher), lambda: len(explainer))
    return ServerState(RunRegistry(runs), batcher, explainer, limits, Keys(keys), metrics, AccessLog(log))


def threads_per_worker(workers: int, threads: int | None) -> int:
    """Processor threads of each worker: `threads`, or by default an equal share of the cores."""
    return threads or max(1, machine.available_cores() // workers)


def serve(
    folders: Sequence[Path | str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: RequestLimits | None = None,
    keys: Sequence[str] = (),
    origins: Sequence[str] = (),
    engine: str = OWN,
    workers: int = 1,
    device: str = "auto",
    threads: int | None = None,
    log: TextIO | None = sys.stderr,
    on_listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Serves runs until the process gets SIGINT (Ctrl-C) or SIGTERM.

    It has many parameters because `seqloom serve` has as many options, which are independent of each other.

    Args:
        folders: the run folders.
        host: the address to listen at.
        port: the port; 0 chooses any free port.
        limits: limits of requests and queues; the defaults of `RequestLimits` if None.
        keys: API keys, of which each request needs one; if there are none, every client may use the server.
        origins: see `make_app`.
        engine: the program that decodes, see `decoding.engines`.
        workers: number of batches that are decoded in parallel.
        device: "auto", "cpu", "cuda" or "mps".
        threads: processor threads of each worker; None: an equal share of the cores.
        log: the stream of the access log; None for no log.
        on_listening: called with the URL once the server accepts requests.

    Raises:
        SeqloomError: a run cannot be opened, the address is not available, or an item of `origins` is not an origin.
    """
    limits = limits or RequestLimits()
    parse_origins(origins)
    server_socket = listen(host, port)
    with server_socket:
        runs = open_runs(
            [Path(folder) for folder in folders],
            engine=engine,
            max_tokens=limits.max_tokens,
            prefix_cache_bytes=limits.prefix_cache_bytes,
            device=device,
            threads=threads,
        )
        state = make_state(runs, limits, keys=keys, workers=workers, threads=threads, log=log)
        url = f"http://{f'[{host}]' if ':' in host else host}:{server_socket.getsockname()[1]}"
        handler = AccessLogHandler(state.access_log)
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(handler)
        state.access_log.write("listening", url=url, runs=[run.name for run in runs], key_required=state.keys.required)
        on_listening(url)
        try:
            with share_cores(num_threads=threads_per_worker(workers, threads)):
                Server(state, origins=origins).run(sockets=[server_socket])
        finally:
            for name in _LOGGERS:
                logging.getLogger(name).removeHandler(handler)
            state.close()
            done = state.batcher.join(seconds=limits.max_seconds)
            state.access_log.write("closed", all_done=done)


def listen(host: str, port: int) -> socket.socket:
    """Opens a listening socket. It is opened before the runs are loaded, so that a port in use is reported immediately.

    Raises:
        ConfigError: the address is not available.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        server_socket = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server_socket.bind(address)
            server_socket.listen(1024)
        except OSError:
            server_socket.close()
            raise
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--host {host} --port {port}: cannot listen there: {error}; choose another port (0: any free port)"
        ) from None
    return server_socket
