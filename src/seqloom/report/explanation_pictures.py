"""Static pictures of explanations, for papers and slides: PNG, SVG or PDF, by matplotlib (an extra).

The caption of a heatmap says how far it agrees with other methods and with the reference alignment.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.errors import ConfigError
from seqloom.explain.explanation import BeamTree, Explanation, Matrix
from seqloom.explain.explanations import Explanations
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
    """Writes a picture of the explanations to a file.

    Args:
        path: the file; its suffix selects the format, one of SUFFIXES.
        kind: what is drawn, a key of KINDS.

    Raises:
        ConfigError: matplotlib is not installed, or the runs have nothing of that kind.
        SeqloomError: the file cannot be written.
    """
    figure = draw(explanations, kind)
    import matplotlib as mpl

    # Vector files keep text as text, so that it can be searched and changed.
    with mpl.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "seqloom"}):
        # No date, so that equal explanations give equal files.
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
            "--out page.html and --out data.json work without it"
        ) from None
    style: dict[Any, Any] = {"font.size": 9, "axes.edgecolor": _RULE, "text.color": _INK, "axes.labelcolor": _MUTED}
    with mpl.rc_context({**style, "xtick.color": _MUTED, "ytick.color": _MUTED, "axes.linewidth": 0.8}):
        figure = Figure(facecolor=_PAPER)
        KINDS[kind](figure, explanations.explanations)
    return figure


def _heatmaps(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    shown = [
        (explanation, picture)
        for explanation in explanations
        if (picture := words.main_picture(explanation)) is not None
    ]
    if not shown:
        raise ConfigError("there is nothing to draw: no run has a source, or no method was selected")
    # Axes fill the figure; labels and captions are outside of it, and bbox_inches="tight" extends the saved picture by them.
    widths = [_CELL * len(item.source) for item, _ in shown]
    heights = [_CELL * len(item.target) for item, _ in shown]
    label = 0.085 * max(len(text) for item, _ in shown for text in words.token_texts(item.target)) + 0.25
    gaps = [max(label, 2.9 - width) for width in widths[:-1]]
    total = sum(widths) + sum(gaps)
    figure.set_size_inches(total, max(heights))
    left = 0.0
    for index, (item, picture) in enumerate(shown):
        bottom = 1 - heights[index] / max(heights)
        axes = figure.add_axes((left / total, bottom, widths[index] / total, 1 - bottom))
        left += widths[index] + (gaps[index] if index < len(gaps) else 0)
        _heatmap(axes, picture.rows, truth=item.truth.sources if item.truth else None)
        _name_tokens(axes, words.token_texts(item.source), words.token_texts(item.target))
        axes.set_title(f"{item.run.label}: {picture.title.lower()}", fontsize=10.5, color=_INK, pad=8, loc="left")
        caption = _wrapped(words.agreements_sentence(picture.agreements), max(42, int(widths[index] * 15)))
        axes.annotate(caption, (0, 0), (0, -8), "axes fraction", "offset points", va="top", fontsize=7.5, color=_MUTED)


def _heads(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    rows = []
    for explanation in explanations:
        for attention in explanation.attention:
            heads = words.looks_across(attention, len(explanation.source))
            if heads and heads[0] and heads[0][0]:
                rows.append((explanation, attention, heads))
    if not rows:
        raise ConfigError("there are no heads to draw: no run attends from target to source")
    most = max(len(heads) for _, _, heads in rows)
    cell = 0.13
    width = max(1.6, cell * max(len(item.source) for item, _, _ in rows))
    height = max(1.2, cell * max(len(item.target) for item, _, _ in rows))
    figure.set_size_inches(most * (width + 0.25) + 1.2, len(rows) * (height + 0.5))
    grid = figure.add_gridspec(len(rows), most, hspace=0.5 / height, wspace=0.25 / width)
    for row, (explanation, attention, heads) in enumerate(rows):
        for index, head in enumerate(heads):
            axes = figure.add_subplot(grid[row, index])
            _heatmap(axes, head, truth=explanation.truth.sources if explanation.truth else None, outline=0.6)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(
                f"head {index}  {words.agreements_short(attention.agreements[index])}",
                fontsize=6.5,
                color=_MUTED,
                pad=3,
            )
            if not index:
                axes.set_ylabel(f"{explanation.run.label}\n{attention.name}", fontsize=7.5, color=_INK)


def _states(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    tracks = [(explanation, track) for explanation in explanations for track in explanation.states]
    if not tracks:
        raise ConfigError("there are no recurrent states to draw: none of the runs is recurrent")
    longest = max(len(track.hidden_norm) for _, track in tracks)
    figure.set_size_inches(max(7.5, 0.62 * longest + 2.5), 2.0 * len(tracks))
    grid = figure.add_gridspec(len(tracks), 2, hspace=1.25, wspace=0.14)
    for row, (item, track) in enumerate(tracks):
        tokens = words.token_texts(item.source if track.side == "source" else item.fed)
        gates, norms = figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1])
        way = ", backwards" if track.backwards else ""
        side = "encoder" if track.side == "source" else "decoder"
        lengths = {"hidden": track.hidden_norm, "cell": track.cell_norm, "change of hidden": track.change}
        _lines(gates, f"{item.run.label}, {side} {track.layer}{way}: mean gates", track.gates, tokens)
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
    shown = [(explanation, explanation.beam) for explanation in explanations if explanation.beam is not None]
    if not shown:
        raise ConfigError("there is no beam to draw: the targets were given by the user, so there was no search")
    depth = max(node.depth for _, tree in shown for node in tree.nodes)
    longest = max(len(words.token_text(node.token)) for _, tree in shown for node in tree.nodes if node.token)
    ranks = [max(node.rank for node in tree.nodes) + 1 for _, tree in shown]
    heights = [0.42 * rank + 0.55 for rank in ranks]
    figure.set_size_inches((0.068 * longest + 0.55) * (depth + 1), sum(heights))
    grid = figure.add_gridspec(len(shown), 1, height_ratios=heights, hspace=0.12, left=0, right=1, bottom=0, top=1)
    for row, (item, tree) in enumerate(shown):
        _tree(figure.add_subplot(grid[row, 0]), item, tree, depth)


def _tree(axes: "Axes", explanation: Explanation, tree: BeamTree, depth: int) -> None:
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
        position = (node.depth, node.rank, text)
        axes.text(*position, ha="center", va="center", fontsize=6.5, color=colour, bbox=box, zorder=2, fontweight=bold)
    axes.set_xlim(-0.5, depth + 0.5)
    axes.set_ylim(max(node.rank for node in tree.nodes) + 0.6, -0.7)
    axes.axis("off")
    summary = "log-probability in nats, likeliest above; dotted: not kept; ■: ended; blue: the output"
    axes.set_title(f"{explanation.run.label}, beam of {tree.beam}: {summary}", fontsize=8, loc="left", pad=2)


def _steps(figure: "Figure", explanations: Sequence[Explanation]) -> None:
    longest = max(len(explanation.steps) for explanation in explanations)
    rows = 5
    texts = [
        words.token_text(c.token)
        for explanation in explanations
        for step in explanation.steps
        for c in step.candidates[:rows]
    ]
    figure.set_size_inches((0.065 * max(map(len, texts)) + 0.42) * longest, len(explanations) * (rows * 0.27 + 1.5))
    grid = figure.add_gridspec(2 * len(explanations), 1, height_ratios=[rows, 2.0] * len(explanations), hspace=0.5)
    for number, explanation in enumerate(explanations):
        axes, below = figure.add_subplot(grid[2 * number, 0]), figure.add_subplot(grid[2 * number + 1, 0])
        for index, step in enumerate(explanation.steps):
            for rank, candidate in enumerate(step.candidates[:rows]):
                probability = math.exp(candidate.log_prob)
                marked = candidate.token == step.token
                axes.add_patch(_rectangle(index - 0.48, rank - 0.45, 0.96, 0.9, probability, marked))
                text = f"{words.token_text(candidate.token)} {probability:.2f}"
                shade = _PAPER if probability > 0.55 else _INK
                axes.text(index, rank, text, ha="center", va="center", fontsize=6.3, color=shade, zorder=4)
        axes.set_xlim(-0.6, longest - 0.4)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_xticks([])
        axes.set_yticks(range(rows), [f"{rank + 1}." for rank in range(rows)], fontsize=7)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        summary = "the likeliest tokens at each step and their probabilities; outlined: what was chosen"
        axes.set_title(f"{explanation.run.label}: {summary}", fontsize=8, loc="left")
        below.bar(
            range(len(explanation.steps)), [step.entropy for step in explanation.steps], color=_LINES[2], width=0.4
        )
        below.set_xlim(-0.6, longest - 0.4)
        below.set_xticks(range(len(explanation.steps)), words.token_texts(explanation.target), fontsize=7)
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
"""The kinds of pictures: name -> the function that draws it."""


def _heatmap(axes: "Axes", rows: Matrix, *, truth: Sequence[Sequence[int]] | None, outline: float = 1.3) -> None:
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    colours = LinearSegmentedColormap.from_list("seqloom", [_AGAINST, _PAPER, _ACCENT])
    largest = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    axes.imshow(rows, cmap=colours, norm=TwoSlopeNorm(0, -largest, largest), aspect="auto", interpolation="nearest")
    axes.set_xticks([position + 0.5 for position in range(len(rows[0]) - 1)], minor=True)
    axes.set_yticks([position + 0.5 for position in range(len(rows) - 1)], minor=True)
    axes.grid(which="minor", color=_RULE, lw=0.4)
    axes.tick_params(which="both", length=0)
    for row, positions in enumerate(truth or ()):
        for position in positions:
            axes.add_patch(_rectangle(position - 0.5, row - 0.5, 1, 1, 0.0, True, outline))


def _rectangle(x: float, y: float, width: float, height: float, shade: float, marked: bool, lw: float = 1.3) -> Any:
    from matplotlib.patches import Rectangle

    edge = theme.LIGHT["arm-1"] if marked else _RULE
    face = (*_rgb(_ACCENT), shade)
    return Rectangle((x, y), width, height, fc=face, ec=edge, lw=lw if marked else 0.4, zorder=3 if not shade else 1)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5))
    return red, green, blue


def _name_tokens(axes: "Axes", source: Sequence[str], target: Sequence[str]) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(source)), source, rotation=90, fontsize=8, color=_INK)
    axes.set_yticks(range(len(target)), target, fontsize=8, color=_INK)


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
