"""Story files: raw ones and those in Blorb containers; the header of a story, and reads of its bytes that stay inside it."""

from dataclasses import dataclass
from pathlib import Path

from seqloom.errors import FictionError
from seqloom.untrusted import MEBIBYTE, read_bytes

MAX_BYTES = 64 * MEBIBYTE
"""Blorb containers hold pictures and sounds."""
MAX_STORY_BYTES = 512 * 1024
VERSIONS = (3, 4, 5, 8)
"""The versions that can be played. Version 6 has pictures, 7 was hardly used, and of 1 and 2 only early releases of Zork exist."""
_HEADER_BYTES = 64
_ADVICE = "expected a Z-machine story (.z3, .z4, .z5, .z8) or a Blorb container with one (.zblorb)"


@dataclass(frozen=True)
class Story:
    """The bytes of a story, from its header on; `source` names it in messages.

    Sizes and addresses are in bytes.
    """

    data: bytes
    source: str

    @property
    def version(self) -> int:
        """The version of the Z-machine."""
        return self.data[0]

    @property
    def release(self) -> int:
        """The release of the story."""
        return self.word(2)

    @property
    def serial(self) -> str:
        """The six characters of its serial number, usually a date."""
        return self.data[0x12:0x18].decode("latin-1")

    @property
    def dictionary(self) -> int:
        """The address of the dictionary."""
        return self.word(0x08)

    @property
    def object_table(self) -> int:
        """The address of the default properties, which stand before the objects."""
        return self.word(0x0A)

    @property
    def static_memory(self) -> int:
        """The address after the memory that changes."""
        return self.word(0x0E)

    @property
    def compiler(self) -> str:
        """The version of the Inform compiler, such as `6.41`; empty for stories of other compilers."""
        text = self.data[0x3C:0x40].decode("latin-1")
        return text if text[:1].isdigit() and text[1:2] == "." and text[2:].isdigit() else ""

    def byte(self, address: int) -> int:
        """A byte.

        Raises:
            FictionError: it would stand outside the story.
        """
        if not 0 <= address < len(self.data):
            raise FictionError(
                f"{self.source}: the story is damaged: a table leads to address {address:#x}, outside of it"
            )
        return self.data[address]

    def word(self, address: int) -> int:
        """Two bytes as a number without sign.

        Raises:
            FictionError: as for `byte`.
        """
        return self.byte(address) << 8 | self.byte(address + 1)

    def packed(self, address: int) -> int:
        """The byte address of a packed address of a routine or text, in versions that can be played (section 1.2.3)."""
        return address * {3: 2, 4: 4, 5: 4, 8: 8}[self.version]

    def with_memory(self, memory: bytes) -> "Story":
        """The story with other contents of the memory that changes, as during a game."""
        return Story(memory + self.data[len(memory) :], self.source)


def read_story(path: Path) -> Story:
    """Reads a story file.

    Raises:
        FictionError: there is no such file, it is not a story, or a story that cannot be played.
    """
    try:
        content = read_bytes(path, max_bytes=MAX_BYTES, error=FictionError)
    except FileNotFoundError:
        raise FictionError(f"{path}: there is no such file; {_ADVICE}") from None
    return parse_story(content, str(path))


def parse_story(content: bytes, source: str) -> Story:
    """The story in the bytes of a file.

    Raises:
        FictionError: as for `read_story`.
    """
    if content[:4] == b"FORM" and content[8:12] == b"IFRS":
        content = _executable(content, source)
    if content[:4] == b"Glul":
        raise FictionError(
            f"{source}: this is a Glulx story, which seqloom cannot play; play it with another program, or look for the game as a "
            "Z-machine story"
        )
    if len(content) < _HEADER_BYTES or not 1 <= content[0] <= 8:
        raise FictionError(f"{source}: is no story; {_ADVICE}")
    if content[0] not in VERSIONS:
        raise FictionError(
            f"{source}: is a Z-machine story of version {content[0]}; seqloom plays the versions {', '.join(map(str, VERSIONS))}"
        )
    if len(content) > MAX_STORY_BYTES:
        raise FictionError(
            f"{source}: has {len(content):,} bytes, but a story has at most {MAX_STORY_BYTES:,}; {_ADVICE}"
        )
    story = Story(content, source)
    size = story.word(0x1A) * {3: 2, 4: 4, 5: 4, 8: 8}[story.version]
    if size > len(content):
        raise FictionError(
            f"{source}: the file is cut off: its header announces {size:,} bytes, and it has {len(content):,}"
        )
    if not _HEADER_BYTES <= story.static_memory <= len(content):
        raise FictionError(
            f"{source}: the story is damaged: its header gives {story.static_memory:#x} as end of its memory"
        )
    return story


def _executable(content: bytes, source: str) -> bytes:
    """The story in a Blorb container: the chunk that the resource index names as executable 0 (Blorb 2.0.4, section 2)."""
    chunks = list(_chunks(content, source))
    index = next((start for kind, start, _ in chunks if kind == b"RIdx"), None)
    if index is None:
        raise FictionError(f"{source}: the Blorb container has no index; it is damaged")
    count = int.from_bytes(content[index : index + 4], "big")
    for entry in range(index + 4, min(index + 4 + 12 * count, len(content)), 12):
        usage, number, address = (
            content[entry : entry + 4],
            content[entry + 4 : entry + 8],
            content[entry + 8 : entry + 12],
        )
        if usage == b"Exec" and not any(number):
            for kind, start, size in chunks:
                if start - 8 == int.from_bytes(address, "big") and kind in (b"ZCOD", b"GLUL"):
                    return content[start : start + size]
    raise FictionError(f"{source}: the Blorb container holds no story that seqloom knows; {_ADVICE}")


def _chunks(content: bytes, source: str) -> list[tuple[bytes, int, int]]:
    """Kind, start and size of the chunks of an IFF file."""
    chunks = []
    position = 12
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "big")
        if position + 8 + size > len(content):
            raise FictionError(f"{source}: the Blorb container is cut off")
        chunks.append((content[position : position + 4], position + 8, size))
        position += 8 + size + size % 2
    return chunks
