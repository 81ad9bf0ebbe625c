"""seqloom's tokenizer as a tokenizer of Hugging Face's `tokenizers`, which makes the same ids from a text.

Input: a Tokenizer; output: a `tokenizers.Tokenizer`. Normalisation and escaping (see `tokenizer/escaping.py`) become a chain of
replacements: a text is written as bytes, then the bytes of each character of the alphabet become this character again, and all
other bytes become nibbles.
"""

from typing import Any

from seqloom.tokenizer import Tokenizer
from seqloom.tokenizer.codec import SPECIALS, import_backend, splitter
from seqloom.tokenizer.escaping import NIBBLES, SPACE

# The white space of str.split().
_SPACES = "[\\x{09}-\\x{0d}\\x{1c}-\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]+"
# Private-use characters: temporary names for letters, and for the first nibble of a byte, while other characters are replaced.
_LETTER, _HIGH = 0xF0000, 0xFFF00


def reason_unsupported(tokenizer: Tokenizer) -> str:
    """The reason why a tokenizer cannot be exported; empty if it can."""
    if tokenizer.settings.kind == "words":
        return (
            "the tokenizer (kind words) spells words in bytes, which no model of the tokenizers library does; feed ids that "
            "seqloom's own tokenizer makes"
        )
    return ""


def make_backend(tokenizer: Tokenizer, template: str) -> Any:
    """Makes the tokenizer of a joint vocabulary.

    Args:
        template: the text "$A" with the special tokens around it, such as "$A </s>".
    """
    backend = import_backend()
    codec = tokenizer.source
    ids = {piece: number for number, piece in enumerate(codec.pieces)}
    if codec.kind == "unigram":
        model = backend.models.Unigram(list(zip(codec.pieces, codec.scores, strict=True)), None, False)
    else:
        model = backend.models.BPE(ids, list(codec.merges))
    built = backend.Tokenizer(model)
    alphabet = [piece for piece in codec.pieces if len(piece) == 1 and piece not in NIBBLES and piece != SPACE]
    add_space = codec.kind != "characters"
    built.normalizer = _normalizer(backend, tokenizer, alphabet, add_space)
    if codec.kind == "characters":
        built.pre_tokenizer = backend.pre_tokenizers.Split(backend.Regex("(?m:.)"), "isolated")
    else:
        built.pre_tokenizer = splitter(codec.kind)
    built.decoder = _decoder(backend, alphabet, add_space)
    built.post_processor = backend.processors.TemplateProcessing(
        single=template, special_tokens=[(piece, number) for number, piece in enumerate(SPECIALS)]
    )
    built.add_special_tokens([backend.AddedToken(piece, normalized=False, special=True) for piece in SPECIALS])
    built.encode_special_tokens = True
    return built


def _normalizer(backend: Any, tokenizer: Tokenizer, alphabet: list[str], add_space: bool) -> Any:
    library, settings = backend.normalizers, tokenizer.settings
    form = {"nfc": [library.NFC()], "nfkc": [library.NFKC()], "none": []}[settings.unicode]
    steps = [*form]
    if settings.lowercase:
        steps += [library.Lowercase(), *form]
    if settings.collapse_whitespace:
        steps += [library.Replace(backend.Regex(_SPACES), " "), library.Strip()]
    byte_characters = _byte_characters()
    steps.append(library.ByteLevel())
    letters = [char for char in alphabet if not char.isascii()]
    # The bytes of a letter never occur inside another letter: UTF-8 marks first bytes and continuation bytes differently.
    steps += [library.Replace(_bytes_of(char), chr(_LETTER + number)) for number, char in enumerate(letters)]
    for value, char in enumerate(byte_characters):
        replacement = (
            chr(value) if value < 128 and chr(value) in alphabet else NIBBLES[value >> 4] + NIBBLES[value & 15]
        )
        replacement = SPACE if value == ord(" ") else replacement
        if replacement != char:
            steps.append(library.Replace(char, replacement))
    steps += [library.Replace(chr(_LETTER + number), char) for number, char in enumerate(letters)]
    if add_space:
        steps.append(library.Prepend(SPACE))
    return library.Sequence(steps)


def _decoder(backend: Any, alphabet: list[str], add_space: bool) -> Any:
    library = backend.decoders
    byte_characters = _byte_characters()
    nibble = f"[{NIBBLES[0]}-{NIBBLES[-1]}]"
    any_nibble = f"[{NIBBLES[0]}-{NIBBLES[-1]}{chr(_HIGH)}-{chr(_HIGH + 15)}]"
    steps = [library.Fuse()]
    if add_space:
        steps.append(library.Replace(backend.Regex(f"\\A{SPACE}"), ""))
    letters = [char for char in alphabet if not char.isascii()]
    steps += [library.Replace(char, chr(_LETTER + number)) for number, char in enumerate(letters)]
    steps += [
        library.Replace(char, byte_characters[ord(char)])
        for char in alphabet
        if char.isascii() and byte_characters[ord(char)] != char
    ]
    steps.append(library.Replace(SPACE, byte_characters[ord(" ")]))
    # A nibble is the first of a byte if an odd number of nibbles follows it in its run.
    for high in range(16):
        ahead = f"(?={any_nibble}(?:{any_nibble}{any_nibble})*(?!{any_nibble}))"
        steps.append(library.Replace(backend.Regex(f"{NIBBLES[high]}{ahead}"), chr(_HIGH + high)))
    steps += [
        library.Replace(chr(_HIGH + (value >> 4)) + NIBBLES[value & 15], char)
        for value, char in enumerate(byte_characters)
    ]
    steps.append(library.Replace(backend.Regex(nibble), _bytes_of("\N{REPLACEMENT CHARACTER}")))
    steps += [library.Replace(chr(_LETTER + number), _bytes_of(char)) for number, char in enumerate(letters)]
    return library.Sequence([*steps, library.ByteLevel()])


def _byte_characters() -> list[str]:
    """The character that `tokenizers` writes for each byte, as in GPT-2."""
    plain = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)}
    others = iter(range(256, 512))
    return [chr(value if value in plain else next(others)) for value in range(256)]


def _bytes_of(char: str) -> str:
    byte_characters = _byte_characters()
    return "".join(byte_characters[value] for value in char.encode("utf-8"))
