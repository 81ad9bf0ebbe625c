"""The computation of a step on the page of explanations: embeddings, queries and keys, scores, masks, weights, logits.

Input: a Computation. Output: drawings and texts for the template.
"""

from typing import Any

from markupsafe import Markup

from seqloom.explain.explanation import AttentionStage, Computation, Explanation, Vector
from seqloom.report import explanation_svg as svg
from seqloom.report import explanation_wording as words


def way_view(explanation: Explanation, computation: Computation) -> dict[str, Any]:
    """The drawings, numbers and texts that the page shows of a computation."""
    row = computation.step
    main = words.main_picture(explanation)
    weights = main.rows[row] if main is not None else ()
    pointed = max(range(len(weights)), key=weights.__getitem__) if weights else 0
    embeddings = []
    for side in computation.embeddings:
        # The source token with the largest weight, and the token that was fed at the step.
        position = pointed if side.side == "source" else row
        if not side.tokens:
            continue
        parts = {"token embedding": side.token[position]}
        if side.position is not None:
            parts |= {"position embedding": side.position[position], "their sum": side.total[position]}
        embeddings.append(
            {
                "side": side.side,
                "token": words.token_text(side.tokens[position]),
                "position": position,
                "parts": [_strip(name, values) for name, values in parts.items()],
            }
        )
    return {
        "computation": computation,
        "token": words.token_text(explanation.target[row]),
        "embeddings": embeddings,
        "stages": [_stage(stage, row) for stage in computation.stages],
        "memory": computation.memory
        and svg.numbers(computation.memory, "The memory: a row for each source token.", width=640),
        "hidden": _strip("the decoder's output", computation.hidden),
        "logits": [
            {
                "token": words.token_text(logit.token),
                "logit": words.decimal(logit.logit, 3),
                "probability": f"{logit.probability:.4f}",
                "row": svg.strip(logit.row, _described("row", logit.row), width=300),
            }
            for logit in computation.logits
        ],
    }


def _stage(stage: AttentionStage, row: int) -> dict[str, Any]:
    queries, keys = words.token_texts(stage.query_tokens), words.token_texts(stage.key_tokens)
    query = min(row, len(queries) - 1)
    numbers = zip(keys, stage.scores[query], stage.mask[query], stage.weights[query], strict=True)
    visible = tuple(
        tuple(score if allowed else 0.0 for score, allowed in zip(scores, mask, strict=True))
        for scores, mask in zip(stage.scores, stage.mask, strict=True)
    )
    masked = [[index for index, allowed in enumerate(mask) if not allowed] for mask in stage.mask]
    softmax = f"Weights of {stage.name}: the softmax of the scores over the positions that are not masked."
    return {
        "name": stage.name,
        "asks": queries[query],
        "size": len(stage.query[0]),
        "matrices": [
            (name, svg.numbers(rows, f"{name} of {stage.name}, {len(rows)} by {len(rows[0])} numbers.", width=220))
            for name, rows in (("Q", stage.query), ("K", stage.key), ("V", stage.value))
        ],
        "scores": svg.heatmap(visible, keys, queries, f"Scores of {stage.name}.", cell=18, masked=masked),
        "weights": svg.heatmap(stage.weights, keys, queries, softmax, cell=18, masked=masked),
        "row": [
            {
                "key": key,
                "score": words.decimal(score, 3),
                "mask": "" if allowed else "masked",
                "weight": f"{weight:.4f}",
            }
            for key, score, allowed, weight in numbers
        ],
        "context": svg.strip(stage.context[query], _described("weighted sum", stage.context[query]), width=220),
        "joined": svg.strip(stage.joined[query], _described("heads joined", stage.joined[query])),
    }


def _strip(name: str, values: Vector) -> tuple[str, Markup]:
    """The label of a vector, and its drawing."""
    text = _described(name, values)
    return text, svg.strip(values, text)


def _described(name: str, values: Vector) -> str:
    return f"{name}: {len(values)} numbers, beginning {', '.join(words.decimal(value, 2) for value in values[:6])}"
