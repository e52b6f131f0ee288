"""What is known of files from before, so that opening a large source again does not read it all.

A small database in the user's cache (``$USAE_VIZ_CACHE``, else ``$XDG_CACHE_HOME/usae-viz``, else
``~/.cache/usae-viz``). It only saves time: an entry counts while the file's stamp (size, times of
change, inode) is the one it was made under, every image is hashed again when it is read, and a
cache that is missing, damaged or not writable is done without.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# A file changed again within the clock's grain would keep its stamp.
GRAIN_NS = 2_000_000_000


def cache_folder() -> Path:
    """Return the folder of the cache; it need not exist."""
    named = os.environ.get("USAE_VIZ_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "usae-viz"


def stamp(status: os.stat_result) -> str:
    """Return what changes whenever a file's content does."""
    return f"{status.st_size}/{status.st_mtime_ns}/{status.st_ctime_ns}/{status.st_ino}"


def is_settled(status: os.stat_result) -> bool:
    """Return whether the file is old enough for a further change to show in its stamp."""
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > GRAIN_NS


def recall(under: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield (path, stamp, value) of every known path that begins with `under`, in byte order."""
    first = os.fsencode(under)
    try:
        with _database() as database:
            for path, mark, value in database.execute(
                "SELECT path, stamp, value FROM known WHERE path >= ? AND path < ? ORDER BY path",
                (first, first + b"\xff"),
            ):
                yield os.fsdecode(path), mark, value
    except (sqlite3.Error, OSError):
        return


def remember(entries: Iterable[tuple[str, str, bytes]], forget: Iterable[str] = ()) -> None:
    """Keep (path, stamp, value) for later, and drop paths that are no more."""
    try:
        with _database() as database, database:
            database.executemany(
                "DELETE FROM known WHERE path = ?", ((os.fsencode(path),) for path in forget)
            )
            database.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?)",
                ((os.fsencode(path), mark, value) for path, mark, value in entries),
            )
    except (sqlite3.Error, OSError):
        return


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "images.sqlite"
    with closing(sqlite3.connect(path, timeout=10)) as database:
        try:
            database.execute(
                "CREATE TABLE IF NOT EXISTS known"
                " (path BLOB PRIMARY KEY, stamp TEXT, value BLOB) WITHOUT ROWID"
            )
        except sqlite3.OperationalError:  # locked, read-only, full
            raise
        except sqlite3.DatabaseError:  # not a database: a new one is begun the next time
            path.unlink(missing_ok=True)
            raise
        yield database
