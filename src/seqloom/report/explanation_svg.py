"""The drawings of the page of explanations, as SVG for light and dark mode.

Input: plain data. Output: markup in which all texts are escaped. Colours are CSS variables of `theme`. Each drawing has a text
alternative.
"""

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from seqloom.explain.explanation import BeamTree, Matrix, Step
from seqloom.report import explanation_wording as words

_CHAR = 7.2
"""Assumed width of a character at 13 px, more than that of most letters."""
DASHES = ("none", "6 3", "2 3", "8 3 2 3")
"""The dashes of the lines of a drawing, by their number."""
_LEAST = 0.78
"""The smallest scale of a drawing in a narrow window; below it the drawing scrolls, so that letters stay readable."""


def heatmap(
    rows: Matrix,
    source: Sequence[str],
    target: Sequence[str],
    text: str,
    *,
    truth: Sequence[Sequence[int]] | None = None,
    masked: Sequence[Sequence[int]] | None = None,
    cell: int | None = None,
    named: bool = True,
) -> Markup:
    """A heatmap of rows and columns: blue is positive, orange negative; outlines show the reference alignment.

    Args:
        text: the text alternative.
        truth: for each row the columns of the reference alignment.
        masked: for each row the columns that attention masks.
        cell: side of a cell in px; the default depends on the number of columns.
        named: whether rows and columns are labelled with their tokens.
    """
    cell = cell or (26 if len(source) <= 14 else 20 if len(source) <= 24 else 16)
    left = _width(target) + 12 if named else 1
    top = _width(source) + 12 if named else 1
    width, height = left + cell * len(source) + 1, top + cell * len(rows) + 1
    largest = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    parts: list[Markup] = []
    if named:
        for index, token in enumerate(source):
            x = left + cell * index + cell / 2 + 4
            parts.append(_text(token, x, top - 6, f'transform="rotate(-90 {x:g} {top - 6})"'))
    else:
        frame = Markup('<rect x="1" y="1" width="{}" height="{}" class="frame"/>')
        parts += [frame.format(width - 2, height - 2), *_cells(rows, cell, cell, largest, at=1)]
    for number, row in enumerate(rows) if named else ():
        y = top + cell * number
        cells = [
            Markup(
                '<rect x="{}" y="{}" width="{}" height="{}" class="{}" fill-opacity="{}"><title>{}</title></rect>'
            ).format(
                left + cell * index,
                y,
                cell,
                cell,
                "for" if value >= 0 else "against",
                _shade(abs(value) / largest),
                f"{target[number]} ← {source[index]}: {words.decimal(value, 3)}",
            )
            for index, value in enumerate(row)
        ]
        label = _text(target[number], left - 6, y + cell / 2 + 4, 'text-anchor="end"')
        parts.append(Markup('<g class="row">{}{}</g>').format(label, Markup("").join(cells)))
    marks = [
        Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>').format(
            left + cell * position + 1, top + cell * number + 1, cell - 2, cell - 2, kind
        )
        for kind, rows_of_places in (("masked", masked), ("true", truth))
        for number, positions in enumerate(rows_of_places or ())
        for position in positions
    ]
    return _svg(width, height, text, [*parts, *marks], "heat")


def lines(values: Mapping[str, Sequence[float]], tokens: Sequence[str], text: str, *, width: int = 520) -> Markup:
    """A chart of values over the tokens, with a line for each name."""
    height, left, top = 130, 36, 10
    bottom = _width(tokens) + 14
    low = min(0.0, min((v for line in values.values() for v in line), default=0.0))
    high = max((v for line in values.values() for v in line), default=1.0) or 1.0
    step = (width - left - 12) / max(1, len(tokens) - 1)

    def y(value: float) -> float:
        return round(top + height * (high - value) / (high - low), 1)

    parts = [
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="grid"/>{}').format(
            left,
            width - 8,
            y(value),
            y(value),
            _text(words.decimal(value, 1), left - 6, y(value) + 4, 'text-anchor="end"'),
        )
        for value in sorted({low, 0.0, high})
    ]
    for number, line in enumerate(values.values()):
        points = " ".join(f"{left + step * index:.1f},{y(value)}" for index, value in enumerate(line))
        parts.append(
            Markup('<polyline points="{}" class="line" stroke="var(--arm-{})" stroke-dasharray="{}"/>').format(
                points, number, DASHES[number % len(DASHES)]
            )
        )
    for index, token in enumerate(tokens):
        x, base = left + step * index + 4, top + height + 8
        parts.append(_text(token, x, base, f'text-anchor="end" transform="rotate(-90 {x:g} {base})"'))
    return _svg(width, top + height + bottom, text, parts, "lines")


def steps_table(steps: Sequence[Step], rows: int = 5) -> list[list[dict[str, object]]]:
    """The candidates by rank, each with a cell for each step: token, probability, and whether it was chosen."""
    results = []
    for rank in range(rows):
        cells: list[dict[str, object]] = []
        for step in steps:
            if rank >= len(step.candidates):
                cells.append({"token": "", "probability": 0.0, "chosen": False})
                continue
            candidate = step.candidates[rank]
            probability = words.probability(candidate.log_prob)
            chosen = candidate.token == step.token
            cells.append({"token": words.token_text(candidate.token), "probability": probability, "chosen": chosen})
        results.append(cells)
    return results


def beam(tree: BeamTree, text: str) -> Markup:
    """The tree of a beam search: a column for each step, the likeliest prefix on top; dotted lines lead to pruned prefixes."""
    longest = max((len(words.token_text(node.token)) for node in tree.nodes if node.token), default=5)
    wide, high = max(70.0, longest * 6.6 + 34), 46
    best = set(tree.best)
    depth = max(node.depth for node in tree.nodes)
    ranks = max(node.rank for node in tree.nodes) + 1

    def at(depth: int, rank: int) -> tuple[float, float]:
        return 40 + depth * wide, 26 + rank * high

    edges, boxes = [], []
    for number, node in enumerate(tree.nodes):
        x, y = at(node.depth, node.rank)
        kind = "best" if number in best else "pruned" if node.status == "pruned" else "kept"
        if node.parent is not None:
            px, py = at(tree.nodes[node.parent].depth, tree.nodes[node.parent].rank)
            edges.append(
                Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="edge {}"/>').format(px, round(py), x, y, kind)
            )
        token = words.token_text(node.token) if node.token else "start"
        width = max(46.0, len(token) * 6.9 + 14)
        numbers = f"log-probability {words.decimal(node.total, 3)}, score {words.decimal(node.score, 3)}"
        value = "" if node.token is None else words.decimal(node.total, 2)
        ended = " ■" if node.status in ("finished", "outscored") else ""
        boxes.append(
            Markup('<g class="node {}"><title>{}</title>{}{}{}</g>').format(
                kind,
                f"{token}: {numbers}; {words.NODE_STATUSES[node.status]}",
                Markup('<rect x="{}" y="{}" width="{}" height="34" rx="4"/>').format(x - width / 2, y - 17, width),
                _text(token + ended, x, y - 2 if value else y + 4, 'text-anchor="middle"'),
                _text(value, x, y + 12, 'text-anchor="middle" class="value"'),
            )
        )
    return _svg(round(80 + depth * wide + longest * 2), 52 + (ranks - 1) * high, text, [*edges, *boxes], "beam")


def strip(values: Sequence[float], text: str, *, width: int = 640) -> Markup:
    """A vector as a row of coloured cells."""
    return _grid([list(values)], text, width=width, high=14)


def numbers(rows: Matrix, text: str, *, width: int = 420, high: int = 9) -> Markup:
    """A matrix as coloured cells without labels; `high` is the height of a row in px."""
    return _grid([list(row) for row in rows], text, width=width, high=high)


def _grid(rows: list[list[float]], text: str, *, width: int, high: int) -> Markup:
    largest = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    cells = _cells(rows, round(width / max(1, len(rows[0])), 2), high, largest)
    return _svg(width, high * len(rows), text, cells, "numbers")


def _cells(rows: Sequence[Sequence[float]], wide: float, high: float, largest: float, *, at: float = 0) -> list[Markup]:
    """Cells without labels. All cells of one shade are one path, because a page has hundreds of thousands of cells."""
    shades: dict[tuple[str, str], list[str]] = {}
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            shade = f"{abs(value) / largest:.2f}"
            if shade != "0.00":
                corner = f"M{round(at + wide * column, 2):g} {round(at + high * number, 2):g}"
                kind = "for" if value >= 0 else "against"
                shades.setdefault((kind, shade), []).append(f"{corner}h{wide:g}v{high:g}h-{wide:g}z")
    return [
        Markup('<path class="{}" fill-opacity="{}" d="{}"/>').format(kind, shade, "".join(paths))
        for (kind, shade), paths in shades.items()
    ]


def _svg(width: float, height: float, text: str, parts: Iterable[Markup], kind: str) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" style="--least:{}px" role="img" aria-label="{}">{}</svg>'
    ).format(kind, round(_LEAST * width), text, Markup("").join(parts), w=round(width), h=round(height))


def _text(text: str, x: float, y: float, more: str) -> Markup:
    return Markup('<text x="{}" y="{}" {}>{}</text>').format(round(x, 1), round(y, 1), Markup(more), escape(text))


def _shade(share: float) -> str:
    return f"{share:.3f}".rstrip("0").rstrip(".")


def _width(texts: Sequence[str]) -> int:
    return round(_CHAR * max(map(len, texts), default=1))
