"""Who may write into a run: a lock of the operating system, gone with the process that held it."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from usae_viz.errors import BusyError, WriteError

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}")
"""Names of files that `usae_viz.run` is writing: they take their own name when they are whole."""

# How long a rank waits for another one that is tidying up, in seconds.
PATIENCE = 10.0

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def locked(
    path: Path,
    *,
    shared: bool = False,
    tidy: Sequence[Path] = (),
    deep: bool = False,
    wait: float | None = None,
) -> Iterator[None]:
    """Hold the lock file `path`.

    The lock is ``flock``'s, so a killed process leaves none behind, and it holds between machines
    wherever their file system carries such locks (NFS 4 does). Where there are none (Windows, some
    cluster file systems) nothing is locked.

    Args:
        path: made if it is not there, removed when the last holder lets go.
        shared: hold it together with others that ask for the same, as the ranks of one job do.
        tidy: folders in which temporary files of killed writers are removed; only by one that
            finds itself alone.
        deep: in all folders below them too.
        wait: seconds to wait for another holder; default: none, and `PATIENCE` if shared.

    Raises:
        BusyError: another process holds it; the message names it.
        WriteError: the folder is not there, or may not be written.
    """
    patience = wait if wait is not None else PATIENCE if shared else 0.0
    with write_errors(path.parent):
        handle = _acquire(path, shared, patience, lambda: _tidy(tidy, deep))
    try:
        yield
    finally:
        _release(handle, path)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what the system says of a file that is being written into a `WriteError`."""
    try:
        yield
    except OSError as error:
        hint = "give a folder that may be written"
        if error.errno in FULL:
            hint = "make space and run the same command again: what is finished is kept"
        raise WriteError(
            f"{path} could not be written", got=error.strerror or str(error), hint=hint
        ) from error


if sys.platform == "win32":  # pragma: no cover

    def _acquire(path: Path, shared: bool, patience: float, tidy: Callable[[], None]) -> int:
        del shared, patience, tidy
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def _release(handle: int, path: Path) -> None:
        del path
        os.close(handle)

else:
    import fcntl

    def _acquire(path: Path, shared: bool, patience: float, tidy: Callable[[], None]) -> int:
        deadline = time.monotonic() + patience
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                alone = _flock(handle, fcntl.LOCK_EX)
                # A holder that let go may have removed the file in between: then it locks nothing.
                if (alone or (shared and _flock(handle, fcntl.LOCK_SH))) and _is(handle, path):
                    if alone:
                        tidy()
                        os.ftruncate(handle, 0)
                        os.pwrite(handle, str(os.getpid()).encode(), 0)
                        if shared:
                            _flock(handle, fcntl.LOCK_SH)
                    return handle
                owner = os.pread(handle, 32, 0).decode(errors="replace").strip()
                found = _is(handle, path)
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
            if found and time.monotonic() >= deadline:
                raise BusyError(
                    f"{path.parent} is being written by process {owner or 'unknown'}",
                    hint="wait for it, or end it; what it has finished is kept",
                )
            time.sleep(0.02)

    def _release(handle: int, path: Path) -> None:
        # Others may share it; only the last one removes the file.
        if _flock(handle, fcntl.LOCK_EX) and _is(handle, path):
            path.unlink(missing_ok=True)
        os.close(handle)

    def _flock(handle: int, kind: int) -> bool:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # The file system has no locks: better to go on than to refuse to work there at all.
            return True
        return True

    def _is(handle: int, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), path.stat())
        except FileNotFoundError:
            return False


def _tidy(folders: Sequence[Path], deep: bool) -> None:
    for folder in filter(Path.is_dir, folders):
        for path in folder.rglob("*") if deep else folder.iterdir():
            if TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
