"""The worked example: one text computed from embeddings to softmax, as a Markdown page with pictures in separate files.

Input: explanations; output: Markdown and SVG. The page follows the first run whose computation has self-attention on both sides and
cross-attention. Recurrent runs are compared with it in the last part. Every number comes from the explanations.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from seqloom.errors import ConfigError
from seqloom.explain.explanation import AttentionStage, Computation, Embedding, Explanation, Vector
from seqloom.explain.explanations import Explanations
from seqloom.report import explanation_wording as words
from seqloom.report import wording
from seqloom.report import worked_example_pictures as draw
from seqloom.report import worked_example_tables as tables
from seqloom.report.page import write_page

TEMPLATE = "worked_example.md"


def write_worked_example(explanations: Explanations, path: Path, *, folders: Sequence[Path], command: str) -> None:
    """Writes the page, and its pictures into a folder of the same name next to it.

    Args:
        folders: the run folder of each explanation.
        command: the command line that writes this page.

    Raises:
        ConfigError: no run has encoder and decoder self-attention and cross-attention.
        SeqloomError: a file cannot be written.
    """
    example = WorkedExample(explanations.explanations, tuple(folders), path.stem)
    text = worked_example_markdown(example, command)
    for name, picture in example.pictures.items():
        write_page(picture.svg(), path.with_suffix("") / f"{name}.svg")
    write_page(text, path)


@dataclass
class WorkedExample:
    """The values that the template of the page reads.

    Attributes:
        explanations: of all runs, in the order of the command line.
        folders: the folders of the runs.
        name: the name of the folder of pictures.
    """

    explanations: tuple[Explanation, ...]
    folders: tuple[Path, ...]
    name: str

    def __post_init__(self) -> None:
        self.pictures: dict[str, draw.Picture] = {}
        index = next((n for n, item in enumerate(self.explanations) if _stages(item) is not None), None)
        if index is None:
            raise ConfigError(
                "a worked example needs a run with self-attention on both sides and cross-attention, such as a run of "
                "transformer-tiny; --out page.html explains any run"
            )
        self.explanation, self.folder = self.explanations[index], self.folders[index]
        stages, computation = _stages(self.explanation), self.explanation.computation
        assert stages is not None
        assert computation is not None
        self.computation: Computation = computation
        self.encoder, self.causal, self.cross = stages

    @cached_property
    def step(self) -> int:
        """The step that the page follows, from 0."""
        return self.computation.step

    @cached_property
    def embedding(self) -> Embedding:
        """The embeddings of the source tokens."""
        return next(side for side in self.computation.embeddings if side.side == "source")

    @cached_property
    def query_position(self) -> int:
        """The source position that the page follows: the aligned one, or else that of the largest cross-attention weight."""
        truth = self.explanation.truth
        true = truth.sources[self.step] if truth else ()
        weights = self.cross.weights[self.step]
        return true[0] if true else max(range(len(self.explanation.source)), key=weights.__getitem__)

    @cached_property
    def rnn(self) -> Explanation | None:
        """The first recurrent run without attention."""
        return next((item for item in self.explanations if item.states and item.alignment is None), None)

    @cached_property
    def attention_rnn(self) -> Explanation | None:
        """The first recurrent run with attention."""
        return next((item for item in self.explanations if item.states and item.alignment is not None), None)

    @cached_property
    def vector(self) -> int:
        """The number of values that the RNN passes from encoder to decoder."""
        assert self.rnn is not None
        tracks = [track for track in self.rnn.states if track.side == "source"]
        return sum(track.units * (1 if track.cell_norm is None else 2) for track in tracks)

    @cached_property
    def heads(self) -> list[tuple[float, str]]:
        """For each cross-attention head its agreement with the reference alignment, 0 to 1, and its name; the best first."""
        return sorted(
            (
                (agreements.truth.alike, f"{attention.name}.{number}")
                for attention in self.explanation.attention
                if words.looks_across(attention, len(self.explanation.source))
                for number, agreements in enumerate(attention.agreements)
                if agreements.truth is not None
            ),
            reverse=True,
        )

    @cached_property
    def crossing(self) -> tuple[int, int, int, int] | None:
        """A step with its aligned source position, and a later step with an earlier one; None if there are no such steps."""
        truth = self.explanation.truth
        known = enumerate(truth.sources if truth else ())
        links = [(step, position) for step, positions in known for position in positions]
        crossed = ((a, p, b, q) for a, p in links for b, q in links if a < b and p > q)
        return next(crossed, None)

    @property
    def trained(self) -> list[str]:
        """The command lines that train the runs."""
        return [item.run.trained_by for item in self.explanations if item.run.trained_by]

    @property
    def quoted(self) -> str:
        """The text as a Python string literal."""
        return json.dumps(self.explanation.text, ensure_ascii=False)

    @property
    def layer(self) -> int:
        """The layer of the decoder that the page follows."""
        return int(self.cross.name.split(".")[1])

    @property
    def encoder_layer(self) -> int:
        """The layer of the encoder; an encoder may have fewer layers than the decoder."""
        return int(self.encoder.name.split(".")[1])

    @property
    def num_heads(self) -> int:
        """The number of heads of a layer."""
        return len(self.cross.joined[0]) // len(self.cross.query[0])

    @property
    def argmax(self) -> int:
        """The source position with the largest cross-attention weight at the step."""
        weights = self.cross.weights[self.step]
        return max(range(len(weights)), key=weights.__getitem__)

    @property
    def tied(self) -> bool:
        """Whether the rows of the output matrix are the token embeddings, up to the factor sqrt(d_model)."""
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
            for row, embedding in rows
            for value, other in zip(row, embedding, strict=True)
        )

    @property
    def max_entropy(self) -> float:
        """The entropy of a uniform distribution over the vocabulary, nats."""
        return math.log(self.explanation.run.vocab_size)

    @property
    def backwards(self) -> bool:
        """Whether the RNN reads the source from right to left."""
        assert self.rnn is not None
        return all(track.backwards for track in self.rnn.states if track.side == "source")

    @property
    def attention_rnn_step(self) -> int:
        """The step of the attention RNN that the page shows."""
        assert self.attention_rnn is not None
        return min(self.step, len(self.attention_rnn.target) - 1)

    def least_likely(self, explanation: Explanation) -> str:
        """The output token of a run with the lowest probability."""
        step = min(explanation.steps, key=lambda step: step.log_prob)
        return f"{tables.token(step.token)}, with a probability of {step.probability:.4f}"

    def first_numbers(self, row: Vector) -> str:
        """The first numbers of a vector."""
        return ", ".join(words.decimal(value, 3) for value in row[:4])

    def padded(self) -> list[str]:
        """The source tokens and the padding after them, as Markdown code."""
        return tables.tokens(self.embedding.tokens)

    def source_token(self, position: int) -> str:
        """A source token as Markdown code."""
        return self.padded()[position]

    def picture(self, name: str, picture: draw.Picture) -> str:
        """Keeps a picture; returns the Markdown that shows it."""
        self.pictures[name] = picture
        alt = picture.text.translate({ord(c): f"\\{c}" for c in "[]<>*_`\\"})
        return f"![{alt}]({self.name}/{name}.svg)"


def worked_example_markdown(example: WorkedExample, command: str) -> str:
    """The text of the page."""
    text = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            example=example,
            explanation=example.explanation,
            computation=example.computation,
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
    """Jinja without HTML escaping: texts of the run are Markdown code."""
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
    """Encoder self-attention, decoder self-attention and cross-attention; None if a run lacks one of them."""
    if explanation.computation is None:
        return None
    computed = explanation.computation.stages
    stages = {stage.name.partition(".")[0] + stage.name.rpartition(".")[2]: stage for stage in computed}
    wanted = ("encoderself", "decoderself", "decodercross")
    if not set(wanted) <= set(stages):
        return None
    encoder, causal, cross = (stages[name] for name in wanted)
    return encoder, causal, cross
