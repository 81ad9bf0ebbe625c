"""Costs: seconds and memory of training steps, of attention alone and of decoding, on random ids; measured, not modelled.

Input: a recipe and lengths; output: seconds and MiB, as plain values, since each round is measured in a process of its own. What
is measured does not depend on what a model has learned. `exponent` fits how a cost grows.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from seqloom import machine
from seqloom.data.batching import PairBatch, Sources, make_batch
from seqloom.data.example import Example
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.attention import attend, causal_mask, mask_bias
from seqloom.nn.multi_head import MultiHeadAttention
from seqloom.nn.recurrent_stack import RecurrentStack
from seqloom.objectives import CrossEntropy
from seqloom.recipes import load_recipe
from seqloom.training.optim import make_optimizers
from seqloom.vocabulary import Vocabulary

_VOCAB = Vocabulary(200, 200, shared=True)
"""Small, so that the vocabulary's matrix product, which is the same for all, hides nothing."""

Mixer = Literal["explicit attention", "fused attention", "recurrence"]


def step_seconds(
    recipe: str, lengths: Sequence[int], tokens: int, seconds: float, threads: int | None = None, changes: Any = None
) -> dict[str, float]:
    """Seconds of a training step (forward, backward, update) by length, over batches of equally many tokens.

    Args:
        tokens: source tokens, and as many target tokens, in each batch: `tokens / length` sentences.
        seconds: how long to measure at each length.
    """
    machine.set_threads(threads)
    machine.keep_freed_memory()
    machine.arrange_matrix_products()
    model, settings = _model(recipe, max(lengths), changes)
    optimizers = make_optimizers(
        model.train(), settings.optimizer, learning_rate=1e-3, weight_decay=0.0, betas=settings.betas
    )
    objective = CrossEntropy(settings.label_smoothing)
    results = {}
    for length in lengths:
        batch = _batch(length, max(1, tokens // length))

        def step(batch: PairBatch = batch) -> None:
            loss = objective(model, batch).sum
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            (loss / batch.num_tokens).backward()
            for optimizer in optimizers:
                optimizer.step()

        results[str(length)] = _median_seconds(step, seconds)
    return results


def mixing_cost(mixer: Mixer, lengths: Sequence[int], seconds: float, width: int = 128) -> dict[str, dict[str, float]]:
    """Seconds and MiB of one causal layer that mixes positions, forward and backward, for one sequence, by length.

    MiB is the process's peak above what it held before the layer ran.
    """
    machine.set_threads(None)
    results = {}
    for length in lengths:
        torch.manual_seed(0)
        x = torch.randn(1, length, width, requires_grad=True)
        layer = _mixer(mixer, width, length)
        machine.reset_peak_memory(x.device)
        # Right after the reset, the peak is what is resident.
        before = machine.peak_memory_mib(x.device)

        def run(layer: Callable[[Tensor], Tensor] = layer, x: Tensor = x) -> None:
            layer(x).sum().backward()

        run()
        peak = machine.peak_memory_mib(x.device) - before
        results[str(length)] = {"seconds": _median_seconds(run, seconds), "mib": max(peak, 1e-3)}
    return results


@torch.inference_mode()
def decoding_seconds(recipe: str, lengths: Sequence[int], src_len: int = 32, repeats: int = 3) -> dict[str, Any]:
    """Seconds to generate the target of one sentence token by token, and to read a target of the same length at once.

    Returns:
        "stepwise" and "at once": seconds by target length; "cache": by target length, the number of values in the decoder
        state of one hypothesis.
    """
    machine.set_threads(1)
    machine.arrange_matrix_products()
    plain, _ = _model(recipe, max(lengths) + src_len, None)
    model = plain.eval().inference_model()
    batch = _batch(max(lengths), 1)
    sources = Sources(batch.sources.ids[:, :src_len], batch.sources.mask[:, :src_len])
    results: dict[str, Any] = {"stepwise": {}, "at once": {}, "cache": {}}
    marks: dict[int, list[float]] = {length: [] for length in lengths}
    for _ in range(repeats):
        state = model.start(sources)
        begin = time.perf_counter()
        for position in range(max(lengths)):
            state = model.step(batch.tgt_in[:, position : position + 1], state).state
            if position + 1 in marks:
                marks[position + 1].append(time.perf_counter() - begin)
    for length in lengths:
        ids = batch.tgt_in[:, :length]
        results["stepwise"][str(length)] = median(marks[length])
        state = plain.start(sources)
        results["at once"][str(length)] = _median_seconds(partial(plain.step, ids, state), 0.2)
        cache = plain.step(ids, state).state.cache
        results["cache"][str(length)] = sum(tensor.numel() for tensor in cache.values())
    return results


def flops_by_width(widths: Sequence[int], seconds: float, tokens: int = 1024, length: int = 32) -> dict[str, float]:
    """Floating-point operations a second that training a Transformer reaches, by d_model: 6 for each weight and token.

    The count is of the weights that multiply (Kaplan 2020, section 2.1), so work that is no matrix product makes it smaller.
    """
    results = {}
    for width in widths:
        changes = {"d_model": width, "d_ff": 2 * width, "num_heads": max(1, width // 32)}
        taken = step_seconds("transformer-tiny", [length], tokens, seconds, changes=changes)[str(length)]
        model, _ = _model("transformer-tiny", length, changes)
        weights = sum(p.numel() for p in model.parameters() if p.ndim > 1)
        results[str(width)] = 6 * weights * tokens / taken
    return results


def exponent(costs: Mapping[str, float], *, least: int = 0) -> float:
    """p of the power law cost = c * length^p that fits best, by least squares on logarithms.

    Args:
        least: the smallest length that counts: below it, what does not depend on the length hides what does.
    """
    chosen = {int(x): y for x, y in costs.items() if int(x) >= least}
    slope, _ = np.polyfit(np.log(list(chosen)), np.log(list(chosen.values())), 1)
    return float(slope)


def _model(recipe: str, length: int, changes: Any) -> tuple[Model, Any]:
    made = load_recipe(recipe)
    model = dict(changes or {})
    if hasattr(made.model, "max_len"):
        model["max_len"] = length + 2
    made = load_recipe(recipe, {"model": model})
    torch.manual_seed(0)
    return make_model(made.model, _VOCAB), made.training


def _batch(length: int, sentences: int) -> PairBatch:
    """Random ids; source and target have `length` tokens, eos included."""
    rng = np.random.default_rng(0)
    rows = [rng.integers(3, _VOCAB.tgt_size, size=(2, length - 1)) for _ in range(sentences)]
    examples = [Example(src, tgt) for src, tgt in rows]
    return make_batch(examples, pad_id=_VOCAB.pad_id, bos_id=_VOCAB.bos_id, eos_id=_VOCAB.eos_id)


class _DiscardingHooks(ActivationHooks):
    """Takes the explicit path, and keeps nothing."""

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return value


def _mixer(name: Mixer, width: int, length: int) -> Callable[[Tensor], Tensor]:
    if name == "recurrence":
        stack = RecurrentStack("lstm", width, width, 1, dropout=0.0)
        return lambda x: stack(x)[0]
    layer = MultiHeadAttention(width, 4)

    def mix(x: Tensor) -> Tensor:
        query, key, value = layer.self_projections(x)
        if name == "fused attention":
            # The kernel knows the causal mask; one that is handed over would hold the square of the length itself.
            return layer.join(scaled_dot_product_attention(query, key, value, is_causal=True))
        bias = mask_bias(causal_mask(length, length))[None, None]
        return layer.join(attend(query, key, value, bias, hooks=_DiscardingHooks()))

    return mix


def _median_seconds(run: Callable[[], object], seconds: float) -> float:
    """The median time of a call; at least three are made, after one that is not counted."""
    run()
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < seconds:
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return median(taken)
