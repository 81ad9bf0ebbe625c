"""Assigns items to splits: a key that near-duplicates share, and a seeded choice of the held-out groups.

Memory is bounded by the number of held-out items.
"""

import hashlib
import heapq
import unicodedata
from dataclasses import dataclass, field


class _Folding(dict[int, str]):
    """Maps characters: marks and letters stay, digits (optionally) become 0, all others become spaces."""

    def __init__(self, *, fold_digits: bool) -> None:
        super().__init__()
        self._fold_digits = fold_digits

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))[0]
        folded = chr(code) if kind in "LM" else " "
        if kind == "N":
            folded = "0" if self._fold_digits else chr(code)
        self[code] = folded
        return folded


_LETTERS = _Folding(fold_digits=True)
_LETTERS_AND_DIGITS = _Folding(fold_digits=False)
_ASCII = bytes(ord(chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)) + bytes(128)
_ASCII_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_ASCII_NO_DIGITS = bytes(code for code in range(256) if chr(code) not in "0123456789")


def split_key(text: str, *, numbers: bool = False) -> str:
    """The key that near-duplicates share: lower-case letters, without punctuation, all digits equal.

    If a text is mostly digits or has no letters, its numbers are its content and are kept.

    Args:
        numbers: whether numbers are kept in all texts.
    """
    if text.isascii():
        # The same with tables of bytes, ten times as fast.
        folded = text.encode().translate(_ASCII)
        if not numbers and 2 * len(folded.translate(None, _ASCII_NO_DIGITS)) < len(text) - text.count(" "):
            folded = folded.translate(_ASCII_DIGITS)
        return b" ".join(folded.split()).decode() or text.strip().lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    if not numbers:
        digits = sum(map(plain.count, "0123456789"))
        numbers = 2 * digits >= len(plain) - plain.count(" ")
    return " ".join(plain.translate(_LETTERS_AND_DIGITS if numbers else _LETTERS).split()) or plain.strip()


def pair_key(src: str, tgt: str) -> str:
    """The key that pairs share if they differ only in case, punctuation and spaces."""
    return f"{split_key(src, numbers=True)}\t{split_key(tgt, numbers=True)}"


def hash_key(key: str, seed: int = 0) -> int:
    """A 64-bit hash, the same in every process; another seed gives another order."""
    salt = seed.to_bytes(16, "big")
    return int.from_bytes(
        hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt).digest(), "big"
    )


@dataclass
class HeldOut:
    """Chooses the held-out groups: groups are items of equal hash, and those with the smallest hashes are chosen.

    Attributes:
        limit: the largest number of items that `choose` may be asked for; at most this number of groups is stored.
    """

    limit: int
    num_items: int = 0
    _sizes: dict[int, int] = field(default_factory=dict, repr=False)
    _largest: list[int] = field(default_factory=list, repr=False)

    def add(self, hashed: int) -> None:
        """Counts an item."""
        self.num_items += 1
        if hashed in self._sizes:
            self._sizes[hashed] += 1
        elif len(self._sizes) < self.limit:
            self._sizes[hashed] = 1
            heapq.heappush(self._largest, -hashed)
        elif hashed < -self._largest[0]:
            # The hash of a dropped group is above all stored ones, so the group cannot return with a wrong count.
            del self._sizes[-heapq.heapreplace(self._largest, -hashed)]
            self._sizes[hashed] = 1

    def count(self, chosen: set[int]) -> int:
        """The number of items with one of these hashes."""
        return sum(self._sizes[hashed] for hashed in chosen)

    def choose(self, *counts: int) -> list[set[int]]:
        """Chooses disjoint sets of hashes, each with about the wanted number of items.

        A group larger than a quarter of the wanted number stays in the training data: one frequent source must not fill a test.
        """
        chosen: list[set[int]] = []
        groups = sorted(self._sizes.items())
        for count in counts:
            taken: set[int] = set()
            total = 0
            rest: list[tuple[int, int]] = []
            for hashed, size in groups:
                if total < count and size <= max(1, count // 4) and total + size <= count + count // 20:
                    taken.add(hashed)
                    total += size
                else:
                    rest.append((hashed, size))
            chosen.append(taken)
            groups = rest
        return chosen


def automatic_size(num_items: int, small_divisor: int = 5) -> int:
    """The number of items to hold out: 5%, at most 1,000; of small data 16, but at most one in `small_divisor`."""
    return max(1, min(1000, max(num_items // 20, min(16, num_items // small_divisor))))
