"""Scores prompts: the log-probability of each token of a prompt, and the most probable next tokens. For `echo` with `logprobs`.

Input: ids of prompts; output: scores. This module uses a language model and its tokenizer, and does not know HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seqloom import machine
from seqloom.data.batching import Example, make_batch
from seqloom.decoding.encoded_input import TextCodec
from seqloom.decoding.filters import precise
from seqloom.errors import PromptTooLongError
from seqloom.messages import counted
from seqloom.models.base import Model

_ROWS = 1024
"""The number of positions whose logits are in memory at once."""

BOS_TEXT = "<s>"
"""The text of bos, which begins every text, in responses."""

_BROKEN = "\N{REPLACEMENT CHARACTER}"

Ranked = tuple[tuple[int, float], ...]
"""Ids with their log-probabilities, the most probable first."""


@dataclass(frozen=True, slots=True)
class PromptScores:
    """The scores of a prompt.

    Attributes:
        ids: its ids, without bos.
        log_probs: the log-probability of each id, in nats.
        top: for each id, the most probable ids at its position.
        following: the most probable ids after the prompt.
    """

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    top: tuple[Ranked, ...]
    following: Ranked


@torch.inference_mode()
def score_prompts(model: Model, prompts: Sequence[Sequence[int]], num_top: int) -> list[PromptScores]:
    """Scores prompts in one batch.

    Args:
        model: a language model in evaluation mode.
        num_top: the number of most probable ids to return for each position; 0 counts as 1.

    Raises:
        PromptTooLongError: a prompt does not fit into the context of the model.
    """
    vocab, limit = model.vocab, model.max_tgt_len(0)
    longest = max(map(len, prompts), default=0)
    if limit is not None and longest + 1 > limit:
        raise PromptTooLongError(
            f"a prompt of {counted(longest, 'token')} is too long: the context of the model holds {limit:,}, of which 1 begins "
            "every text; shorten the prompt, or train with a larger model.max_len"
        )
    empty = np.zeros(0, dtype=np.int64)
    # The example ends in eos, so that the scores at its position are those of the next token after the prompt.
    examples = [Example(empty, np.array([*ids, vocab.eos_id], dtype=np.int64)) for ids in prompts]
    batch = make_batch(examples, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id, end=False).to(
        model.device
    )
    with machine.plain_products():
        hidden, targets = model(batch)[batch.tgt_mask], batch.tgt_out[batch.tgt_mask]
        log_probs, values, ids = list[float](), list[list[float]](), list[list[int]]()
        for rows, expected in zip(hidden.split(_ROWS), targets.split(_ROWS), strict=True):
            block = precise(model.project(rows)).log_softmax(dim=1)
            log_probs += block.gather(1, expected[:, None])[:, 0].tolist()
            best = block.topk(min(max(1, num_top), block.shape[1]), dim=1)
            values += best.values.tolist()
            ids += best.indices.tolist()
    ranked = [tuple(zip(*row, strict=True)) for row in zip(ids, values, strict=True)]
    scores, begin = [], 0
    for prompt in prompts:
        end = begin + len(prompt)
        scores.append(PromptScores(tuple(prompt), tuple(log_probs[begin:end]), tuple(ranked[begin:end]), ranked[end]))
        begin = end + 1
    return scores


def token_texts(tokenizer: TextCodec, ids: Sequence[int]) -> tuple[list[str], list[int]]:
    """The characters that each id adds to a text, and the offset of the first one.

    A character belongs to the id that completes it.
    """
    texts, offsets, before = [], [], ""
    for length in range(1, len(ids) + 1):
        text = tokenizer.decode_tgt(ids[:length])
        start = len(before.rstrip(_BROKEN))
        texts.append(text[start:].rstrip(_BROKEN))
        offsets.append(start)
        before = text
    return texts, offsets


def next_token(tokenizer: TextCodec, prompt: str, scores: PromptScores) -> dict[str, Any]:
    """The fields of a choice whose completion is the most probable next token after a prompt; the text of eos is empty."""
    token_id, log_prob = scores.following[0]
    texts, _ = token_texts(tokenizer, [*scores.ids, token_id])
    top = {
        tokenizer.tgt_tokens([other])[0].replace("▁", " "): value
        for other, value in scores.following
        if other != token_id
    }
    logprobs = {
        "tokens": [texts[-1]],
        "token_logprobs": [log_prob],
        "top_logprobs": [{**top, texts[-1]: log_prob}],
        "text_offset": [0],
    }
    reason = "stop" if token_id == tokenizer.vocab.eos_id else "length"
    return {"text": prompt + texts[-1], "logprobs": logprobs, "finish_reason": reason}


def echoed_logprobs(
    tokenizer: TextCodec, scores: PromptScores, completion: dict[str, Any], prompt_len: int, *, has_bos: bool
) -> dict[str, Any]:
    """The `logprobs` of an echoed prompt and its completion, in the format of OpenAI's API: null for the first token.

    Args:
        completion: the `logprobs` of the completion.
        prompt_len: the number of characters of the prompt.
        has_bos: whether the prompt was sent with bos. It is then the first token, and the token after it has a log-probability.
    """
    texts, offsets = token_texts(tokenizer, scores.ids)
    top: list[dict[str, float] | None] = []
    for text, token_id, log_prob, ranked in zip(texts, scores.ids, scores.log_probs, scores.top, strict=True):
        others = {
            tokenizer.tgt_tokens([other])[0].replace("▁", " "): value for other, value in ranked if other != token_id
        }
        top.append({**others, text: log_prob})
    log_probs: list[float | None] = list(scores.log_probs)
    if has_bos:
        texts, offsets, log_probs, top = [BOS_TEXT, *texts], [0, *offsets], [None, *log_probs], [None, *top]
    elif texts:
        log_probs[0] = top[0] = None
    return {
        "tokens": [*texts, *completion["tokens"]],
        "token_logprobs": [*log_probs, *completion["token_logprobs"]],
        "top_logprobs": [*top, *completion["top_logprobs"]],
        "text_offset": [*offsets, *(prompt_len + offset for offset in completion["text_offset"])],
    }
