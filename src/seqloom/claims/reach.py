"""Reach: how much each earlier word matters for a later one, by gradients and by replacing words; for every architecture.

Input: trained runs and their corpora; output: plain values.
"""

from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

from seqloom.corpus import Corpus
from seqloom.data.batching import PairBatch, make_batch
from seqloom.data.example import Example
from seqloom.explain.saliency import gradient_norms
from seqloom.explain.sentence import log_probs
from seqloom.models import make_model
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.run.load import Run


def gradient_by_distance(run: Run, corpus: Corpus, *, length: int = 48, sentences: int = 24) -> dict[str, Any]:
    """Mean gradient norms of the loss at position t = `length - 1` with respect to the input at i, by the distance t - i.

    They are computed for the trained model and for one with random weights. Only targets of at least `length` tokens count; at most
    `sentences` of them are used.

    Returns:
        "trained" and "untrained": for each distance from 0 the mean over sentences; the norms of a sentence are divided by their
        largest. "sentences": how many there were.
    """
    batch = _long_targets(run, corpus, length, sentences)
    if batch is None:
        return {"trained": [], "untrained": [], "sentences": 0}
    torch.manual_seed(run.info.seed)
    fresh = make_model(run.recipe.model, run.tokenizer.vocab).eval()
    results: dict[str, Any] = {"sentences": len(batch.tgt_in)}
    for name, model in (("trained", run.model), ("untrained", fresh)):
        norms = gradient_norms(model, batch, of="target", position=length - 1)
        scaled = norms / norms.amax(dim=1, keepdim=True).clamp_min(1e-30)
        results[name] = scaled.mean(dim=0).flip(0).tolist()
    return results


def loss_by_position(run: Run, corpus: Corpus, *, length: int = 48, sentences: int = 200) -> list[float]:
    """Mean cross-entropy of the target tokens at each position from the first, in nats; empty without long targets.

    All positions are read from the same targets, those of `length` tokens and more, so that only the context grows.
    """
    batch = _long_targets(run, corpus, length, sentences)
    if batch is None:
        return []
    with torch.no_grad():
        results: list[float] = (-log_probs(run.model, batch)).mean(dim=0)[: length - 1].tolist()
    return results


def _long_targets(run: Run, corpus: Corpus, length: int, sentences: int) -> PairBatch | None:
    """The first test pairs whose targets have `length` tokens or more, cut to this length; None if there are none."""
    examples = []
    for pair in corpus.tests["test"].pairs():
        src, tgt = run.tokenizer.encode_src([pair.src])[0], run.tokenizer.encode_tgt([pair.tgt])[0]
        if len(tgt) >= length and run.model.fits(len(src), length):
            examples.append(Example(np.asarray(src), np.asarray(tgt[: length - 1])))
        if len(examples) == sentences:
            break
    if not examples:
        return None
    vocab = run.tokenizer.vocab
    return make_batch(examples, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id)


def pointing(run: Run, corpus: Corpus, *, sentences: int = 60) -> dict[str, float]:
    """How often attention, gradient and occlusion point at the source word that a list's target word comes from, in percent.

    For corpora of lists, whose rule gives that word ("truth"): in a copy the one at the same index, in a reversal the mirrored one.

    Returns:
        For each two of attention, gradient, occlusion and truth, how often they point at the same word; and the number of "lists".
    """
    mirrored = corpus.name.startswith("reverse")
    rows: list[dict[str, list[int]]] = []
    for pair in islice(corpus.tests["test"].pairs(), sentences):
        words = pair.src.split()
        if len(words) < 3:
            continue
        src, tgt = run.tokenizer.encode_src([pair.src])[0], run.tokenizer.encode_tgt([pair.tgt])[0]
        if not len(src) == len(tgt) == len(words):
            continue
        rows.append(_pointed(run, np.asarray(src), np.asarray(tgt), mirrored))
    return _agreements(rows)


def _pointed(run: Run, src: Any, tgt: Any, mirrored: bool) -> dict[str, list[int]]:
    """For each target word the index of the source word with the largest value, by each method."""
    vocab, count = run.tokenizer.vocab, len(src)
    batch_of = partial(make_batch, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id)
    batch = batch_of([Example(src, tgt)])
    hooks = ActivationHooks()
    with torch.no_grad():
        plain = log_probs(run.model, batch, hooks)[0]
        # Each source word in turn becomes another word of its list.
        changed = [src.copy() for _ in range(count)]
        for index, ids in enumerate(changed):
            ids[index] = (
                src[(index + 1) % count] if src[(index + 1) % count] != src[index] else src[(index + 2) % count]
            )
        taken = log_probs(run.model, batch_of([Example(ids, tgt) for ids in changed]))
    weights = hooks.tensors["alignment"][-1][0, :count, :count]
    drops = (plain - taken)[:, :count].T
    gradients = torch.stack(
        [gradient_norms(run.model, batch, of="source", position=t)[0, :count] for t in range(count)]
    )
    truth = list(range(count))[::-1] if mirrored else list(range(count))
    return {
        "truth": truth,
        "attention": weights.argmax(dim=1).tolist(),
        "gradient": gradients.argmax(dim=1).tolist(),
        "occlusion": drops.argmax(dim=1).tolist(),
    }


def _agreements(rows: list[dict[str, list[int]]]) -> dict[str, float]:
    names = ("attention", "gradient", "occlusion", "truth")
    agreements: dict[str, float] = {"lists": float(len(rows))}
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            same = [a == b for row in rows for a, b in zip(row[name], row[other], strict=True)]
            agreements[f"{name}, {other}"] = 100 * float(np.mean(same)) if same else 0.0
    return agreements
