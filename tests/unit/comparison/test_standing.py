"""The table that fills while arms train."""

from dataclasses import replace

from seqloom.comparison.standing import Standing
from seqloom.corpus import open_corpus
from seqloom.corpus.settings import CorpusSettings
from seqloom.evaluation import TestOutputs


def outputs(*texts: str) -> TestOutputs:
    return TestOutputs(("a", "b"), ("x ; y", "z"), texts, (0.0, 0.0), (1, 1), 1.0, 1.0, ())


def test_the_head_comes_once_and_rows_are_aligned() -> None:
    corpus = open_corpus(CorpusSettings(data="player-commands", size=20))
    standing = Standing(corpus, ["RNN", "Transformer"], ["test"])
    first = standing.lines("RNN", {"test": outputs("x", "z")}, 90.0)
    second = standing.lines("Transformer", {"test": outputs("x ; y", "z")}, 60.0)
    assert first == [
        "finished so far (share of right commands):",
        "                   test  training",
        "  RNN              66.7   1.5 min",
    ]
    assert second == ["  Transformer     100.0   1.0 min"]


def test_outputs_of_other_metrics_are_scored_too() -> None:
    corpus = replace(open_corpus(CorpusSettings(data="player-commands", size=20)), metric="exact_match")
    assert Standing(corpus, ["RNN"], ["test"]).lines("RNN", {"test": outputs("x", "z")}, 6.0)[-1] == (
        "  RNN      50.0   0.1 min"
    )
