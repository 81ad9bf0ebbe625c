"""Prefetch: what an iterator gives, made ahead of its use on a thread of its own.

An iterator enters; the same items leave, in the same order. While one item is used the next ones are made, which pays where the
user of an item waits for an accelerator or a disk. This module does not know what the items are.
"""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

# A thread that waits looks up this often, in seconds, whether it is still wanted.
_LOOK_UP = 0.1


class Prefetch(Generic[T]):
    """Iterates over items that a thread makes up to `ahead` of their use; closing ends the thread.

    What has been made and not been taken is lost, so a position must be counted by who takes the items. An exception of the
    iterator is raised here, after the items before it.

    Args:
        items: is used, and in the end closed, on the thread alone.
        ahead: how many items may lie ready.
    """

    def __init__(self, items: Iterator[T], *, ahead: int = 2) -> None:
        if ahead < 1:
            raise ValueError(f"at least one item is made ahead, not {ahead}")
        self._items = items
        # The last entry has no item: it ends the stream, with the exception if there was one.
        self._ready: Queue[tuple[T] | BaseException | None] = Queue(ahead)
        self._closed = threading.Event()
        # A daemon: a second Ctrl-C must end the process whatever the iterator waits for.
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
        """Ends the thread, after the item that it is making; no further items come."""
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
