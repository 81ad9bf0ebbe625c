"""Saved games in the Quetzal format, by which interpreters exchange them (Quetzal 1.4): whether one fits a story."""

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story

MAX_BYTES = 1 << 20
_ADVICE = "expected a saved game in Quetzal format (.qzl, .sav) of this story"


def check_saved_game(content: bytes, story: Story, source: str) -> None:
    """Checks that a saved game is whole, and of this story.

    Args:
        source: where it comes from, for messages.

    Raises:
        FictionError: it is damaged, is no saved game, or is of another story or release.
    """
    if content[:4] != b"FORM" or content[8:12] != b"IFZS":
        raise FictionError(f"{source}: is no saved game; {_ADVICE}")
    chunks: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "big")
        if position + 8 + size > len(content):
            raise FictionError(f"{source}: the saved game is cut off; {_ADVICE}")
        chunks.setdefault(content[position : position + 4], content[position + 8 : position + 8 + size])
        position += 8 + size + size % 2
    header = chunks.get(b"IFhd", b"")
    if len(header) < 13 or b"Stks" not in chunks or not {b"CMem", b"UMem"} & set(chunks):
        raise FictionError(f"{source}: the saved game is damaged: a part of it is missing; {_ADVICE}")
    release, serial = int.from_bytes(header[:2], "big"), header[2:8].decode("latin-1")
    if (release, serial) != (story.release, story.serial):
        raise FictionError(
            f"{source}: was saved in another story: release {release}, serial number {serial!r}; this is release {story.release}, "
            f"serial number {story.serial!r}"
        )
