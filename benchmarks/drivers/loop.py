"""The plain loop: seqloom's batches, cross-entropy over whole logits, Adam. What the model is, the caller says.

`tuned` is what somebody who knows this machine would do without writing kernels: freed memory kept by malloc, matrix
products by oneDNN where that is exact and faster, fused Adam.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from steps import StepLog
from torch.nn import functional as F

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2


def arrange(job: SimpleNamespace) -> None:
    """Threads for everybody; for `tuned` the allocator and the matrix library too."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    if not job.tuned:
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
        # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD of glibc's malloc.h.
        print("mallopt", mallopt(-4, 0), mallopt(-1, 1 << 30), mallopt(-2, 64 << 20))
    except (OSError, AttributeError):
        print("mallopt: not here")
    print("oneDNN products:", _choose_products())


def _choose_products() -> str:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is None or not hasattr(matmul, "fp32_precision"):
        return "cannot be chosen"
    before = matmul.fp32_precision
    left, right = torch.randn(2048, 256), torch.randn(256, 1024)
    exact = left.double() @ right.double()
    took = {}
    for name in (before, "bf16"):
        matmul.fp32_precision = name
        for _ in range(3):
            product = left @ right
        begin = time.perf_counter()
        for _ in range(20):
            product = left @ right
        took[name] = time.perf_counter() - begin
    error = float((product.double() - exact).norm() / exact.norm())
    if error > 1e-6 or took["bf16"] > took[before]:
        matmul.fp32_precision = before
        return f"no (error {error:.0e}, {took})"
    return f"yes (error {error:.0e}, {took})"


def batches(job: SimpleNamespace) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]]:
    """src (batch, src_len), tgt_in and tgt_out (batch, tgt_len), padded on the right; real target tokens. Without end."""
    with np.load(Path(job.data) / "train.npz") as arrays:
        shared = {name: arrays[name] for name in arrays.files}
    src = np.split(shared["src"], shared["src_ends"][:-1])
    tgt = np.split(shared["tgt"], shared["tgt_ends"][:-1])
    chosen = np.split(shared["batches"], shared["batch_ends"][:-1])
    while True:
        for indices in chosen:
            src_ids = _pad([[*src[i], EOS_ID] for i in indices])
            tgt_out = _pad([[*tgt[i], EOS_ID] for i in indices])
            tgt_in = _pad([[BOS_ID, *tgt[i]] for i in indices])
            yield src_ids, tgt_in, tgt_out, int((tgt_out != PAD_ID).sum())


def _pad(rows: list[list[int]]) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [PAD_ID] * (width - len(row)) for row in rows])


def train(
    job: SimpleNamespace, model: torch.nn.Module, logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> None:
    """Trains until somebody ends the process."""
    log = StepLog(job.log)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=job.learning_rate, betas=tuple(job.betas), fused=True if job.tuned else None
    )
    model.train()
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    for src, tgt_in, tgt_out, tokens in batches(job):
        log.count(tokens)
        loss = F.cross_entropy(
            logits(src, tgt_in).flatten(0, 1),
            tgt_out.flatten(),
            ignore_index=PAD_ID,
            label_smoothing=job.label_smoothing,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log.done()
