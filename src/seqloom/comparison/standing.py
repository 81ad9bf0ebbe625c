"""The scores of finished runs while others still train: a plain table with a row for each finished run.

The input are the outputs of a run, the result are lines of text. These rows are preliminary; the final table has intervals.
"""

from collections.abc import Mapping, Sequence

from seqloom.corpus import Corpus
from seqloom.evaluation import TestOutputs
from seqloom.metrics import aggregate, find_metric


class Standing:
    """The table of finished runs.

    Args:
        corpus: has the leading metric and the names of the items of its targets.
        labels: the labels of all runs, to align the columns.
        tests: the names of the test splits.
    """

    def __init__(self, corpus: Corpus, labels: Sequence[str], tests: Sequence[str]) -> None:
        self._corpus = corpus
        self._width = max(map(len, labels), default=0)
        self._heads = [*tests, "training"]
        self._begun = False

    def lines(self, label: str, outputs: Mapping[str, TestOutputs], train_seconds: float) -> list[str]:
        """Returns the lines to print for a finished run; the first call adds the head of the table."""
        cells = [f"{self._score(output):.1f}" for output in outputs.values()] + [f"{train_seconds / 60:.1f} min"]
        row = f"  {label:<{self._width}}" + "".join(
            f"  {cell:>{max(8, len(head))}}" for head, cell in zip(self._heads, cells, strict=True)
        )
        if self._begun:
            return [row]
        self._begun = True
        name = find_metric(self._corpus.metric).label.format(items=self._corpus.item_name)
        head = f"  {'':<{self._width}}" + "".join(f"  {head:>{max(8, len(head))}}" for head in self._heads)
        return [f"finished so far ({name}):", head, row]

    def _score(self, test_outputs: TestOutputs) -> float:
        counts = test_outputs.statistics(self._corpus.metric, self._corpus.item_separator)
        return float(aggregate(self._corpus.metric, counts.sum(axis=0)))
