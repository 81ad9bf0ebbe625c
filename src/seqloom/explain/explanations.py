"""Explanations: what several runs do with one text, as data."""

from seqloom.config import Results
from seqloom.explain.explanation import SCHEMA_VERSION, Explanation
from seqloom.explain.text_surprise import SurpriseComparison, TextSurprise


class TextSurprises(Results):
    """The surprise of several language models at one text.

    Attributes:
        surprises: one for each model.
        comparison: where they differ; None if there are fewer than two, or if they cannot be compared.
    """

    schema_version: int = SCHEMA_VERSION
    text: str
    surprises: tuple[TextSurprise, ...]
    comparison: SurpriseComparison | None


class Explanations(Results):
    """The explanations of a text by several runs.

    Attributes:
        explanations: one for each run that was explained step by step.
        surprises: one for each language model.
        surprise_comparison: where the language models differ; None if there are fewer than two, or if they cannot be compared.
    """

    schema_version: int = SCHEMA_VERSION
    text: str
    explanations: tuple[Explanation, ...]
    surprises: tuple[TextSurprise, ...] = ()
    surprise_comparison: SurpriseComparison | None = None
