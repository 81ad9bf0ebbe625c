"""main(): commands are chosen, errors are one message and a status, and nothing heavy is imported for help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqloom import cli
from seqloom.errors import ConfigError

HEAVY = (
    "torch",
    "numpy",
    "pydantic",
    "rich",
    "altair",
    "tokenizers",
    "sacrebleu",
    "yaml",
    "pooch",
    "importlib.metadata",
)


LIST_HEAVY = (
    f"import sys; from seqloom.cli import main; main({{argv}}); print([m for m in {HEAVY!r} if m in sys.modules])"
)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_help_imports_nothing_heavy() -> None:
    code = (
        f"import sys; from seqloom.cli import main; main(['--help']); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = run_python(code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_each_command_teaches_and_imports_nothing_heavy(command: str) -> None:
    done = run_python(LIST_HEAVY.format(argv=[command, "--help"]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "examples:" in done.stdout
    assert done.stdout.count(f"seqloom {command}") >= 3  # the usage line and examples


def test_help_waits_for_nothing_heavy() -> None:
    code = (
        "import sys; from seqloom import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'tokenizers', 'altair'} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "compare" in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("seqloom 0.")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["trian"], "did you mean `seqloom train`?"),
        (["xyzzy"], "the commands are demo, "),
        ([], "required: COMMAND"),
        (["translate"], "required: RUN"),
        (["translate", "runs/x", "--bem", "5"], "`translate` has no option --bem; did you mean --beam?"),
        (["translate", "runs/x", "--beam", "0"], "'0' is not a whole number from 1"),
        (["translate", "runs/x", "--beam", "two"], "'two' is not a whole number from 1"),
        (["train", "--data", "x", "--steps", "5", "--tokens", "5"], "not allowed with argument --steps"),
        (["compare", "a", "--data", "x", "b"], "put all names together"),
    ],
)
def test_wrong_command_lines_are_explained(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    caught = capsys.readouterr()
    assert told in caught.err
    assert caught.err.startswith("seqloom: ")
    assert "--help`" in caught.err
    assert caught.out == ""


def command_that(problem: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: object) -> int:
        raise problem

    monkeypatch.setattr("seqloom.cli.show.run", run)


def test_an_error_of_the_user_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command_that(ConfigError("recipe.yaml:3: unknown key 'modle'. Did you mean 'model'?"), monkeypatch)
    assert cli.main(["show", "x"]) == 2
    assert capsys.readouterr().err == "seqloom: recipe.yaml:3: unknown key 'modle'. Did you mean 'model'?\n"


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command_that(KeyboardInterrupt(), monkeypatch)
    assert cli.main(["show", "x"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    command_that(ZeroDivisionError("a bug"), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        cli.main(["show", "x"])


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    code = """
import sys
from seqloom import cli
cli._run = lambda argv: print("\\n".join(["x" * 80] * 100_000)) or 0
sys.exit(cli.main())
"""
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    os.read(read, 10)
    os.close(read)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 141
    assert err == ""
