"""What if: a source word is another, a head is silent, the target begins as it is told: the same model under a change.

A Change enters; an altered model or an altered text leaves. Heads are silenced through a record's interventions, which every
architecture honours.
"""

import re
from collections.abc import Mapping
from typing import Self

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from seqloom.batching import Sources
from seqloom.config import Settings, nearest
from seqloom.errors import ConfigError
from seqloom.explain.sentence import Sentence
from seqloom.models.base import DecoderState, Model
from seqloom.nn.record import Intervention, Record
from seqloom.segments import num_segments, replace_segments, segments


class Change(Settings):
    """What is to be changed; several at once are one change.

    Attributes:
        words: places of source words, from 1, and what stands there instead; "" takes the word away. In scripts without spaces
            between words, each character is one.
        silence: heads such as "decoder.1.cross.2" (counted from 0), or all heads of "decoder.1.cross".
        force: what the target is to begin with, as text.
        begin: the same as ids, where the very tokens matter.
    """

    words: dict[int, str] = Field(default_factory=dict)
    silence: tuple[str, ...] = ()
    force: str = ""
    begin: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.force and self.begin:
            raise ValueError("force and begin both say what the target begins with; give one of them")
        return self

    def __bool__(self) -> bool:
        return bool(self.words or self.silence or self.force or self.begin)

    def describe(self, text: str, begin: str = "") -> str:
        """The change in words.

        Args:
            begin: the ids of `begin` as text.
        """
        before = segments(text)
        parts = [
            f"word {place}, {before[place - 1]!r}, becomes {word!r}"
            if word
            else f"word {place}, {before[place - 1]!r}, is taken away"
            for place, word in sorted(self.words.items())
        ]
        parts += [f"{head} is silent" for head in self.silence]
        parts += [f"the target begins with {self.force or begin!r}"] if self.force or self.begin else []
        return "; ".join(parts)

    def apply(self, text: str) -> str:
        """The text with its words changed.

        Raises:
            ConfigError: there is no such word.
        """
        count = num_segments(text)
        for place in self.words:
            if not 1 <= place <= count:
                raise ConfigError(f"change {place}: the text has words 1 to {count}: {text!r}")
        return replace_segments(text, self.words)


class Altered(Model):
    """A model whose insides are changed in every step by interventions; by the same contract."""

    def __init__(self, model: Model, interventions: Mapping[str, Intervention]) -> None:
        super().__init__()
        self._model = (model,)  # Not a part of it: it has its parameters elsewhere.
        self._interventions = dict(interventions)
        self.vocab = model.vocab
        self.max_len = model.max_len
        self.training = model.training

    def max_tgt_len(self, src_len: int) -> int | None:
        """The model's own."""
        return self._model[0].max_tgt_len(src_len)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The model's own."""
        return self._model[0].output_weights()

    def start(self, sources: Sources, record: Record | None = None) -> DecoderState:
        """As the model, changed."""
        return self._model[0].start(sources, _Through(self._interventions, record))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """As the model, changed."""
        return self._model[0].advance(ids, state, _Through(self._interventions, record))


class _Through(Record):
    """Changes what passes, and hands it on to another record."""

    def __init__(self, interventions: Mapping[str, Intervention], beyond: Record | None) -> None:
        super().__init__(interventions)
        self._beyond = beyond

    def __call__(self, name: str, value: Tensor) -> Tensor:
        value = super().__call__(name, value)
        return value if self._beyond is None else self._beyond(name, value)


def heads_of(model: Model, sentence: Sentence) -> dict[str, int]:
    """The attentions that can be silenced, by name, with their number of heads."""
    record = Record()
    with torch.no_grad():
        model(sentence.batch(model), record)
    return {
        name.removesuffix(".context"): tensors[0].shape[1] if tensors[0].ndim == 4 else 1
        for name, tensors in record.tensors.items()
        if name.endswith(".context")
    }


def silencing(model: Model, sentence: Sentence, heads: tuple[str, ...]) -> dict[str, Intervention]:
    """Interventions under which what the heads would have said is zero.

    Raises:
        ConfigError: the model has no such head.
    """
    known = heads_of(model, sentence) if heads else {}
    chosen: dict[str, set[int]] = {}
    for text in heads:
        match = re.fullmatch(r"(.+?)(?:\.(\d+))?", text)
        assert match is not None
        name, head = (text, None) if text in known else (match[1], match[2])
        if name not in known:
            if not known:
                raise ConfigError(f"silence {text}: this run has no attention, so there is nothing to silence")
            hint = nearest(name, list(known)) or f" It has {', '.join(known)}."
            raise ConfigError(f"silence {text}: this run has no attention of that name.{hint}")
        if head is not None and int(head) >= known[name]:
            raise ConfigError(f"silence {text}: {name} has heads 0 to {known[name] - 1}")
        chosen.setdefault(name, set()).update(range(known[name]) if head is None else {int(head)})
    return {f"{name}.context": _zeroing(sorted(places)) for name, places in chosen.items()}


def _zeroing(heads: list[int]) -> Intervention:
    def silence(context: Tensor) -> Tensor:
        if context.ndim == 3:
            return torch.zeros_like(context)
        changed = context.clone()
        changed[:, heads] = 0.0
        return changed

    return silence
