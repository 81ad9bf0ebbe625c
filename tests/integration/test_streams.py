"""Every verb, with every standard stream closed, full or left by its reader, and in places that a system may refuse."""

import contextlib
import importlib
import os
import pkgutil
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import seqloom
from seqloom.cli import VERBS
from seqloom.files import write_text
from tests import claims_factory, comparison_factory
from tests.forked import CLOSED, FULL, GONE, Done, run_forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of a process, /dev/full and /proc")


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


def _check(done: Done, statuses: tuple[int, ...]) -> None:
    for word in ("Traceback", "Exception ignored", "UnicodeEncodeError"):
        assert word not in done.err, done.err
    assert done.status in statuses, done.err


@pytest.mark.parametrize("verb", VERBS)
def test_streams(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
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
    _check(plain, (0,))
    assert plain.out
    for streams in ({"stdin": CLOSED}, {"stderr": CLOSED}, {"stderr": FULL}, {"stderr": GONE}):
        done = run(**streams)
        _check(done, (0,))
        assert bool(done.out) == (verb != "translate" or "stdin" not in streams)
    _check(closed := run(stdout=CLOSED), (2,) if command.prints_results else (0,))
    assert not command.prints_results or "standard output: cannot be written" in closed.err
    _check(full := run(stdout=FULL), (2,))
    assert "standard output: cannot be written: No space left on device; the disk is full" in full.err
    _check(gone := run(stdout=GONE), (141,))
    assert "seqloom:" not in gone.err
    _check(run(stdout=CLOSED, stderr=CLOSED), (2,) if command.prints_results else (0,))


def _no_home() -> None:
    os.environ["HOME"] = "/proc/nohome"
    for name in ("XDG_CACHE_HOME", "SEQLOOM_CACHE_DIR"):
        os.environ.pop(name, None)


def _no_temporary_folder() -> None:
    os.environ["TMPDIR"] = "/proc/notmp"


def _no_current_folder() -> None:
    folder = Path(os.environ["GONE_FOLDER"])
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))


PLACES = (_no_home, _no_temporary_folder, _no_current_folder, _small_files, _few_files)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("verb", VERBS)
def test_places(
    verb: str,
    place: Callable[[], None],
    commands: dict[str, Command],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GONE_FOLDER", str(tmp_path / "gone"))
    command = commands[verb]

    def before() -> None:
        command.before()
        place()

    done = run_forked(command.argv, tmp_path, stdin=command.stdin, before=before)
    if place is not _small_files or command.prints_results is False:
        _check(done, (0, 2))
    if done.status == 2:
        assert done.err.count("seqloom: ") >= 1
    if place is _no_home and verb == "train":
        assert "SEQLOOM_CACHE_DIR" in done.err
    if place is _no_home and verb in ("translate", "show", "generate"):
        assert done.status == 0


@pytest.mark.parametrize("verb", ["train", "compare", "demo", "explain", "export", "translate"])
def test_output_that_cannot_be_written(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    (tmp_path / "link").symlink_to("/nowhere/unmounted")
    for place in (tmp_path / "file" / "x.html", tmp_path / "link" / "x.html", Path("/proc/nowhere/x.html")):
        argv = list(commands[verb].argv)
        if verb == "translate":
            argv += ["--output", place]
        else:
            argv[argv.index("--out") + 1] = place
        done = run_forked(argv, tmp_path, stdin=commands[verb].stdin, before=commands[verb].before)
        _check(done, (2,))
        assert str(place.parent) in done.err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"
