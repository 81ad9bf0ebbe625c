"""How explanations are put into words: tokens, which picture is shown, and how far to believe it.

An Explanation enters, short texts and the pictures to draw leave; the page and the static pictures say the same by it. This module
does not know HTML or matplotlib.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.explain.explanation import Agreement, Attention, Explanation, Matrix, Token, Trust
from seqloom.messages import listed
from seqloom.report.wording import MISSING, plural

_METHODS = {"attention": "Attention", "gradient": "Gradient", "occlusion": "Occlusion"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of how the target looks at the source.

    Attributes:
        method: "attention", "gradient" or "occlusion".
        rows: (T, S).
        trust: how far to believe it.
    """

    method: str
    rows: Matrix
    trust: Trust

    @property
    def title(self) -> str:
        """Its name for people."""
        return _METHODS[self.method]


def pictures_of(explanation: Explanation) -> list[Picture]:
    """What there is to draw from target to source, attention first."""
    results = []
    if explanation.alignment is not None and explanation.alignment_trust is not None:
        results.append(Picture("attention", explanation.alignment, explanation.alignment_trust))
    order = ("occlusion", "gradient")
    for item in sorted(explanation.saliency, key=lambda saliency: order.index(saliency.method)):
        results.append(Picture(item.method, item.source, item.trust))
    return results


def main_picture(explanation: Explanation) -> Picture | None:
    """Attention where there is any, else occlusion, else the gradient."""
    return next(iter(pictures_of(explanation)), None)


def looks_across(attention: Attention, num_sources: int) -> list[Matrix]:
    """The heads' weights from target to source; of a decoder-only model the part that lies on the prompt. Empty for other sides."""
    if attention.queries != "target" or attention.keys == "target":
        return []
    return [tuple(row[:num_sources] for row in head) for head in attention.heads]


def token_text(token: Token) -> str:
    """A token as people read it: a space before it is not shown, a missing one is: "…teen"."""
    text = token.text
    if text.startswith("<") and text.endswith(">") and len(text) > 2:
        return text
    if text.startswith("▁"):
        return text[1:].replace("▁", " ") or "␣"
    return f"…{text.replace('▁', ' ')}"


def token_texts(tokens: Sequence[Token]) -> list[str]:
    """As `token_text`; the first of a text needs no sign that it goes on."""
    results = [token_text(token) for token in tokens]
    return [results[0].removeprefix("…") or "…", *results[1:]] if results else []


def percent(share: float) -> str:
    """`0.583` as `58%`."""
    return f"{share * 100:.0f}%"


def decimal(value: float | None, digits: int) -> str:
    """`-0.44` with a real minus sign; a dash for what is missing."""
    return MISSING if value is None else f"{value:.{digits}f}".replace("-", "−")


def trust_sentence(trust: Trust) -> str:
    """How far to believe a picture, in a sentence or two."""
    parts = []
    if trust.truth is not None:
        truth = trust.truth
        parts.append(
            f"Points at the true source for {percent(truth.alike)} of {plural(truth.count, 'token')} whose source is known "
            f"(chance {percent(truth.chance)}); {percent(truth.mass)} of its weight lies there."
        )
    others = {"occlusion": trust.occlusion, "gradient": trust.gradient}
    text = [f"{name} for {_agreement(other)}" for name, other in others.items() if other is not None]
    if text:
        parts.append(f"Points at the same token as {listed(text)}.")
    return " ".join(parts) or "Nothing to hold it against."


def trust_short(trust: Trust) -> str:
    """`truth 92%, occlusion 58%`."""
    results = {"truth": trust.truth, "occl.": trust.occlusion, "grad.": trust.gradient}
    return ", ".join(f"{name} {percent(item.alike)}" for name, item in results.items() if item is not None)


def _agreement(agreement: Agreement) -> str:
    return f"{percent(agreement.alike)} of {agreement.count} (rank correlation {decimal(agreement.rank, 2)})"


def picture_sentence(explanation: Explanation, picture: Picture) -> str:
    """What a picture shows, for those who do not see it: where each target token looks most."""
    source = token_texts(explanation.source)
    text = []
    for token, row in zip(token_texts(explanation.target), picture.rows, strict=True):
        if row:
            text.append(f"{token} at {source[max(range(len(row)), key=row.__getitem__)]}")
    return f"{picture.title} of {explanation.run.label}, where each token points most: {'; '.join(text)}."


NODE_STATUSES = {
    "grew": "kept, and continued",
    "dropped": "kept, but no continuation was good enough",
    "pruned": "not kept",
    "finished": "ended, among the best",
    "outscored": "ended, but better ones had",
    "cut": "cut at its limit",
    "left": "still there when the search was over",
}


def probability(log_prob: float) -> float:
    """A log-probability as a probability."""
    return math.exp(log_prob)
