"""Measures decoding: the same weights, sentences and beam for all programs, in batches and one sentence at a time.

The outputs are scored too: a program must not be fast because its outputs are worse.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import sacrebleu
from rich.console import Console

from benchmarks.dataset import Dataset
from benchmarks.decoders import BEAM, DECODERS, Decoder, ExportError, exported
from benchmarks.environments import FOLDER
from benchmarks.sizes import SEED, SIZES, VOCAB_SIZE, our_recipe
from benchmarks.training import Plan, process_environment
from benchmarks.turns import locked, peak_memory_mib, watched
from seqloom.tokenizer import Tokenizer

TRAIN_MINUTES = 4.0


@dataclass
class Answering:
    """The process of a decoder, which waits for requests, and its measured times."""

    decoder: Decoder
    process: subprocess.Popen[str]
    folder: Path
    batch_seconds: list[float] = field(default_factory=list)
    single_ms: list[float] = field(default_factory=list)

    def send(self, **request: Any) -> dict[str, Any]:
        """Sends a request and returns the answer.

        Raises:
            ExportError: the process has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise ExportError(self.last_words()) from None
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next line of the process's output.

        Raises:
            ExportError: the process has ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise ExportError(self.last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def last_words(self) -> str:
        lines = (self.folder / "errors.txt").read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-3:])[-500:] or "it printed nothing"

    def end(self) -> None:
        """Kills the process."""
        self.process.kill()
        self.process.wait()


def trained_run(folder: Path, threads: int, console: Console, minutes: float = TRAIN_MINUTES) -> Path:
    """A tiny run that is trained long enough to end its sentences; trained once."""
    run = folder / "run"
    if not (run / "weights" / "last.safetensors").is_file():
        shutil.rmtree(run, ignore_errors=True)
        console.print(f"training a tiny run for {minutes:g} minutes, for decoding")
        quick = {"model__dropout": 0.1, "training__batch_tokens": 1024, "training__learning_rate": 3e-3}
        recipe = our_recipe(SIZES["tiny"], **quick, training__validation_sentences=0, training__select_by="loss")
        command = [sys.executable, "-m", "seqloom", "train", recipe.recipe, "--data", "multi30k"]
        command += ["--from-lang", "en", "--to-lang", "de", "--minutes", str(minutes), "--out", str(run), "--quiet"]
        command += ["--threads", str(threads), "--seed", str(SEED), "--set", *recipe.assignments()]
        subprocess.run(command, env=process_environment(threads), check=True, stdout=subprocess.DEVNULL)
    return run


def measure_decoding(
    dataset: Dataset, plan: Plan, failures: dict[str, str], console: Console, *, run: Path | None, singles: int
) -> dict[str, Any]:
    """Measures all decoders; returns the results as JSON.

    Args:
        run: a trained run with the shared tokenizer; None trains one.
        singles: how many sentences are decoded one at a time.
    """
    folder = FOLDER / "decoding"
    folder.mkdir(parents=True, exist_ok=True)
    run = run.resolve() if run is not None else trained_run(folder, plan.threads, console)
    if Tokenizer.load(run).hash != dataset.tokenizer.hash:
        raise SystemExit(
            f"{run}: its tokenizer is not the shared one; train it on multi30k with tokenizer.vocab_size={VOCAB_SIZE}"
        )
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    results: dict[str, dict[str, Any]] = {}
    answering: list[Answering] = []
    _write_pieces(dataset)
    try:
        for decoder in DECODERS:
            result = results.setdefault(decoder.label, {"kind": "peer" if decoder.environment else "ours"})
            started = _start(decoder, run, dataset, plan, work / str(len(results)), failures, console)
            if isinstance(started, str):
                result["not_measured"] = started
            else:
                answering.append(started)
        _play(answering, results, plan, singles, dataset, console)
        for each in answering:
            if each.batch_seconds:
                results[each.decoder.label] |= _summary(each, dataset)
    finally:
        for each in answering:
            each.end()
    with locked(plan.locks):
        cold = cold_starts(run, plan.threads, dataset)
    return {"run": _about(run), "beam": BEAM, "programs": results, "cold_start": cold}


def _about(run: Path) -> dict[str, Any]:
    facts = json.loads((run / "run.json").read_text())
    return {
        "parameters": facts["parameters"],
        "result": {k: v for k, v in (facts["result"] or {}).items() if k != "curve"},
    }


def _write_pieces(dataset: Dataset) -> None:
    tokenizer = dataset.tokenizer
    rows = [[int(token[1:]) for token in line.split()] for line in dataset.lines("test.src")]
    pieces = [[tokenizer.source.pieces[number] for number in row] for row in rows]
    (dataset.folder / "test.pieces.json").write_text(json.dumps(pieces, ensure_ascii=False), encoding="utf-8")


def _start(
    decoder: Decoder,
    run: Path,
    dataset: Dataset,
    plan: Plan,
    folder: Path,
    failures: dict[str, str],
    console: Console,
) -> Answering | str:
    if decoder.environment in failures:
        return failures[decoder.environment]
    folder.mkdir(parents=True)
    environment = process_environment(plan.threads)
    console.print(f"decoding: starting {decoder.label}")
    try:
        model = exported(run, decoder.format, folder.parent, environment)
    except ExportError as error:
        return str(error)
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            decoder.command(model, dataset.folder, folder, plan.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    started = Answering(decoder, process, folder)
    try:
        started.answer()
    except ExportError as error:
        started.end()
        return str(error)
    except BaseException:
        started.end()
        raise
    return started


def _play(
    answering: list[Answering],
    results: dict[str, dict[str, Any]],
    plan: Plan,
    singles: int,
    dataset: Dataset,
    console: Console,
) -> None:
    count = dataset.facts["test_sentences"]
    chosen = [number * count // singles for number in range(singles)]
    for round_number in range(plan.rounds):
        for each in answering:
            if "not_measured" in results[each.decoder.label]:
                continue
            try:
                with locked(plan.locks):
                    answer = each.send(do="batch", out=str(each.folder / "outputs.txt"))
                    times = each.send(do="single", sentences=chosen)["times"]
            except ExportError as error:
                results[each.decoder.label]["not_measured"] = str(error)
                continue
            each.batch_seconds.append(answer["seconds"])
            each.single_ms.append(1000 * median(times))
            console.print(
                f"decoding {round_number + 1}: {each.decoder.label:30s} {count / answer['seconds']:8,.1f} sentences/s, "
                f"{each.single_ms[-1]:6.1f} ms"
            )


def _summary(each: Answering, dataset: Dataset) -> dict[str, Any]:
    count = dataset.facts["test_sentences"]
    # Memory is measured in a further round, because sampling it takes time.
    with watched(each.process.pid) as most:
        each.send(do="batch", out=str(each.folder / "outputs.txt"))
    speeds = [count / seconds for seconds in each.batch_seconds]
    outputs = (each.folder / "outputs.txt").read_text(encoding="utf-8").splitlines()
    texts = [_text(line, each.decoder.writes, dataset) for line in outputs]
    bleu = sacrebleu.corpus_bleu(texts, [dataset.lines("test.text.tgt")])
    return {
        "sentences_per_second": round(median(speeds), 1),
        "least": round(min(speeds), 1),
        "largest": round(max(speeds), 1),
        "single_ms": round(median(each.single_ms), 2),
        "single_ms_least": round(min(each.single_ms), 2),
        "single_ms_largest": round(max(each.single_ms), 2),
        "peak_memory_mib": round(max(peak_memory_mib(each.process.pid), *most), 1),
        "bleu": round(bleu.score, 2),
        "rounds": speeds,
    }


def _text(line: str, writes: str, dataset: Dataset) -> str:
    tokenizer = dataset.tokenizer
    if writes == "text":
        return line
    if writes == "pieces":
        known = {piece: number for number, piece in enumerate(tokenizer.target.pieces)}
        return tokenizer.decode_tgt([known[piece] for piece in json.loads(line)])
    return tokenizer.decode_tgt([int(token[1:]) for token in line.split()])


def cold_starts(run: Path, threads: int, dataset: Dataset, times: int = 5) -> dict[str, Any]:
    """Seconds from the start of `seqloom translate` to its first sentence, and its peak memory for all test sentences."""
    results: dict[str, Any] = {}
    for engine in ("seqloom", "ctranslate2"):
        command = [sys.executable, "-m", "seqloom", "translate", str(run), "--threads", str(threads), "--quiet"]
        command += ["--beam", str(BEAM)] + ([] if engine == "seqloom" else ["--engine", engine])
        sentences = dataset.lines("test.text.src")
        try:
            seconds = [_answered(command, sentences[:1], threads)[0] for _ in range(times)]
            # The first start may read files from the disk that later starts find in memory.
            results[engine] = {
                "seconds": round(median(seconds[1:]), 2),
                "first_seconds": round(seconds[0], 2),
                "peak_memory_mib": round(_answered(command, sentences, threads, watch=True)[1], 1),
            }
        except subprocess.CalledProcessError as error:
            results[engine] = {"not_measured": str(error.stderr)[-300:]}
    return results


def _answered(command: list[str], lines: list[str], threads: int, *, watch: bool = False) -> tuple[float, float]:
    """Seconds to the first output line of a command, and its peak memory in MiB (with `watch`: that of its children too)."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=process_environment(threads),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with watched(process.pid) if watch else nullcontext([0.0]) as most:
        process.stdin.write("".join(f"{line}\n" for line in lines))
        process.stdin.close()
        process.stdout.readline()
        seconds = time.perf_counter() - begin
        process.stdout.read()
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=errors)
    return seconds, max(usage.ru_maxrss / 1024, *most)
