"""Arms, protocols and ladders that several claims have in common: one place, so that such claims train the same arms."""

from collections.abc import Mapping, Sequence
from typing import Any

from seqloom.claims.claim import Ladder, Protocol
from seqloom.config import merge
from seqloom.corpus.settings import CorpusSettings
from seqloom.experiment.arms import ATTENTIVE, FIXED, MULTI30K, RECURRENT, TRANSFORMER, Arm, Test, arm
from seqloom.experiment.audit import Effort
from seqloom.experiment.runner import ExperimentRunner

TRANSLATION_LADDER = Ladder(
    steps=(200, 800, 3200),
    seeds=(3, 5, 8),
    options={"size": 10_000, "sentences": 1000},
    settings={"tokenizer": {"vocab_size": 2000}, "training": {"validations": 10}},
    models={
        RECURRENT: {"d_model": 96, "hidden_size": 136},
        ATTENTIVE: {"d_model": 96, "hidden_size": 142},
        TRANSFORMER: {"d_model": 96, "d_ff": 192, "num_encoder_layers": 3, "num_decoder_layers": 3},
        FIXED: {"d_model": 96, "d_ff": 336, "num_encoder_layers": 3, "num_decoder_layers": 3},
    },
)
"""Models of some 750,000 parameters on 10,000 sentences: small enough for all arms to converge in minutes on one thread."""

EXACT_TASK: Mapping[str, Any] = {"training": {"label_smoothing": 0.0}}
"""Settings of arms whose task has one right answer: with smoothed labels, the loss of a model that is always right is not 0."""


def translation_protocols(standard: str = "", thorough: str = "") -> Mapping[Effort, Protocol]:
    """Multi30k English-German at 200 updates and three seeds, and at 5,000 and five.

    Args:
        standard: words to add to the description; thorough likewise.
    """
    return {
        "standard": Protocol(
            f"Three seeds, three learning rates; Multi30k English-German; 200 steps{standard}.",
            steps=200,
            options={"sentences": 500},
        ),
        "thorough": Protocol(
            f"Five seeds, three learning rates; Multi30k English-German; 5,000 steps{thorough}.",
            seeds=5,
            steps=5000,
            options={"sentences": 1000},
        ),
    }


def translation_corpus(
    runner: ExperimentRunner, protocol: Protocol, default: CorpusSettings = MULTI30K
) -> CorpusSettings:
    """The user's own corpus; else `default`, cut to the protocol's number of training sentences where it has one."""
    size: int | None = protocol.options.get("size")
    return runner.corpus or (default if size is None else default.model_copy(update={"size": size}))


def small_arm(
    protocol: Protocol,
    recipe: str,
    task: CorpusSettings | str,
    changes: Mapping[str, Any] | None = None,
    *,
    variant: str = "",
    splits: Sequence[str] = ("test",),
    probes: tuple[str, ...] = (),
) -> Arm:
    """A small arm on lists of symbols, with the protocol's steps and settings.

    Args:
        task: a corpus of such lists.
        changes: settings of the study, nested; they override those of the ladder.
        variant: see `arm`.
        splits: what is decoded and scored; of each the protocol's number of sentences.
        probes: see `Arm`.
    """
    return arm(
        recipe,
        task,
        protocol.steps,
        small=True,
        changes=protocol.changes(recipe, changes),
        variant=variant,
        tests=tuple(Test(split, protocol["sentences"]) for split in splits),
        probes=probes,
    )


def translation_arm(
    protocol: Protocol,
    recipe: str,
    corpus: CorpusSettings,
    changes: Mapping[str, Any] | None = None,
    *,
    variant: str = "",
    probes: tuple[str, ...] = (),
) -> Arm:
    """An arm that translates: a tiny recipe with a vocabulary of 4,000, small enough to be trained in one to two minutes.

    Its learning rates are the recipe's, which is for longer training, and larger ones, which suit few steps. See `small_arm`.
    """
    return arm(
        recipe,
        corpus,
        protocol.steps,
        changes=merge({"tokenizer": {"vocab_size": 4000}}, protocol.changes(recipe, changes)),
        variant=variant,
        multiples=(1, 2, 4),
        tests=(Test("test", protocol["sentences"]),),
        probes=probes,
    )
