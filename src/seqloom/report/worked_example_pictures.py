"""The pictures of a worked example: self-contained SVG files for light and dark mode, with a background of their own.

Input: explanations; output: SVG. Drawings are those of the page of explanations, set side by side with names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from seqloom.explain.explanation import AttentionStage, BeamTree, Embedding, Explanation, Logit, Matrix, Vector
from seqloom.report import explanation_svg as svg
from seqloom.report import explanation_wording as words
from seqloom.report import theme
from seqloom.report.page import asset

_MARGIN = 14
_ROW = 15
"""Height of a row of a matrix, enough for its token."""
_OWN = "text.name { font-weight: 700; } text.quiet { fill: var(--muted); font-size: 12px; } .ground { fill: var(--paper); }"


@dataclass
class Picture:
    """Drawings and labels that become one SVG file.

    Attributes:
        text: what it shows, in words.
    """

    text: str
    _parts: list[Markup] = field(default_factory=list)
    _width: float = 0.0
    _height: float = 0.0

    def put(self, drawing: Markup, x: float, y: float) -> tuple[float, float]:
        """Adds a drawing; returns the coordinates of its right and lower edges."""
        head = str(drawing).partition(">")[0]
        width, height = (float(head.split(f' {side}="')[1].partition('"')[0]) for side in ("width", "height"))
        self._parts.append(Markup(str(drawing).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" ', 1)))
        self._reach(x + width, y + height)
        return x + width, y + height

    def write(self, text: str, x: float, y: float, kind: str = "", *, end: bool = False) -> None:
        """Adds a line of text with its baseline at y; `end`: it ends at x instead of starting there."""
        anchor = Markup(' text-anchor="end"') if end else ""
        label = Markup('<text x="{:g}" y="{:g}" class="{}"{}>{}</text>')
        self._parts.append(label.format(x, y, kind, anchor, escape(text)))
        self._reach(x if end else x + _width([text]), y + 4)

    def key(self, x: float, y: float, number: int) -> None:
        """Adds a sample of the line of that number for the legend."""
        stroke = Markup('<line x1="{:g}" x2="{:g}" y1="{y:g}" y2="{y:g}" class="line" stroke="var(--arm-{})" {}/>')
        dash = Markup('stroke-dasharray="{}"').format(svg.DASHES[number % len(svg.DASHES)])
        self._parts.append(stroke.format(x, x + 26, number, dash, y=y))
        self._reach(x + 26, y)

    def svg(self) -> str:
        """The content of the SVG file."""
        style = f"{theme.css_variables()}svg {{ font-family: {theme.FONT}; }}\n{asset('drawings.css')}{_OWN}"
        width, height = round(self._width + _MARGIN), round(self._height + _MARGIN)
        head = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
            'aria-label="{text}"><title>{text}</title><style>{style}</style>'
            '<rect width="{w}" height="{h}" class="ground"/>'
        ).format(w=width, h=height, text=self.text, style=Markup(style))
        return f"{head}{Markup('').join(self._parts)}</svg>\n"

    def _reach(self, x: float, y: float) -> None:
        self._width, self._height = max(self._width, x), max(self._height, y)


def embeddings(embedding: Embedding) -> Picture:
    """Token embeddings, position embeddings and their sums, one below the other."""
    tokens = words.token_texts(embedding.tokens)
    may_be = {
        "token embeddings": embedding.token,
        "+ position embeddings": embedding.position,
        "= input of the first layer": embedding.total if embedding.position is not None else None,
    }
    blocks = {name: rows for name, rows in may_be.items() if rows is not None}
    size = f"{len(tokens)} by {len(embedding.token[0])} numbers each"
    picture = Picture(f"{'; '.join(blocks)}: {size}; blue is positive, orange negative.")
    below = float(_MARGIN)
    for name, rows in blocks.items():
        below = _block(picture, name, rows, tokens, _MARGIN, below, 560) + 12
    return picture


def projections(stage: AttentionStage) -> Picture:
    """Q, K and V of one head, side by side."""
    size = f"{len(stage.query)} by {len(stage.query[0])}"
    picture = Picture(f"Queries, keys and values of {stage.name}, head {stage.head}: {size} numbers each.")
    queries, keys = words.token_texts(stage.query_tokens), words.token_texts(stage.key_tokens)
    left = float(_MARGIN)
    for name, rows, tokens in (("Q", stage.query, queries), ("K", stage.key, keys), ("V", stage.value, keys)):
        _block(picture, name, rows, tokens, left, _MARGIN, 192)
        left += 192 + _width(tokens) + 26
    return picture


def scores(stage: AttentionStage, truth: Sequence[Sequence[int]] | None = None) -> Picture:
    """Scores before the softmax and weights after it, side by side; masked positions are grey."""
    queries, keys = words.token_texts(stage.query_tokens), words.token_texts(stage.key_tokens)
    pointed = (
        f"{query} most at {keys[max(range(len(row)), key=row.__getitem__)]}"
        for query, row in zip(queries, stage.weights, strict=True)
    )
    outlined = " Outlined: the reference alignment." if truth and any(truth) else ""
    picture = Picture(
        f"Scores and weights of {stage.name}, head {stage.head}; grey is masked. {'; '.join(pointed)}.{outlined}"
    )
    masked = [[position for position, allowed in enumerate(mask) if not allowed] for mask in stage.mask]
    visible = tuple(
        tuple(score if allowed else 0.0 for score, allowed in zip(row, mask, strict=True))
        for row, mask in zip(stage.scores, stage.mask, strict=True)
    )
    left, names = float(_MARGIN), (f"Q·Kᵀ / √{len(stage.query[0])}", "softmax of each row")
    for name, rows in zip(names, (visible, stage.weights), strict=True):
        drawing = svg.heatmap(rows, keys, queries, name, cell=24, masked=masked, truth=truth)
        picture.write(name, left, _MARGIN + 12, "name")
        left = picture.put(drawing, left, _MARGIN + 20)[0] + 28
    return picture


def weighted_sum(stage: AttentionStage, row: int) -> Picture:
    """Each value times its weight, with the sum below."""
    keys, weights = words.token_texts(stage.key_tokens), stage.weights[row]
    parts = tuple(
        tuple(weight * value for value in values) for weight, values in zip(weights, stage.value, strict=True)
    )
    named = [f"{weight:.3f} · {key}" for weight, key in zip(weights, keys, strict=True)]
    picture = Picture(
        f"The values of {stage.name}, head {stage.head}, each times its weight ({'; '.join(named)}), and their sum below."
    )
    # One drawing, so that the same shade means the same value.
    _block(
        picture, "weight · value, and the sum", (*parts, stage.context[row]), [*named, "= sum"], _MARGIN, _MARGIN, 420
    )
    return picture


def memory(rows: Matrix, tokens: Sequence[str]) -> Picture:
    """The output of the encoder."""
    picture = Picture(f"The memory: {len(rows)} by {len(rows[0])} numbers, a row for each of {', '.join(tokens)}.")
    _block(picture, "memory", rows, tokens, _MARGIN, _MARGIN, 560)
    return picture


def logits(hidden: Vector, top_logits: Sequence[Logit]) -> Picture:
    """The decoder output and the rows of the output matrix with the largest logits."""
    named = [f"{words.token_text(item.token)}  {words.decimal(item.logit, 2)}" for item in top_logits]
    picture = Picture(f"The decoder output and rows of the output matrix; token and logit: {'; '.join(named)}.")
    left = _width([*named, "output"]) + _MARGIN
    below = picture.put(_strip([hidden], "output"), left, _MARGIN)[1]
    picture.write("output", left - 6, _MARGIN + 11, end=True)
    picture.write("times the row of each token = its logit", _MARGIN, below + 22, "quiet")
    top = below + 30
    picture.put(_strip([item.row for item in top_logits], "rows"), left, top)
    for number, name in enumerate(named):
        picture.write(name, left - 6, top + _ROW * number + 11, end=True)
    return picture


def beam(tree: BeamTree, label: str) -> Picture:
    """The search as a tree."""
    num_prefixes = len(tree.nodes) - 1
    picture = Picture(f"Beam of {tree.beam} of {label}: {num_prefixes} prefixes scored; the output is the blue path.")
    picture.put(svg.beam(tree, picture.text), 0, 0)
    return picture


def states(explanation: Explanation) -> Picture:
    """The norms of the states of each encoder layer over time, and how much the states change."""
    tracks = [track for track in explanation.states if track.side == "source"]
    picture = Picture(
        f"States of {explanation.run.label} while it reads: {', '.join(words.token_texts(explanation.source))}."
    )
    below = float(_MARGIN)
    for track in tracks:
        direction = ", reads from right to left" if track.backwards else ""
        may_be = {
            "hidden state": track.hidden_norm,
            "cell": track.cell_norm,
            "change of the hidden state": track.change,
        }
        lengths = {name: values for name, values in may_be.items() if values is not None}
        picture.write(f"encoder layer {track.layer}{direction}: norms", _MARGIN, below + 12, "name")
        drawing = svg.lines(lengths, words.token_texts(explanation.source), "norms of states")
        right, below = picture.put(drawing, _MARGIN, below + 20)
        for number, name in enumerate(lengths):
            y = below - 120 + 22 * number
            picture.key(right + 8, y - 4, number)
            picture.write(name, right + 40, y)
        below += 10
    return picture


def methods(explanations: Sequence[Explanation]) -> Picture:
    """The attribution by attention, occlusion and gradient of each run."""
    descriptions, below = [], float(_MARGIN)
    picture = Picture("")
    for explanation in explanations:
        left, lowest = float(_MARGIN), below
        truth = explanation.truth.sources if explanation.truth else None
        source, target = words.token_texts(explanation.source), words.token_texts(explanation.target)
        for attribution in words.pictures_of(explanation):
            agreements = words.agreements_short(attribution.agreements) or "no other method to compare with"
            descriptions.append(f"{explanation.run.label}, {attribution.method}: {agreements}")
            drawing = svg.heatmap(
                attribution.rows,
                source,
                target,
                attribution.title,
                truth=truth,
                cell=22,
            )
            picture.write(f"{explanation.run.label}: {attribution.method}", left, below + 12, "name")
            picture.write(agreements, left, below + 29, "quiet")
            right, foot = picture.put(drawing, left, below + 38)
            left, lowest = max(right, left + _width([agreements])) + 18, max(lowest, foot)
        below = lowest + 20
    picture.text = f"The attributions of each method by run, and how often they agree. {'; '.join(descriptions)}."
    return picture


def heads(explanation: Explanation) -> Picture:
    """Small heatmaps of all cross-attention heads, with their agreement with the reference alignment."""
    truth = explanation.truth.sources if explanation.truth else None
    across = [
        (attention, words.looks_across(attention, len(explanation.source))) for attention in explanation.attention
    ]
    across = [(attention, heads) for attention, heads in across if heads]
    picture = Picture(f"All {sum(len(heads) for _, heads in across)} cross-attention heads of {explanation.run.label}.")
    source, target = words.token_texts(explanation.source), words.token_texts(explanation.target)
    below = float(_MARGIN)
    for attention, rows in across:
        picture.write(attention.name, _MARGIN, below + 12, "name")
        lowest = below
        for number, (head, agreements) in enumerate(zip(rows, attention.agreements, strict=True)):
            left = _MARGIN + 165 * number
            # There is space for only the first of the agreements.
            picture.write(
                f"{number}: {words.agreements_short(agreements).partition(',')[0]}", left, below + 29, "quiet"
            )
            drawing = svg.heatmap(head, source, target, f"head {number}", truth=truth, cell=13, named=False)
            lowest = max(lowest, picture.put(drawing, left, below + 36)[1])
        below = lowest + 14
    return picture


def _block(
    picture: Picture, name: str, rows: Matrix, tokens: Sequence[str], left: float, top: float, width: int
) -> float:
    """Adds a matrix with its name above and its tokens to the left; returns its lower edge."""
    label = left + _width(tokens)
    picture.write(name, label, top + 12, "name")
    for number, token in enumerate(tokens):
        picture.write(token, label - 6, top + 20 + _ROW * number + 11, end=True)
    return picture.put(svg.numbers(rows, name, width=width, high=_ROW), label, top + 20)[1]


def _strip(rows: Sequence[Vector], name: str) -> Markup:
    return svg.numbers(tuple(rows), name, width=420, high=_ROW)


def _width(texts: Sequence[str]) -> float:
    return 7.4 * max(map(len, texts), default=1) + 6
