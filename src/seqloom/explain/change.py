"""Change: a source word is replaced, a head is set to zero, or the target must begin with a prefix.

Input: a Change; output: a changed model or a changed text. Heads are set to zero by interventions of activation hooks, which
every architecture applies.
"""

import re
from collections.abc import Mapping
from typing import Self

import torch
from jaxtyping import Float, Int
from pydantic import AliasChoices, Field, model_validator
from torch import Tensor

from seqloom.config import Settings, nearest
from seqloom.data.batching import Sources
from seqloom.errors import ConfigError
from seqloom.explain.sentence import Sentence
from seqloom.models.base import DecoderState, Model
from seqloom.nn.activation_hooks import ActivationHooks, Intervention
from seqloom.segments import num_segments, replace_segments, segments


class Change(Settings):
    """What is changed; several parts can be changed at once.

    Attributes:
        words: numbers of source words, from 1, and their replacements; "" removes the word. In scripts without spaces between
            words, each character is a word.
        silence: heads whose output is set to zero, such as "decoder.1.cross.2" (counted from 0), or "decoder.1.cross" for all heads
            of a layer.
        prefix: the text that the target must begin with.
        prefix_ids: the same as token ids; only one of both can be given.
    """

    words: dict[int, str] = Field(default_factory=dict)
    silence: tuple[str, ...] = ()
    prefix: str = Field("", validation_alias=AliasChoices("prefix", "force"))
    prefix_ids: tuple[int, ...] = Field((), validation_alias=AliasChoices("prefix_ids", "begin"))

    @model_validator(mode="after")
    def _check_prefix(self) -> Self:
        if self.prefix and self.prefix_ids:
            raise ValueError("prefix and prefix_ids both say what the target begins with; give one of them")
        return self

    def __bool__(self) -> bool:
        return bool(self.words or self.silence or self.prefix or self.prefix_ids)

    def describe(self, text: str, prefix: str = "") -> str:
        """A description for people.

        Args:
            prefix: `prefix_ids` as text.
        """
        before = segments(text)
        parts = [
            f"word {number}, {before[number - 1]!r}, becomes {word!r}"
            if word
            else f"word {number}, {before[number - 1]!r}, is removed"
            for number, word in sorted(self.words.items())
        ]
        parts += [f"{head} is set to zero" for head in self.silence]
        parts += [f"the target begins with {self.prefix or prefix!r}"] if self.prefix or self.prefix_ids else []
        return "; ".join(parts)

    def apply(self, text: str) -> str:
        """The text with its words changed.

        Raises:
            ConfigError: there is no such word.
        """
        count = num_segments(text)
        for number in self.words:
            if not 1 <= number <= count:
                raise ConfigError(f"change {number}: the text has words 1 to {count}: {text!r}")
        return replace_segments(text, self.words)


class ChangedModel(Model):
    """A model that computes what another one does, but applies interventions in every step."""

    def __init__(self, model: Model, interventions: Mapping[str, Intervention]) -> None:
        super().__init__()
        self._model = (model,)  # In a tuple, so that it is no submodule: its parameters belong to another model.
        self._interventions = dict(interventions)
        self.vocab = model.vocab
        self.max_len = model.max_len
        self.training = model.training

    def max_tgt_len(self, src_len: int) -> int | None:
        """The limit of the wrapped model."""
        return self._model[0].max_tgt_len(src_len)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The output weights of the wrapped model."""
        return self._model[0].output_weights()

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Calls `start` of the wrapped model, with the interventions."""
        return self._model[0].start(sources, _Intervening(self._interventions, hooks))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Calls `advance` of the wrapped model, with the interventions."""
        return self._model[0].advance(ids, state, _Intervening(self._interventions, hooks))


class _Intervening(ActivationHooks):
    """Applies interventions and passes the results on to other hooks."""

    def __init__(self, interventions: Mapping[str, Intervention], next_hooks: ActivationHooks | None) -> None:
        super().__init__(interventions)
        self._next_hooks = next_hooks

    def __call__(self, name: str, value: Tensor) -> Tensor:
        value = super().__call__(name, value)
        return value if self._next_hooks is None else self._next_hooks(name, value)


def heads_of(model: Model, sentence: Sentence) -> dict[str, int]:
    """The attentions that can be set to zero, by name, with their number of heads."""
    hooks = ActivationHooks()
    with torch.no_grad():
        model(sentence.batch(model), hooks)
    return {
        name.removesuffix(".context"): tensors[0].shape[1] if tensors[0].ndim == 4 else 1
        for name, tensors in hooks.tensors.items()
        if name.endswith(".context")
    }


def silencing_interventions(model: Model, sentence: Sentence, heads: tuple[str, ...]) -> dict[str, Intervention]:
    """Interventions that set the outputs of heads to zero.

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
                raise ConfigError(f"silence {text}: this run has no attention, so it has no heads to set to zero")
            hint = nearest(name, list(known)) or f" It has {', '.join(known)}."
            raise ConfigError(f"silence {text}: this run has no attention of that name.{hint}")
        if head is not None and int(head) >= known[name]:
            raise ConfigError(f"silence {text}: {name} has heads 0 to {known[name] - 1}")
        chosen.setdefault(name, set()).update(range(known[name]) if head is None else {int(head)})
    return {f"{name}.context": _zeroing(sorted(numbers)) for name, numbers in chosen.items()}


def _zeroing(heads: list[int]) -> Intervention:
    def silence(context: Tensor) -> Tensor:
        if context.ndim == 3:
            return torch.zeros_like(context)
        changed = context.clone()
        changed[:, heads] = 0.0
        return changed

    return silence
