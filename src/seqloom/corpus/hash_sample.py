"""A set of hashes in bounded memory, to estimate how many items are distinct, or also occur in another split."""


class HashSample:
    """A set of hashes. If it has more than `limit`, it stores only a share of them, which is halved as more hashes are added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._mask = 0
        self._hashes: set[int] = set()

    @property
    def share(self) -> float:
        """The share of all possible hashes that the sample covers: 1, 1/2, 1/4 and so on."""
        return 1 / (self._mask + 1)

    def covers(self, hashed: int) -> bool:
        """Whether this hash belongs to the covered share."""
        return not hashed & self._mask

    def __contains__(self, hashed: int) -> bool:
        return hashed in self._hashes

    def add(self, hashed: int) -> None:
        """Adds a hash, and halves the sample until it fits the limit."""
        if self.covers(hashed):
            self._hashes.add(hashed)
            while len(self._hashes) > self._limit:
                self._mask = self._mask * 2 + 1
                self._hashes = {stored for stored in self._hashes if self.covers(stored)}

    def num_distinct(self) -> int:
        """The number of distinct hashes that were added; an estimate if only a share is stored."""
        return round(len(self._hashes) / self.share)
