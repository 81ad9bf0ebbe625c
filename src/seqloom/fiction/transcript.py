"""Transcripts: a text file of what the player typed and the game answered, for people to read and for `seqloom fiction report`."""

from pathlib import Path

from seqloom.files import append_text


class Transcript:
    """A transcript that grows by each turn; an existing file is continued."""

    def __init__(self, path: Path, title: str) -> None:
        """Opens the transcript.

        Raises:
            OutputError: it cannot be written.
        """
        self.path = path
        self._write(f"Start of a transcript of {title}")

    def opening(self, text: str) -> None:
        """Adds what the game shows before the first line.

        Raises:
            OutputError: it cannot be written.
        """
        self._write(text)

    def turn(self, line: str, text: str) -> None:
        """Adds a line of the player, and the answer to it.

        Raises:
            OutputError: it cannot be written.
        """
        self._write(f">{line}\n{text}".rstrip())

    def _write(self, text: str) -> None:
        append_text(self.path, f"{text}\n\n")
