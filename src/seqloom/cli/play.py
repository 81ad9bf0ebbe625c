"""`seqloom play`: plays a text adventure in the terminal."""

import argparse
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from seqloom.cli import options
from seqloom.cli.progress import shown
from seqloom.cli.streams import printable, styled
from seqloom.messages import command_line

if TYPE_CHECKING:
    from seqloom.fiction.session import Reply, Session

_EPILOG = """\
examples:
  seqloom play                               Cloak of Darkness, a small game that is built in
  seqloom play adventure                     Colossal Cave; needs: pip install 'seqloom[fiction]'
  seqloom play zork1                         Zork I, which is downloaded once (87 kB); needs the same
  seqloom play story.z5                      a story file; needs the same
  seqloom play --transcript session.txt      with a transcript
  seqloom play --parser rules                understands freely written sentences too
  seqloom play --plain                       for screen readers: no colours, no line breaks inside paragraphs
  seqloom play < walkthrough.txt             plays the lines of a file

Type what you want to do: LOOK, EXAMINE CLOAK, GO WEST (or W), INVENTORY (or I). UNDO takes back as many turns as you
like; SAVE NAME and RESTORE NAME keep games. /help lists the commands of the session. Each turn is saved before it is
shown, and the next `seqloom play` of the same game continues there."""

_MOST_COLUMNS = 100
_BOLD, _DIM, _CYAN, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom play`."""
    parser = subparsers.add_parser(
        "play",
        help="play a text adventure",
        description="Play a text adventure in the terminal.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "game",
        nargs="?",
        default="cloak",
        metavar="GAME",
        help="cloak (default), adventure, zork1, or a story file (.z3, .z5, .z8, .zblorb)",
    )
    group = parser.add_argument_group("session")
    group.add_argument(
        "--parser",
        default="off",
        metavar="PARSER",
        help="what is asked if the game does not understand a line: rules, the run folder of a trained parser, or off (default)",
    )
    group.add_argument(
        "--transcript", type=Path, metavar="FILE", help="write a transcript; an existing one is continued"
    )
    group.add_argument(
        "--saves",
        type=Path,
        metavar="FOLDER",
        help="the folder of saved games (default: one in your data folder; none if the lines do not come from a terminal)",
    )
    group.add_argument(
        "--data-dir", type=Path, metavar="FOLDER", help="a folder that holds zork1/zork1.z3, instead of the download"
    )
    group.add_argument("--new", action="store_true", help="begin anew; the last game is kept as “autosave previous”")
    group.add_argument(
        "--seed", type=options.seed, default=0, metavar="N", help="random seed of a new game (default: 0)"
    )
    group.add_argument(
        "--plain", action="store_true", help="no colours, and each paragraph on one line, for screen readers"
    )
    options.add_common_options(parser, device=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plays until the player quits or the lines end."""
    from seqloom.fiction.games import find_game
    from seqloom.fiction.session import Session

    proposer = None
    if arguments.parser != "off":
        from seqloom.fiction.parsing.proposer import open_parser

        proposer = open_parser(arguments.parser)
    with shown(quiet=arguments.quiet) as progress:
        game = find_game(arguments.game, data_dir=arguments.data_dir, progress=progress)
    interactive = sys.stdin.isatty()
    folder = arguments.saves or (_saves_folder(game.key) if interactive else None)
    session = Session(game, folder, seed=arguments.seed, proposer=proposer, anew=arguments.new)
    try:
        if arguments.transcript is not None:
            session.start_transcript(arguments.transcript)
        return _Terminal(session, arguments).play()
    finally:
        session.close()


def _saves_folder(key: str) -> Path:
    import platformdirs

    return Path(platformdirs.user_data_path("seqloom")) / "games" / key


class _Terminal:
    """Shows the replies of a session, and reads lines until the session or the input ends."""

    def __init__(self, session: "Session", arguments: argparse.Namespace) -> None:
        self._session = session
        self._quiet = arguments.quiet
        self._interactive = sys.stdin.isatty()
        is_terminal = sys.stdout.isatty()
        is_simple = arguments.plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        colours = is_terminal and not is_simple
        self._bold, self._dim, self._cyan, self._end = (_BOLD, _DIM, _CYAN, _PLAIN) if colours else ("", "", "", "")
        self._columns = (
            min(_MOST_COLUMNS, shutil.get_terminal_size().columns) if is_terminal and not arguments.plain else None
        )
        self._continued = command_line("play", arguments.game)

    def play(self) -> int:
        """Plays; the exit status is 130 after Ctrl-C."""
        if self._interactive:
            _set_up_line_editing(list(self._session.playthrough.lines()))
            self._note(f"{self._session.playthrough.interpreter.title}. /help lists the session commands; /quit ends.")
        self._show(self._session.opening())
        try:
            while self._take_turn():
                pass
        except KeyboardInterrupt:
            print()
            self._note(f"Stopped. `{self._continued}` continues the game.")
            return 130
        return 0

    def _take_turn(self) -> bool:
        """Reads a line and shows the reply; False at the end of the session or of the input."""
        try:
            line = input("\n> " if self._interactive else "")
        except EOFError:
            print()
            return False
        if not self._interactive:
            print(f"\n> {line}")
        reply = self._session.take(line)
        self._show(reply)
        return not reply.done

    def _show(self, reply: "Reply") -> None:
        for command in reply.understood:
            self._print(f"-> {command}", self._cyan)
        title, newline, rest = reply.text.partition("\n")
        if newline and len(title) < 60 and not title.endswith((".", ":", "!", "?")):
            self._print(title, self._bold)
            self._print(rest)
        elif reply.text:
            self._print(reply.text)
        for note in reply.notes:
            self._note(note)
        sys.stdout.flush()

    def _note(self, text: str) -> None:
        if not self._quiet:
            self._print(f"[{text}]", self._dim)

    def _print(self, text: str, style: str = "") -> None:
        lines = printable(text.rstrip("\n")).split("\n")
        if self._columns is not None:
            lines = [wrapped for line in lines for wrapped in self._wrapped(line)]
        output = "\n".join(lines)
        styled(sys.stdout).write(f"{style}{output}{self._end if style else ''}\n")

    def _wrapped(self, line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()))
        return textwrap.wrap(
            line, self._columns or _MOST_COLUMNS, subsequent_indent=indent, break_long_words=False
        ) or [""]


def _set_up_line_editing(lines: list[str]) -> None:
    """Lets `input` edit lines, with the earlier lines of the game as its history; Windows' terminal does that itself."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(True)
    for line in lines:
        readline.add_history(line)
