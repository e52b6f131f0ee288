"""Feed every reader damaged files and odd words, and see that each either works or says no.

    python scripts/fuzz.py --cases 10000
    python scripts/fuzz.py --cases 500 --seed 3 --kinds store index

A case fails if anything but one of our own errors comes up (on the command line: anything but an
exit code of 0, 1 or 2 with a message), if a file outside the run is written, if a program is
started, or if it takes more than ten seconds or 2 GB. Prints JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from fuzzing.kinds import KINDS, Lab
from fuzzing.watch import Watchman, bounded
from memory_use import megabytes

from usae_viz.errors import UsaeVizError


def fuzz(cases: int, seed: int, folder: Path, kinds: list[str] | None = None) -> dict[str, Any]:
    """Run `cases` cases; returns the table that is printed."""
    os.environ["USAE_VIZ_CACHE"] = str(folder / "cache")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")  # captum loads it
    tempfile.tempdir = str(folder / "temporary")
    Path(tempfile.tempdir).mkdir()
    # Its first import looks for fonts, with a program of the system's.
    importlib.import_module("matplotlib.font_manager")
    sys.dont_write_bytecode = True
    lab = Lab(folder)
    names = kinds or list(KINDS)
    weights = [KINDS[name][1] for name in names]
    order = random.Random(seed).choices(names, weights, k=cases)
    done: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    failed: dict[str, dict[str, Any]] = {}
    watchman = Watchman([folder])
    here, inside = Path.cwd(), folder / "here"
    inside.mkdir(exist_ok=True)
    os.chdir(inside)
    began, cpu = time.perf_counter(), time.process_time()
    baseline = megabytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, name in enumerate(order):
            done[name] += 1
            lab.mend()
            outside = sorted(folder.iterdir())
            watchman.on, watchman.seen = True, []
            problem = None
            try:
                with bounded():
                    KINDS[name][0](lab, random.Random(f"{seed}-{number}"))
                accepted[name] += 1
            except UsaeVizError:
                pass
            except BaseException as error:
                problem = f"{type(error).__name__}: " + " ".join(str(error).split())[:60]
                place = traceback.extract_tb(error.__traceback__)
                ours = [f for f in place if "/usae_viz/" in f.filename] or list(place)
                problem += f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
            watchman.on = False
            if watchman.seen:
                problem = f"outside: {watchman.seen[0]}"
            if (folder / "canary").exists() or (inside / "canary").exists():
                problem = "code was executed"
            stray = {path.name for path in folder.iterdir()} - {path.name for path in outside}
            if stray & {"outside", "never"}:
                problem = f"written outside of the run: {stray}"
            if problem is not None:
                where = problem.rpartition(" at ")[2]
                entry = failed.setdefault(
                    f"{name}: {where}", {"count": 0, "first": number, "problem": problem}
                )
                entry["count"] += 1
    os.chdir(here)
    return {
        "cases": cases,
        "seed": seed,
        "failures": sum(entry["count"] for entry in failed.values()),
        "by_kind": dict(sorted(done.items())),
        "accepted": dict(sorted(accepted.items())),
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_memory_mb": round(megabytes(), 0),
        "memory_before_mb": round(baseline, 0),
        "failed": failed,
    }


def main() -> int:
    """Parse the arguments, feed, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        table = fuzz(arguments.cases, arguments.seed, Path(folder), arguments.kinds)
    print(json.dumps(table, indent=1))
    return 0 if not table["failures"] else 1


if __name__ == "__main__":
    sys.exit(main())
