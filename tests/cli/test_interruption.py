"""Ctrl-C ends the program with exit code 130 and how to go on, whatever it is busy with."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, sys, time
from usae_viz.cli.interruption import ending_at_ctrl_c
sys.argv[1:] = {words}
with ending_at_ctrl_c():
    print("busy", flush=True)
    {work}
"""
BUSY = {
    "python": "while True: time.sleep(0.01)",
    # Python hears of a signal only when such a call returns.
    "a long call": "hashlib.pbkdf2_hmac('sha256', b'word', b'salt', 2_000_000_000)",
    "a thread that nothing ends": (
        "import threading; "
        "threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)]).start(); "
        "time.sleep(600)"
    ),
}


@pytest.mark.parametrize("work", list(BUSY))
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "a recipe.toml"], "usae-viz train 'a recipe.toml' --resume"),
        (["extract", "x.toml", "--out", "run"], "usae-viz extract x.toml --out run\n"),
    ],
)
def test_ctrl_c(work: str, words: list[str], told: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(words=words, work=BUSY[work])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.count("interrupted; what was finished is kept") == 1
    assert f"to go on: {told}" in said
    assert "Traceback" not in said
