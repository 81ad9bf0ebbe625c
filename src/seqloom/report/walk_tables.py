"""The numbers of a walk as Markdown tables, each so that its reader can work it out again.

Parts of an Explanation enter, Markdown leaves. What is printed is what the model computed; nothing is computed anew but products
and exponentials of printed numbers.
"""

import math
import re
import shlex
from collections.abc import Iterable, Sequence

from seqloom.explain.explanation import (
    AttentionStage,
    Computation,
    Embedding,
    Explanation,
    Step,
    Token,
    Trust,
    Vector,
    WhatIf,
)
from seqloom.report import explanation_wording as words
from seqloom.report.wording import MISSING

_SHOWN = 4
"""How many numbers of a vector a table shows."""
_OTHERS = 3
_LONGEST, _OPTION = 96, 30
"""Characters of a command's line, and of most options with what follows them."""


def code(text: str) -> str:
    """A text as Markdown's code, which nothing in it can end; it may stand in a table."""
    text = " ".join(text.split()) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    inner = text if len(fence) == 1 else f" {text} "
    return f"{fence}{inner.replace('|', chr(92) + '|')}{fence}"


def folded(command: str) -> str:
    """A command over several lines, each beginning with an option, where one line would be too long to read."""
    call, mark, remark = command.partition("  # ")
    lines = [""]
    for word in map(shlex.quote, shlex.split(call)):
        if word.startswith("--") and len(lines[-1]) > _LONGEST - _OPTION:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n ".join(lines) + mark + remark


def token(item: Token) -> str:
    """A token as code."""
    return code(words.token_text(item))


def tokens(items: Sequence[Token]) -> list[str]:
    """Tokens of one side as code."""
    return [code(text) for text in words.token_texts(items)]


def source_table(explanation: Explanation) -> str:
    """Places, tokens and ids of the source."""
    rows = [
        (str(index), name, str(t.token_id))
        for index, (name, t) in enumerate(zip(tokens(explanation.source), explanation.source, strict=True))
    ]
    return _table(("place", "token", "id"), rows)


def target_table(explanation: Explanation) -> str:
    """What the decoder is fed at each step, and what it says."""
    rows = [
        (str(step + 1), token(fed), str(fed.token_id), token(said), str(said.token_id))
        for step, (fed, said) in enumerate(zip(explanation.fed, explanation.target, strict=True))
    ]
    return _table(("step", "is fed", "id", "says", "id"), rows)


def embedding_table(embedding: Embedding, position: int) -> str:
    """Some numbers of one token's embedding, its position's, and their sum."""
    columns = _columns(len(embedding.token[position]))
    may_be = {
        "token embedding": embedding.token,
        "position embedding": embedding.position,
        "sum": embedding.total if embedding.position is not None else None,
    }
    rows = [(name, *_picked(row[position], columns)) for name, row in may_be.items() if row is not None]
    return _table(("number", *map(str, columns)), rows)


def sinusoidal(embedding: Embedding) -> bool:
    """Whether the position embeddings are the paper's sines and cosines, in halves."""
    if embedding.position is None:
        return False
    half = len(embedding.position[0]) // 2
    return all(
        abs(value - wave(index, number, half)) < 1e-4 * max(1.0, *map(abs, embedding.total[index]))
        for index, row in enumerate(embedding.position)
        for number, value in enumerate(row)
    )


def wave(position: int, number: int, half: int) -> float:
    """Sinusoidal position embedding (Vaswani 2017, section 3.5): sines first, then cosines."""
    angle = position / 10_000 ** ((number % half) / half)
    return math.sin(angle) if number < half else math.cos(angle)


def score_table(stage: AttentionStage, row: int) -> str:
    """From a query's products with the keys to its weights."""
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
    """Whether the weights are the softmax of the scores and the mask alone: some positions add a bias of their own."""
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
    """Logits, exponentials over that of the whole vocabulary, probabilities."""
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
    """The logarithm of the sum of all exponentials, by the likeliest token."""
    best = computation.logits[0]
    return best.logit - math.log(best.probability)


def step_table(explanation: Explanation) -> str:
    """Each step: what was fed, what was said and how likely it was, and what else might have been."""
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
    return _table(("step", "is fed", "says", "probability", "rank", "entropy", "other candidates"), rows)


def output_table(explanations: Sequence[Explanation]) -> str:
    """What each run says, and how surely."""
    rows = [
        (
            explanation.run.label,
            f"{explanation.run.parameters:,}",
            code(explanation.output),
            words.decimal(explanation.log_prob, 3),
        )
        for explanation in explanations
    ]
    return _table(("run", "parameters", "says", "log-probability"), rows)


def weight_table(explanation: Explanation, step: int) -> str:
    """The alignment of one step."""
    assert explanation.alignment is not None
    rows = [
        (name, f"{weight:.4f}")
        for name, weight in zip(tokens(explanation.source), explanation.alignment[step], strict=True)
    ]
    return _table(("encoder state of", "weight"), rows)


def trust_table(explanations: Sequence[Explanation]) -> str:
    """How far each picture agrees with the truth and with the other methods."""
    rows = []
    for explanation in explanations:
        for picture in words.pictures_of(explanation):
            trust = picture.trust
            rows.append((explanation.run.label, picture.method, *_truth(trust), *_agreements(trust)))
    head = ("run", "picture", "true source", "chance", "weight there", "like occlusion", "like gradient")
    return _table(head, rows)


def what_if_table(explanation: Explanation, what_if: WhatIf) -> str:
    """How likely each token was, and is under the change."""
    pairs = zip(explanation.target, what_if.log_probs, what_if.changed_log_probs, strict=True)
    rows = [(token(t), f"{math.exp(before):.4f}", f"{math.exp(after):.4f}") for t, before, after in pairs]
    return _table(("token", "before", "after"), rows)


def _truth(trust: Trust) -> tuple[str, str, str]:
    truth = trust.truth
    return (
        (words.percent(truth.alike), words.percent(truth.chance), words.percent(truth.mass))
        if truth
        else (MISSING,) * 3
    )


def _agreements(trust: Trust) -> Iterable[str]:
    return (MISSING if item is None else words.percent(item.alike) for item in (trust.occlusion, trust.gradient))


def _others(step: Step) -> list[str]:
    others = [candidate for candidate in step.candidates if candidate.token != step.token][:_OTHERS]
    return [f"{token(other.token)} {math.exp(other.log_prob):.4f}" for other in others]


def _product(hidden: Vector, row: Vector) -> str:
    parts = [f"{words.decimal(h, 2)}·{words.decimal(r, 2)}" for h, r in zip(hidden[:2], row[:2], strict=True)]
    return f"{' + '.join(parts)} + …"


def _columns(size: int) -> list[int]:
    """The first numbers of each half: where position embeddings are sines, and where they are cosines."""
    half = size // 2
    return [number for number in (0, 1, 2, half, half + 1, half + 2) if number < size]


def _picked(row: Vector, columns: Iterable[int]) -> list[str]:
    return [words.decimal(row[column], 3) for column in columns if column < len(row)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of numbers stand to the right."""
    rows = list(rows)
    sides = [
        "---:" if all(re.fullmatch(r"[−0-9.,e+%∞–]*", row[n]) for row in rows) else "---" for n in range(len(head))
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, sides, *rows))
