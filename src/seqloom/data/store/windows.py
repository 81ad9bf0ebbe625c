"""Windows of a text: examples with an empty source, cut out of the stream of ids of all documents, or out of each document."""

from functools import lru_cache

import numpy as np

from seqloom.data.batching import Reencode
from seqloom.data.example import Example, IdArray
from seqloom.data.store.documents import Documents


class Windows:
    """A running text in windows of equal length: examples with an empty source; no eos is added to a window."""

    ends = False

    def __init__(self, ids: IdArray, window_len: int, num_bytes: int) -> None:
        self._ids = ids
        self._window_len = window_len
        self.num_bytes = num_bytes
        self.num_src_tokens = 0
        self.num_tgt_tokens = len(ids)
        num = -(-len(ids) // window_len)
        self.src_lengths: IdArray = np.zeros(num, dtype=np.int32)
        self.tgt_lengths: IdArray = np.minimum(len(ids) - np.arange(num) * window_len, window_len).astype(np.int32)

    def __len__(self) -> int:
        return len(self.tgt_lengths)

    def __getitem__(self, index: int, /) -> Example:
        return self.shifted(index, 0)

    def shifted(self, index: int, offset: int) -> Example:
        """The window that begins `offset` ids after the window `index`, and is as long; after the end of the text comes its begin.

        Args:
            offset: at least 0.
        """
        index = range(len(self))[index]
        start = (index * self._window_len + offset) % max(1, self.num_tgt_tokens)
        length = int(self.tgt_lengths[index])
        ids = np.array(self._ids[start : start + length], dtype=np.int32)
        if len(ids) < length:
            ids = np.concatenate([ids, np.array(self._ids[: length - len(ids)], dtype=np.int32)])
        return Example(np.empty(0, dtype=np.int32), ids)

    def shifter(self, seed: int) -> Reencode:
        """The function with which `Batches` cuts each epoch at other places.

        All windows of an epoch begin at the same number of ids after their own beginning, drawn from (seed, epoch). So an epoch
        still reads each id once, but an id has another context in each epoch.
        """

        @lru_cache(maxsize=2)
        def offset(epoch: int) -> int:
            return int(np.random.default_rng((seed, epoch)).integers(self._window_len))

        return lambda example, epoch, index: self.shifted(index, offset(epoch))


class WindowSample:
    """Windows at equal distances, enough for about so many ids: for an estimate over a long text.

    Args:
        windows: all windows.
        num_ids: the ids that the sample holds, give or take a window.
    """

    ends = False

    def __init__(self, windows: "Windows | DocumentWindows", num_ids: int) -> None:
        self._windows = windows
        num_rows = max(1, len(windows) * num_ids // max(1, windows.num_tgt_tokens))
        self._rows = np.linspace(0, len(windows) - 1, min(num_rows, len(windows))).round().astype(np.int64)
        self.tgt_lengths: IdArray = windows.tgt_lengths[self._rows]
        self.src_lengths: IdArray = windows.src_lengths[self._rows]
        self.num_src_tokens = 0
        self.num_tgt_tokens = int(self.tgt_lengths.sum(dtype=np.int64))
        # Bytes of single windows are not known, so this is the share of all.
        self.num_bytes = round(windows.num_bytes * self.num_tgt_tokens / max(1, windows.num_tgt_tokens))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int, /) -> Example:
        return self._windows[int(self._rows[range(len(self))[index]])]


class DocumentWindows:
    """Windows that never hold parts of two documents: attention and recurrent states do not reach from one document into another.

    Each document, with the eos that ends it (the last document too), is cut into windows from its beginning. The last window of
    a document is shorter, so documents of few ids make short windows.
    """

    ends = False

    def __init__(self, documents: Documents, window_len: int, num_bytes: int) -> None:
        self._documents = documents
        self.num_bytes = num_bytes
        self.num_src_tokens = 0
        lengths = documents.lengths.astype(np.int64) + 1
        counts = -(-lengths // window_len)
        owners = np.repeat(np.arange(len(counts)), counts)
        # The window's number within its document, times the length of windows.
        offsets = (np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)) * window_len
        self._starts = documents.starts[owners] + offsets
        self.tgt_lengths: IdArray = np.minimum(lengths[owners] - offsets, window_len).astype(np.int32)
        self.src_lengths: IdArray = np.zeros(len(owners), dtype=np.int32)
        self.num_tgt_tokens = int(lengths.sum())

    def __len__(self) -> int:
        return len(self.tgt_lengths)

    def __getitem__(self, index: int, /) -> Example:
        row = range(len(self))[index]
        start, length = int(self._starts[row]), int(self.tgt_lengths[row])
        ids = np.array(self._documents.ids[start : start + length], dtype=np.int32)
        if len(ids) < length:
            # The stream has no eos after the last document.
            ids = np.append(ids, np.int32(self._documents.eos_id))
        return Example(np.empty(0, dtype=np.int32), ids)
