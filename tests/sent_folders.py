"""Run folders as somebody might send them: damaged in a way that follows from a number, and opened in a process with limits.

A good run folder and a seed enter; a Case with its Outcome leaves. Each case runs in a fork, so that what hangs or takes too much
memory is caught, and says so, instead of ending the tests.
"""

import contextlib
import gc
import io
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 2.0
# Far beyond what anything takes: on a machine that others keep busy a process may stand still for minutes.
_WALL_SECONDS = 300

FILES = {
    "recipe.yaml": 6,
    "run.json": 5,
    "tokenizer.json": 5,
    "weights/best.safetensors": 5,
    "checkpoint.json": 2,
    "CHECKPOINT/counters.json": 2,
    "CHECKPOINT/model.safetensors": 1,
    "CHECKPOINT/optimizer-0.safetensors": 1,
    "characters.json": 1,
    "metrics.jsonl": 1,
    "progress.txt": 1,
    "weights/last.safetensors": 1,
    "weights": 1,
    "CHECKPOINT": 1,
}
VERBS = {
    "translate": 6,
    "load": 4,
    "show": 3,
    "generate": 1,
    "score": 1,
    "evaluate": 1,
    "explain": 1,
    "serve": 2,
    "resume": 3,
    "from": 1,
    "export": 1,
    "limits": 1,
}
"""What is done with a folder, and how often."""
_RESUMING = ("checkpoint.json", "CHECKPOINT/", "CHECKPOINT", "metrics.jsonl", "progress.txt")

VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 3, 10**9, 10**18, 10**40, -(10**18), 0.5, 1e308, -0.0, math.nan, math.inf, -math.inf),
    *("", "x", "x" * 5000, "\x1b[2J", "\x00", "ä" * 300, "../../../etc/passwd", "/dev/zero", "0", "nan", "true"),
    *(None, True, False, [], {}, [[]], [1, 2, 3], {"a": 1}, [None] * 50, [["a", "b"]], {"": {}}),
)


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes:
        kind: "right", "message", or what is wrong: "traceback", "hang", "memory", "killed", "silence", "babble".
        text: what was said on standard error, its end.
    """

    kind: str
    text: str
    cpu_seconds: float
    peak_mib: float

    @property
    def is_good(self) -> bool:
        """Whether users may see it."""
        return self.kind in ("right", "message")


@dataclass(frozen=True)
class Case:
    """What was done to a folder, and what was then asked of it."""

    seed: int
    damage: str
    verb: str


class Sender:
    """Damages copies of run folders and opens them.

    Args:
        runs: good run folders.
        pairs: a file of pairs in the runs' languages.
        room: a folder for copies.
    """

    def __init__(self, runs: Sequence[Path], pairs: Path, room: Path) -> None:
        self._runs = runs
        self._pairs = pairs
        self._room = room

    def warm_up(self) -> None:
        """Does in this process once what cases do, so that their forks need not import anything."""
        import torch._dynamo  # noqa: F401

        import seqloom.interop.ctranslate2_export  # noqa: F401

        folder = self._room / "whole"
        shutil.copytree(self._runs[-1], folder)
        (self._room / "two-pairs.tsv").write_text("rot blau\tred blue\nHaus\thouse\n", encoding="utf-8")
        # Nothing that starts threads, which a fork would lack.
        for verb in (verb for verb in VERBS if verb not in ("from", "export")):
            with (
                contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())),
                contextlib.redirect_stderr(io.StringIO()) as told,
            ):
                status = self._ask(folder, verb)
            assert status == 0, f"{verb} of a good folder: {told.getvalue()}"
        shutil.rmtree(folder)
        gc.collect()
        gc.freeze()

    def send(self, seed: int) -> tuple[Case, Outcome]:
        """One case; the same seed does the same."""
        rng = random.Random(seed)
        run = self._runs[seed % len(self._runs)]
        other = rng.choice([one for one in self._runs if one != run] or [run])
        folder = self._room / f"case-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run, folder)
        try:
            verb = rng.choices(list(VERBS), list(VERBS.values()))[0]
            name = rng.choices(list(FILES), list(FILES.values()))[0]
            if name.startswith(_RESUMING) and rng.random() < 0.7:
                verb = "resume"
            damage = self._damage(folder, other, name, rng)
            outcome = run_with_limits(lambda: self._ask(folder, verb))
            return Case(seed, damage, verb), outcome
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _damage(self, folder: Path, other: Path, name: str, rng: random.Random) -> str:
        checkpoint, theirs = (next(one.glob("checkpoint-*")).name for one in (folder, other))
        path, foreign = folder / name.replace("CHECKPOINT", checkpoint), other / name.replace("CHECKPOINT", theirs)
        choices: list[Callable[[Path, random.Random], str]] = [_link_out, _replace_by_special, _remove]
        if path.is_file():
            choices += [_truncate, _flip, _insert, _grow, _link_inside]
            structured = {".json": _change_json, ".yaml": _change_yaml, ".safetensors": _change_weights}
            if path.suffix in structured:
                choices += [structured[path.suffix]] * 7
            choices += [lambda p, r: _swap(p, foreign), lambda p, r: _swap(p, rng.choice(sorted(_files(folder))))]
            if path.suffix in (".json", ".yaml"):
                choices += [_bomb, _bomb]
        return f"{name}: {rng.choice(choices)(path, rng)}"

    def _ask(self, folder: Path, verb: str) -> int:
        from seqloom.cli import main

        quiet = ("--threads", "1", "--device", "cpu", "--quiet")
        source = self._room / "source.txt"
        out = str(self._room / f"out-{os.getpid()}")
        verbs: Mapping[str, Sequence[str]] = {
            "translate": ("translate", str(folder), "--input", str(source), *quiet),
            "show": ("show", str(folder)),
            "generate": ("generate", str(folder), "--prompt", "rot", "--max-tokens", "5", *quiet),
            "score": ("score", str(folder), "--src", str(source), "--ref", str(source), *quiet),
            "evaluate": ("evaluate", str(folder), "--data", str(self._room / "two-pairs.tsv"), *quiet),
            "explain": ("explain", str(folder), "--text", "rot blau", "--json", *quiet),
            "resume": ("train", "--resume", "--out", str(folder), *quiet),
            "from": ("train", "--from", str(folder), "--data", str(self._pairs), "--steps", "1", "--out", out, *quiet),
            "export": ("export", str(folder), "--to", "ctranslate2", "--out", out, *quiet),
            "limits": ("limits", str(folder), "--on", "length", *quiet),
        }
        try:
            if verb == "load":
                return _load(folder)
            return _serve(folder) if verb == "serve" else main(verbs[verb])
        finally:
            shutil.rmtree(out, ignore_errors=True)


def _load(folder: Path) -> int:
    import seqloom
    from seqloom.errors import SeqloomError

    try:
        seqloom.load(folder, device="cpu", threads=1).translate("rot blau", max_len_ratio=1.0, max_len_offset=3)
    except SeqloomError as error:
        print(f"seqloom: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(folder: Path) -> int:
    from seqloom.errors import SeqloomError
    from seqloom.serve.run_registry import RunRegistry
    from seqloom.serve.served_run import open_runs

    try:
        RunRegistry(open_runs([folder], device="cpu", threads=1)).detect("rot")
    except SeqloomError as error:
        print(f"seqloom: {error}", file=sys.stderr)
        return 2
    return 0


def run_with_limits(work: Callable[[], int]) -> Outcome:
    """Does something in a fork that may take a gigabyte more than this process, and a few seconds."""
    read_end, write_end = os.pipe()
    # A fork begins with the memory of this process, which is large after many tests.
    inherited = psutil.Process().memory_info().rss / 2**20
    child = os.fork()
    if child == 0:
        os.close(read_end)
        status = 99
        told = io.StringIO()
        try:
            _limit()
            with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(told):
                status = work()
        except BaseException:
            told.write(traceback.format_exc())
        finally:
            with os.fdopen(write_end, "wb") as stream:
                stream.write(told.getvalue()[-60_000:].encode("utf-8", errors="backslashreplace"))
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        text = stream.read().decode("utf-8", errors="replace")
    _, status, usage = os.wait4(child, 0)
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024 - inherited
    return Outcome(_judge(status, text, cpu, peak), text[-3000:], cpu, peak)


def _judge(status: int, text: str, cpu: float, peak_mib: float) -> str:
    if os.WIFSIGNALED(status):
        return "hang" if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else "killed"
    if "Traceback" in text or os.WEXITSTATUS(status) not in (0, 1, 2):
        return "memory" if "MemoryError" in text or "can't allocate memory" in text else "traceback"
    if cpu > 5 * CPU_SECONDS:
        return "hang"
    if peak_mib > MEMORY_BYTES / 2**20:
        return "memory"
    if os.WEXITSTATUS(status) == 0:
        return "right"
    if not text.strip():
        return "silence"
    return "message" if len(text) < 4000 and "pydantic" not in text else "babble"


def _limit() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 21))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
    signal.alarm(_WALL_SECONDS)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _truncate(path: Path, rng: random.Random) -> str:
    size = rng.choice([0, 1, 7, 8, 9, rng.randrange(path.stat().st_size + 1)])
    os.truncate(path, min(size, path.stat().st_size))
    return f"cut to {size} bytes"


def _flip(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    count = rng.choice([1, 1, 2, 8, 64])
    for _ in range(count if content else 0):
        content[rng.randrange(min(len(content), rng.choice([16, 4096, 1 << 30])))] = rng.randrange(256)
    path.write_bytes(content)
    return f"{count} bytes changed"


def _insert(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    place = rng.randrange(len(content) + 1)
    what = rng.choice(
        [rng.randbytes(8), content[: rng.randrange(200)], b"\xff\xfe", b"\xef\xbb\xbf", b"{" * 50, b"\n" * 50]
    )
    path.write_bytes(content[:place] + what + content[place:])
    return f"{what[:20]!r} put in at {place}"


def _grow(path: Path, rng: random.Random) -> str:
    size = rng.choice([1 << 20, 40 << 20, 1 << 36])
    if size <= 40 << 20 and rng.random() < 0.5:
        with path.open("ab") as stream:
            stream.write(rng.choice([b" ", b"\n", b"a", b"[", b"- a\n"]) * (size // 4))
        return f"{size // 4} bytes of text appended"
    os.truncate(path, size)
    return f"grown to {size} bytes of zeros"


def _remove(path: Path, rng: random.Random) -> str:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return "removed"


def _replace_by_special(path: Path, rng: random.Random) -> str:
    was_folder = path.is_dir()
    _remove(path, rng)
    kind = rng.choice(["folder", "pipe", "empty"])
    if kind == "folder" and not was_folder:
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"")
    return f"became a {kind}"


def _link_out(path: Path, rng: random.Random) -> str:
    away = path.parents[1] / f"away-{os.getpid()}" / path.name
    target = rng.choice([away, Path("/dev/zero"), Path("/etc/passwd"), Path("/nowhere"), path, Path("..")])
    if target == away:
        shutil.rmtree(away.parent, ignore_errors=True)
        away.parent.mkdir()
        shutil.move(path, away)
    else:
        _remove(path, rng)
    path.symlink_to(target)
    return f"a link to {target}"


def _link_inside(path: Path, rng: random.Random) -> str:
    inside = path.with_name(f"real-{path.name}")
    path.rename(inside)
    path.symlink_to(inside.name)
    return "a link inside the folder"


def _swap(path: Path, foreign: Path) -> str:
    if foreign.is_file() and foreign != path:
        shutil.copyfile(foreign, path)
    return f"exchanged for {foreign.parent.parent.name}/{foreign.parent.name}/{foreign.name}"


def _bomb(path: Path, rng: random.Random) -> str:
    levels = "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
    bombs = {
        "aliases": f"a0: &a0 [x]\n{levels}",
        "brackets": "[" * 100_000,
        "braces": '{"a":' * 100_000,
        "closed brackets": "[" * 20_000 + "]" * 20_000,
        "digits": '{"format": ' + "1" * 5_000 + "}",
        "many lists": "[" + "[]," * 200_000 + "[]]",
        "twice": '{"format": 1, "format": 1}',
        "surrogate": '{"format": "\\ud800"}',
        "questions": "? " * 20_000,
        "dashes": "- " * 20_000,
        "merge": "a: &x {b: 1}\n<<: *x\n",
        "tag": "!!python/object/apply:os.system ['true']\n",
        "two documents": "a: 1\n---\nb: 2\n",
        "date": "name: 2020-13-45\n",
        "flow": "{" + "a, " * 15_000 + "}",
    }
    kind = rng.choice(sorted(bombs))
    content = path.read_text(encoding="utf-8")
    path.write_text(bombs[kind] + (content if rng.random() < 0.3 else ""), encoding="utf-8")
    return f"bomb: {kind}"


def _change(values: Any, rng: random.Random) -> str:
    """Changes one value somewhere inside, in place."""
    where: list[str] = []
    inside = values
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not keys:
            return "nothing"
        key = rng.choice(keys[:6] if len(keys) > 40 and rng.random() < 0.3 else keys)
        where.append(str(key)[:30])
        if isinstance(inside[key], dict | list) and inside[key] and rng.random() < 0.85:
            inside = inside[key]
            continue
        how = rng.choice(["set", "set", "set", "set", "drop", "add", "scale"])
        value = rng.choice(VALUES)
        if how == "drop":
            del inside[key]
        elif how == "add" and isinstance(inside, dict):
            inside[rng.choice(["x", "", "x" * 3000, "seed", "\x1b[2J"])] = value
        elif how == "scale" and isinstance(inside[key], int | float):
            value = rng.choice([2, 10, 1000, -1, 100_000_000]) * inside[key]
            inside[key] = value
        else:
            inside[key] = value
        return f"{'.'.join(where)} {how} {str(value)[:30]!r}"


def _change_json(path: Path, rng: random.Random) -> str:
    values = json.loads(path.read_text(encoding="utf-8"))
    said = _change(values, rng)
    path.write_text(json.dumps(values, ensure_ascii=rng.random() < 0.5), encoding="utf-8")
    return said


def _change_yaml(path: Path, rng: random.Random) -> str:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    said = _change(values["model"] if rng.random() < 0.5 else values, rng)
    path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return said


def _change_weights(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = rng.choice(["header", "header", "length", "nan", "rename", "type", "shape", "more", "many"])
    name = rng.choice([name for name in header if name != "__metadata__"])
    if kind == "header":
        kind = f"header: {_change(header, rng)}"
    elif kind == "length":
        length = rng.choice([0, 1, length - 1, length + 1, len(content), 1 << 20, 1 << 60, (1 << 64) - 1])
        path.write_bytes(length.to_bytes(8, "little") + content[8:])
        return f"header length {length}"
    elif kind == "nan":
        begin, end = header[name]["data_offsets"]
        data = data[:begin] + b"\x00\x00\xc0\x7f" * ((end - begin) // 4) + data[end:]
    elif kind == "rename":
        header[f"{name}x"] = header.pop(name)
    elif kind == "type":
        header[name]["dtype"] = rng.choice(["I32", "U32", "F16", "F64", "BOOL", "F8_E4M3", "X"])
    elif kind == "shape":
        header[name]["shape"] = rng.choice([[], [1], [1 << 40, 1 << 40], header[name]["shape"][::-1], [-1], [0] * 100])
    elif kind == "more":
        header["more"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(data), len(data) + 4]}
        data += b"\x00" * 4
    else:
        header |= {f"n{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(50_000)}
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)
    return f"{kind} ({name})"
