"""Texts about explanations, and the choice of the picture that is shown first; shared by the page and the static pictures.

Input: an Explanation. Output: short texts and pictures. This module does not know HTML or matplotlib.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.explain.explanation import Agreement, Agreements, Attention, Explanation, Matrix, Token
from seqloom.messages import listed
from seqloom.report.wording import MISSING, plural

_METHODS = {"attention": "Attention", "gradient": "Gradient", "occlusion": "Occlusion"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A matrix of how much each target token depends on each source token, by one method.

    Attributes:
        method: "attention", "gradient" or "occlusion".
        rows: (target tokens, source tokens).
        agreements: its agreement with other methods and with the reference alignment.
    """

    method: str
    rows: Matrix
    agreements: Agreements

    @property
    def title(self) -> str:
        """The heading of the picture."""
        return _METHODS[self.method]


def pictures_of(explanation: Explanation) -> list[Picture]:
    """The pictures of an explanation, attention first."""
    results = []
    if explanation.alignment is not None and explanation.alignment_agreements is not None:
        results.append(Picture("attention", explanation.alignment, explanation.alignment_agreements))
    order = ("occlusion", "gradient")
    for item in sorted(explanation.saliency, key=lambda saliency: order.index(saliency.method)):
        results.append(Picture(item.method, item.source, item.agreements))
    return results


def main_picture(explanation: Explanation) -> Picture | None:
    """The picture that is shown first: attention if there is one, else occlusion, else the gradient."""
    return next(iter(pictures_of(explanation)), None)


def looks_across(attention: Attention, num_sources: int) -> list[Matrix]:
    """The weights of each head from target to source; of a decoder-only model those on the prompt. Empty for other attention."""
    if attention.queries != "target" or attention.keys == "target":
        return []
    return [tuple(row[:num_sources] for row in head) for head in attention.heads]


def token_text(token: Token) -> str:
    """A token as text. A token that continues a word begins with an ellipsis, "…teen"; the space before a word is left out."""
    text = token.text
    if text.startswith("<") and text.endswith(">") and len(text) > 2:
        return text
    if text.startswith("▁"):
        return text[1:].replace("▁", " ") or "␣"
    return f"…{text.replace('▁', ' ')}"


def token_texts(tokens: Sequence[Token]) -> list[str]:
    """The tokens of a text by `token_text`; the first one has no ellipsis."""
    results = [token_text(token) for token in tokens]
    return [results[0].removeprefix("…") or "…", *results[1:]] if results else []


def percent(share: float) -> str:
    """A share in percent: `0.583` as `58%`."""
    return f"{share * 100:.0f}%"


def decimal(value: float | None, digits: int) -> str:
    """A number with a fixed number of decimals and a typographic minus sign; a dash for None."""
    return MISSING if value is None else f"{value:.{digits}f}".replace("-", "−")


def agreements_sentence(agreements: Agreements) -> str:
    """The agreement of a picture with the reference alignment and with other methods, in one or two sentences."""
    parts = []
    if agreements.truth is not None:
        truth = agreements.truth
        parts.append(
            f"Agrees with the reference alignment for {percent(truth.alike)} of {plural(truth.count, 'token')} that have one "
            f"(chance {percent(truth.chance)}); {percent(truth.mass)} of its weight is on it."
        )
    others = {"occlusion": agreements.occlusion, "gradient": agreements.gradient}
    text = [f"{name} for {_agreement(other)}" for name, other in others.items() if other is not None]
    if text:
        parts.append(f"Has its maximum at the same token as {listed(text)}.")
    return " ".join(parts) or "There is no other method and no reference alignment to compare with."


def agreements_short(agreements: Agreements) -> str:
    """The agreement in short: `ref. 92%, occl. 58%`."""
    results = {"ref.": agreements.truth, "occl.": agreements.occlusion, "grad.": agreements.gradient}
    return ", ".join(f"{name} {percent(item.alike)}" for name, item in results.items() if item is not None)


def _agreement(agreement: Agreement) -> str:
    return f"{percent(agreement.alike)} of {agreement.count} (rank correlation {decimal(agreement.rank, 2)})"


def picture_sentence(explanation: Explanation, picture: Picture) -> str:
    """The text alternative of a picture: the source token with the largest value for each target token."""
    source = token_texts(explanation.source)
    text = []
    for token, row in zip(token_texts(explanation.target), picture.rows, strict=True):
        if row:
            text.append(f"{token} at {source[max(range(len(row)), key=row.__getitem__)]}")
    return f"{picture.title} of {explanation.run.label}, the largest value of each token: {'; '.join(text)}."


NODE_STATUSES = {
    "grew": "kept, and continued",
    "dropped": "kept, but none of its continuations was kept",
    "pruned": "not kept",
    "finished": "ended, among the best",
    "outscored": "ended, but others scored better",
    "cut": "ended by the limit of its length",
    "left": "not ended when the search ended",
}


def probability(log_prob: float) -> float:
    """A log-probability as a probability."""
    return math.exp(log_prob)
