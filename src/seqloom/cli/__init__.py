"""The `seqloom` command: runs one of its commands, and turns errors for users into one message and an exit status.

Results go to standard output, progress and notes to standard error. Each command has a file, which parses arguments and calls the
packages. torch is not imported before a command needs it. Errors of the operating system (OSError) are explained here.
"""

import argparse
import difflib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from seqloom.cli.streams import STDOUT, printable, standard_streams
from seqloom.errors import SeqloomError
from seqloom.system_errors import explain_os_error

COMMANDS = (
    "demo",
    "data",
    "inspect",
    "train",
    "translate",
    "generate",
    "score",
    "evaluate",
    "show",
    "explain",
    "compare",
    "claims",
    "limits",
    "export",
    "fiction",
    "play",
    "serve",
)

_DESCRIPTION = (
    "Train, compare, explain and use sequence models, from the recurrent encoder-decoder to the Transformer, "
    "on your own data."
)

_EPILOG = """\
examples:
  seqloom demo                                            trains and compares three architectures in some minutes
  seqloom train transformer-tiny --data pairs.tsv --minutes 10 --out runs/mine
  echo "ein Hund" | seqloom translate runs/mine
  seqloom explain runs/mine --text "ein Hund" --out page.html
  seqloom compare --data pairs.tsv --minutes 10           which architecture is better on your data, with intervals

`seqloom COMMAND --help` explains a command."""


class UsageError(Exception):
    """The command line is wrong; `command` is the command whose --help shows the right usage."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError instead of ending the process, and accepts no abbreviated options."""

    def __init__(self, **settings: object) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(message, self.prog)


class Version(argparse.Action):
    """Prints the version; looks it up only then, since importlib.metadata is slow to import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Prints the version and ends the command."""
        from importlib import metadata

        print(f"seqloom {metadata.version('seqloom')}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the arguments after the program's name; those of the process by default.

    Returns:
        The exit status: 0; 1 if a command finds a problem, such as a failed arm; 2 for an error that the user can correct; 130
        after Ctrl-C.
    """
    with standard_streams():
        try:
            return _explained(list(sys.argv[1:] if argv is None else argv))
        except KeyboardInterrupt:
            return _fail("stopped by Ctrl-C", 130, before="\n")


def _explained(argv: list[str]) -> int:
    """Runs the command; an error that the user can correct becomes one message, and bugs keep their traceback."""
    try:
        status = _run(argv)
        sys.stdout.flush()
    except UsageError as problem:
        return _fail(f"{problem}\nTry `{problem.command} --help`.")
    except SeqloomError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The program that reads our output has ended, as in `seqloom ... | head`.
        return 141
    except (OSError, ImportError) as error:
        message = _explain_system_error(error)
        if message is None:
            raise
        return _fail(message)
    return status


def _explain_system_error(error: OSError | ImportError) -> str | None:
    if isinstance(error, OSError):
        return explain_os_error(error, "cannot be written" if error.filename == STDOUT else "")
    # The loader of compiled modules gives the text of the error, but not its number.
    number = next((number for number in (errno.EMFILE, errno.ENFILE) if os.strerror(number) in str(error)), None)
    return explain_os_error(OSError(number, os.strerror(number), error.path)) if number is not None else None


def _fail(message: str, status: int = 2, *, before: str = "") -> int:
    print(f"{before}seqloom: {printable(message)}", file=sys.stderr, flush=True)
    return status


def _run(argv: list[str]) -> int:
    parser, commands = build_parser()
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        close = difflib.get_close_matches(argv[0], commands, n=1, cutoff=0.5)
        hint = f"did you mean `seqloom {close[0]}`?" if close else f"the commands are {', '.join(commands)}"
        raise UsageError(f"there is no command {argv[0]!r}; {hint}", "seqloom")
    try:
        arguments, unknown = parser.parse_known_args(argv)
    except SystemExit as end:  # argparse raises it after --help and --version
        return int(end.code or 0)
    if unknown:
        raise _explain_unknown(unknown[0], arguments.command, commands[arguments.command])
    if arguments.command != "train" and "LOCAL_RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            f"`seqloom {arguments.command}` runs as one process, and torchrun started several of it: start it without torchrun",
            f"seqloom {arguments.command}",
        )
    status: int = arguments.run(arguments)
    return status


def build_parser() -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command line, and the parser of each command by its name."""
    parser = Parser(prog="seqloom", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    subparsers = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    for command in COMMANDS:
        importlib.import_module(f"seqloom.cli.{command}").register(subparsers)
    return parser, dict(subparsers.choices)


def _explain_unknown(word: str, command: str, parser: argparse.ArgumentParser) -> UsageError:
    if not word.startswith("-"):
        return UsageError(f"{word!r} was not expected here; put all names together, before the options", parser.prog)
    options = [option for action in parser._actions for option in action.option_strings]
    close = difflib.get_close_matches(word.partition("=")[0], options, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "its options are listed by --help"
    return UsageError(f"`{command}` has no option {word}; {hint}", parser.prog)
