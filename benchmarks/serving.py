"""`python -m benchmarks.serving RUN`: compares `seqloom serve` with many clients at once and with one client.

The script starts a server for the run. First one client sends each text; its answers are the expected ones. Then many clients send
texts at once. Then one client again, because the speed of a machine changes over time. At the end the server is stopped.
"""

import argparse
import asyncio
import contextlib
import datetime
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from seqloom import machine
from seqloom.corpus import read_lines

RESULTS = Path(__file__).parent / "results" / "serve.json"
_LIMIT = 120.0


@dataclass
class Load:
    """The answers and latencies of a number of clients.

    Attributes:
        seconds: from the first request to the last answer.
        statuses: number of answers by HTTP status; 0 counts broken connections.
        latencies: seconds of each request with status 200.
        wrong: answers that differ from those to one client.
    """

    clients: int
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0

    @property
    def throughput(self) -> float:
        """Texts a second."""
        return self.statuses[200] / self.seconds

    def to_json(self) -> dict[str, Any]:
        ranked = sorted(self.latencies)
        return {
            "clients": self.clients,
            "seconds": round(self.seconds, 2),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "texts_per_second": round(self.throughput, 2),
            "latency_ms": {
                f"p{percent}": round(1000 * ranked[min(len(ranked) - 1, len(ranked) * percent // 100)], 1)
                for percent in (50, 95, 99)
            },
            "wrong": self.wrong,
        }


class Client:
    """An HTTP client with one kept connection, which it opens again if the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def translate(self, body: bytes) -> tuple[int, Any]:
        """Sends a request; returns the status and the JSON of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = "POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(None, 2)[1])
        length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        assert length is not None
        reply = json.loads(await reader.readexactly(int(length[1])))
        if b"connection: close" in answer.lower():
            await self.close()
        return status, reply

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None


def body_of(text: str, source: str, target: str) -> bytes:
    """The JSON body of a request for a translation."""
    return json.dumps({"q": text, "source": source, "target": target}).encode()


async def one_at_a_time(port: int, bodies: list[bytes], seconds: float, answers: dict[bytes, str]) -> Load:
    """One client sends texts for `seconds`, and longer until `answers` has an answer for every text."""
    load, client = Load(1), Client(port)
    begin = time.perf_counter()
    for body in itertools.cycle(bodies):
        now = time.perf_counter()
        if now - begin >= seconds and len(answers) == len(bodies):
            break
        status, reply = await client.translate(body)
        load.latencies.append(time.perf_counter() - now)
        load.statuses[status] += 1
        if answers.setdefault(body, reply["translatedText"]) != reply["translatedText"]:
            load.wrong += 1
    load.seconds = time.perf_counter() - begin
    await client.close()
    return load


async def all_at_once(port: int, bodies: list[bytes], clients: int, seconds: float, answers: dict[bytes, str]) -> Load:
    """Many clients; each sends its next text as soon as it has an answer, and waits a second after status 503."""
    load = Load(clients)
    begin = time.perf_counter()

    async def work(number: int) -> None:
        client = Client(port)
        for index in itertools.count(number * 7):
            now = time.perf_counter()
            if now - begin >= seconds:
                break
            body = bodies[index % len(bodies)]
            try:
                status, reply = await client.translate(body)
            except (OSError, asyncio.IncompleteReadError):
                load.statuses[0] += 1
                await client.close()
                continue
            load.statuses[status] += 1
            if status == 200:
                load.latencies.append(time.perf_counter() - now)
                load.wrong += reply["translatedText"] != answers[body]
            elif status == 503:
                await asyncio.sleep(1)
        await client.close()

    await asyncio.wait_for(asyncio.gather(*(work(number) for number in range(clients))), seconds + _LIMIT)
    load.seconds = time.perf_counter() - begin
    return load


@contextlib.contextmanager
def serving(run: Path, options: list[str]) -> Iterator[tuple[int, int]]:
    """Runs a server while the context lasts; yields its port and its process id."""
    argv = [sys.executable, "-m", "seqloom", "serve", str(run), "--port", "0", "--quiet", *options]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit("the server did not start")
        yield int(url.rpartition(":")[2]), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def resident_mib(pid: int) -> float:
    """Resident memory of a process in MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


async def watch_memory(pid: int, into: list[float]) -> None:
    while True:
        into.append(round(resident_mib(pid), 1))
        await asyncio.sleep(1)


async def measure(port: int, pid: int, bodies: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    answers: dict[bytes, str] = {}
    # Threads and other things that the first requests create are not measured.
    await one_at_a_time(port, bodies[:8], 1.0, {})
    before = await one_at_a_time(port, bodies, seconds / 4, answers)
    memory: list[float] = []
    watch = asyncio.ensure_future(watch_memory(pid, memory))
    many = await all_at_once(port, bodies, clients, seconds, answers)
    watch.cancel()
    after = await one_at_a_time(port, bodies, seconds / 4, answers)
    single = (before.statuses[200] + after.statuses[200]) / (before.seconds + after.seconds)
    third = max(1, len(memory) // 3)
    return {
        "one_at_a_time": [before.to_json(), after.to_json()],
        "all_at_once": many.to_json(),
        "times_the_throughput": round(many.throughput / single, 2),
        "memory_mib": {
            "every_second": memory,
            "growth_from_the_second_to_the_last_third": round(max(memory[-third:]) - max(memory[third : 2 * third]), 1),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="a translation run whose corpus names its languages")
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help="texts, one per line")
    parser.add_argument("--texts", type=int, default=200, metavar="N", help="number of texts (default: 200)")
    parser.add_argument("--clients", type=int, default=64, metavar="N")
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        metavar="S",
        help="seconds with many clients (default: 60); one client runs half as long",
    )
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument(
        "--note",
        default="",
        help="a remark that is stored with the results, for example about other work on the machine",
    )
    arguments, options = parser.parse_known_args()
    facts = json.loads((arguments.run / "run.json").read_text(encoding="utf-8"))
    corpus = facts["corpus"]
    texts = [line for line in itertools.islice(read_lines(arguments.input), arguments.texts) if line.strip()]
    bodies = [body_of(text, corpus["src_lang"], corpus["tgt_lang"]) for text in dict.fromkeys(texts)]
    with serving(arguments.run, options) as (port, pid):
        measured = asyncio.run(measure(port, pid, bodies, arguments.clients, arguments.seconds))
    result = {
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run": {
            "parameters": facts["parameters"],
            "corpus": corpus["name"],
            "tokenizer": facts["tokenizer"]["description"],
        },
        "texts": len(bodies),
        "options": options,
        "machine": machine.describe_machine(torch.device("cpu")),
        "note": arguments.note,
        **measured,
    }
    arguments.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    many = result["all_at_once"]
    print(
        json.dumps({key: value for key, value in result.items() if key in ("one_at_a_time", "all_at_once")}, indent=1)
    )
    print(f"{result['times_the_throughput']} times the throughput; memory {measured['memory_mib']}")
    broken = set(many["statuses"]) - {"200", "503"}
    return 1 if broken or many["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
