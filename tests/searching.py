"""Calls `search` with decoding settings as keyword arguments."""

from collections.abc import Sequence
from typing import Any

from seqloom.data.batching import Sources
from seqloom.decoding.constraints import Constraint
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import Observer
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.models.base import Model

_OF_SEARCH = ("decoder_prompts", "shortlists", "draw_keys", "penalised_context")


def search_with(
    model: Model,
    sources: Sources,
    *,
    constraints: Sequence[Constraint] = (),
    observers: Sequence[Observer] = (),
    **options: Any,
) -> list[list[Hypothesis]]:
    """Searches.

    Args:
        options: decoding settings, and keyword arguments of `search`.
    """
    own = {name: options.pop(name) for name in _OF_SEARCH if name in options}
    return search(model, sources, DecodingSettings(**options), constraints, observers, **own)
