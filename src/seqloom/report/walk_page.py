"""The walk: one text on its way from embeddings to softmax, as a page of Markdown with pictures in files beside it.

Explanations enter, Markdown and SVG leave. The page follows the first run whose computation has attention within both sides and
between them; recurrent runs beside it show what they do instead. Every number is one of the explanations'.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from seqloom.errors import ConfigError
from seqloom.explain.explanation import AttentionStage, Computation, Embedding, Explanation, Explanations, Vector
from seqloom.report import explanation_wording as words
from seqloom.report import walk_pictures as draw
from seqloom.report import walk_tables as tables
from seqloom.report import wording
from seqloom.report.page import write_page

TEMPLATE = "walk.md"


def write_walk(explanations: Explanations, path: Path, *, folders: Sequence[Path], command: str) -> None:
    """Writes the page, and its pictures into a folder of its name beside it.

    Args:
        folders: where the run of each explanation lies.
        command: what writes this page.

    Raises:
        ConfigError: none of the runs can be walked through.
        SeqloomError: a file cannot be written.
    """
    walk = Walk(explanations.explanations, tuple(folders), path.stem)
    text = walk_markdown(walk, command)
    for name, picture in walk.pictures.items():
        write_page(picture.svg(), path.with_suffix("") / f"{name}.svg")
    write_page(text, path)


@dataclass
class Walk:
    """What the page's template speaks of.

    Attributes:
        explanations: of all runs, in the order in which they were given.
        folders: where they lie.
        name: of the folder of pictures.
    """

    explanations: tuple[Explanation, ...]
    folders: tuple[Path, ...]
    name: str

    def __post_init__(self) -> None:
        self.pictures: dict[str, draw.Picture] = {}
        position = next((n for n, item in enumerate(self.explanations) if _stages(item) is not None), None)
        if position is None:
            raise ConfigError(
                "a walk from embeddings to softmax needs a run with attention within and between both sides, such as one of "
                "transformer-tiny; --out page.html shows what there is of any run"
            )
        self.explanation, self.folder = self.explanations[position], self.folders[position]
        stages, computation = _stages(self.explanation), self.explanation.computation
        assert stages is not None
        assert computation is not None
        self.computation: Computation = computation
        self.encoder, self.causal, self.cross = stages

    @cached_property
    def step(self) -> int:
        """The step that is followed, from 0."""
        return self.computation.step

    @cached_property
    def embedding(self) -> Embedding:
        """What the source's tokens become."""
        return next(side for side in self.computation.embeddings if side.side == "source")

    @cached_property
    def asker(self) -> int:
        """The source token that is followed: what the step comes from, or else what it looks at most."""
        true = self.explanation.truth.sources[self.step] if self.explanation.truth else ()
        weights = self.cross.weights[self.step]
        return true[0] if true else max(range(len(self.explanation.source)), key=weights.__getitem__)

    @cached_property
    def recurrent(self) -> Explanation | None:
        """The first recurrent run without attention."""
        return next(
            (explanation for explanation in self.explanations if explanation.states and explanation.alignment is None),
            None,
        )

    @cached_property
    def attending(self) -> Explanation | None:
        """The first recurrent run with attention."""
        return next(
            (
                explanation
                for explanation in self.explanations
                if explanation.states and explanation.alignment is not None
            ),
            None,
        )

    @cached_property
    def vector(self) -> int:
        """How many numbers the recurrent run hands from encoder to decoder."""
        assert self.recurrent is not None
        tracks = [track for track in self.recurrent.states if track.side == "source"]
        return sum(track.units * (1 if track.cell_norm is None else 2) for track in tracks)

    @cached_property
    def heads(self) -> list[tuple[float, str]]:
        """Of every head from target to source, how often it points at the truth, and its name; the best first."""
        return sorted(
            (
                (trust.truth.alike, f"{attention.name}.{number}")
                for attention in self.explanation.attention
                if words.looks_across(attention, len(self.explanation.source))
                for number, trust in enumerate(attention.trust)
                if trust.truth is not None
            ),
            reverse=True,
        )

    @cached_property
    def crossing(self) -> tuple[int, int, int, int] | None:
        """A step and its true source, and a later step with an earlier source; None where the order is kept, or not known."""
        known = enumerate(self.explanation.truth.sources if self.explanation.truth else ())
        links = [(step, position) for step, positions in known for position in positions]
        crossed = ((a, p, b, q) for a, p in links for b, q in links if a < b and p > q)
        return next(crossed, None)

    @property
    def trained(self) -> list[str]:
        """The command lines that train the runs."""
        return [explanation.run.trained_by for explanation in self.explanations if explanation.run.trained_by]

    @property
    def quoted(self) -> str:
        """The text as Python writes it."""
        return json.dumps(self.explanation.text, ensure_ascii=False)

    @property
    def layer(self) -> int:
        """The decoder's layer that is followed."""
        return int(self.cross.name.split(".")[1])

    @property
    def encoder_layer(self) -> int:
        """The encoder's, which may have fewer."""
        return int(self.encoder.name.split(".")[1])

    @property
    def num_heads(self) -> int:
        """Heads of a layer."""
        return len(self.cross.joined[0]) // len(self.cross.query[0])

    @property
    def pointed(self) -> int:
        """Where the step looks most."""
        weights = self.cross.weights[self.step]
        return max(range(len(weights)), key=weights.__getitem__)

    @property
    def tied(self) -> bool:
        """Whether a token's row of the output matrix is its embedding, but for its length."""
        embedded = {
            t.token_id: row
            for side in self.computation.embeddings
            for t, row in zip(side.tokens, side.token, strict=True)
        }
        rows = [
            (logit.row, embedded[logit.token.token_id])
            for logit in self.computation.logits
            if logit.token.token_id in embedded
        ]
        scale = len(self.computation.hidden) ** 0.5
        return bool(rows) and all(
            abs(value * scale - other) <= 1e-3 * scale
            for row, seen in rows
            for value, other in zip(row, seen, strict=True)
        )

    @property
    def most_entropy(self) -> float:
        """Of blind guessing, nats."""
        return math.log(self.explanation.run.vocab_size)

    @property
    def backwards(self) -> bool:
        """Whether the recurrent run reads the source from its end."""
        assert self.recurrent is not None
        return all(track.backwards for track in self.recurrent.states if track.side == "source")

    @property
    def attending_step(self) -> int:
        """The step of the attending run that is shown."""
        assert self.attending is not None
        return min(self.step, len(self.attending.target) - 1)

    def unsure(self, explanation: Explanation) -> str:
        """The step of a run that it was least sure of."""
        step = min(explanation.steps, key=lambda step: step.log_prob)
        return f"{tables.token(step.token)}, with a probability of {step.probability:.4f}"

    def first(self, row: Vector) -> str:
        """A vector's first numbers."""
        return ", ".join(words.decimal(value, 3) for value in row[:4])

    def padded(self) -> list[str]:
        """The source's tokens with the padding behind them, as code."""
        return tables.tokens(self.embedding.tokens)

    def at(self, position: int) -> str:
        """A source token as code."""
        return self.padded()[position]

    def picture(self, name: str, picture: draw.Picture) -> str:
        """Keeps a picture; returns the Markdown that shows it."""
        self.pictures[name] = picture
        alt = picture.text.translate({ord(c): f"\\{c}" for c in "[]<>*_`\\"})
        return f"![{alt}]({self.name}/{name}.svg)"


def walk_markdown(walk: Walk, command: str) -> str:
    """The page as text."""
    text = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            walk=walk,
            explanation=walk.explanation,
            computation=walk.computation,
            command=command,
            draw=draw,
            t=tables,
            words=words,
            wording=wording,
        )
    )
    # Half a surrogate pair, which a command line can hold, cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode()


def _environment() -> Environment:
    """Jinja without HTML's escaping: texts of the run stand in Markdown's code."""
    loader = PackageLoader("seqloom.report", "assets")
    return Environment(
        loader=loader,
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _stages(explanation: Explanation) -> tuple[AttentionStage, AttentionStage, AttentionStage] | None:
    """Attention within the source, within the target, and between them; None where a run lacks one."""
    if explanation.computation is None:
        return None
    stages = {
        stage.name.partition(".")[0] + stage.name.rpartition(".")[2]: stage for stage in explanation.computation.stages
    }
    wanted = ("encoderself", "decoderself", "decodercross")
    if not set(wanted) <= set(stages):
        return None
    encoder, causal, cross = (stages[name] for name in wanted)
    return encoder, causal, cross
