"""TaskSettings: the part of a recipe that is for one task only."""

from seqloom.config import Settings
from seqloom.corpus.settings import CorpusSettings


class TaskSettings(Settings):
    """What a task can be told; a task without settings needs none of this in a recipe.

    Attributes:
        name: the task.
    """

    name: str

    def reading(self, corpus: CorpusSettings) -> CorpusSettings:
        """The settings by which the task's data are read."""
        return corpus
