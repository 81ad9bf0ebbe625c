"""Arm: one recipe on one corpus with one budget, as claims train it; and the small models that most claims compare.

Functions here make Arms from names and settings. If several claims declare equal arms, the arm is trained once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqloom.config import merge
from seqloom.corpus.settings import CorpusSettings
from seqloom.recipes import Recipe, load_recipe

RECURRENT, ATTENTIVE, TRANSFORMER = "rnn-tiny", "attention-rnn-tiny", "transformer-tiny"
FIXED = "fixed-mixer-tiny"
# The recipes that most claims compare.
MAIN_RECIPES = (RECURRENT, ATTENTIVE, TRANSFORMER)

LABELS: Mapping[str, str] = {
    RECURRENT: "RNN",
    ATTENTIVE: "RNN with attention",
    TRANSFORMER: "Transformer",
    FIXED: "fixed mixer",
}

# Some 170,000 parameters each over a vocabulary of forty words: enough for lists of symbols, trained in seconds.
_SMALL: Mapping[str, Mapping[str, Any]] = {
    RECURRENT: {"d_model": 64, "hidden_size": 112, "num_layers": 1},
    ATTENTIVE: {"d_model": 64, "hidden_size": 116, "num_layers": 1},
    TRANSFORMER: {"d_model": 64, "d_ff": 128, "num_heads": 4, "num_encoder_layers": 2, "num_decoder_layers": 2},
    FIXED: {"d_model": 64, "d_ff": 224, "num_heads": 4, "num_encoder_layers": 2, "num_decoder_layers": 2},
}


@dataclass(frozen=True)
class Test:
    """A test split, and how many of its sentences an arm decodes; None for all."""

    split: str = "test"
    sentences: int | None = None

    __test__ = False  # pytest: this is not a class of tests


@dataclass(frozen=True)
class Arm:
    """What is trained, and what is then measured.

    Attributes:
        name: the same in all claims and at all efforts, so that its recorded learning rate is found.
        rates: the learning rates from which validation chooses.
        tests: what to decode and score.
        probes: names of functions, "module:name", that take the trained run and its corpus and return plain values.
    """

    name: str
    label: str
    recipe: Recipe
    corpus: CorpusSettings
    steps: int
    rates: tuple[float, ...]
    tests: tuple[Test, ...] = (Test(),)
    probes: tuple[str, ...] = ()

    def at_rate(self, rate: float) -> "Arm":
        """The same arm with one learning rate."""
        changed = merge(self.recipe.model_dump(mode="json"), {"training": {"learning_rate": rate}})
        return replace(self, recipe=Recipe.parse(changed, source=self.name), rates=(rate,))

    def around(self, rate: float) -> "Arm":
        """The same arm with a grid of rates of the same width whose middle is `rate`."""
        middle = self.rates[len(self.rates) // 2]
        return replace(self, rates=tuple(rate * (own / middle) for own in self.rates))

    def with_requests(self, others: "Sequence[Arm]") -> "Arm":
        """The same arm with the tests and probes of others after its own."""
        tests = dict.fromkeys((*self.tests, *(test for other in others for test in other.tests)))
        probes = dict.fromkeys((*self.probes, *(probe for other in others for probe in other.probes)))
        return replace(self, tests=tuple(tests), probes=tuple(probes))

    @property
    def key_without_rate(self) -> str:
        """What arms share that would be trained alike but for the learning rate."""
        return self.at_rate(1.0).key

    @property
    def key(self) -> str:
        """The name of the arm's folder; arms with equal training have the same name."""
        what = f"{self.recipe.to_yaml()}\n{self.corpus.model_dump_json()}\n{self.steps}"
        return f"{self.recipe.name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def arm(
    recipe: str,
    corpus: CorpusSettings | str,
    steps: int,
    *,
    small: bool = False,
    changes: Mapping[str, Any] | None = None,
    variant: str = "",
    multiples: tuple[float, ...] = (0.5, 1, 2),
    tests: tuple[Test, ...] = (Test(),),
    probes: tuple[str, ...] = (),
) -> Arm:
    """An arm of a named recipe.

    Claims declare their arms by these parameters; all but three have defaults.

    Args:
        corpus: settings, or a named data set.
        multiples: the learning rates to try, as multiples of the recipe's.
        small: whether the model is the small one with a vocabulary of whole words, for lists of symbols.
        changes: changed settings, nested.
        variant: how the arm differs from others of its recipe: "reversed source".
    """
    settings = CorpusSettings(data=corpus) if isinstance(corpus, str) else corpus
    nested: dict[str, Any] = {
        "training": {
            "validations": 4,
            "validation_sentences": 0,
            "select_by": "loss",
            "average_last": 1,
            # The recipes' warm-up is for longer training; it would be half of the shortest training here.
            "warmup_steps": min(100, steps // 10),
        },
        "decoding": {"beam": 1},
    }
    if small:
        nested = merge(nested, {"model": dict(_SMALL[recipe]), "tokenizer": {"kind": "words", "min_frequency": 1}})
    made = load_recipe(recipe, merge(nested, changes or {}))
    # The arm has its own corpus; a corpus in the recipe too would give equal arms different keys.
    made = made.model_copy(update={"corpus": None})
    rate = made.training.learning_rate
    position = settings.data or settings.src or "corpus"
    return Arm(
        name="/".join(
            part for part in (recipe, "small" if small else "", variant, str(position).split("/")[-1]) if part
        ),
        label=", ".join(part for part in (LABELS.get(recipe, made.label), variant) if part),
        recipe=made,
        corpus=settings,
        steps=steps,
        rates=tuple(multiple * rate for multiple in multiples),
        tests=tests,
        probes=probes,
    )


MULTI30K = CorpusSettings(data="multi30k", from_lang="en", to_lang="de")
