"""seqloom: train, compare, explain, generate and serve sequence models on your own data and machine.

    import seqloom
    run = seqloom.train("transformer-tiny", "pairs.tsv", budget=seqloom.Budget(minutes=5))
    seqloom.load("runs/transformer-tiny-pairs").translate(["ein Hund läuft"])[0].text
    seqloom.compare(corpus="pairs.tsv")

Names are imported when they are first used, so `import seqloom` is quick.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqloom.lazy import lazy_attributes

if TYPE_CHECKING:
    from seqloom.comparison import Comparison, compare
    from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus
    from seqloom.decoding.hypothesis import Generation
    from seqloom.errors import SeqloomError
    from seqloom.recipes import Recipe, load_recipe, recipe_names
    from seqloom.run.load import Run, load
    from seqloom.run.train import train
    from seqloom.training import Budget

# OpenMP's threads spin while they wait for each other, up to 3 milliseconds, which makes programs slow that share a processor.
# Here they spin for 30 microseconds and then sleep. OpenMP reads this when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

_NAMES_OF = {
    "seqloom.comparison": ("Comparison", "compare"),
    "seqloom.corpus": ("Corpus", "CorpusSettings", "SentencePair", "open_corpus"),
    "seqloom.decoding.hypothesis": ("Generation",),
    "seqloom.errors": ("SeqloomError",),
    "seqloom.recipes": ("Recipe", "load_recipe", "recipe_names"),
    "seqloom.run.load": ("Run", "load"),
    "seqloom.run.train": ("train",),
    "seqloom.training": ("Budget",),
}
_load = lazy_attributes(__name__, _NAMES_OF)

__all__ = [
    "Budget",
    "Comparison",
    "Corpus",
    "CorpusSettings",
    "Generation",
    "Recipe",
    "Run",
    "SentencePair",
    "SeqloomError",
    "compare",
    "load",
    "load_recipe",
    "open_corpus",
    "recipe_names",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "load":
        # Registers the engines of other programs, which `seqloom.run` may not import itself.
        import_module("seqloom.interop")
    return _load(name)


if "IPython" in sys.modules:
    from seqloom.report.jupyter import register

    register()
