"""From a run to a search for its limits: which family fits what it was trained on, and what to do where none does.

Input: a Run; output: a search. How it searches stands in `sizes` and `real_text`.
"""

from typing import Any, Protocol

from seqloom.claims.limits.families import FAMILIES
from seqloom.claims.limits.family import Family, On
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
    run: Run, on: On, *, beam: int | None = None, progress: Progress | None = None, **settings: Any
) -> LimitsResult:
    """The smallest size, and the smallest input, on which a run fails.

    Args:
        on: what is to grow.
        settings: those of LimitSettings.

    Raises:
        ConfigError: the inputs of this run do not grow in that, or the settings decide nothing.
    """
    search = open_search(run, on, beam=beam, progress=progress, **settings)
    search.run(progress or Silent())
    return search.result()


def open_search(
    run: Run, on: On, *, beam: int | None = None, progress: Progress | None = None, **settings: Any
) -> Search:
    """A search that has asked nothing yet; see `find_limits`."""
    chosen = LimitSettings.parse(
        {name: value for name, value in settings.items() if value is not None}, source="limits"
    )
    corpus = run.info.corpus
    family = choose_family(corpus, on)
    about: dict[str, Any] = {"run": str(run.folder), "recipe": run.recipe.name, "corpus": corpus.name, "on": on}
    if family is not None:
        return SizeSearch(
            run.generator(beam=beam),
            family,
            About(
                **about,
                unit=family.unit,
                units=family.units,
                judged=family.judged,
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
            judged="test sentences, by the words of their source",
            measure=label,
            trained=None,
        ),
        chosen,
        metric=corpus.metric,
        item_separator=corpus.item_separator,
    )


def choose_family(corpus: CorpusInfo, on: On) -> Family | None:
    """The family of inputs that a run was trained on; None where its test sentences have to do.

    Args:
        corpus: what the run says of its corpus.

    Raises:
        ConfigError: its inputs do not grow in that; the message says in what they do.
    """
    if not task_of(corpus.kind).has_sources:
        raise ConfigError(
            f"the run was trained on plain text ({corpus.name}), where no continuation is wrong; limits needs a run of pairs"
        )
    # A file may be called like a generator.
    families = FAMILIES.get(corpus.name, ()) if corpus.synthetic else ()
    for family in families:
        if family.on == on:
            family.requires()
            return family
    if on == "length":
        return None
    fitting = [f"--on {family.on} ({family.units})" for family in families]
    if not any(family.on == "length" for family in families):
        fitting.append("--on length (words of its test sentences)")
    others = [name for name, known in FAMILIES.items() if any(family.on == on for family in known)]
    raise ConfigError(
        f"--on {on}: the run was trained on {corpus.name}, whose inputs do not grow in that. "
        f"What fits: {', '.join(fitting)}." + (f" --on {on} is for runs on {', '.join(others)}." if others else "")
    )


def _test_pairs(run: Run, progress: Progress | None) -> list[SentencePair]:
    corpus = run.open_corpus(progress)
    return [pair for split in corpus.tests.values() for pair in split.pairs()]
