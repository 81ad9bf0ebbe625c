"""Times the implementations that the layers choose on a CPU, and their alternatives; prints medians and ratios as JSON.

    python benchmarks/layers.py > benchmarks/results/layers.json
    python benchmarks/layers.py --recurrence cuda     # the recurrent kernels alone, on a GPU

It compares explicit with fused attention for several lengths, the LSTM as one autograd node with one node per step, seqloom's
recurrent kernels with torch's, dropout masks from random bytes with torch's, and matrix products of torch with those of oneDNN.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from seqloom import machine
from seqloom.nn.attention import causal_mask, mask_bias
from seqloom.nn.dropout import dropout_mask
from seqloom.nn.packing import Packing
from seqloom.nn.recurrent import CellName, RecurrentLayer

CELLS: tuple[CellName, ...] = ("lstm", "gru")


def alternately(ours: Callable[[], object], other: Callable[[], object], rounds: int = 15) -> dict[str, float]:
    """Median milliseconds of two functions that run in alternation, and how many times as fast the first is."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_number in range(rounds + 3):
        for function, kept in zip((ours, other), times, strict=True):
            begin = time.perf_counter()
            function()
            if round_number >= 3:
                kept.append(1000 * (time.perf_counter() - begin))
    first, second = median(times[0]), median(times[1])
    return {"ms": round(first, 2), "other_ms": round(second, 2), "times_as_fast": round(second / first, 2)}


def attention(length: int) -> dict[str, float]:
    rows = max(1, 2048 // length)
    shape = (rows, 4, length, 32)
    query, key, value = (torch.randn(shape, requires_grad=True) for _ in range(3))
    bias = mask_bias(causal_mask(length, length))[None, None]

    def explicit() -> None:
        scores = (query * 32**-0.5) @ key.transpose(2, 3) + bias
        (scores.softmax(dim=-1) @ value).sum().backward()

    def fused() -> None:
        F.scaled_dot_product_attention(query, key, value, attn_mask=bias).sum().backward()

    return alternately(explicit, fused)


def lstm() -> dict[str, float]:
    layer = RecurrentLayer("lstm", 128, 212)
    x, mask = torch.randn(64, 24, 128, requires_grad=True), torch.ones(64, 24, dtype=torch.bool)
    mask[::2, 20:] = False

    def fused() -> None:
        layer(x, mask)[0].sum().backward()

    def steps() -> None:
        state, outputs = layer.initial_state(64, x), []
        for t in range(24):
            new = layer.step(x[:, t], state)
            state = tuple(torch.where(mask[:, t, None], n, old) for n, old in zip(new, state, strict=True))
            outputs.append(state[0])
        torch.stack(outputs, dim=1).sum().backward()

    return alternately(fused, steps)


def recurrence(cell: CellName, device: torch.device) -> dict[str, float]:
    """Our kernels (nn/over_time.py) against torch's (nn/torch_recurrence.py), forward and backward.

    It says which of the two a device should use: seqloom uses torch's on GPUs, ours on CPUs.
    """
    layer = RecurrentLayer(cell, 128, 212).to(device)
    mask = torch.ones(64, 24, dtype=torch.bool, device=device)
    mask[::2, 20:] = False
    packing = Packing.of((64, 24), mask)
    tokens = packing.pack(torch.randn(64, 24, 128, device=device)).detach().requires_grad_()
    state = layer.initial_state(64, tokens)

    def read_by(kernels: Callable[..., tuple[Tensor, tuple[Tensor, ...]]]) -> Callable[[], object]:
        def run() -> None:
            kernels(tokens, packing, state)[0].sum().backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)

        return run

    return alternately(read_by(layer.read_by_kernels_of_seqloom), read_by(layer.read_by_kernels_of_torch))


def dropout() -> dict[str, float]:
    x = torch.randn(2048, 256)
    return alternately(lambda: x * dropout_mask(x, 0.1), lambda: F.dropout(x, 0.1))


def products() -> dict[str, float] | str:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is None or not hasattr(matmul, "fp32_precision"):
        return "this torch cannot route products to oneDNN"
    left, right = torch.randn(2048, 128), torch.randn(128, 384)

    def routed(precision: str) -> Callable[[], object]:
        def run() -> None:
            matmul.fp32_precision = precision
            for _ in range(10):
                left @ right

        return run

    before = matmul.fp32_precision
    timing = alternately(routed("none"), routed("bf16"))
    matmul.fp32_precision = before
    return timing


def main() -> int:
    machine.set_threads(None)
    machine.keep_freed_memory()
    if sys.argv[1:2] == ["--recurrence"]:
        device = torch.device(sys.argv[2])
        json.dump({cell: recurrence(cell, device) for cell in CELLS}, sys.stdout, indent=2)
        print()
        return 0
    results = {
        "explicit attention against fused, by length": {
            length: attention(length) for length in (16, 32, 64, 128, 256, 512, 1024)
        },
        "LSTM as one node against steps through autograd": lstm(),
        "our recurrent kernels against torch's": {cell: recurrence(cell, torch.device("cpu")) for cell in CELLS},
        "dropout masks from bytes against torch's": dropout(),
        "matrix products as torch has them against oneDNN": products(),
        "machine": machine.describe_machine(torch.device("cpu")),
    }
    json.dump(results, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
