"""Transient memory of a training step over parameters, moments and batch, in MB, as JSON.

    python scripts/bench/memory.py [--tokens 8192] [--dims 384 384 384]

Each mode runs in a process of its own. Three steps on few tokens make the optimiser's moments and
load the libraries. ``tensors`` is the most that a step's tensors take at once, as torch's profiler
records them: what `torch.cuda.max_memory_allocated` would say on a GPU. ``resident`` is what the
process then needs: the kernel's record of the peak is cleared and the peak of three steps on the
whole batch is read (VmHWM), minus what was resident before them (VmRSS). What malloc keeps of freed
tensors is in it; ``returned`` is the same where malloc is told to give them back at once. Gradients
count as transient. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
MODES = ("squared error", "default", "paper")


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1000
    raise KeyError(key)


def measure(mode: str, dims: tuple[int, ...], n: int) -> dict[str, float]:
    """Return the peaks in MB over what is there before the steps."""
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
    resident = _status("VmHWM") - before
    tensors = max(
        _live(lambda d=drawn: step.average(batch, d))  # type: ignore[misc]
        for drawn in range(len(dims))
    )
    return {"tensors": round(tensors, 1), "resident": round(resident, 1)}


def _live(work: Callable[[], object]) -> float:
    """Return the most MB of tensors that are alive at once while it works."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    results = record.profiler.kineto_results  # type: ignore[union-attr]
    events = [event for event in results.events() if event.name() == "[memory]"]
    total = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        total += event.nbytes()
        peak = max(peak, total)
    return peak / 1e6


def _child(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 384, 384])
    parser.add_argument("--mode", choices=MODES, help="measure this one in this process")
    args = parser.parse_args()
    if args.mode:
        print(json.dumps(measure(args.mode, tuple(args.dims), args.tokens)))
        return
    common = ["--tokens", str(args.tokens), "--dims", *map(str, args.dims)]
    found = {}
    for mode in MODES:
        command = [sys.executable, __file__, "--mode", mode, *common]
        found[mode] = _child(command, {})
        found[mode]["returned"] = _child(command, FRUGAL)["resident"]
    print(json.dumps({"name": "memory", "tokens": args.tokens, "dims": args.dims, "mb": found}))


if __name__ == "__main__":
    main()
