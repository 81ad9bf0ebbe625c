"""Figures about language models: the loss by the length of the context, and the words of their samples; and samples side by side.

Input: a comparison of language models. Output: figures, the rows that they draw, and samples. They are empty for files that older
versions wrote, which have no such details.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from seqloom.comparison.comparison import Comparison
from seqloom.messages import listed
from seqloom.report import charts, theme, wording
from seqloom.report import encodings as enc
from seqloom.report.encodings import Palette
from seqloom.report.figure import Figure
from seqloom.report.rows import Row
from seqloom.report.tables import Table
from seqloom.report.theme import ArmStyle
from seqloom.tasks.text_details import ContextPoint, Share, TextDetails, WordUse

HELD_OUT = "Held-out text"
_X_TICKS = [0, 1, 3, 10, 30, 100, 300, 1_000, 3_000]
# The ranks that the chart of words draws: so many in each factor of 10.
_RANKS_A_DECADE = 8


def text_charts(comparison: Comparison, palette: Palette) -> tuple[list[Figure], dict[str, list[Row]]]:
    """For each test split a figure of the loss by context, and one of the words; and their rows by the name of the data set."""
    figures: list[Figure] = []
    datasets: dict[str, list[Row]] = {}
    styles = theme.arm_styles(comparison)
    for number, (test, details) in enumerate(details_by_test(comparison).items()):
        arms = [styles[name] for name in details]
        of = "" if len(comparison.test_labels) == 1 else f", {comparison.test_labels[test]}"
        contexts = {styles[name].label: item.context for name, item in details.items() if item.context}
        if contexts:
            datasets[f"context-{number}"] = _context_rows(contexts)
            sentence = _context_sentence(contexts)
            spec = charts.specification(_context_chart(f"context-{number}", arms, palette), sentence)
            title = f"Loss by the length of the context{of}"
            figures.append(Figure(f"context-{number}", title, sentence, spec, _context_table(contexts)))
        words = _words(details, styles)
        datasets[f"words-{number}"] = _word_rows(words)
        sentence = _word_sentence(words)
        spec = charts.specification(_word_chart(f"words-{number}", arms, palette), sentence)
        figures.append(
            Figure(f"words-{number}", f"Words of the samples{of}", sentence, spec, _word_table(details, words))
        )
    return figures, datasets


def details_by_test(comparison: Comparison) -> dict[str, dict[str, TextDetails]]:
    """The details of the arms that have them, in the order of the arms, by test split."""
    results: dict[str, dict[str, TextDetails]] = {}
    for test in comparison.test_labels:
        for arm in comparison.arms:
            values = comparison.details.get(arm.name, {}).get(test, {})
            if "continuations" in values:
                results.setdefault(test, {})[arm.name] = TextDetails.model_validate(values)
    return results


def continuations(comparison: Comparison) -> list[dict[str, Any]]:
    """Samples from the same prompts: the prompt, the held-out text that follows it, and what each arm wrote."""
    samples = []
    for test, details in details_by_test(comparison).items():
        first = next(iter(details.values()))
        for number, item in enumerate(first.continuations):
            outputs = {
                name: other.continuations[number].text
                for name, other in details.items()
                if number < len(other.continuations) and other.continuations[number].prompt == item.prompt
            }
            samples.append(
                {
                    "test_label": comparison.test_labels[test],
                    "prompt": item.prompt,
                    "human": item.human,
                    "outputs": outputs,
                    "seed": first.seed,
                }
            )
    return samples


def gain_ends_at(points: Sequence[ContextPoint]) -> ContextPoint:
    """The first point such that no later point lies below its interval: from there on, more context lowers the loss no more."""
    for number, point in enumerate(points):
        low = point.low if point.low is not None else point.bits_per_byte
        if all(later.bits_per_byte >= low for later in points[number + 1 :]):
            return point
    return points[-1]


def _context_rows(contexts: Mapping[str, Sequence[ContextPoint]]) -> list[Row]:
    return [
        {
            "arm": label,
            "characters": point.characters,
            "value": point.bits_per_byte,
            "low": point.bits_per_byte if point.low is None else point.low,
            "high": point.bits_per_byte if point.high is None else point.high,
            "tokens": _tokens(point),
            "text": _with_interval(point),
        }
        for label, points in contexts.items()
        for point in points
    ]


def _context_chart(dataset: str, arms: Sequence[ArmStyle], palette: Palette) -> Any:
    x = alt.X(
        "characters:Q",
        title="characters of context (mean)",
        scale=alt.Scale(type="symlog", constant=1, nice=False),
        axis=alt.Axis(values=_X_TICKS, grid=False),
    )
    y = alt.Y("value:Q", title="bits per byte", scale=alt.Scale(zero=False), axis=enc.ticks())
    base = enc.base(dataset).encode(x=x, color=enc.colour(arms, palette))
    return (
        alt.layer(
            base.mark_area().encode(
                y=alt.Y("low:Q", title="bits per byte"),
                y2=alt.Y2("high:Q"),
                opacity=enc.opacity(0.16, 0.03),
                detail=alt.Detail("arm:N"),
            ),
            base.mark_line(strokeWidth=2.2).encode(y=y, strokeDash=enc.dash(arms), opacity=enc.opacity()),
            base.mark_point(size=50, filled=True).encode(
                y=y,
                shape=enc.shape(arms),
                opacity=enc.opacity(),
                tooltip=enc.tooltips("arm:N", "tokens:N", "characters:Q", "text:N"),
            ),
        )
        .properties(height=300)
        .add_params(enc.focus())
    )


def _context_sentence(contexts: Mapping[str, Sequence[ContextPoint]]) -> str:
    parts = []
    for label, points in contexts.items():
        ends = gain_ends_at(points)
        falls = f"{label} to {wording.number(ends.bits_per_byte, 2)} at {wording.number(ends.characters)} characters"
        parts.append(f"{falls} (its longest context)" if ends is points[-1] else falls)
    return (
        "Bits per byte (lower is better) at tokens with little and with much text before them, with 95% intervals. The loss falls "
        f"up to a point if no later point lies below its interval: {listed(parts)}."
    )


def _context_table(contexts: Mapping[str, Sequence[ContextPoint]]) -> Table:
    rows = [
        (
            label,
            _tokens(point),
            wording.number(point.characters, 1),
            wording.number(point.num_tokens),
            wording.number(point.bits_per_byte, 3),
            wording.MISSING
            if point.low is None or point.high is None
            else f"[{wording.number(point.low, 3)}, {wording.number(point.high, 3)}]",
        )
        for label, points in contexts.items()
        for point in points
    ]
    columns = ("Arm", "Tokens of context", "Characters (mean)", "Tokens scored", "Bits per byte", "95% interval")
    return Table("Loss by the length of the context", columns, tuple(rows))


def _tokens(point: ContextPoint) -> str:
    return str(point.first) if point.first == point.last else f"{point.first}–{point.last}"


def _with_interval(point: ContextPoint) -> str:
    text = wording.number(point.bits_per_byte, 3)
    if point.low is None or point.high is None:
        return text
    return f"{text} [{wording.number(point.low, 3)}, {wording.number(point.high, 3)}]"


def _words(details: Mapping[str, TextDetails], styles: Mapping[str, ArmStyle]) -> dict[str, WordUse]:
    """The words of each arm and of the held-out text, by label."""
    human = next(iter(details.values())).human_words
    return {**{styles[name].label: item.words for name, item in details.items()}, HELD_OUT: human}


def _word_rows(words: Mapping[str, WordUse]) -> list[Row]:
    return [
        {
            "arm": label,
            "rank": rank,
            "frequency": 1000 * use.counts[rank - 1] / use.num_words,
            "text": wording.plural(use.counts[rank - 1], "time"),
        }
        for label, use in words.items()
        for rank in _ranks(len(use.counts))
    ]


def _ranks(count: int) -> list[int]:
    """Some ranks from 1 to `count`, at equal distances on a logarithmic axis."""
    if not count:
        return []
    steps = range(math.floor(_RANKS_A_DECADE * math.log10(count)) + 1)
    return sorted({*(round(10 ** (step / _RANKS_A_DECADE)) for step in steps), count})


def _word_chart(dataset: str, arms: Sequence[ArmStyle], palette: Palette) -> Any:
    log = alt.Scale(type="log", nice=False)
    x = alt.X(
        "rank:Q", title="rank of the word", scale=log, axis=alt.Axis(values=[1, 10, 100, 1_000, 10_000], grid=False)
    )
    y = alt.Y(
        "frequency:Q",
        title="occurrences in 1,000 words",
        scale=log,
        axis=alt.Axis(values=[0.01, 0.1, 1, 10, 100], format="~g"),
    )
    base = enc.base(dataset).encode(x=x, y=y)
    held_out = base.transform_filter(alt.FieldEqualPredicate(field="arm", equal=HELD_OUT))
    samples = base.transform_filter(f"datum.arm != '{HELD_OUT}'")
    samples = samples.encode(color=enc.colour(arms, palette), opacity=enc.opacity())
    text = enc.tooltips("arm:N", "rank:Q", "frequency:Q", "text:N")
    return (
        alt.layer(
            # Wide and behind the others, so that it is seen where they follow it.
            held_out.mark_line(strokeWidth=8, opacity=0.35, color=palette["outside"], strokeCap="round"),
            samples.mark_line(strokeWidth=1.8).encode(strokeDash=enc.dash(arms)),
            samples.mark_point(size=34, filled=True).encode(shape=enc.shape(arms), tooltip=text),
            held_out.mark_circle(size=60, fillOpacity=0).encode(tooltip=text),
        )
        .properties(height=300)
        .add_params(enc.focus())
    )


def _word_sentence(words: Mapping[str, WordUse]) -> str:
    parts = [f"{_share(use.unseen)} ({label})" for label, use in words.items()]
    return (
        "How often words occur, by their rank, in samples from held-out prompts and in the held-out text that follows them (wide "
        f"grey line). The share of words that never occur in the training text: {listed(parts)}."
    )


def _word_table(details: Mapping[str, TextDetails], words: Mapping[str, WordUse]) -> Table:
    first = next(iter(details.values()))
    rows = tuple(
        (
            label,
            wording.number(use.num_words),
            wording.number(len(use.counts)),
            _share_with_interval(use.unseen),
            _share_with_interval(use.repeated),
            ", ".join(f"{word} {wording.number(count)}" for word, count in use.frequent),
        )
        for label, use in words.items()
    )
    looked_up = (
        "" if first.training_is_whole else f" (its first {wording.number(first.training_characters)} characters)"
    )
    columns = (
        "Text",
        "Words",
        "Distinct words",
        f"Never in the training text{looked_up}",
        "Repeated sequences of four words",
        "Most frequent",
    )
    caption = (
        f"Words of {wording.plural(first.num_samples, 'sample')} of up to {wording.number(first.sample_characters)} characters "
        f"(seed {first.seed}), with 95% intervals over samples"
    )
    return Table(caption, columns, rows, frozenset({5}))


def _share(share: Share) -> str:
    return f"{wording.number(share.value, 1)}%"


def _share_with_interval(share: Share) -> str:
    if share.low is None or share.high is None:
        return _share(share)
    return f"{_share(share)} [{wording.number(share.low, 1)}, {wording.number(share.high, 1)}]"
