"""The computation of a model, as lectures draw it: embeddings, positions, Q, K, V, scores, mask, softmax, sum, heads, logits.

Input: a model and a sentence; output: the numbers of one layer, one head and one step. Parts that an architecture does not have
are left out; no code asks for the architecture.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from seqloom.explain.explanation import AttentionStage, Computation, Embedding, Logit, Side, Token
from seqloom.explain.rounding import matrix, rounded, vector
from seqloom.explain.sentence import Sentence, in_text_order
from seqloom.explain.steps import NameTokens
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks

_STAGE = re.compile(r"(?P<stem>(?P<side>encoder|prompt|decoder)\.(?P<layer>\d+)\.(?P<kind>self|cross))\.query")
_PADDING = 2
_TOP = 5


@torch.no_grad()
def computation_of(
    model: Model, sentence: Sentence, *, layer: int, head: int, step: int, name_src: NameTokens, name_tgt: NameTokens
) -> Computation:
    """Computes one step.

    Args:
        layer: if a side has fewer layers, its last one is shown.
        step: a position of the target.
        name_src: source ids -> tokens.
        name_tgt: target ids -> tokens.
    """
    hooks = ActivationHooks()
    padding = _PADDING if sentence.src_ids else 0
    hidden = model(sentence.batch(model, padding=padding), hooks)[0, step]
    src = name_src([*sentence.src_ids, *[model.vocab.pad_id] * padding])
    fed = name_tgt(sentence.fed_ids)
    memory = next((hooks.tensors[n][0][0] for n in ("encoder.memory", "prompt.memory") if n in hooks.tensors), None)
    return Computation(
        layer=layer,
        head=head,
        step=step,
        padding=padding,
        embeddings=tuple(_embeddings(hooks, src, fed)),
        stages=tuple(_stages(hooks, layer, head, src, fed)),
        memory=None if memory is None else matrix(memory),
        hidden=vector(hidden),
        logits=_logits(model, hidden, name_tgt),
    )


def _embeddings(hooks: ActivationHooks, src: Sequence[Token], fed: Sequence[Token]) -> list[Embedding]:
    embeddings = []
    for name in ("encoder", "prompt", "decoder"):
        if f"{name}.tokens" not in hooks.tensors:
            continue
        side: Side = "target" if name == "decoder" else "source"
        token = hooks.tensors[f"{name}.tokens"][0][0]
        total = hooks.tensors.get(f"{name}.embedded", [token[None]])[0][0]
        if side == "source":
            token, total = (in_text_order(hooks, tensor, 0) for tensor in (token, total))
        position = total - token
        embeddings.append(
            Embedding(
                side=side,
                tokens=tuple(src if side == "source" else fed),
                token=matrix(token),
                position=matrix(position) if bool(position.any()) else None,
                total=matrix(total),
            )
        )
    return embeddings


def _stages(
    hooks: ActivationHooks, layer: int, head: int, src: Sequence[Token], fed: Sequence[Token]
) -> list[AttentionStage]:
    stages: dict[tuple[str, str], AttentionStage] = {}
    for name in list(hooks.tensors):
        match = _STAGE.fullmatch(name)
        if match is not None and int(match["layer"]) <= layer:
            # A later layer replaces an earlier one, up to the requested layer.
            stages[match["side"], match["kind"]] = _stage(hooks, match, head, src, fed)
    return list(stages.values())


def _stage(
    hooks: ActivationHooks, match: "re.Match[str]", head: int, src: Sequence[Token], fed: Sequence[Token]
) -> AttentionStage:
    stem, own = match["stem"], match["side"] != "decoder"

    def of(part: str, *axes: str) -> Tensor:
        """A recorded tensor of this head, with its axes over the source in the order of the text."""
        tensor = hooks.tensors[f"{stem}.{part}"][0][0]
        tensor = tensor if part == "joined" else tensor[min(head, tensor.shape[0] - 1)]
        for dim, axis in enumerate(axes):
            if axis == "queries" and own:
                tensor = in_text_order(hooks, tensor, dim)
            elif axis == "keys" and match["kind"] == "self":
                tensor = _keys_in_order(hooks, tensor, dim, len(src), own)
        return tensor

    scores = of("scores", "queries", "keys")
    query, key = of("query", "queries"), of("key", "keys")
    keys = [*src] if own or match["kind"] == "cross" else [*src, *fed] if scores.shape[1] > len(fed) else [*fed]
    return AttentionStage(
        name=stem,
        head=head,
        query_tokens=tuple(src if own else fed),
        key_tokens=tuple(keys),
        query=matrix(query),
        key=matrix(key),
        value=matrix(of("value", "keys")),
        scores=matrix(query @ key.T * query.shape[1] ** -0.5),
        mask=tuple(tuple(row) for row in scores.isfinite().tolist()),
        weights=matrix(of("attn_weights", "queries", "keys")),
        context=matrix(of("context", "queries")),
        joined=matrix(of("joined", "queries")),
    )


def _keys_in_order(hooks: ActivationHooks, tensor: Tensor, dim: int, src_len: int, own: bool) -> Tensor:
    if own:
        return in_text_order(hooks, tensor, dim)
    length = tensor.shape[dim]
    if length <= src_len or "source.order" not in hooks.tensors or "prompt.tokens" not in hooks.tensors:
        return tensor
    # The keys of a decoder-only model are those of the prompt, then those of the answer.
    prompt, answer = tensor.split([src_len, length - src_len], dim=dim)
    return torch.cat([in_text_order(hooks, prompt, dim), answer], dim=dim)


def _logits(model: Model, hidden: Tensor, name_tokens: NameTokens) -> tuple[Logit, ...]:
    logits = model.project(hidden[None])[0]
    rows, _ = model.output_weights()
    best = logits.topk(min(_TOP, len(logits))).indices.tolist()
    probabilities = logits.softmax(dim=0)
    return tuple(
        Logit(
            token=token,
            row=vector(rows[token_id]),
            logit=rounded(float(logits[token_id])),
            probability=rounded(float(probabilities[token_id])),
        )
        for token, token_id in zip(name_tokens(best), best, strict=True)
    )
