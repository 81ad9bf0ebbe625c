"""The surprise of language models at a text, as values for the page of explanations and lines for the terminal.

Input: Explanations. Output: short texts and shades (0 to 1). This module does not know HTML.
"""

import math
from typing import Any

from seqloom.explain.explanation import Token
from seqloom.explain.explanations import Explanations
from seqloom.explain.text_surprise import SurpriseComparison, SurprisePart, TextSurprise, TokenSurprise
from seqloom.report import wording
from seqloom.report.explanation_wording import decimal

DARKEST_BITS = 10.0
"""A token of this many bits or more has the darkest shade and the highest bar."""
WIDEST_BITS = 5.0
"""A part with this difference in bits or more has the darkest shade and the longest bar.

A part is the shortest piece of the text that begins and ends between two tokens of every compared model. Its difference is the bits
of a model minus those of the first model.
"""
SCALE = (0, 2, 4, 6, 8, 10)


def surprise_view(explanations: Explanations) -> dict[str, Any] | None:
    """What the page shows; None if no run is a language model."""
    if not explanations.surprises:
        return None
    return {
        "scale": [{"bits": f"{bits}{'+' if bits == SCALE[-1] else ''}", "shade": shade(bits)} for bits in SCALE],
        "runs": [_run(surprise, number) for number, surprise in enumerate(explanations.surprises)],
        "comparison": None
        if explanations.surprise_comparison is None
        else comparison_view(explanations.surprise_comparison),
        "incomparable": len(explanations.surprises) > 1 and explanations.surprise_comparison is None,
    }


def comparison_view(comparison: SurpriseComparison) -> dict[str, Any]:
    """Which parts of the text cost how many bits: sums for each kind of part, and the difference of each model to the first.

    The kinds are those of `Group`: the beginning of a word, the inside of a word, space, punctuation and line ends.
    """
    totals = [math.fsum(group.bits[number] for group in comparison.groups) for number in range(len(comparison.runs))]
    rows: list[dict[str, Any]] = [
        {
            "name": group.group,
            "counts": [wording.number(group.num_parts), wording.number(group.num_characters)],
            "bits": [wording.number(bits, 1) for bits in group.bits],
            "differences": [wording.signed(bits - group.bits[0], 1) for bits in group.bits[1:]],
        }
        for group in comparison.groups
    ]
    rows.append(
        {
            "name": "all",
            "counts": [
                wording.number(len(comparison.parts)),
                wording.number(sum(group.num_characters for group in comparison.groups)),
            ],
            "bits": [wording.number(bits, 1) for bits in totals],
            "differences": [wording.signed(bits - totals[0], 1) for bits in totals[1:]],
        }
    )
    return {
        "runs": comparison.runs,
        "rows": rows,
        "others": [
            {
                "number": number,
                "label": comparison.runs[number],
                "sentence": difference_sentence(comparison, number),
                "parts": [_part(part, number, comparison.runs) for part in comparison.parts],
            }
            for number in range(1, len(comparison.runs))
        ],
    }


def difference_sentence(comparison: SurpriseComparison, number: int) -> str:
    """A sentence on the difference between a model and the first one; it names the kind of part with the largest difference."""
    differences = [group.bits[number] - group.bits[0] for group in comparison.groups]
    total = math.fsum(differences)
    first, other = comparison.runs[0], comparison.runs[number]
    if abs(total) < 0.05:
        return f"{other} needs as many bits for this text as {first}."
    largest = max(zip(comparison.groups, differences, strict=True), key=lambda pair: pair[1] * math.copysign(1, total))
    less = "fewer" if total < 0 else "more"
    return (
        f"{other} needs {wording.number(abs(total), 1)} bits {less} for this text than {first}. The largest part of that: "
        f"{wording.signed(largest[1], 1)} bits at parts of the kind “{largest[0].group}”."
    )


def summary_rows(surprise: TextSurprise) -> dict[str, str]:
    """The numbers of a model at the whole text."""
    mean = surprise.bits / max(1, len(surprise.tokens))
    return {
        "tokens": wording.number(len(surprise.tokens)),
        "bits": wording.number(surprise.bits, 1),
        "bits_per_byte": wording.number(surprise.bits_per_byte, 3),
        "bits_per_character": wording.number(surprise.bits / max(1, surprise.num_characters), 3),
        "perplexity": wording.number(2.0 ** min(mean, 1000.0), 2),
        "context": context_words(surprise),
    }


def context_words(surprise: TextSurprise) -> str:
    """How much context the tokens had."""
    most = wording.plural(surprise.max_context, "token")
    if len(surprise.tokens) <= surprise.window:
        return f"at most {most}"
    return (
        f"at most {most}; windows of {wording.number(surprise.window)} tokens; each starts {wording.number(surprise.stride)} "
        "tokens after the one before"
    )


def shade(bits: float) -> float:
    """How dark the background of a token is, 0 to 1."""
    return round(min(1.0, max(0.0, bits / DARKEST_BITS)), 3)


def shown(text: str) -> str:
    """The characters of a token as the page shows them: line ends and tabs as arrows."""
    return text.replace("\n", "↵").replace("\t", "⇥")


def spoken(text: str) -> str:
    """The characters of a token for a screen reader."""
    names = {"\n": "line end", " ": "space", "\t": "tab", "": "no character of its own"}
    return names.get(text, text.replace("\n", " line end ").strip() or text)


def token_name(token: Token) -> str:
    """The vocabulary's entry of a token, with its spaces and line ends made visible."""
    text = token.text
    return text if text.startswith("<") and text.endswith(">") and len(text) > 2 else shown(text).replace("▁", "␣")


def percent(probability: float) -> str:
    """A probability in percent with two significant digits."""
    if probability >= 0.0995:
        return f"{100 * probability:.0f}%"
    return f"{100 * probability:.2g}%" if probability >= 1e-6 else "below 0.0001%"


def token_row(token: TokenSurprise) -> tuple[str, ...]:
    """The cells of a token in a table: text, bits, probability, rank, context, alternatives."""
    alternatives = ", ".join(
        f"{token_name(candidate.token)} {percent(math.exp(candidate.log_prob))}" for candidate in token.alternatives
    )
    # `token.text` holds the characters that the token adds to the text. If it adds none, its vocabulary entry is shown.
    return (
        shown(token.text).replace(" ", "␣") or token.token.text.replace("▁", "␣"),
        wording.number(token.bits, 2),
        percent(token.probability),
        wording.number(token.rank),
        wording.number(token.context),
        alternatives,
    )


def _run(surprise: TextSurprise, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "label": surprise.run.label,
        "recipe": surprise.run.recipe,
        "corpus": surprise.run.corpus,
        "parameters": wording.compact(surprise.run.parameters),
        "colour": f"arm-{number % 6}",
        "summary": summary_rows(surprise),
        "tokens": [
            {
                "text": shown(token.text) or token_name(token.token),
                "breaks": token.text.count("\n"),
                "shade": shade(token.bits),
                "bits": decimal(token.bits, 1),
                "name": f"{spoken(token.text)}: {decimal(token.bits, 2)} bits, probability {percent(token.probability)}, "
                f"rank {wording.number(token.rank)}",
            }
            for token in surprise.tokens
        ],
        "rows": [token_row(token) for token in surprise.tokens],
    }


def _part(part: SurprisePart, number: int, runs: tuple[str, ...]) -> dict[str, Any]:
    difference = part.bits[number] - part.bits[0]
    return {
        "text": shown(part.text),
        "breaks": part.text.count("\n"),
        "shade": round(min(1.0, abs(difference) / WIDEST_BITS), 3),
        # The model that is less surprised at this part; it decides the colour.
        "side": "first" if difference > 0 else "other",
        "bits": wording.signed(difference, 1),
        "name": f"{spoken(part.text)}: {runs[0]} {decimal(part.bits[0], 2)} bits, {runs[number]} "
        f"{decimal(part.bits[number], 2)} bits, difference {wording.signed(difference, 2)}",
    }
