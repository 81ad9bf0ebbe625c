"""Documents: where each document lies in the stream of ids of a text, and how large it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqloom.data.example import IdArray


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a text, as parts of its stream of ids.

    The stream is `document, eos, document, eos, ..., document`: an eos stands between two documents, none before the first and
    none after the last. `ids[starts[i] : starts[i] + lengths[i]]` is document i, and the eos that ends it is the next id.
    Windows cut the same stream: id t of window w has the position `w * window_len + t`.

    What an item of the store is, `Split.unit` says: "documents", or "passages" of one running text. Passages have about 16,000
    characters, end at an empty line where possible, and are separated in the stream as documents are.

    All arrays are views of memory-mapped files and must not be written to. Opening them reads nothing, whatever their size.

    Attributes:
        ids: (num_ids,), the stream.
        starts: (num_documents,), the position of the first id of each document.
        lengths: (num_documents,), the ids of each document, without its eos; 0 for an empty document.
        num_bytes: (num_documents,), UTF-8 bytes of each normalised document, for bits per byte.
        num_characters: (num_documents,), characters (code points) of each normalised document.
        eos_id: the id that ends a document.
    """

    ids: IdArray
    starts: IdArray
    lengths: IdArray
    num_bytes: IdArray
    num_characters: IdArray
    eos_id: int

    def __len__(self) -> int:
        return len(self.starts)

    def ids_of(self, index: int) -> IdArray:
        """A copy of the ids of one document, without its eos."""
        start = int(self.starts[index])
        return np.array(self.ids[start : start + int(self.lengths[index])], dtype=np.int32)

    def index_at(self, positions: IdArray) -> NDArray[np.int64]:
        """The document that holds each position of the stream. An eos belongs to the document that it ends.

        Args:
            positions: (num_positions,), positions in the stream, from 0.

        Returns:
            (num_positions,), indices of documents.
        """
        # An empty document has no ids but its eos, so equal starts do not occur.
        return np.searchsorted(self.starts, positions, side="right").astype(np.int64) - 1
