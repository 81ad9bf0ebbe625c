"""ResultsFile: finished runs as lines of JSON, which are small enough to be published where their folders and weights are not.

Input: a run; output: what experiments read of it: the content of run.json, what the run made of its tests, and the values of its
probes. Each run is one line. Lines are only added; of two lines about one run the last counts.

A line has no sources, no references and no paths of the machine: the data of a corpus are not published with results on it. A hash
identifies the pairs of a test; the caller that reads the outputs gives the pairs. Outputs whose references are lists of items are
stored as the counts of exact matches and of right items. Others are stored as texts: counts of BLEU and chrF for each sentence
would take more space.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from seqloom.config import Results
from seqloom.errors import CheckpointError, ConfigError
from seqloom.evaluation import TestOutputs
from seqloom.files import append_text, check_folder, cut, sync_size
from seqloom.run.info import RunInfo
from seqloom.untrusted import MEBIBYTE, parse_json, read_text

_MAX_BYTES = 1024 * MEBIBYTE
_LIST_METRICS = ("exact_match", "items")


class TestLine(Results):
    """What a run made of one test.

    Attributes:
        pairs: the hash of the sources and references.
        outputs: None where an output is the reference; empty where counts are in `stats`.
    """

    pairs: str
    outputs: tuple[str | None, ...] = ()
    stats: Mapping[str, list[list[float]]] = Field(default_factory=dict)
    log_probs: tuple[float, ...]
    num_tokens: tuple[int, ...]
    sentences_per_second: float
    latency_ms: float
    notes: tuple[str, ...] = ()
    num_outputs_cut: int = 0
    num_sources_cut: int = 0

    __test__ = False  # not a test class, although its name begins with "Test"

    @model_validator(mode="after")
    def _check_lengths(self) -> "TestLine":
        count = len(self.log_probs)
        columns = (self.num_tokens, *self.stats.values())
        if any(len(column) != count for column in columns) or len(self.outputs) != (0 if self.stats else count):
            raise ValueError(f"its columns differ in length from log_probs ({count})")
        return self

    def with_pairs(self, sources: Sequence[str], references: Sequence[str]) -> TestOutputs:
        """The outputs with the sources and references of their test.

        Raises:
            CheckpointError: these are not the pairs that were decoded.
        """
        if _hash_pairs(sources, references) != self.pairs:
            raise CheckpointError(
                "the test data differ from those of the stored outputs: use the data that the run was tested on, or train it again"
            )
        outputs = tuple(
            reference if output is None else output for output, reference in zip(self.outputs, references, strict=False)
        )
        values = self.model_dump(exclude={"pairs", "outputs"})
        return TestOutputs(sources=tuple(sources), references=tuple(references), outputs=outputs, **values)


class _RunLine(Results):
    run: str
    cpu_seconds: float
    info: Mapping[str, Any]
    tests: Mapping[str, TestLine] = Field(default_factory=dict)
    probes: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class KeptRun:
    """A finished run as its line holds it.

    Attributes:
        info: the content of run.json; it has no result where training diverged.
        tests: what the run made of its tests, by the name of their file.
        probes: values by the name of their file.
        cpu_seconds: in which the thread computed, in training and validation.
    """

    info: RunInfo
    tests: Mapping[str, TestLine]
    probes: Mapping[str, Any]
    cpu_seconds: float


class ResultsFile:
    """Finished runs by the name of their folder.

    Args:
        path: made with the first run, if it is not there.

    Raises:
        CheckpointError: a line is damaged, or is not one of such a file.
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs: dict[str, KeptRun] = {}
        check_folder(path.parent)
        if path.exists():
            self._read()

    def add(self, name: str, info: RunInfo, tests: Mapping[str, TestOutputs], probes: Mapping[str, Any]) -> None:
        """Adds a finished run, or one that diverged; the line is on the disk when this returns, or is not there at all.

        Args:
            name: that of the run's folder, which says recipe, data, budget and seed.
            tests: outputs by the name of their file; probes likewise.

        Raises:
            OutputError: the file cannot be written.
        """
        lines = {test: _test_line(outputs, info.corpus.item_separator) for test, outputs in tests.items()}
        public = info.model_copy(update={"corpus": info.corpus.model_copy(update={"origins": {}})})
        line = _RunLine(run=name, cpu_seconds=_cpu_seconds(info), info=public.to_json(), tests=lines, probes=probes)
        self._append(line)
        self.runs[name] = _kept(line, public)

    def forget(self, name: str) -> None:
        """Leaves out a run that other data have replaced; the line of its next training counts."""
        self.runs.pop(name, None)

    def _append(self, line: _RunLine) -> None:
        text = f"{_dump(line)}\n"
        before = sync_size(self.path)
        try:
            append_text(self.path, text)
            sync_size(self.path)
        except BaseException:
            cut(self.path, before)
            raise

    def _read(self) -> None:
        *lines, rest = read_text(self.path, max_bytes=_MAX_BYTES).split("\n")
        for number, line in enumerate([*lines, rest] if rest else lines, start=1):
            try:
                if number > len(lines):
                    raise ValueError("it has no end")
                self._take(parse_json(line, allow_nan=True), f"{self.path}:{number}")
            except (ValueError, ConfigError) as error:
                raise CheckpointError(
                    f"{self.path}:{number}: no line of a file of finished runs: {_first_line(error)}; remove the line, and its run "
                    "is trained again, or name another file"
                ) from None

    def _take(self, values: Any, source: str) -> None:
        if not isinstance(values, dict) or "run" not in values:
            raise ValueError('expected a mapping with the key "run"')
        line = _RunLine.parse(values, source=source)
        try:
            info = RunInfo.model_validate(line.info)
        except ValidationError as error:
            problem = error.errors()[0]
            raise ValueError(f"info.{'.'.join(map(str, problem['loc']))[:200]}: {problem['msg'].lower()}") from None
        self.runs[line.run] = _kept(line, info)


def _kept(line: _RunLine, info: RunInfo) -> KeptRun:
    return KeptRun(info, line.tests, line.probes, line.cpu_seconds)


def _hash_pairs(sources: Sequence[str], references: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([list(sources), list(references)]).encode()).hexdigest()[:12]


def _test_line(outputs: TestOutputs, item_separator: str | None) -> TestLine:
    values = asdict(outputs)
    for name in ("sources", "references", "details"):
        del values[name]
    pairs = _hash_pairs(outputs.sources, outputs.references)
    if item_separator is not None:
        counts = {name: outputs.statistics(name, item_separator).tolist() for name in _LIST_METRICS}
        return TestLine(pairs=pairs, **(values | {"outputs": (), "stats": {**outputs.stats, **counts}}))
    values["outputs"] = tuple(
        None if output == reference else output
        for output, reference in zip(outputs.outputs, outputs.references, strict=True)
    )
    return TestLine(pairs=pairs, **values)


def _cpu_seconds(info: RunInfo) -> float:
    if info.result is None:
        return 0.0
    return round((info.result.train_seconds + info.result.validation_seconds) * info.result.processor_share, 1)


def _dump(line: _RunLine) -> str:
    """Compact JSON: whole numbers without a point."""
    values = line.model_dump(exclude_defaults=True)
    for test in values.get("tests", {}).values():
        for name, rows in test.get("stats", {}).items():
            test["stats"][name] = [[int(count) if count == int(count) else count for count in row] for row in rows]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
