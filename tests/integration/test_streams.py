"""Three verbs with every standard stream closed, full or left by its reader; tests/system has all verbs, and more places."""

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import seqloom
from seqloom.files import write_text
from tests import claims_factory, comparison_factory
from tests.forked import CLOSED, FULL, GONE, Done, run_forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of a process, /dev/full and /proc")


# All verbs take minutes.
QUICK = ("data", "show", "translate")


@dataclass(frozen=True)
class Command:
    """A command; what it prints is its result, or only says where the result lies."""

    argv: tuple[object, ...]
    stdin: bytes = b""
    prints_results: bool = True
    before: Callable[[], None] = field(default=lambda: None)


def _canned_comparison() -> None:
    import seqloom.comparison.comparing
    import seqloom.report.page

    seqloom.comparison.comparing.compare = lambda *_, **__: comparison_factory.make()  # type: ignore
    seqloom.report.page.write_report = lambda _, path: write_text(path, "a report")  # type: ignore


def _canned_report() -> None:
    import seqloom.report.claims_page

    seqloom.report.claims_page.write_claims_report = lambda _, path, **__: write_text(path, "a report")  # type: ignore


def _serving_ends() -> None:
    import seqloom.serve.server

    seqloom.serve.server.Server.run = lambda *_, **__: None  # type: ignore


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Imports what commands would import, once instead of in each copy."""
    for module in pkgutil.walk_packages(seqloom.__path__, "seqloom."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


@pytest.fixture
def commands(tmp_path: Path, trained: Callable[[str], Path], corpus_folder: Path) -> dict[str, Command]:
    """A command of each verb."""
    run, out, data = trained("transformer-tiny"), tmp_path / "out", corpus_folder
    verdicts = tmp_path / "verdicts"
    verdicts.mkdir()
    (verdicts / "verdicts.json").write_text(claims_factory.make_verdicts().model_dump_json(), encoding="utf-8")
    small = ("--set", "model.d_model=16", "model.d_ff=16", "model.num_encoder_layers=1", "model.num_decoder_layers=1")
    one = ("--device", "cpu", "--threads", "1")
    return {
        "demo": Command(("demo", "--out", out), prints_results=False, before=_canned_comparison),
        "data": Command(("data", "list")),
        "inspect": Command(("inspect", "--data", data / "pairs.tsv")),
        "train": Command(
            (
                "train",
                "--data",
                data / "pairs.tsv",
                "--steps",
                "1",
                "--out",
                out,
                *one,
                *small,
                "training.validations=1",
            ),
            prints_results=False,
        ),
        "translate": Command(("translate", run, *one), stdin="rot\ngrün\n".encode()),
        "generate": Command(("generate", run, "--prompt", "rot", "--max-tokens", "2", *one)),
        "score": Command(("score", run, "--src", data / "sources.txt", "--ref", data / "references.txt", *one)),
        "evaluate": Command(("evaluate", run, "--src", data / "sources.txt", "--ref", data / "references.txt", *one)),
        "show": Command(("show", run)),
        "explain": Command(
            ("explain", run, "--text", "rot", "--method", "gradient", "--out", out / "page.html", *one),
            prints_results=False,
        ),
        "compare": Command(
            ("compare", "--data", data / "pairs.tsv", "--out", out), prints_results=False, before=_canned_comparison
        ),
        "claims": Command(("claims", "report", verdicts), prints_results=False, before=_canned_report),
        "limits": Command(("limits", run, "--on", "length", "--most", "2", "--samples", "30", *one)),
        "export": Command(
            ("export", run, "--to", "huggingface", "--sentences", "0", "--out", out, *one), prints_results=False
        ),
        "serve": Command(("serve", run, "--port", "0", *one), prints_results=False, before=_serving_ends),
    }


def check(done: Done, statuses: tuple[int, ...]) -> None:
    for word in ("Traceback", "Exception ignored", "UnicodeEncodeError"):
        assert word not in done.err, done.err
    assert done.status in statuses, done.err


@pytest.mark.parametrize("verb", QUICK)
def test_streams(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
    check_streams(verb, commands, tmp_path)


def check_streams(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
    """Runs a verb with each stream closed, full or left by its reader."""
    command = commands[verb]
    out = tmp_path / "out"

    def run(**streams: str) -> Done:
        for path in sorted(out.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if out.exists():
            out.rmdir()
        given = {"stdin": command.stdin, **streams}
        return run_forked(command.argv, tmp_path, before=command.before, **given)  # type: ignore[arg-type]

    plain = run()
    check(plain, (0,))
    assert plain.out
    for streams in ({"stdin": CLOSED}, {"stderr": CLOSED}, {"stderr": FULL}, {"stderr": GONE}):
        done = run(**streams)
        check(done, (0,))
        assert bool(done.out) == (verb != "translate" or "stdin" not in streams)
    check(closed := run(stdout=CLOSED), (2,) if command.prints_results else (0,))
    assert not command.prints_results or "standard output: cannot be written" in closed.err
    check(full := run(stdout=FULL), (2,))
    assert "standard output: cannot be written: No space left on device; the disk is full" in full.err
    check(gone := run(stdout=GONE), (141,))
    assert "seqloom:" not in gone.err
    check(run(stdout=CLOSED, stderr=CLOSED), (2,) if command.prints_results else (0,))


@pytest.mark.parametrize("verb", ["train", "translate"])
def test_output_that_cannot_be_written(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
    check_output(verb, commands, tmp_path)


def check_output(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
    """Runs a verb whose output lies below a file, behind a dangling link, and where nothing can be written."""
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    (tmp_path / "link").symlink_to("/nowhere/unmounted")
    for place in (tmp_path / "file" / "x.html", tmp_path / "link" / "x.html", Path("/proc/nowhere/x.html")):
        argv = list(commands[verb].argv)
        if verb == "translate":
            argv += ["--output", place]
        else:
            argv[argv.index("--out") + 1] = place
        done = run_forked(argv, tmp_path, stdin=commands[verb].stdin, before=commands[verb].before)
        check(done, (2,))
        assert str(place.parent) in done.err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"
