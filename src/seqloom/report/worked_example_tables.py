"""The numbers of a worked example as Markdown tables that the reader can recompute.

Input: parts of an Explanation; output: Markdown. The tables print what the model computed; this module computes only products
and exponentials of printed numbers.
"""

import math
import re
import shlex
from collections.abc import Iterable, Sequence

from seqloom.explain.explanation import (
    Agreements,
    AttentionStage,
    Computation,
    Embedding,
    Explanation,
    Step,
    Token,
    Vector,
    WhatIf,
)
from seqloom.report import explanation_wording as words
from seqloom.report.wording import MISSING

_SHOWN = 4
"""The number of values of a vector that a table shows."""
_OTHERS = 3
_LONGEST, _OPTION = 96, 30
"""Characters of a line of a command, and of most options with their values."""


def code(text: str) -> str:
    """A text as Markdown code, safe in a table; no character of the text can end the code."""
    text = " ".join(text.split()) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    inner = text if len(fence) == 1 else f" {text} "
    return f"{fence}{inner.replace('|', chr(92) + '|')}{fence}"


def folded(command: str) -> str:
    """A long command on several lines; each line starts with an option."""
    call, mark, remark = command.partition("  # ")
    lines = [""]
    for word in map(shlex.quote, shlex.split(call)):
        if word.startswith("--") and len(lines[-1]) > _LONGEST - _OPTION:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n ".join(lines) + mark + remark


def token(item: Token) -> str:
    """A token as Markdown code."""
    return code(words.token_text(item))


def tokens(items: Sequence[Token]) -> list[str]:
    """Tokens of one side as Markdown code."""
    return [code(text) for text in words.token_texts(items)]


def source_table(explanation: Explanation) -> str:
    """Positions, tokens and ids of the source."""
    rows = [
        (str(position), name, str(t.token_id))
        for position, (name, t) in enumerate(zip(tokens(explanation.source), explanation.source, strict=True))
    ]
    return _table(("position", "token", "id"), rows)


def target_table(explanation: Explanation) -> str:
    """The input and the output of the decoder at each step."""
    rows = [
        (str(step + 1), token(fed), str(fed.token_id), token(output), str(output.token_id))
        for step, (fed, output) in enumerate(zip(explanation.fed, explanation.target, strict=True))
    ]
    return _table(("step", "input", "id", "output", "id"), rows)


def embedding_table(embedding: Embedding, position: int) -> str:
    """Some numbers of the token embedding, the position embedding and their sum."""
    columns = _columns(len(embedding.token[position]))
    may_be = {
        "token embedding": embedding.token,
        "position embedding": embedding.position,
        "sum": embedding.total if embedding.position is not None else None,
    }
    rows = [(name, *_picked(row[position], columns)) for name, row in may_be.items() if row is not None]
    return _table(("number", *map(str, columns)), rows)


def sinusoidal(embedding: Embedding) -> bool:
    """Whether the position embeddings are those of Vaswani 2017, with all sines before the cosines."""
    if embedding.position is None:
        return False
    half = len(embedding.position[0]) // 2
    return all(
        abs(value - wave(position, number, half)) < 1e-4 * max(1.0, *map(abs, embedding.total[position]))
        for position, row in enumerate(embedding.position)
        for number, value in enumerate(row)
    )


def wave(position: int, number: int, half: int) -> float:
    """Sinusoidal position embedding (Vaswani 2017, section 3.5): sines first, then cosines."""
    angle = position / 10_000 ** ((number % half) / half)
    return math.sin(angle) if number < half else math.cos(angle)


def score_table(stage: AttentionStage, row: int) -> str:
    """The dot products of one query with all keys, the scores and the attention weights."""
    query, size = stage.query[row], len(stage.query[row])
    rows = []
    for name, key, score, allowed, weight in zip(
        tokens(stage.key_tokens), stage.key, stage.scores[row], stage.mask[row], stage.weights[row], strict=True
    ):
        product = sum(q * k for q, k in zip(query, key, strict=True))
        grown = f"{math.exp(score):.4g}" if allowed else "0"
        rows.append(
            (name, words.decimal(product, 3), words.decimal(score, 3), "" if allowed else "−∞", grown, f"{weight:.4f}")
        )
    return _table(("key", "q·k", f"score = q·k / √{size}", "mask", "e^score", "weight"), rows)


def exactly_softmax(stage: AttentionStage, row: int) -> bool:
    """Whether the weights are the softmax of the masked scores: some position encodings add a bias to the scores."""
    grown = [
        math.exp(score) if allowed else 0.0 for score, allowed in zip(stage.scores[row], stage.mask[row], strict=True)
    ]
    total = sum(grown) or 1.0
    return all(abs(value / total - weight) < 1e-3 for value, weight in zip(grown, stage.weights[row], strict=True))


def sum_table(stage: AttentionStage, row: int) -> str:
    """The first numbers of the values, their weights, and of the weighted sum."""
    rows = [
        (name, f"{weight:.4f}", *_picked(value, range(_SHOWN)))
        for name, weight, value in zip(tokens(stage.key_tokens), stage.weights[row], stage.value, strict=True)
    ]
    rows.append(("**weighted sum**", "", *_picked(stage.context[row], range(_SHOWN))))
    return _table(("key", "weight", *(f"v, number {n}" for n in range(_SHOWN))), rows)


def logit_table(computation: Computation) -> str:
    """Logits, log-probabilities and probabilities of the most likely tokens."""
    whole = log_sum(computation)
    rows = [
        (
            token(logit.token),
            f"{_product(computation.hidden, logit.row)} = {words.decimal(logit.logit, 3)}",
            words.decimal(logit.logit - whole, 3),
            f"{logit.probability:.4f}",
        )
        for logit in computation.logits
    ]
    return _table(("token", "output · row = logit", "log-probability", "probability"), rows)


def log_sum(computation: Computation) -> float:
    """The log-sum-exp of all logits, computed from the most likely token."""
    best = computation.logits[0]
    return best.logit - math.log(best.probability)


def step_table(explanation: Explanation) -> str:
    """For each step the input, the output with its probability, and other candidates."""
    rows = [
        (
            str(number + 1),
            token(fed),
            token(step.token),
            f"{step.probability:.4f}",
            str(step.rank),
            words.decimal(step.entropy, 3),
            ", ".join(_others(step)),
        )
        for number, (fed, step) in enumerate(zip(explanation.fed, explanation.steps, strict=True))
    ]
    return _table(("step", "input", "output", "probability", "rank", "entropy", "other candidates"), rows)


def output_table(explanations: Sequence[Explanation]) -> str:
    """The output of each run and its log-probability."""
    rows = [
        (item.run.label, f"{item.run.parameters:,}", code(item.output), words.decimal(item.log_prob, 3))
        for item in explanations
    ]
    return _table(("run", "parameters", "output", "log-probability"), rows)


def weight_table(explanation: Explanation, step: int) -> str:
    """The attention weights of one decoder step."""
    assert explanation.alignment is not None
    rows = [
        (name, f"{weight:.4f}")
        for name, weight in zip(tokens(explanation.source), explanation.alignment[step], strict=True)
    ]
    return _table(("encoder state of", "weight"), rows)


def agreements_table(explanations: Sequence[Explanation]) -> str:
    """How far each method agrees with the reference alignment and with the other methods."""
    rows = []
    for item in explanations:
        for picture in words.pictures_of(item):
            agreements = picture.agreements
            rows.append((item.run.label, picture.method, *_truth(agreements), *_agreements(agreements)))
    head = ("run", "method", "reference alignment", "random baseline", "weight on it", "occlusion", "gradient")
    return _table(head, rows)


def what_if_table(explanation: Explanation, what_if: WhatIf) -> str:
    """The probability of each output token before and after the change."""
    pairs = zip(explanation.target, what_if.log_probs, what_if.changed_log_probs, strict=True)
    rows = [(token(t), f"{math.exp(before):.4f}", f"{math.exp(after):.4f}") for t, before, after in pairs]
    return _table(("token", "before", "after"), rows)


def _truth(agreements: Agreements) -> tuple[str, str, str]:
    truth = agreements.truth
    return (
        (words.percent(truth.alike), words.percent(truth.chance), words.percent(truth.mass))
        if truth
        else (MISSING,) * 3
    )


def _agreements(agreements: Agreements) -> Iterable[str]:
    return (
        MISSING if item is None else words.percent(item.alike) for item in (agreements.occlusion, agreements.gradient)
    )


def _others(step: Step) -> list[str]:
    others = [item for item in step.candidates if item.token != step.token][:_OTHERS]
    return [f"{token(item.token)} {math.exp(item.log_prob):.4f}" for item in others]


def _product(hidden: Vector, row: Vector) -> str:
    parts = [f"{words.decimal(h, 2)}·{words.decimal(r, 2)}" for h, r in zip(hidden[:2], row[:2], strict=True)]
    return f"{' + '.join(parts)} + …"


def _columns(size: int) -> list[int]:
    """The first numbers of each half: sines and cosines of the position embedding."""
    half = size // 2
    return [number for number in (0, 1, 2, half, half + 1, half + 2) if number < size]


def _picked(row: Vector, columns: Iterable[int]) -> list[str]:
    return [words.decimal(row[column], 3) for column in columns if column < len(row)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; columns of numbers are aligned right."""
    rows = list(rows)
    sides = [
        "---:" if all(re.fullmatch(r"[−0-9.,e+%∞–]*", row[n]) for row in rows) else "---" for n in range(len(head))
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, sides, *rows))
