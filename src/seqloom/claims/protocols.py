"""The protocol and the ladder of claims about translation: one place, so that such claims share their arms."""

from collections.abc import Mapping
from typing import Any

from seqloom.claims.claim import Ladder, Protocol
from seqloom.corpus.settings import CorpusSettings
from seqloom.experiment.arms import ATTENTIVE, FIXED, MULTI30K, RECURRENT, TRANSFORMER
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
