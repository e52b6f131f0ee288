"""What no case may do: write elsewhere, start a program, take long or much memory."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 10
BYTES = 2 << 30


class Watchman:
    """Hears of every file that is opened for writing and every program that is started."""

    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
    MOVES = ("os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")

    def __init__(self, allowed: list[Path]) -> None:
        self.allowed = tuple(str(path.resolve()) for path in allowed)
        self.seen: list[str] = []
        self.on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in self.STARTS:
            self.seen.append(f"{event} {arguments[0]!r:.80}")
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            if isinstance(arguments[2], int) and arguments[2] & self.WRITES:
                self._look(event, arguments[0])
        elif event in self.MOVES:
            for path in arguments[: 2 if event in self.MOVES[:1] else 1]:
                self._look(event, path)

    def _look(self, event: str, path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            # Not resolve, which looks at the disk: what is named counts.
            full = os.path.normpath(Path.cwd() / os.fsdecode(path))
            if full != os.devnull and not full.startswith(self.allowed):
                self.seen.append(f"{event} {full}")


@contextmanager
def bounded() -> Iterator[None]:
    """End what takes too long or too much memory by an error."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (size + BYTES, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        signal.signal(signal.SIGALRM, before)
