"""Chooses the search for the limits of a run: on generated inputs if a family fits its corpus, otherwise on its test sentences.

Input: a Run; output: a search. The searches themselves are in `sizes` and `real_text`.
"""

from typing import Any, Protocol

from seqloom.claims.limits.families import FAMILIES
from seqloom.claims.limits.family import Family, SizeMeasure
from seqloom.claims.limits.real_text import SentenceSearch
from seqloom.claims.limits.result import About, LimitSettings, LimitsResult
from seqloom.claims.limits.sizes import SizeSearch
from seqloom.corpus import SentencePair
from seqloom.errors import ConfigError
from seqloom.metrics import find_metric
from seqloom.progress import Progress, Silent
from seqloom.run.info import CorpusInfo
from seqloom.run.load import Run
from seqloom.tasks import task_of


class Search(Protocol):
    """A search for limits that can be interrupted."""

    def run(self, progress: Progress) -> None:
        """Searches until the limit is known or the budget of inputs is spent."""

    def result(self) -> LimitsResult:
        """The result so far; complete after `run`."""


def find_limits(
    run: Run, size_measure: SizeMeasure, *, beam: int | None = None, progress: Progress | None = None, **settings: Any
) -> LimitsResult:
    """The smallest size, and the smallest input, on which a run fails.

    Args:
        size_measure: the property of an input that its size counts.
        settings: those of LimitSettings.

    Raises:
        ConfigError: this run has no inputs with this size measure, or with these settings no size can pass or fail.
    """
    search = open_search(run, size_measure, beam=beam, progress=progress, **settings)
    search.run(progress or Silent())
    return search.result()


def open_search(
    run: Run, size_measure: SizeMeasure, *, beam: int | None = None, progress: Progress | None = None, **settings: Any
) -> Search:
    """Makes a search and does not start it; see `find_limits`."""
    chosen = LimitSettings.parse(
        {name: value for name, value in settings.items() if value is not None}, source="limits"
    )
    corpus = run.info.corpus
    family = choose_family(corpus, size_measure)
    about: dict[str, Any] = {
        "run": str(run.folder),
        "recipe": run.recipe.name,
        "corpus": corpus.name,
        "size_measure": size_measure,
    }
    if family is not None:
        return SizeSearch(
            run.generator(beam=beam),
            family,
            About(
                **about,
                unit=family.unit,
                units=family.units,
                description=family.description,
                measure="share right",
                trained=family.trained,
            ),
            chosen,
        )
    label = find_metric(corpus.metric).label.format(items=corpus.item_name)
    return SentenceSearch(
        run.generator(beam=beam),
        _test_pairs(run, progress),
        About(
            **about,
            unit="word",
            units="words",
            description="test sentences, by the words of their source",
            measure=label,
            trained=None,
        ),
        chosen,
        metric=corpus.metric,
        item_separator=corpus.item_separator,
    )


def choose_family(corpus: CorpusInfo, size_measure: SizeMeasure) -> Family | None:
    """The family of inputs that a run was trained on; None if the search must use its test sentences.

    Args:
        corpus: the run's record of its corpus.

    Raises:
        ConfigError: there are no such inputs with this size measure; the message names the size measures that fit.
    """
    if not task_of(corpus.kind).has_sources:
        raise ConfigError(
            f"the run was trained on plain text ({corpus.name}), where no continuation is wrong; limits needs a run of pairs"
        )
    # A user's file may have the name of a generator, so the name alone does not decide.
    families = FAMILIES.get(corpus.name, ()) if corpus.synthetic else ()
    for family in families:
        if family.size_measure == size_measure:
            family.requires()
            return family
    if size_measure == "length":
        return None
    fitting = [f"--on {family.size_measure} ({family.units})" for family in families]
    if not any(family.size_measure == "length" for family in families):
        fitting.append("--on length (words of its test sentences)")
    others = [name for name, known in FAMILIES.items() if any(family.size_measure == size_measure for family in known)]
    raise ConfigError(
        f"--on {size_measure}: the run was trained on {corpus.name}, whose inputs have no size of this kind. "
        f"What fits: {', '.join(fitting)}."
        + (f" --on {size_measure} is for runs on {', '.join(others)}." if others else "")
    )


def _test_pairs(run: Run, progress: Progress | None) -> list[SentencePair]:
    corpus = run.open_corpus(progress)
    return [pair for split in corpus.tests.values() for pair in split.pairs()]
