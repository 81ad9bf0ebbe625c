"""The machine: which device computes, with how many threads, and how memory and matrix products are set up on a CPU.

Nothing here changes results in silence: each function returns what it did, in words, and faster matrix products are used only if a
measurement finds them as exact as torch's own.
"""

import ctypes
import functools
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import torch

from seqloom.arguments import check_threads
from seqloom.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

# Options of glibc's mallopt (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; `auto` is CUDA if there is one, else MPS, else the CPU.

    Raises:
        ConfigError: the name is unknown, or the machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if isinstance(name, str) and name == "auto":
        name = next(candidate for candidate in ("cuda", "mps", "cpu") if there[candidate])
    kind = name.partition(":")[0] if isinstance(name, str) else ""
    if kind not in there:
        raise ConfigError(f"--device {name}: expected auto, cpu, cuda or mps")
    if not there[kind]:
        available = ", ".join(candidate for candidate, here in there.items() if here)
        raise ConfigError(f"--device {name}: this machine has none that torch can use; found: {available}")
    return torch.device(name)


def set_threads(count: int | None) -> int:
    """Sets how many threads compute; None is one thread for each core that this process may use. Returns the number."""
    count = check_threads(count)
    torch.set_num_threads(count or available_cores())
    return torch.get_num_threads()


def stand_back() -> None:
    """Lowers the priority of the thread that calls this, on Linux; other systems have no priorities of single threads."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + 10)
        except OSError:
            return


def available_cores() -> int:
    """How many cores this process may use; if the system does not report that, how many the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@functools.cache
def keep_freed_memory() -> str:
    """Lets malloc keep large freed blocks, so that a new tensor causes no new page faults.

    Training creates and frees tensors of the same large sizes at every step, and glibc returns each to the system. Kept memory
    roughly doubles the resident memory, so only training uses this. Returns what was done, in words.
    """
    if not sys.platform.startswith("linux"):
        return "allocator as it is (kept blocks need glibc)"
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return "allocator as it is (kept blocks need glibc)"
    gibibyte = 1 << 30
    done = mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, gibibyte) and mallopt(_M_TOP_PAD, 64 << 20)
    return "freed memory is kept for reuse" if done else "allocator as it is (mallopt refused)"


def release_memory() -> None:
    """Returns kept memory to the system, as far as malloc can."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


@functools.cache
def prefers_onednn() -> bool:
    """Whether oneDNN multiplies faster than MKL, torch's default.

    MKL uses 512-bit vectors on Intel's processors only. Measured: on an AMD Zen 5, which has such vectors, oneDNN reaches twice
    MKL's speed; on an AMD Zen 3, which has none, a tiny Transformer trains 1.1 to 1.3 times as fast with MKL, and on an Intel Xeon
    1.6 times. The processor decides, never a measured time: one machine must always decide the same, or a resumed run would differ.
    """
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available()):
        return False
    return _cpuinfo("vendor_id") not in ("GenuineIntel", "") and "avx512f" in _cpuinfo("flags").split()


@functools.cache
def arrange_matrix_products() -> str:
    """Routes fp32 matrix products through oneDNN where torch's own library is slow; returns what was done, in words.

    torch uses oneDNN if it may compute in bf16; processors without bf16 matrix units then still compute in fp32. So the error is
    measured here: oneDNN is used only if the relative error is below 1e-6.
    """
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is None or not hasattr(matmul, "fp32_precision") or not torch.backends.mkldnn.is_available():
        return "matrix products as torch has them"
    if torch.backends.mkl.is_available() and not prefers_onednn():
        return "matrix products by MKL"
    before = matmul.fp32_precision
    # Drawn by numpy, so that the state of torch's generator stays as it is.
    draw = np.random.default_rng(0)
    left, right = (
        torch.from_numpy(draw.standard_normal(shape, dtype=np.float32)) for shape in ((256, 1024), (1024, 256))
    )
    exact = left.double() @ right.double()
    matmul.fp32_precision = "bf16"
    error = float(((left @ right).double() - exact).norm() / exact.norm())
    if error > 1e-6:
        matmul.fp32_precision = before
        return f"matrix products as torch has them (oneDNN would round: relative error {error:.0e})"
    return f"matrix products by oneDNN (relative error {error:.0e})"


class _PlainProducts:
    """Counts the blocks that need products by torch's own library, because torch has one setting for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._arranged = ""

    def change(self, by: int) -> None:
        matmul = getattr(torch.backends.mkldnn, "matmul", None)
        if matmul is None or not hasattr(matmul, "fp32_precision"):
            return
        with self._lock:
            if self._count == 0:
                self._arranged = matmul.fp32_precision
                matmul.fp32_precision = "ieee"
            self._count += by
            if self._count == 0:
                matmul.fp32_precision = self._arranged


_PLAIN_PRODUCTS = _PlainProducts()


@contextmanager
def plain_products() -> Iterator[None]:
    """Within the block, all threads multiply by torch's own library.

    For work whose shapes rarely repeat: oneDNN prepares each new shape, which costs more than a small product. Measured on an
    AMD Zen 5: search with oneDNN took up to 1.8 times as long, and 2.6 times the memory (benchmarks/README.md).
    """
    _PLAIN_PRODUCTS.change(+1)
    try:
        yield
    finally:
        _PLAIN_PRODUCTS.change(-1)


def has_bf16_units() -> bool:
    """Whether the processor multiplies bf16 in hardware, as far as Linux reports it."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & {*_cpuinfo("flags").split(), *_cpuinfo("Features").split()})


def describe_precision(precision: str) -> str:
    """What training in a precision means on this processor, for users; empty if there is nothing to say.

    A faster precision is named but never chosen: the recipe decides.
    """
    if precision == "bf16":
        if has_bf16_units():
            return "products in bf16"
        return "products in bf16, which this processor emulates: far slower than training.precision=fp32"
    return "products in fp32 (training.precision=bf16 may be faster on this processor)" if has_bf16_units() else ""


def reset_peak_memory(device: torch.device) -> None:
    """Starts a new measurement of peak memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    release_memory()
    try:
        Path("/proc/self/clear_refs").write_bytes(b"5")
    except OSError:
        return


def peak_memory_mib(device: torch.device) -> float:
    """Peak memory since the last reset: the allocator's on CUDA, else the process's resident memory (MiB).

    If the system cannot reset the peak, it is the peak since the process began.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def describe_machine(device: torch.device) -> dict[str, str]:
    """What results depend on besides the recipe: processor, threads, versions."""
    from importlib.metadata import version

    return {
        "processor": _processor(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": str(torch.get_num_threads()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "tokenizers": version("tokenizers"),
        "sacrebleu": version("sacrebleu"),
        "seqloom": version("seqloom"),
    }


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """The value of a key for the first processor in /proc/cpuinfo; empty if there is none."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""
