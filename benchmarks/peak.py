"""Measures the fastest matrix products of this machine: fp32 by torch's own library and by oneDNN, and bf16, in GFLOP/s."""

import time

import torch

SIDE = 2048
# A processor without bf16 units emulates them a thousand times as slowly, so a small product is tried first.
BF16_SIDE = 512


def measured_peaks(threads: int, seconds: float = 1.0) -> dict[str, float]:
    """The best GFLOP/s of square products, by data type and library; each is repeated for `seconds`."""
    torch.set_num_threads(threads)
    left, right = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    peaks = {"fp32, torch's own": _gflops(left, right, seconds)}
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is not None and hasattr(matmul, "fp32_precision"):
        before = matmul.fp32_precision
        exact = left[:256].double() @ right.double()
        matmul.fp32_precision = "bf16"
        error = float(((left[:256] @ right).double() - exact).norm() / exact.norm())
        name = "fp32, oneDNN" if error < 1e-6 else "fp32 rounded to bf16, oneDNN"
        peaks[name] = _gflops(left, right, seconds)
        matmul.fp32_precision = before
    half = left.bfloat16(), right.bfloat16()
    small = _gflops(half[0][:BF16_SIDE, :BF16_SIDE], half[1][:BF16_SIDE, :BF16_SIDE], seconds)
    peaks["bf16"] = _gflops(*half, seconds) if small > 10 else small
    return {name: round(value, 1) for name, value in peaks.items()}


def best_fp32(peaks: dict[str, float]) -> float:
    """The highest GFLOP/s among the exact fp32 products."""
    return max(value for name, value in peaks.items() if name.startswith("fp32,"))


def _gflops(left: torch.Tensor, right: torch.Tensor, seconds: float) -> float:
    left @ right
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        left @ right
        best = max(best, 2 * left.shape[0] ** 3 / (time.perf_counter() - begin) / 1e9)
    return best
