"""Assigns items to splits: a key that nearly equal texts share, and a seeded choice of the groups to hold out.

Memory is proportional to the number of held-out items.
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
# Tables for `bytes.translate`: the same folding for ASCII; every digit to "0"; and all bytes that are not digits.
_ASCII = bytes(ord(chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)) + bytes(128)
_ASCII_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_ASCII_NO_DIGITS = bytes(code for code in range(256) if chr(code) not in "0123456789")


def split_key(text: str, *, numbers: bool = False) -> str:
    """The key that nearly equal texts share: lower case, no punctuation, and every digit replaced by 0.

    The digits of a text that is mostly digits or has no letters are its content, so they are kept.

    Args:
        numbers: whether to keep the digits of all texts.
    """
    if text.isascii():
        # The same result from tables of bytes, ten times as fast.
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
    """A 64-bit hash of a key, the same in every process. The order of the hashes depends on the seed."""
    salt = seed.to_bytes(16, "big")
    return int.from_bytes(
        hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt).digest(), "big"
    )


@dataclass
class HeldOut:
    """Chooses groups to hold out. A group is all items of equal hash; the groups with the smallest hashes are chosen.

    Attributes:
        limit: the largest number of items that `choose` can select, and of groups that are stored.
        num_items: the number of items so far.
    """

    limit: int
    num_items: int = 0
    _sizes: dict[int, int] = field(default_factory=dict, repr=False)
    _largest: list[int] = field(default_factory=list, repr=False)

    def add(self, hashed: int) -> None:
        """Counts an item with this hash."""
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
        """Chooses disjoint sets of hashes.

        Args:
            counts: for each set, the number of items that it should hold; it gets at most 5% more. A group of more than a quarter
                of that number is not chosen, so that one frequent source does not fill a test split.
        """
        chosen: list[set[int]] = []
        groups = sorted(self._sizes.items())
        for count in counts:
            hashes: set[int] = set()
            total = 0
            rest: list[tuple[int, int]] = []
            for hashed, size in groups:
                if total < count and size <= max(1, count // 4) and total + size <= count + count // 20:
                    hashes.add(hashed)
                    total += size
                else:
                    rest.append((hashed, size))
            chosen.append(hashes)
            groups = rest
        return chosen


def automatic_size(num_items: int, small_divisor: int = 5) -> int:
    """The number of items to hold out: 5%, at most 1,000, at least 16; of small data at most one in `small_divisor`."""
    return max(1, min(1000, max(num_items // 20, min(16, num_items // small_divisor))))
