"""Transient memory of a training step over parameters, moments and batch, in MB, as JSON.

    python scripts/bench/memory.py [--tokens 8192] [--dims 384 384 384]

Each mode runs in a process of its own. Three steps on few tokens make the optimiser's moments and
load the libraries; then the kernel's record of the peak is cleared and the peak of three steps on
the whole batch is read (VmHWM), minus what was resident before them (VmRSS). Gradients count as
transient. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
from pathlib import Path

MODES = ("squared error", "default", "paper")


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1000
    raise KeyError(key)


def measure(mode: str, dims: tuple[int, ...], n: int) -> float:
    """Return the peak in MB over what is resident before the steps."""
    from train import MSE, OURS, PAPER, OurStep, tokens

    parts = {"squared error": MSE, "default": OURS, "paper": PAPER}[mode]
    step, small, batch = OurStep(dims, parts), tokens(dims, 64), tokens(dims, n)
    for drawn in range(len(dims)):
        step.average(small, drawn)
    # What malloc has kept of freed gradients would hide as much of what follows.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for drawn in range(len(dims)):
        step.average(batch, drawn)
    return _status("VmHWM") - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 384, 384])
    parser.add_argument("--mode", choices=MODES, help="measure this one in this process")
    args = parser.parse_args()
    if args.mode:
        print(measure(args.mode, tuple(args.dims), args.tokens))
        return
    common = ["--tokens", str(args.tokens), "--dims", *map(str, args.dims)]
    found = {}
    for mode in MODES:
        command = [sys.executable, __file__, "--mode", mode, *common]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[mode] = round(float(done.stdout), 1)
    print(json.dumps({"name": "memory", "tokens": args.tokens, "dims": args.dims, "mb": found}))


if __name__ == "__main__":
    main()
