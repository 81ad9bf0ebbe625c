"""Devices, threads and memory."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from seqloom import machine
from seqloom.errors import ConfigError


def test_devices_are_chosen_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert machine.choose_device("auto") == torch.device("cpu")
    with pytest.raises(ConfigError, match="this machine has none that torch can use; found: cpu"):
        machine.choose_device("cuda")
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or mps"):
        machine.choose_device("tpu")


def test_threads_are_set_and_refused() -> None:
    before = torch.get_num_threads()
    try:
        assert machine.set_threads(1) == 1
        with pytest.raises(ConfigError, match="threads is 0"):
            machine.set_threads(0)
    finally:
        torch.set_num_threads(before)


def test_peak_memory_counts_anew_after_a_reset() -> None:
    device = torch.device("cpu")
    torch.ones(30_000_000).sum()
    machine.reset_peak_memory(device)
    low = machine.peak_memory_mib(device)
    block = torch.ones(50_000_000)
    assert machine.peak_memory_mib(device) >= low + 150
    del block


def test_matrix_products_stay_exact_whatever_was_arranged() -> None:
    assert "matrix products" in machine.arrange_matrix_products()
    left, right = torch.randn(64, 128), torch.randn(128, 32)
    exact = left.double() @ right.double()
    assert float(((left @ right) - exact).norm() / exact.norm()) < 1e-6


def test_products_are_plain_while_anybody_wants_them_so() -> None:
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        first, second = machine.plain_products(), machine.plain_products()
        first.__enter__()
        second.__enter__()
        assert matmul.fp32_precision == "ieee"
        # They need not end in the order in which they began: each is a thread's.
        first.__exit__(None, None, None)
        assert matmul.fp32_precision == "ieee"
        second.__exit__(None, None, None)
        assert matmul.fp32_precision == "bf16"
    finally:
        matmul.fp32_precision = before


@pytest.mark.parametrize(
    ("units", "precision", "said"),
    [
        (True, "bf16", "products in bf16"),
        (True, "fp32", "training.precision=bf16 may be faster"),
        (False, "bf16", "emulates"),
        (False, "fp32", ""),
    ],
)
def test_what_a_precision_means_here_is_said(
    units: bool, precision: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_cpuinfo", lambda key: "fpu avx512_bf16 sse" if units and key == "flags" else "")
    words = machine.describe_precision(precision)
    assert said in words
    assert bool(words) == bool(said)
    assert ("emulates" in words) == (precision == "bf16" and not units)


def test_memory_is_measured_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str | None) -> None:
        raise TypeError(f"Windows has no library {name}")

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(machine, "Path", lambda path: Path(f"/nowhere{path}"))
    monkeypatch.setattr(machine.ctypes, "CDLL", no_library)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(
        machine.psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=3 << 20))
    )
    machine.reset_peak_memory(torch.device("cpu"))
    machine.release_memory()
    assert machine.peak_memory_mib(torch.device("cpu")) == 3.0
