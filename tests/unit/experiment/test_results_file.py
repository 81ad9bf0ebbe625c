"""The results file: what experiments read of a run is the same from its line as from its folder; damage is named."""

from pathlib import Path

import numpy as np
import pytest

from seqloom.errors import CheckpointError
from seqloom.evaluation import TestOutputs
from seqloom.experiment.results_file import ResultsFile
from seqloom.run.info import RunInfo
from tests.run_info import make_corpus_info, make_result_info, make_run_info

SOURCES = ("a b\u2028", "c", "d e f")
REFERENCES = ("ein Satz ohne Ende", "noch ein kurzer Satz", "das ist der letzte Satz")
OUTPUTS = ("ein Satz mit Ende", "noch ein kurzer Satz", "das war es")


def outputs(texts: tuple[str, ...] = OUTPUTS) -> TestOutputs:
    return TestOutputs(
        sources=SOURCES,
        references=REFERENCES,
        outputs=texts,
        log_probs=(-1.25, -0.1 - 0.2, -7.0),
        num_tokens=(4, 3, 5),
        sentences_per_second=3.5,
        latency_ms=1.5,
        notes=("a note",),
        details={"rows": [1, 2]},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def finished(separator: str | None = None, **values: float) -> dict[str, RunInfo]:
    return {
        "info": make_run_info(
            corpus=make_corpus_info(item_separator=separator), result=make_result_info(processor_share=0.5, **values)
        )
    }


def test_texts_come_back(path: Path) -> None:
    ResultsFile(path).add("a-seed0", **finished(), tests={"test": outputs()}, probes={"p": {"x": [0.1, 2]}})
    again = ResultsFile(path).runs["a-seed0"]
    made = again.tests["test"].with_pairs(SOURCES, REFERENCES)
    assert (made.sources, made.references, made.outputs) == (SOURCES, REFERENCES, OUTPUTS)
    assert (made.log_probs, made.num_tokens, made.notes) == (
        outputs().log_probs,
        outputs().num_tokens,
        outputs().notes,
    )
    assert again.probes == {"p": {"x": [0.1, 2]}}
    assert again.info.result == finished()["info"].result
    assert again.info.corpus.origins == {}
    # Of 6 seconds of updates and 1 of validation.
    assert again.cpu_seconds == 3.5
    for metric in ("bleu", "chrf", "perplexity"):
        assert np.array_equal(made.statistics(metric, None), outputs().statistics(metric, None))


def test_lists_come_back_as_counts(path: Path) -> None:
    ResultsFile(path).add("a-seed0", **finished(" "), tests={"test": outputs()}, probes={})
    made = ResultsFile(path).runs["a-seed0"].tests["test"].with_pairs(SOURCES, REFERENCES)
    assert made.outputs == ()
    for metric in ("exact_match", "items", "perplexity"):
        assert np.array_equal(made.statistics(metric, " "), outputs().statistics(metric, " "))


def test_the_last_line_of_a_run_counts(path: Path) -> None:
    results = ResultsFile(path)
    results.add("a-seed0", **finished(), tests={}, probes={})
    results.add("b-seed0", **finished(), tests={"test": outputs()}, probes={})
    ResultsFile(path).add("a-seed0", **finished(train_seconds=9.0), tests={"test": outputs(REFERENCES)}, probes={})
    assert path.read_text().count("\n") == 3
    runs = ResultsFile(path).runs
    assert runs["a-seed0"].tests["test"].with_pairs(SOURCES, REFERENCES).outputs == REFERENCES
    assert runs["a-seed0"].info.finished.train_seconds == 9.0
    assert runs["b-seed0"].tests["test"].with_pairs(SOURCES, REFERENCES).outputs == OUTPUTS


def test_a_line_has_neither_the_data_nor_where_they_were(path: Path) -> None:
    info = make_run_info(
        corpus=make_corpus_info(origins={"train": "/home/somebody/pairs.tsv"}), result=make_result_info()
    )
    ResultsFile(path).add("a-seed0", info, {"test": outputs()}, {})
    text = path.read_text()
    assert not [words for words in (*SOURCES, *REFERENCES) if f'"{words}"' in text]
    assert "somebody" not in text
    assert '"ein Satz mit Ende"' in text


def test_outputs_are_read_with_the_pairs_of_their_test_only(path: Path) -> None:
    ResultsFile(path).add("a-seed0", **finished(), tests={"test": outputs()}, probes={})
    line = ResultsFile(path).runs["a-seed0"].tests["test"]
    with pytest.raises(CheckpointError, match="the test data differ from those of the stored outputs"):
        line.with_pairs(SOURCES, REFERENCES[::-1])


def test_a_run_that_diverged_has_no_result(path: Path) -> None:
    ResultsFile(path).add("a-seed0", make_run_info(), {}, {})
    assert ResultsFile(path).runs["a-seed0"].info.result is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "2: .*not valid JSON"),
        ("[1]", '2: .*expected a mapping with the key "run"'),
        ('{"loss": 1}', '2: .*expected a mapping with the key "run"'),
        ('{"run": "b"}', "2: .*cpu_seconds"),
        ('{"run": "b", "cpu_seconds": 1, "info": {}}', "2: .*info.seed"),
    ],
)
def test_a_foreign_line_is_named(path: Path, line: str, words: str) -> None:
    ResultsFile(path).add("a-seed0", **finished(), tests={"test": outputs()}, probes={})
    with path.open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(CheckpointError, match=f"results.jsonl:{words}.*; remove the line"):
        ResultsFile(path)


def test_a_line_that_was_cut_is_named(path: Path) -> None:
    ResultsFile(path).add("a-seed0", **finished(), tests={"test": outputs()}, probes={})
    path.write_text(path.read_text()[:-9])
    with pytest.raises(CheckpointError, match=r":1: .*it has no end"):
        ResultsFile(path)


def test_columns_of_different_lengths_are_named(path: Path) -> None:
    ResultsFile(path).add("a-seed0", **finished(), tests={"test": outputs()}, probes={})
    path.write_text(path.read_text().replace('"num_tokens":[4,3,5]', '"num_tokens":[4,3]'))
    with pytest.raises(CheckpointError, match=r":1: .*differ in length from log_probs \(3\)"):
        ResultsFile(path)
