"""Files of a run: read with an error that helps, written whole or not at all.

Every write goes to a temporary file in the same folder, then takes its name, so a reader never sees
half a file.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from usae_viz.errors import RunError, WriteError
from usae_viz.lock import write_errors


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is missing", hint="run the verb that makes it again") from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a number too long, too deep
        raise RunError(f"{path} is damaged", got=str(error), hint="make it again") from None


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` when the block ends well, and is gone if not.

    Raises:
        WriteError: the disk is full, or the folder may not be written.
    """
    # Not tempfile: its files are private, and a run is for sharing, within what the umask allows.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(path)
        except BaseException:
            # Where the folder may not be written, there is nothing to remove.
            with suppress(OSError):
                temporary.unlink()
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is either there whole or not at all."""
    for tries_left in (2, 1, 0):
        try:
            with replacing(path) as file:
                file.write(data)
            return
        except WriteError as error:
            # Another process that begins here clears away what killed ones have left, and may take
            # this one's file for that.
            if not tries_left or not isinstance(error.__cause__, FileNotFoundError):
                raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, table: Any) -> None:
    """Write JSON atomically; not-a-number is refused, since JSON has none."""
    write_text(path, json.dumps(table, indent=1, allow_nan=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
