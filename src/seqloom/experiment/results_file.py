"""ResultsFile: finished runs as lines of JSON, which are small enough to be kept where their folders and weights are not.

Input: a run; output: what experiments read of it: the content of run.json, what the run made of its tests, and the values of its
probes. Each run is one line, and so are the sources and references of a test, which runs share. Lines are only added; of two
lines about one run the last counts.

Outputs whose references are lists of items are kept as the counts of exact matches and of right items. Others are kept as texts:
counts of BLEU and chrF for each sentence would take more space.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

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
        texts: names the line with the sources and references.
        outputs: None where an output is the reference; empty where counts stand in `stats`.
    """

    texts: str
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


class _TextsLine(Results):
    texts: str
    sources: tuple[str, ...]
    references: tuple[str, ...]


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
        tests: the outputs by the name of their file, without texts where counts are kept.
        probes: values by the name of their file.
        cpu_seconds: in which the thread computed, in training and validation.
    """

    info: RunInfo
    tests: Mapping[str, TestOutputs]
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
        self._texts: dict[str, _TextsLine] = {}
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
        lines: list[Results] = []
        made = {}
        for test, outputs in tests.items():
            texts = _texts_line(outputs)
            if texts.texts not in self._texts:
                self._texts[texts.texts] = texts
                lines.append(texts)
            made[test] = _test_line(outputs, texts, info.corpus.item_separator)
        line = _RunLine(run=name, cpu_seconds=_cpu_seconds(info), info=info.to_json(), tests=made, probes=probes)
        self._append([*lines, line])
        self.runs[name] = self._kept(line, info)

    def forget(self, name: str) -> None:
        """Leaves out a run that other data have replaced; the line of its next training counts."""
        self.runs.pop(name, None)

    def _append(self, lines: Sequence[Results]) -> None:
        text = "".join(f"{_dump(line)}\n" for line in lines)
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
        if not isinstance(values, dict) or not {"run", "texts"} & set(values):
            raise ValueError('expected a mapping with the key "run" or "texts"')
        if "run" not in values:
            texts = _TextsLine.parse(values, source=source)
            self._texts[texts.texts] = texts
            return
        line = _RunLine.parse(values, source=source)
        try:
            info = RunInfo.model_validate(line.info)
        except ValidationError as error:
            problem = error.errors()[0]
            raise ValueError(f"info.{'.'.join(map(str, problem['loc']))[:200]}: {problem['msg'].lower()}") from None
        self.runs[line.run] = self._kept(line, info)

    def _kept(self, line: _RunLine, info: RunInfo) -> KeptRun:
        tests = {name: self._outputs(test) for name, test in line.tests.items()}
        return KeptRun(info, tests, line.probes, line.cpu_seconds)

    def _outputs(self, test: TestLine) -> TestOutputs:
        texts = self._texts.get(test.texts)
        if texts is None:
            raise ValueError(f"no line before it has the texts {test.texts[:80]!r}")
        count = len(texts.sources)
        columns = (texts.references, test.log_probs, test.num_tokens, *test.stats.values())
        if any(len(column) != count for column in columns) or len(test.outputs) != (0 if test.stats else count):
            raise ValueError(f"not as many outputs as sources ({count})")
        outputs = tuple(
            reference if output is None else output
            for output, reference in zip(test.outputs, texts.references, strict=False)
        )
        kept = test.model_dump(exclude={"texts", "outputs"})
        return TestOutputs(sources=texts.sources, references=texts.references, outputs=outputs, **kept)


def _texts_line(outputs: TestOutputs) -> _TextsLine:
    content = json.dumps([outputs.sources, outputs.references]).encode()
    name = hashlib.sha256(content).hexdigest()[:12]
    return _TextsLine(texts=name, sources=outputs.sources, references=outputs.references)


def _test_line(outputs: TestOutputs, texts: _TextsLine, item_separator: str | None) -> TestLine:
    values = asdict(outputs)
    for name in ("sources", "references", "details"):
        del values[name]
    if item_separator is not None:
        counts = {name: outputs.statistics(name, item_separator).tolist() for name in _LIST_METRICS}
        return TestLine(texts=texts.texts, **(values | {"outputs": (), "stats": {**outputs.stats, **counts}}))
    values["outputs"] = tuple(
        None if output == reference else output
        for output, reference in zip(outputs.outputs, outputs.references, strict=True)
    )
    return TestLine(texts=texts.texts, **values)


def _cpu_seconds(info: RunInfo) -> float:
    if info.result is None:
        return 0.0
    return round((info.result.train_seconds + info.result.validation_seconds) * info.result.processor_share, 1)


def _dump(line: Results) -> str:
    """Compact JSON: whole numbers without a point."""
    values = line.model_dump(exclude_defaults=True)
    for test in values.get("tests", {}).values():
        for name, rows in test.get("stats", {}).items():
            test["stats"][name] = [[int(count) if count == int(count) else count for count in row] for row in rows]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
