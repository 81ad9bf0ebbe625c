"""TaskSettings: the part of a recipe that is for one task only."""

from seqloom.config import Settings
from seqloom.corpus.settings import CorpusSettings


class TaskSettings(Settings):
    """The settings of one task; a recipe leaves them out where the task has none.

    Attributes:
        name: the task.
    """

    name: str

    def reading(self, corpus: CorpusSettings) -> CorpusSettings:
        """The settings by which the task's data are read."""
        return corpus
