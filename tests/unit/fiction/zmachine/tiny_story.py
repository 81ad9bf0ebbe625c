"""A version-3 story of a few hundred bytes, assembled here.

It prints what it is, reads lines, and says whether it knows the first word.
"""

import struct

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_PUNCTUATION = " ^0123456789.,!?_#'\"/\\-:()"
WORDS = ("bottle", "drop", "hang", "lamp", "print", "quit", "take")
"""The dictionary, in its order. `quit` ends the story, `hang` never answers, and `print` prints without end."""

_OBJECTS, _GLOBALS, _TEXT, _PARSE, _STATIC = 0x40, 0xA0, 0x280, 0x2E0, 0x300


def zstring(text: str, length: int | None = None) -> bytes:
    """Text in Z-characters (section 3), padded or cut to `length` of them."""
    codes: list[int] = []
    for letter in text:
        if letter == " ":
            codes.append(0)
        elif letter in _ALPHABET:
            codes.append(6 + _ALPHABET.index(letter))
        elif letter.lower() in _ALPHABET:
            codes += [4, 6 + _ALPHABET.index(letter.lower())]
        else:
            codes += [5, 6 + _PUNCTUATION.index(letter)]
    codes = codes[:length] if length else codes
    codes += [5] * ((length or -(-len(codes) // 3) * 3) - len(codes))
    groups = [codes[at : at + 3] for at in range(0, len(codes), 3)]
    words = [a << 10 | b << 5 | c for a, b, c in groups]
    words[-1] |= 0x8000
    return struct.pack(f">{len(words)}H", *words)


def dictionary(words: tuple[str, ...]) -> bytes:
    """A dictionary table (section 13), whose entries have three bytes of data."""
    return (
        b"\x01," + bytes([7]) + struct.pack(">H", len(words)) + b"".join(zstring(word, 6) + b"\0\0\0" for word in words)
    )


def tiny_story() -> bytes:
    """The bytes of the story."""
    words = dictionary(WORDS)
    entry = {word: _STATIC + 5 + 7 * number for number, word in enumerate(WORDS)}
    start = _STATIC + len(words)

    code = bytearray()

    def emit(*parts: bytes) -> None:
        code.extend(b"".join(parts))

    def say(text: str) -> None:
        emit(b"\xb2", zstring(text))  # print

    def jump_to(target: int) -> None:
        emit(
            b"\x8c", struct.pack(">h", target - (len(code) + 1))
        )  # jump: the offset counts from two before the next instruction

    def unless_word(word: str) -> int:
        emit(
            b"\xc1\x8f", b"\x10", struct.pack(">H", entry[word]), b"\x00\x00"
        )  # je G00 word, and a branch to be filled in
        return len(code) - 2

    def land(branch: int) -> None:
        offset = len(code) - branch
        code[branch : branch + 2] = struct.pack(">H", offset & 0x3FFF)  # branches if false

    say("A tiny story.")
    emit(b"\xbb")  # new_line
    loop = len(code)
    emit(b"\xe4\x0f", struct.pack(">HH", _TEXT, _PARSE))  # sread
    emit(b"\xcf\x1f", struct.pack(">H", _PARSE), b"\x01\x10")  # loadw parse 1 -> G00: the address of the first word
    branch = unless_word("quit")
    say("Bye.")
    emit(b"\xba")  # quit
    land(branch)
    branch = unless_word("hang")
    jump_to(len(code))
    land(branch)
    branch = unless_word("print")
    endless = len(code)
    say("And again. ")
    jump_to(endless)
    land(branch)
    emit(b"\xa0\x10\x00\x00")  # jz G00, and a branch to be filled in
    branch = len(code) - 2
    say("That's not a verb I recognise.")
    jump_to(loop)
    land(branch)
    emit(b"\x95\x12")  # inc G02, which the status line shows as moves
    say("Done.")
    jump_to(loop)

    story = bytearray(start + len(code))
    story[start:] = code
    story[_STATIC:start] = words
    story[_TEXT], story[_PARSE] = 80, 6
    # One object, the lamp, whose property 18 is its word.
    first, properties = _OBJECTS + 62, _OBJECTS + 62 + 9
    story[first + 7 : first + 9] = struct.pack(">H", properties)
    table = b"\x02" + zstring("lamp") + bytes([32 + 18]) + struct.pack(">H", entry["lamp"]) + b"\0"
    story[properties : properties + len(table)] = table
    story[0] = 3
    for address, value in (
        (0x02, 1),  # release
        (0x04, start),  # high memory
        (0x06, start),  # first instruction
        (0x08, _STATIC),  # dictionary
        (0x0A, _OBJECTS),
        (0x0C, _GLOBALS),
        (0x0E, _STATIC),
    ):
        story[address : address + 2] = struct.pack(">H", value)
    story[0x12:0x18] = b"261201"
    story += bytes(-len(story) % 2)
    story[0x1A:0x1C] = struct.pack(">H", len(story) // 2)
    story[0x1C:0x1E] = struct.pack(">H", sum(story[64:]) & 0xFFFF)
    return bytes(story)


def blorb(*chunks: tuple[bytes, bytes], executable: int | None = 0) -> bytes:
    """A Blorb container with chunks, of which one is named as executable 0."""
    index_size = 4 + 12 * (executable is not None)
    position = 12 + 8 + index_size
    body, addresses = b"", []
    for kind, content in chunks:
        addresses.append(position + len(body))
        body += kind + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)
    index = struct.pack(">I", executable is not None)
    if executable is not None:
        index += b"Exec" + struct.pack(">II", 0, addresses[executable])
    body = b"IFRS" + b"RIdx" + struct.pack(">I", len(index)) + index + body
    return b"FORM" + struct.pack(">I", len(body)) + body
