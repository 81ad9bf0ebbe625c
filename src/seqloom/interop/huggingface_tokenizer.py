"""Our tokenizer, step by step, in Hugging Face's `tokenizers`, so that their programs make our ids out of text.

A Tokenizer enters, a `tokenizers.Tokenizer` leaves. Normalisation and escaping (see `tokenizer/escaping.py`) become a chain of
replacements: text is spelled in bytes, the characters of the alphabet are put together again, and what bytes remain become nibbles.
"""

from typing import Any

from seqloom.tokenizer import Tokenizer
from seqloom.tokenizer.codec import SPECIALS, import_backend, splitter
from seqloom.tokenizer.escaping import NIBBLES, SPACE

# What str.split() takes for white space.
_WHITE = "[\\x{09}-\\x{0d}\\x{1c}-\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]+"
# Private-use characters that stand for letters, and for nibbles that begin a byte, while the others are replaced.
_LETTER, _HIGH = 0xF0000, 0xFFF00


def why_not(tokenizer: Tokenizer) -> str:
    """Why a tokenizer cannot be expressed; empty where it can."""
    if tokenizer.settings.kind == "words":
        return (
            "the tokenizer (kind words) spells words in bytes, which no model of the tokenizers library does; feed ids that "
            "seqloom's own tokenizer makes"
        )
    return ""


def make_backend(tokenizer: Tokenizer, template: str) -> Any:
    """The tokenizer of a joint vocabulary.

    Args:
        template: what surrounds a text, "$A </s>".
    """
    backend = import_backend()
    codec = tokenizer.source
    ids = {piece: number for number, piece in enumerate(codec.pieces)}
    if codec.kind == "unigram":
        model = backend.models.Unigram(list(zip(codec.pieces, codec.scores, strict=True)), None, False)
    else:
        model = backend.models.BPE(ids, list(codec.merges))
    made = backend.Tokenizer(model)
    alphabet = [piece for piece in codec.pieces if len(piece) == 1 and piece not in NIBBLES and piece != SPACE]
    marked = codec.kind != "characters"
    made.normalizer = _normalizer(backend, tokenizer, alphabet, marked)
    if codec.kind == "characters":
        made.pre_tokenizer = backend.pre_tokenizers.Split(backend.Regex("(?m:.)"), "isolated")
    else:
        made.pre_tokenizer = splitter(codec.kind)
    made.decoder = _decoder(backend, alphabet, marked)
    made.post_processor = backend.processors.TemplateProcessing(
        single=template, special_tokens=[(piece, number) for number, piece in enumerate(SPECIALS)]
    )
    made.add_special_tokens([backend.AddedToken(piece, normalized=False, special=True) for piece in SPECIALS])
    made.encode_special_tokens = True
    return made


def _normalizer(backend: Any, tokenizer: Tokenizer, alphabet: list[str], marked: bool) -> Any:
    library, settings = backend.normalizers, tokenizer.settings
    form = {"nfc": [library.NFC()], "nfkc": [library.NFKC()], "none": []}[settings.unicode]
    steps = [*form]
    if settings.lowercase:
        steps += [library.Lowercase(), *form]
    if settings.collapse_whitespace:
        steps += [library.Replace(backend.Regex(_WHITE), " "), library.Strip()]
    spelled = _byte_characters()
    steps.append(library.ByteLevel())
    letters = [char for char in alphabet if not char.isascii()]
    # A letter's bytes occur nowhere inside another letter's: UTF-8 tells beginnings from continuations.
    steps += [library.Replace(_bytes_of(char), chr(_LETTER + place)) for place, char in enumerate(letters)]
    for value, char in enumerate(spelled):
        becomes = chr(value) if value < 128 and chr(value) in alphabet else NIBBLES[value >> 4] + NIBBLES[value & 15]
        becomes = SPACE if value == ord(" ") else becomes
        if becomes != char:
            steps.append(library.Replace(char, becomes))
    steps += [library.Replace(chr(_LETTER + place), char) for place, char in enumerate(letters)]
    if marked:
        steps.append(library.Prepend(SPACE))
    return library.Sequence(steps)


def _decoder(backend: Any, alphabet: list[str], marked: bool) -> Any:
    library = backend.decoders
    spelled = _byte_characters()
    nibble = f"[{NIBBLES[0]}-{NIBBLES[-1]}]"
    either = f"[{NIBBLES[0]}-{NIBBLES[-1]}{chr(_HIGH)}-{chr(_HIGH + 15)}]"
    steps = [library.Fuse()]
    if marked:
        steps.append(library.Replace(backend.Regex(f"\\A{SPACE}"), ""))
    letters = [char for char in alphabet if not char.isascii()]
    steps += [library.Replace(char, chr(_LETTER + place)) for place, char in enumerate(letters)]
    steps += [
        library.Replace(char, spelled[ord(char)]) for char in alphabet if char.isascii() and spelled[ord(char)] != char
    ]
    steps.append(library.Replace(SPACE, spelled[ord(" ")]))
    # A nibble begins a byte where an odd number of them stands between it and the end of their run.
    for high in range(16):
        ahead = f"(?={either}(?:{either}{either})*(?!{either}))"
        steps.append(library.Replace(backend.Regex(f"{NIBBLES[high]}{ahead}"), chr(_HIGH + high)))
    steps += [
        library.Replace(chr(_HIGH + (value >> 4)) + NIBBLES[value & 15], char) for value, char in enumerate(spelled)
    ]
    steps.append(library.Replace(backend.Regex(nibble), _bytes_of("\N{REPLACEMENT CHARACTER}")))
    steps += [library.Replace(chr(_LETTER + place), _bytes_of(char)) for place, char in enumerate(letters)]
    return library.Sequence([*steps, library.ByteLevel()])


def _byte_characters() -> list[str]:
    """The character by which `tokenizers` spells each byte (as GPT-2 does)."""
    plain = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)}
    others = iter(range(256, 512))
    return [chr(value if value in plain else next(others)) for value in range(256)]


def _bytes_of(char: str) -> str:
    spelled = _byte_characters()
    return "".join(spelled[value] for value in char.encode("utf-8"))
