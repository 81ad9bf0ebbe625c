"""Static pictures of explanations, for papers and slides: PNG, SVG or PDF, by matplotlib (an extra).

Explanations enter, figures and files leave. Every picture of where a model looks says in its caption how far to believe it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.errors import ConfigError
from seqloom.explain.explanation import BeamTree, Explanation, Explanations, Matrix
from seqloom.files import writing
from seqloom.report import explanation_wording as words
from seqloom.report import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_CELL = 0.27
_INK, _MUTED, _RULE = theme.LIGHT["ink"], theme.LIGHT["muted"], theme.LIGHT["rule"]
_ACCENT, _AGAINST, _PAPER = theme.LIGHT["accent"], theme.LIGHT["worse"], theme.LIGHT["paper"]
_LINES = [theme.LIGHT[f"arm-{number}"] for number in range(6)]


def write_picture(explanations: Explanations, path: Path, kind: str = "heatmap") -> None:
    """Writes one picture.

    Args:
        path: its suffix says which form it has.
        kind: one of KINDS.

    Raises:
        ConfigError: matplotlib is not installed, or the runs have nothing of that kind.
        SeqloomError: the file cannot be written.
    """
    figure = draw(explanations, kind)
    import matplotlib as mpl

    # Text stays text in vector files, so that it can be searched and restyled.
    with mpl.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "seqloom"}):
        # Without a date, so that the same explanation gives the same file.
        dated: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
        with writing(path) as stream:
            figure.savefig(
                stream, format=path.suffix[1:], dpi=200, bbox_inches="tight", pad_inches=0.12, metadata=dated
            )


def draw(explanations: Explanations, kind: str = "heatmap") -> "Figure":
    """The picture as a matplotlib figure.

    Raises:
        ConfigError: as for `write_picture`.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            "pictures need matplotlib, which is not installed: pip install 'seqloom[pictures]'; "
            "--out page.html and --out data.json need nothing more"
        ) from None
    style: dict[Any, Any] = {"font.size": 9, "axes.edgecolor": _RULE, "text.color": _INK, "axes.labelcolor": _MUTED}
    with mpl.rc_context({**style, "xtick.color": _MUTED, "ytick.color": _MUTED, "axes.linewidth": 0.8}):
        figure = Figure(facecolor=_PAPER)
        KINDS[kind](figure, explanations.explanations)
    return figure


def _heatmaps(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    shown = [(one, picture) for one in explanations if (picture := words.main_picture(one)) is not None]
    if not shown:
        raise ConfigError("there is nothing to draw: no run has a source, or no method was asked for")
    # Axes fill the figure to its edges; labels and captions stand outside, and saving makes room for them.
    widths = [_CELL * len(one.source) for one, _ in shown]
    heights = [_CELL * len(one.target) for one, _ in shown]
    label = 0.085 * max(len(text) for one, _ in shown for text in words.token_texts(one.target)) + 0.25
    gaps = [max(label, 2.9 - width) for width in widths[:-1]]
    total = sum(widths) + sum(gaps)
    figure.set_size_inches(total, max(heights))
    left = 0.0
    for place, (one, picture) in enumerate(shown):
        bottom = 1 - heights[place] / max(heights)
        axes = figure.add_axes((left / total, bottom, widths[place] / total, 1 - bottom))
        left += widths[place] + (gaps[place] if place < len(gaps) else 0)
        _heatmap(axes, picture.rows, truth=one.truth.sources if one.truth else None)
        _name_tokens(axes, words.token_texts(one.source), words.token_texts(one.target))
        axes.set_title(f"{one.run.label}: {picture.title.lower()}", fontsize=10.5, color=_INK, pad=8, loc="left")
        caption = _wrapped(words.trust_sentence(picture.trust), max(42, int(widths[place] * 15)))
        axes.annotate(caption, (0, 0), (0, -8), "axes fraction", "offset points", va="top", fontsize=7.5, color=_MUTED)


def _heads(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    rows = []
    for one in explanations:
        for attention in one.attention:
            heads = words.looks_across(attention, len(one.source))
            if heads and heads[0] and heads[0][0]:
                rows.append((one, attention, heads))
    if not rows:
        raise ConfigError("there are no heads to draw: no run attends from target to source")
    most = max(len(heads) for _, _, heads in rows)
    cell = 0.13
    width = max(1.6, cell * max(len(one.source) for one, _, _ in rows))
    height = max(1.2, cell * max(len(one.target) for one, _, _ in rows))
    figure.set_size_inches(most * (width + 0.25) + 1.2, len(rows) * (height + 0.5))
    grid = figure.add_gridspec(len(rows), most, hspace=0.5 / height, wspace=0.25 / width)
    for row, (one, attention, heads) in enumerate(rows):
        for place, head in enumerate(heads):
            axes = figure.add_subplot(grid[row, place])
            _heatmap(axes, head, truth=one.truth.sources if one.truth else None, outline=0.6)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(
                f"head {place}  {words.trust_short(attention.trust[place])}", fontsize=6.5, color=_MUTED, pad=3
            )
            if not place:
                axes.set_ylabel(f"{one.run.label}\n{attention.name}", fontsize=7.5, color=_INK)


def _states(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    tracks = [(one, track) for one in explanations for track in one.states]
    if not tracks:
        raise ConfigError("there are no recurrent states to draw: none of the runs is recurrent")
    longest = max(len(track.hidden_norm) for _, track in tracks)
    figure.set_size_inches(max(7.5, 0.62 * longest + 2.5), 2.0 * len(tracks))
    grid = figure.add_gridspec(len(tracks), 2, hspace=1.25, wspace=0.14)
    for row, (one, track) in enumerate(tracks):
        tokens = words.token_texts(one.source if track.side == "source" else one.fed)
        gates, norms = figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1])
        way = ", backwards" if track.backwards else ""
        side = "encoder" if track.side == "source" else "decoder"
        lengths = {"hidden": track.hidden_norm, "cell": track.cell_norm, "change of hidden": track.change}
        _lines(gates, f"{one.run.label}, {side} {track.layer}{way}: mean gates", track.gates, tokens)
        _lines(norms, "lengths of the states", {name: v for name, v in lengths.items() if v is not None}, tokens)
        gates.set_ylim(min(-0.2, *(min(values) for values in track.gates.values())) - 0.05, 1.05)
        norms.set_ylim(bottom=0)


def _lines(axes: "Axes", title: str, lines: Mapping[str, Sequence[float]], tokens: Sequence[str]) -> None:
    for number, (name, values) in enumerate(lines.items()):
        axes.plot(values, color=_LINES[number], marker="osD^"[number], ms=3, lw=1.2, label=name)
    axes.set_title(title, fontsize=8, loc="left", pad=14)
    axes.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=6.5)
    axes.tick_params(axis="y", labelsize=6.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=6, frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 0.97), ncol=4, handlelength=1.6)


def _beam(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    shown = [(one, one.beam) for one in explanations if one.beam is not None]
    if not shown:
        raise ConfigError("there is no beam to draw: the targets were given, not searched for")
    depth = max(node.depth for _, tree in shown for node in tree.nodes)
    longest = max(len(words.token_text(node.token)) for _, tree in shown for node in tree.nodes if node.token)
    ranks = [max(node.rank for node in tree.nodes) + 1 for _, tree in shown]
    heights = [0.42 * rank + 0.55 for rank in ranks]
    figure.set_size_inches((0.068 * longest + 0.55) * (depth + 1), sum(heights))
    grid = figure.add_gridspec(len(shown), 1, height_ratios=heights, hspace=0.12, left=0, right=1, bottom=0, top=1)
    for row, (one, tree) in enumerate(shown):
        _tree(figure.add_subplot(grid[row, 0]), one, tree, depth)


def _tree(axes: "Axes", one: Explanation, tree: BeamTree, depth: int) -> None:
    best = set(tree.best)
    for number, node in enumerate(tree.nodes):
        chosen, kept = number in best, node.status != "pruned"
        colour = _ACCENT if chosen else _INK if kept else _MUTED
        if node.parent is not None:
            parent = tree.nodes[node.parent]
            style: dict[str, Any] = {"lw": 2.0 if chosen else 0.8, "color": colour, "ls": "-" if kept else ":"}
            axes.plot([parent.depth, node.depth], [parent.rank, node.rank], zorder=1, **style)
        ended = " ■" if node.status in ("finished", "outscored") else ""
        text = f"{words.token_text(node.token)}{ended}\n{words.decimal(node.total, 2)}" if node.token else "start"
        box = {"boxstyle": "round,pad=0.2", "fc": _PAPER, "ec": colour if kept else _RULE, "lw": 1.4 if chosen else 0.6}
        bold = "bold" if chosen else "normal"
        place = (node.depth, node.rank, text)
        axes.text(*place, ha="center", va="center", fontsize=6.5, color=colour, bbox=box, zorder=2, fontweight=bold)
    axes.set_xlim(-0.5, depth + 0.5)
    axes.set_ylim(max(node.rank for node in tree.nodes) + 0.6, -0.7)
    axes.axis("off")
    told = "log-probability in nats, likeliest above; dotted: not kept; ■: ended; blue: the output"
    axes.set_title(f"{one.run.label}, beam of {tree.beam}: {told}", fontsize=8, loc="left", pad=2)


def _steps(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    longest = max(len(one.steps) for one in explanations)
    rows = 5
    texts = [words.token_text(c.token) for one in explanations for step in one.steps for c in step.candidates[:rows]]
    figure.set_size_inches((0.065 * max(map(len, texts)) + 0.42) * longest, len(explanations) * (rows * 0.27 + 1.5))
    grid = figure.add_gridspec(2 * len(explanations), 1, height_ratios=[rows, 2.0] * len(explanations), hspace=0.5)
    for number, one in enumerate(explanations):
        axes, below = figure.add_subplot(grid[2 * number, 0]), figure.add_subplot(grid[2 * number + 1, 0])
        for place, step in enumerate(one.steps):
            for rank, candidate in enumerate(step.candidates[:rows]):
                probability = math.exp(candidate.log_prob)
                marked = candidate.token == step.token
                axes.add_patch(_rectangle(place - 0.48, rank - 0.45, 0.96, 0.9, probability, marked))
                text = f"{words.token_text(candidate.token)} {probability:.2f}"
                shade = _PAPER if probability > 0.55 else _INK
                axes.text(place, rank, text, ha="center", va="center", fontsize=6.3, color=shade, zorder=4)
        axes.set_xlim(-0.6, longest - 0.4)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_xticks([])
        axes.set_yticks(range(rows), [f"{rank + 1}." for rank in range(rows)], fontsize=7)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        told = "the likeliest tokens at each step and their probabilities; outlined: what was chosen"
        axes.set_title(f"{one.run.label}: {told}", fontsize=8, loc="left")
        below.bar(range(len(one.steps)), [step.entropy for step in one.steps], color=_LINES[2], width=0.4)
        below.set_xlim(-0.6, longest - 0.4)
        below.set_xticks(range(len(one.steps)), words.token_texts(one.target), fontsize=7)
        below.set_ylabel("entropy\n(nats)", fontsize=6.5)
        below.tick_params(axis="y", labelsize=6.5)
        below.spines[["top", "right"]].set_visible(False)


KINDS: dict[str, Callable[["Figure", Sequence[Explanation]], None]] = {
    "heatmap": _heatmaps,
    "heads": _heads,
    "states": _states,
    "beam": _beam,
    "steps": _steps,
}
"""What can be drawn."""


def _heatmap(axes: "Axes", rows: Matrix, *, truth: Sequence[Sequence[int]] | None, outline: float = 1.3) -> None:
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    colours = LinearSegmentedColormap.from_list("seqloom", [_AGAINST, _PAPER, _ACCENT])
    largest = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    axes.imshow(rows, cmap=colours, norm=TwoSlopeNorm(0, -largest, largest), aspect="auto", interpolation="nearest")
    axes.set_xticks([place + 0.5 for place in range(len(rows[0]) - 1)], minor=True)
    axes.set_yticks([place + 0.5 for place in range(len(rows) - 1)], minor=True)
    axes.grid(which="minor", color=_RULE, lw=0.4)
    axes.tick_params(which="both", length=0)
    for row, places in enumerate(truth or ()):
        for place in places:
            axes.add_patch(_rectangle(place - 0.5, row - 0.5, 1, 1, 0.0, True, outline))


def _rectangle(x: float, y: float, width: float, height: float, shade: float, marked: bool, lw: float = 1.3) -> Any:
    from matplotlib.patches import Rectangle

    edge = theme.LIGHT["arm-1"] if marked else _RULE
    face = (*_rgb(_ACCENT), shade)
    return Rectangle((x, y), width, height, fc=face, ec=edge, lw=lw if marked else 0.4, zorder=3 if not shade else 1)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _name_tokens(axes: "Axes", source: Sequence[str], target: Sequence[str]) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(source)), source, rotation=90, fontsize=8, color=_INK)
    axes.set_yticks(range(len(target)), target, fontsize=8, color=_INK)


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
