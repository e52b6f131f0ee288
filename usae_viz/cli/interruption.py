"""Ctrl-C: the program ends within two seconds, with exit code 130 and how to go on."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

GRACE = 1.2
"""Seconds that what was going on has to end by itself."""

RESUMED = ("train",)
"""Verbs that go on only where ``--resume`` is given; the others do so anyway."""


def words_to_go_on() -> str:
    """Return the command line that goes on where this one was."""
    import shlex

    words = ["usae-viz", *sys.argv[1:]]
    if words[1:2] and words[1] in RESUMED and "--resume" not in words:
        words.append("--resume")
    return shlex.join(words)


@contextmanager
def ending_at_ctrl_c() -> Iterator[None]:
    """Have the block, and the process, end when Ctrl-C is pressed.

    Python tells the main thread of a signal when the call that it is in returns, which a long
    computation does not. So a thread of its own waits for the signal and, if the program is still
    there after `GRACE` seconds, ends it: every file is written under another name first, so
    nothing is lost but what was being computed.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    told = threading.Event()

    def watch() -> None:
        while signal.SIGINT not in os.read(reading, 1):
            pass
        time.sleep(GRACE)
        end()

    def end() -> NoReturn:
        if not told.is_set():
            told.set()
            text = f"interrupted; what was finished is kept\n  to go on: {words_to_go_on()}\n"
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                # Past Python's buffer, which the main thread may hold.
                os.write(2, text.encode())
        # Not sys.exit: it would wait for threads that are still at work.
        os._exit(130)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=watch, name="ctrl-c", daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        end()
    except SystemExit as error:
        if error.code == 130:
            end()
        raise
