"""A session: what a player types becomes turns of the game, or commands of the session such as undo and save.

A line goes to the game's own parser first. Only if that does not understand it, a proposer (a parser network) is asked for
commands, and those are tried on a snapshot. A session knows no terminal: the command line and the server both show its replies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqloom.errors import FictionError, OutputError, SeqloomError
from seqloom.fiction.games import Game
from seqloom.fiction.interpreter import Awaiting, Interpreter, PortableSaves, Turn
from seqloom.fiction.playthrough import Playthrough
from seqloom.fiction.proposer import Proposer, are_understood, question
from seqloom.fiction.saved_games import MAX_LINE, FolderLock, SaveFile, load, saved_path
from seqloom.fiction.transcript import Transcript
from seqloom.files import make_folder, move, write_bytes
from seqloom.messages import counted
from seqloom.untrusted import MEBIBYTE, read_bytes

AUTOSAVE = "autosave"
PREVIOUS = "autosave previous"

HELP = """\
Session commands begin with a slash. UNDO, SAVE and RESTORE need none.
  /undo             takes back the last turn, as often as you like
  /redo             plays it again
  /save NAME        saves the game under a name
  /restore NAME     continues a saved game
  /saves            lists the saved games
  /export FILE      writes the game for other interpreters (Z-machine stories, in Quetzal format)
  /import FILE      continues a game that another interpreter saved
  /restart          begins the game anew
  /transcript FILE  writes what follows into a file; /transcript off ends that
  /parser off       leaves every line to the game's own parser; /parser on asks the network again
  /quit             ends; the game is kept and continues next time
A line that begins with * is a comment: it goes into the transcript, not to the game."""

_ENDED = "The game has ended. UNDO takes back the last turn, RESTART begins anew, RESTORE NAME continues a saved game, QUIT ends."
_MAX_OFFERS = 3
_BARE = {"undo", "save", "restore"}
_BARE_AT_THE_END = {"restart", "quit", "q"}
_QUIT = {"quit", "q"}


@dataclass(frozen=True)
class Reply:
    """What a player is shown after a line.

    Attributes:
        text: what the game printed.
        notes: what the session says, in sentences.
        understood: the commands that the proposer made of the line, if it was asked.
        done: whether the session ends here.
    """

    text: str = ""
    notes: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    done: bool = False


class Session:
    """A player's session with one game.

    Attributes:
        playthrough: the game and its history.
    """

    def __init__(
        self, game: Game, folder: Path | None, *, seed: int = 0, proposer: Proposer | None = None, anew: bool = False
    ) -> None:
        """Starts the game, or continues it from the last autosave.

        Args:
            folder: where saved games are; None: nothing is saved.
            seed: the seed of a new game.
            proposer: what makes commands of lines that the game does not understand.
            anew: whether to begin anew though there is an autosave, which is then kept as `PREVIOUS`.

        Raises:
            FictionError: the autosave is damaged.
            OutputError: the folder cannot be written.
        """
        self._game = game
        self._folder = folder
        self._seed = seed
        self._proposer = proposer
        self._uses_proposer = proposer is not None
        self._transcript: Transcript | None = None
        self._interpreter: Interpreter = game.open()
        self._save_file: SaveFile | None = None
        self._save_failed = False
        self._lock: FolderLock | None = None
        self._line = ""
        self._last_command = ""
        self._offers: tuple[tuple[str, tuple[str, ...]], ...] = ()
        try:
            self.playthrough, self._opening = self._begin(anew)
        except BaseException:
            self.close()
            raise

    def _begin(self, anew: bool) -> tuple[Playthrough, Reply]:
        if self._folder is None:
            playthrough = Playthrough(self._interpreter, self._seed)
            return playthrough, Reply(playthrough.turn.text)
        make_folder(self._folder)
        self._lock = FolderLock(self._folder)
        path = saved_path(self._folder, AUTOSAVE)
        resumed = self._resume(path) if path.exists() and not anew else None
        if resumed is None:
            self._keep_previous()
            playthrough = Playthrough(self._interpreter, self._seed)
            resumed = playthrough, Reply(playthrough.turn.text)
        self._save_file = SaveFile(path, self._game.fingerprint)
        self._save_file.create(resumed[0])
        return resumed

    def _resume(self, path: Path) -> tuple[Playthrough, Reply] | None:
        """The game that was saved last; None if it had ended, or had not begun."""
        try:
            saved = load(path, self._game.fingerprint)
            playthrough = Playthrough.resumed(
                self._interpreter, saved.seed, saved.nodes, saved.snapshots, saved.current
            )
        except FictionError as error:
            raise FictionError(f"{error}; --new begins anew and keeps this game as “{PREVIOUS}”") from None
        turns = playthrough.num_turns()
        if playthrough.turn.awaiting is Awaiting.NOTHING or not turns:
            return None
        note = f"Your game continues after {counted(turns, 'turn')}. /restart begins anew."
        return playthrough, Reply(playthrough.turn.text, (*([saved.note] if saved.note else []), note))

    def opening(self) -> Reply:
        """What the player is shown first."""
        return self._opening

    @property
    def awaiting(self) -> Awaiting:
        """What the game reads next."""
        return self.playthrough.turn.awaiting

    def start_transcript(self, path: Path) -> None:
        """Writes what follows into a transcript, which begins with what the game said last.

        Raises:
            OutputError: it cannot be written.
        """
        self._transcript = Transcript(path, self._interpreter.title)
        self._transcript.opening(self.playthrough.turn.text)

    def take(self, line: str) -> Reply:
        """Takes a line of the player.

        An error that the player can mend becomes a note, and the game stays as it was before the line.
        """
        self._line = line.strip()
        try:
            reply = self._take(line)
        except SeqloomError as error:
            return Reply(notes=(str(error),))
        return Reply(reply.text, (*reply.notes, *self._save()), reply.understood, reply.done)

    def close(self) -> None:
        """Ends the interpreter, and lets another session play."""
        self._interpreter.close()
        if self._lock is not None:
            self._lock.release()

    def _take(self, line: str) -> Reply:
        if self.awaiting is Awaiting.KEY and not (line.startswith("/") and len(line) > 1):
            return self._play(line[:MAX_LINE])
        line = line.strip()
        if len(line) > MAX_LINE:
            raise FictionError(f"a line has at most {MAX_LINE:,} characters; this one has {len(line):,}")
        if line.startswith("*"):
            return self._comment(line)
        words = line.split()
        command, name = (words[0].lower(), " ".join(words[1:])) if words else ("", "")
        if command.startswith("/"):
            return self._command(command[1:], name)
        if self.awaiting is Awaiting.NOTHING:
            if command in _BARE | _BARE_AT_THE_END:
                return self._command(command, name)
            return Reply(notes=(_ENDED,))
        if command in _BARE and (self.awaiting is not Awaiting.YES_OR_NO or command != "save"):
            return self._command(command, name)
        return self._play(line)

    def _play(self, line: str) -> Reply:
        before = self.playthrough.current
        last_command, self._last_command = self._last_command, line.lower().strip(" .")
        turn, understood = self._turn(line)
        self._record(line if not understood else f"{line}\n-> {'. '.join(understood)}", turn.text)
        if turn.awaiting is not Awaiting.NOTHING:
            return Reply(turn.text + question([commands for _, commands in self._offers]), understood=understood)
        if self._last_command in _QUIT or last_command in _QUIT:
            # The player has stopped playing: next time the game continues where it was before.
            self.playthrough.go_to(before)
            if last_command in _QUIT:
                self.playthrough.undo()
            return Reply(turn.text, done=True)
        return Reply(turn.text, (_ENDED,), understood)

    def _turn(self, line: str) -> tuple[Turn, tuple[str, ...]]:
        """The turn of a line, and the commands of the proposer if it was asked, or if the line is the number of an offer."""
        offers, self._offers = self._offers, ()
        if line.isdecimal() and 1 <= int(line) <= len(offers):
            typed, commands = offers[int(line) - 1]
            return self._carried_out(commands, typed), commands
        turn = self.playthrough.play(line)
        if turn.error is None or self._proposer is None or not self._uses_proposer:
            return turn, ()
        self.playthrough.retract()
        for proposal in self._proposer.propose(line, self._interpreter):
            if not proposal.commands or not are_understood(proposal.commands, self._interpreter):
                continue
            if proposal.is_sure and not self._offers:
                return self._carried_out(proposal.commands, line), proposal.commands
            self._offers = (*self._offers, (line, proposal.commands))
            if len(self._offers) == _MAX_OFFERS:
                break
        return self.playthrough.play(line), ()

    def _carried_out(self, commands: Sequence[str], typed: str) -> Turn:
        """Plays commands that a line stands for, up to the first that the game does not understand after the ones before."""
        turns: list[Turn] = []
        for command in commands:
            turns.append(self.playthrough.play(command, typed=typed, follows=bool(turns)))
            if turns[-1].error is not None or turns[-1].awaiting not in (Awaiting.COMMAND, Awaiting.CLARIFICATION):
                break
        return Turn("\n\n".join(turn.text for turn in turns), turns[-1].awaiting)

    def _command(self, command: str, name: str) -> Reply:
        self._offers = ()
        match command:
            case "undo":
                undone = self.playthrough.undo()
                if undone is None:
                    return Reply(notes=("There is nothing to take back.",))
                return self._moved(f"Taken back: {undone}")
            case "redo":
                if not self.playthrough.redo():
                    return Reply(notes=("There is nothing to play again.",))
                return self._moved("Played again.")
            case "save":
                return self._save_as(name or "saved game")
            case "restore":
                return self._restore(name or "saved game")
            case "saves":
                return Reply(notes=(self._list_saves(),))
            case "export":
                return self._export(name)
            case "import":
                return self._import(name)
            case "restart":
                self.playthrough.go_to(0)
                return self._moved("The game begins anew. /redo plays the last turns again.")
            case "transcript":
                return self._set_transcript(name)
            case "parser":
                return self._set_parser(name)
            case "help":
                return Reply(notes=(HELP,))
            case "quit" | "q":
                return Reply(done=True)
            case _:
                return Reply(notes=(f"There is no session command /{command}. /help lists them.",))

    def _moved(self, note: str) -> Reply:
        self._record(self._line, f"[{note}]\n{self.playthrough.turn.text}")
        return Reply(self.playthrough.turn.text, (note,))

    def _comment(self, line: str) -> Reply:
        if self._transcript is None:
            return Reply(notes=("A comment; without a transcript it is not kept. /transcript FILE starts one.",))
        self._record(line, "")
        return Reply(notes=("Comment written.",))

    def _save_as(self, name: str) -> Reply:
        path = self._saved_path(name)
        SaveFile(path, self._game.fingerprint).create(self.playthrough)
        return Reply(notes=(f"Saved as “{name}”. RESTORE {name} continues from here.",))

    def _restore(self, name: str) -> Reply:
        path = self._saved_path(name)
        if not path.exists():
            raise FictionError(f"There is no saved game “{name}”. {self._list_saves()}")
        saved = load(path, self._game.fingerprint)
        before = self._interpreter.snapshot()
        try:
            playthrough = Playthrough.resumed(
                self._interpreter, saved.seed, saved.nodes, saved.snapshots, saved.current
            )
        except SeqloomError:
            self._interpreter.restore(before)
            raise
        self._keep_previous(except_for=path)
        self.playthrough = playthrough
        if self._save_file is not None:
            self._save_file.create(playthrough)
        reply = self._moved(f"Restored “{name}”.")
        return Reply(reply.text, (*reply.notes, *([saved.note] if saved.note else [])))

    def _export(self, name: str) -> Reply:
        path = _named_file(name, "/export")
        write_bytes(path, self._portable().export_save())
        return Reply(notes=(f"{path}: other interpreters can continue the game from here.",))

    def _import(self, name: str) -> Reply:
        path = _named_file(name, "/import")
        try:
            content = read_bytes(path, max_bytes=MEBIBYTE, error=FictionError)
        except FileNotFoundError:
            raise FictionError(f"{path}: there is no such file") from None
        self.playthrough.adopt(self._portable().import_save(content, str(path)), self._line)
        return self._moved(f"The game continues from {path}.")

    def _portable(self) -> PortableSaves:
        if not isinstance(self._interpreter, PortableSaves):
            raise FictionError(
                f"{self._interpreter.title}: no other program can continue this game; SAVE NAME saves it here"
            )
        return self._interpreter

    def _saved_path(self, name: str) -> Path:
        if self._folder is None:
            raise FictionError(
                "Nothing is saved in this session, since its lines come from a file; --saves FOLDER names a folder."
            )
        return saved_path(self._folder, name)

    def _list_saves(self) -> str:
        if self._folder is None:
            return "There are no saved games."
        names = sorted(path.stem for path in self._folder.glob("*.jsonl") if path.stem != AUTOSAVE)
        return f"Saved games: {', '.join(names)}" if names else "There are no saved games yet."

    def _keep_previous(self, except_for: Path | None = None) -> None:
        """Keeps the autosave of another playthrough under the name `PREVIOUS`."""
        if self._folder is None:
            return
        path, previous = saved_path(self._folder, AUTOSAVE), saved_path(self._folder, PREVIOUS)
        if path.exists() and except_for not in (path, previous):
            move(path, previous)

    def _set_transcript(self, name: str) -> Reply:
        if name in ("", "off"):
            self._transcript = None
            return Reply(notes=("No transcript is written.",))
        self.start_transcript(Path(name).expanduser())
        return Reply(notes=(f"The transcript goes to {name}.",))

    def _set_parser(self, name: str) -> Reply:
        if self._proposer is None:
            return Reply(notes=("There is no parser network in this session; --parser RUN names one.",))
        if name not in ("on", "off"):
            raise FictionError("/parser: expected on or off")
        self._uses_proposer = name == "on"
        return Reply(notes=(f"The parser network is {name}.",))

    def _record(self, line: str, text: str) -> None:
        if self._transcript is not None:
            self._transcript.turn(line, text)

    def _save(self) -> tuple[str, ...]:
        """Saves the turns; the first failure and the success after it are notes."""
        if self._save_file is None:
            return ()
        try:
            self._save_file.update(self.playthrough)
        except OutputError as error:
            if self._save_failed:
                return ()
            self._save_failed = True
            return (f"{error}. The game goes on; its turns are saved as soon as that is possible.",)
        if self._save_failed:
            self._save_failed = False
            return ("The game is saved again, with all of its turns.",)
        return ()


def _named_file(name: str, command: str) -> Path:
    if not name:
        raise FictionError(f"{command}: name a file")
    return Path(name).expanduser()
