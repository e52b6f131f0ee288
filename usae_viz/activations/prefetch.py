"""Running an iterator ahead of its reader, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterator[T], ahead: int = 2) -> Generator[T]:
    """Yield `items`, of which up to `ahead` are made in advance by a thread.

    It serves what lets go of the interpreter's lock: reading, decoding, copying. An error comes up
    where its item would have. Closing this iterator ends the thread and closes `items`.
    """
    ready: queue.Queue[tuple[bool, T | BaseException | None]] = queue.Queue(ahead)
    stop = threading.Event()

    def put(item: tuple[bool, T | BaseException | None]) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def work() -> None:
        try:
            for item in items:
                put((True, item))
                if stop.is_set():
                    break
            put((False, None))
        except BaseException as error:  # handed to the reader, whatever it is
            put((False, error))
        finally:
            close = getattr(items, "close", None)
            if close:
                close()

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if not more:
                if item is not None:
                    raise item  # type: ignore[misc]
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()
