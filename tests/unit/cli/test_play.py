"""play: a game in a terminal and from a file; interruptions lose no turn."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqloom.cli import main
from tests.unit.cli.conftest import TypeIn

WALKTHROUGH = "west\nhang cloak on hook\neast\nsouth\nread message\n"


def play(*argv: object) -> int:
    return main(["play", *map(str, argv)])


def test_the_lines_of_a_file_are_played(type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(WALKTHROUGH.encode())
    assert play() == 0
    out = capsys.readouterr().out
    assert out.count("\n> ") == 5
    assert "\n> read message\nThe message" in out
    assert "*** You have won ***" in out
    assert "\x1b" not in out


def test_a_transcript_and_saves_are_written_where_they_are_named(
    type_in: TypeIn, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(2):
        type_in(b"west\n")
        assert play("--transcript", tmp_path / "t.txt", "--saves", tmp_path / "saves") == 0
    assert "[Your game continues after 1 turn. /restart begins anew.]" in capsys.readouterr().out
    assert (tmp_path / "t.txt").read_text().count("Start of a transcript") == 2
    type_in(b"")
    assert play("--saves", tmp_path / "saves", "--new", "--quiet") == 0
    assert "continues" not in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "saves").iterdir()) == [
        ".lock",
        "autosave previous.jsonl",
        "autosave.jsonl",
    ]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["cloack"], "there is no game 'cloack'; did you mean cloak?"),
        (["{tmp}/no.z5"], "no.z5: there is no such file; expected a Z-machine story (.z3, .z4, .z5, .z8) or a Blorb"),
        (["{tmp}/x.ulx"], "x.ulx: this is a Glulx story, which seqloom cannot play; play it with another program"),
        (["{tmp}/file.z5"], "file.z5: is no story; expected a Z-machine story"),
        (["zork1", "--data-dir", "{tmp}/damaged"], "zork1/zork1.z3: the mirror folder {tmp}/damaged does not hold it"),
        (["zork1", "--data-dir", "{tmp}/wrong"], "zork1.z3: has another SHA-256 than the catalogue says"),
        (["--parser", "runs/x"], "runs/x: there is no such run folder"),
        (["--transcript", "{tmp}/no/t.txt"], "/no/t.txt: cannot be written"),
        (["--saves", "{tmp}/file"], "this is a file, not a folder"),
        (
            ["--saves", "{tmp}/damaged"],
            "it is damaged, or not a game that seqloom saved; restore another; --new begins anew",
        ),
    ],
)
def test_wrong_input_is_one_message(
    argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], type_in: TypeIn
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "file.z5").write_bytes(b"no story")
    (tmp_path / "x.ulx").write_bytes(b"Glul" + bytes(100))
    (tmp_path / "wrong" / "zork1").mkdir(parents=True)
    (tmp_path / "wrong" / "zork1" / "zork1.z3").write_bytes(b"no story")
    (tmp_path / "damaged" / "autosave.jsonl").touch()
    type_in(b"")
    assert play(*(word.format(tmp=tmp_path) for word in argv)) == 2
    err = capsys.readouterr().err
    assert message.format(tmp=tmp_path) in err
    assert err.count("\n") == 1


class Terminal:
    """`seqloom play` in a pseudo-terminal."""

    def __init__(self, *argv: object, columns: int = 60) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seqloom", "play", *map(str, argv)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            # The width is that of the terminal, not the COLUMNS that a test runner may set.
            env={name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
            | {"TERM": "xterm"},
            start_new_session=True,
            # Ctrl-C reaches the process that controls the terminal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)
        self.shown = ""

    def wait_for(self, pattern: str, *, again: str = "") -> str:
        """What the terminal shows, up to a match of the pattern; while it shows nothing, `again` is typed again and again."""
        deadline = time.monotonic() + 60
        while not (match := re.search(pattern, self.shown, re.DOTALL)):
            left = max(0.0, deadline - time.monotonic())
            ready, *_ = select.select([self.controller], [], [], min(left, 3.0) if again else left)
            if not ready:
                assert again, self.shown
                assert left, self.shown
                self.type(again)
                continue
            try:
                self.shown += os.read(self.controller, 4096).decode().replace("\r\n", "\n")
            except OSError:  # The terminal was closed.
                assert re.search(pattern, self.shown, re.DOTALL), self.shown
        text, self.shown = self.shown[: match.end()], self.shown[match.end() :]
        return text

    def type(self, text: str) -> None:
        os.write(self.controller, text.encode())

    def end(self) -> int:
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.controller)


@pytest.fixture
def saves(tmp_path: Path) -> Path:
    if sys.platform == "win32":
        pytest.skip("needs pseudo-terminals")
    return tmp_path / "saves"


def test_a_terminal_has_line_editing_history_colours_and_wrapped_lines(saves: Path) -> None:
    terminal = Terminal("--saves", saves)
    opening = terminal.wait_for(r"\n> ")
    assert "\x1b[1mFoyer" in opening or "Foyer" in opening
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in opening.splitlines()) <= 60
    terminal.type("wet\x08\x08est\n")  # Backspace
    assert "\x1b[1mCloakroom\x1b[0m" in terminal.wait_for(r"\n> ")
    terminal.type("look\n")
    terminal.wait_for(r"\n> ")
    terminal.type("\x1b[A\x1b[A\n")  # Up, up: west
    terminal.wait_for(r"You can't go that way.*\n> ")
    terminal.type("/quit\n")
    assert terminal.end() == 0


def test_plain_has_no_colours_and_no_line_breaks_in_paragraphs(saves: Path) -> None:
    terminal = Terminal("--saves", saves, "--plain")
    assert re.search(r"\nYou stand in a wide hall.{100,} south and west.\n", terminal.wait_for(r"\n> "))
    terminal.type("west\n")
    assert "\x1b[1m" not in terminal.wait_for(r"leads out.*\n> ")
    terminal.type("\x04")  # Ctrl-D
    assert terminal.end() == 0


@pytest.mark.parametrize("interruption", ["ctrl-c", "kill"])
def test_no_turn_whose_answer_was_shown_is_lost(saves: Path, interruption: str) -> None:
    terminal = Terminal("--saves", saves)
    terminal.wait_for(r"\n> ")
    terminal.type("west\n")
    terminal.wait_for(r"Cloakroom.*\n> ")
    if interruption == "ctrl-c":
        terminal.type("exam")
        terminal.wait_for("exam")
        terminal.type("\x03")
        # readline misses a signal that comes just before it waits for the next key.
        terminal.wait_for(r"Stopped\. `seqloom play cloak` continues the game\.", again="\x03")
        assert terminal.end() == 130
    else:
        terminal.type("hang cloak on hook\n")
        terminal.wait_for("You hang")
        terminal.process.send_signal(signal.SIGKILL)
        assert terminal.end() == -signal.SIGKILL
    terminal = Terminal("--saves", saves)
    turns = "1 turn" if interruption == "ctrl-c" else "2 turns"
    terminal.wait_for(rf"Your game continues after {turns}\..*\n> ")
    terminal.type("/quit\n")
    assert terminal.end() == 0
