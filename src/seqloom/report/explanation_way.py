"""The way through the model, as the page of explanations shows it: strips of numbers, scores, masks, weights, logits.

A Computation enters, drawings and texts for a template leave.
"""

from typing import Any

from markupsafe import Markup

from seqloom.explain.explanation import AttentionStage, Computation, Explanation, Vector
from seqloom.report import explanation_svg as svg
from seqloom.report import explanation_wording as words


def way_view(one: Explanation, found: Computation) -> dict[str, Any]:
    """What the page shows of it: drawings, numbers and the texts beside them."""
    row = found.step
    main = words.main_picture(one)
    weights = main.rows[row] if main is not None else ()
    pointed = max(range(len(weights)), key=weights.__getitem__) if weights else 0
    embeddings = []
    for side in found.embeddings:
        # The source token that the step points at most, and what was fed at the step.
        place = pointed if side.side == "source" else row
        if not side.tokens:
            continue
        parts = {"token embedding": side.token[place]}
        if side.position is not None:
            parts |= {"position embedding": side.position[place], "their sum": side.total[place]}
        embeddings.append(
            {
                "side": side.side,
                "token": words.token_text(side.tokens[place]),
                "position": place,
                "parts": [_strip(name, values) for name, values in parts.items()],
            }
        )
    return {
        "found": found,
        "said": words.token_text(one.target[row]),
        "embeddings": embeddings,
        "stages": [_stage(stage, row) for stage in found.stages],
        "memory": found.memory and svg.numbers(found.memory, "The memory: a row for each source token.", width=640),
        "hidden": _strip("the decoder's output", found.hidden),
        "logits": [
            {
                "token": words.token_text(logit.token),
                "logit": words.decimal(logit.logit, 3),
                "probability": f"{logit.probability:.4f}",
                "row": svg.strip(logit.row, _told("row", logit.row), width=300),
            }
            for logit in found.logits
        ],
    }


def _stage(stage: AttentionStage, row: int) -> dict[str, Any]:
    queries, keys = words.token_texts(stage.query_tokens), words.token_texts(stage.key_tokens)
    asked = min(row, len(queries) - 1)
    numbers = zip(keys, stage.scores[asked], stage.mask[asked], stage.weights[asked], strict=True)
    visible = tuple(
        tuple(score if allowed else 0.0 for score, allowed in zip(scores, mask, strict=True))
        for scores, mask in zip(stage.scores, stage.mask, strict=True)
    )
    masked = [[place for place, allowed in enumerate(mask) if not allowed] for mask in stage.mask]
    softmax = f"Weights of {stage.name}: the softmax of the scores over what may be seen."
    return {
        "name": stage.name,
        "asks": queries[asked],
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
        "context": svg.strip(stage.context[asked], _told("weighted sum", stage.context[asked]), width=220),
        "joined": svg.strip(stage.joined[asked], _told("heads joined", stage.joined[asked])),
    }


def _strip(name: str, values: Vector) -> tuple[str, Markup]:
    """What a strip is, and the strip."""
    told = _told(name, values)
    return told, svg.strip(values, told)


def _told(name: str, values: Vector) -> str:
    return f"{name}: {len(values)} numbers, beginning {', '.join(words.decimal(value, 2) for value in values[:6])}"
