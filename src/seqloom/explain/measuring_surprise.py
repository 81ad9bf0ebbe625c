"""Surprise: a language model and a text -> the surprise at each token; several of them -> where they differ.

Tokens are predicted in the windows of `seqloom score --text` and by the same code, so the sums are the same. Only the contract of
models is used.
"""

import math
from collections.abc import Iterator, Sequence

from seqloom.errors import ConfigError
from seqloom.explain.explained_run import run_facts
from seqloom.explain.explanation import Candidate, Token
from seqloom.explain.rounding import rounded
from seqloom.explain.text_surprise import (
    Group,
    GroupSurprise,
    SurpriseComparison,
    SurprisePart,
    TextSurprise,
    TokenSurprise,
)
from seqloom.messages import counted
from seqloom.run.load import Run
from seqloom.tasks import task_of

MAX_CHARACTERS = 10_000
"""The longest text: a page has an element for each token."""

MOST_EXPLAINED_TOKENS = 128
"""The longest text whose continuation is explained step by step as well, unless the user asks for it."""

_GROUPS: tuple[Group, ...] = ("beginning of a word", "inside a word", "space", "punctuation", "line end")


def measure_surprise(run: Run, text: str, *, top: int = 5) -> TextSurprise:
    """How surprised a language model is by each token of a text, from its beginning.

    The text is read like a document of its own: its first tokens have little context. A model with a limited context reads it in
    windows that overlap by half.

    Args:
        top: alternatives to keep for each token.

    Raises:
        ConfigError: the run is a model of pairs, or the text is too long for a page.
        CorpusError: the text is empty.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            f"the text has {counted(len(text), 'character')}, but the surprise of at most {MAX_CHARACTERS:,} is shown; take a "
            "shorter text (seqloom score --text FILE --per token scores texts of any length)"
        )
    predictions = task_of(run.info.corpus.kind).predict_text(run, text, num_top=top)
    tokenizer = run.tokenizer
    ids = [token.token_id for token in predictions.tokens]
    decoded = tokenizer.decode_tgt(ids)
    shown = sorted({*ids, *(token_id for token in predictions.tokens for token_id, _ in token.top)})
    names = dict(zip(shown, tokenizer.tgt_tokens(shown), strict=True))
    tokens = []
    for prediction, (begin, end) in zip(predictions.tokens, tokenizer.tgt_spans(ids), strict=True):
        tokens.append(
            TokenSurprise(
                text=decoded[begin:end],
                begin=begin,
                end=end,
                token=Token(text=names[prediction.token_id], token_id=prediction.token_id),
                bits=rounded(-prediction.log_prob / math.log(2)),
                log_prob=rounded(prediction.log_prob),
                probability=rounded(math.exp(prediction.log_prob)),
                rank=prediction.rank,
                entropy=rounded(prediction.entropy / math.log(2)),
                context=prediction.context,
                group=group_of(decoded, begin, end),
                alternatives=tuple(
                    Candidate(token=Token(text=names[token_id], token_id=token_id), log_prob=rounded(log_prob))
                    for token_id, log_prob in prediction.top
                ),
            )
        )
    return TextSurprise(
        run=run_facts(run),
        text=decoded,
        tokens=tuple(tokens),
        bits=math.fsum(-prediction.log_prob for prediction in predictions.tokens) / math.log(2),
        num_bytes=len(decoded.encode("utf-8", "replace")),
        num_characters=len(decoded),
        window=predictions.window,
        stride=predictions.stride,
        max_context=max(prediction.context for prediction in predictions.tokens),
    )


def shows_surprise(run: Run) -> bool:
    """Whether a run is a language model of plain text."""
    return task_of(run.info.corpus.kind).predicts_text


def only_surprise(run: Run, surprise: TextSurprise) -> str | None:
    """Why a text is not explained step by step as well; None if it is."""
    if run.model.fitted_by_counting:
        return (
            "this model is fitted by counting, so only its surprise is shown: it has no attention, gradients or states"
        )
    if len(surprise.tokens) > MOST_EXPLAINED_TOKENS:
        return (
            f"the text has {counted(len(surprise.tokens), 'token')}, more than {MOST_EXPLAINED_TOKENS}, so only its surprise is "
            "shown, and no explanation of what follows it"
        )
    return None


def compare_surprises(surprises: Sequence[TextSurprise]) -> SurpriseComparison | None:
    """Sums the bits of each model over the smallest parts of the text that begin and end between tokens of all models.

    Returns:
        None if there are fewer than two models, or if their tokenizers normalise the text in different ways.
    """
    if len(surprises) < 2 or len({surprise.text for surprise in surprises}) > 1:
        return None
    text = surprises[0].text
    shared = set.intersection(*({token.end for token in surprise.tokens if token.text} for surprise in surprises))
    bits = [list(_bits_between(surprise.tokens, shared)) for surprise in surprises]
    parts, begin = [], 0
    for end, *values in zip(sorted(shared), *bits, strict=True):
        group = group_of(text, begin, end)
        parts.append(SurprisePart(text=text[begin:end], begin=begin, end=end, group=group, bits=tuple(values)))
        begin = end
    labels = [surprise.run.label for surprise in surprises]
    names = tuple(s.run.label if labels.count(s.run.label) == 1 else s.run.folder for s in surprises)
    return SurpriseComparison(runs=names, parts=tuple(parts), groups=tuple(_sums(parts, len(surprises))))


def group_of(text: str, begin: int, end: int) -> Group:
    """The kind of a part of a text; see `Group`."""
    part = text[begin:end]
    if "\n" in part:
        return "line end"
    if not part.strip():
        return "space"
    first = next((position for position in range(begin, end) if text[position].isalnum()), None)
    if first is None:
        return "punctuation"
    return "inside a word" if first and text[first - 1].isalnum() else "beginning of a word"


def _bits_between(tokens: Sequence[TokenSurprise], ends: set[int]) -> Iterator[float]:
    """The bits of the tokens up to each end. Tokens that add no character count with the character that a later one completes."""
    sums: list[float] = []
    bits = 0.0
    for token in tokens:
        bits += token.bits
        if token.text and token.end in ends:
            sums.append(bits)
            bits = 0.0
    if sums:
        sums[-1] += bits
    yield from map(rounded, sums)


def _sums(parts: Sequence[SurprisePart], num_runs: int) -> Iterator[GroupSurprise]:
    for group in _GROUPS:
        own = [part for part in parts if part.group == group]
        if own:
            yield GroupSurprise(
                group=group,
                num_parts=len(own),
                num_characters=sum(len(part.text) for part in own),
                bits=tuple(rounded(math.fsum(part.bits[number] for part in own)) for number in range(num_runs)),
            )
