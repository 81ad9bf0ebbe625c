"""Prefetch: a separate thread computes the next items of an iterator before they are needed.

The items and their order do not change. While an item is used, the thread computes the next ones. This is faster if the code that
uses the items waits for an accelerator or a disk. This module does not know what the items are.
"""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

# Seconds after which a waiting thread checks again whether the iterator was closed.
_LOOK_UP = 0.1


class Prefetch(Generic[T]):
    """Iterates over items of which a thread computes up to `ahead` in advance; `close` ends the thread.

    Items that were computed but not taken are lost at the end. So the code that takes the items must count the position. An
    exception of the iterator is raised here, after the items before it.

    Args:
        items: the iterator; only the thread uses it and closes it.
        ahead: the most items that are computed in advance.
    """

    def __init__(self, items: Iterator[T], *, ahead: int = 2) -> None:
        if ahead < 1:
            raise ValueError(f"at least one item is made ahead, not {ahead}")
        self._items = items
        # The last entry has no item: it ends the stream, with the exception if there was one.
        self._ready: Queue[tuple[T] | BaseException | None] = Queue(ahead)
        self._closed = threading.Event()
        # A daemon thread, so that a second Ctrl-C ends the process even while the iterator waits for something.
        self._thread = threading.Thread(target=self._make, name="prefetch", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Prefetch[T]":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> "Prefetch[T]":
        return self

    def __next__(self) -> T:
        if self._closed.is_set():
            raise StopIteration
        entry = self._ready.get()
        if isinstance(entry, tuple):
            return entry[0]
        self.close()
        if entry is not None:
            raise entry
        raise StopIteration

    def close(self) -> None:
        """Ends the thread after its current item; the iteration then ends too."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._ready.get_nowait()
            except Empty:
                self._thread.join(_LOOK_UP)

    def _make(self) -> None:
        end: BaseException | None = None
        try:
            for item in self._items:
                if not self._put((item,)):
                    break
        except BaseException as error:
            end = error
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        self._put(end)

    def _put(self, entry: tuple[T] | BaseException | None) -> bool:
        while not self._closed.is_set():
            try:
                self._ready.put(entry, timeout=_LOOK_UP)
                return True
            except Full:
                continue
        return False
