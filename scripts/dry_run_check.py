"""How far `train --dry-run` is from what a run then takes, on three sizes of the built-in world.

    python scripts/dry_run_check.py [--size small medium large] [--processor-time] [--json]

Each size is planned, then extracted and trained, each in a process of its own. Bytes on disk are
those of the files. Memory is the kernel's record of the peak during a training of few steps (VmHWM)
over what is resident before it, after a small training has loaded the libraries; malloc is told to
give freed memory back, else what it keeps would count. Times are of extraction and training; on a
machine that has other work --processor-time compares seconds of processor time. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SIZES: dict[str, dict[str, Any]] = {
    "small": {"images": 200, "concepts": 512, "k": 8, "batch": 1024, "steps": 300, "buffer": 128},
    "medium": {
        "images": 450,
        "concepts": 2048,
        "k": 16,
        "batch": 2048,
        "steps": 150,
        "buffer": 256,
    },
    "large": {"images": 800, "concepts": 6144, "k": 32, "batch": 2048, "steps": 80, "buffer": 512},
}
SMALLEST = [
    "images.source=world:images=64",
    "usae.concepts=64",
    "training.steps=8",
    "training.batch_tokens=256",
    "training.validate_every=4",
    "training.checkpoint_every=4",
]
FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
KEYS = ("activations_megabytes", "memory_megabytes", "extraction_seconds", "training_seconds")


def recipe_of(size: str) -> Any:
    """Return the world's recipe at one size."""
    from usae_viz.recipe import load_recipe

    wanted = SIZES[size]
    sets = {
        "images.source": f"world:images={wanted['images']},first=30000000",
        "usae.concepts": wanted["concepts"],
        "usae.k": wanted["k"],
        "training.batch_tokens": wanted["batch"],
        "training.steps": wanted["steps"],
        "training.buffer_images": wanted["buffer"],
        "training.validate_every": wanted["steps"] // 2,
        "training.checkpoint_every": wanted["steps"] // 2,
        "activations.shard_images": 128,
    }
    return load_recipe(ROOT / "recipes" / "world.toml", [f"{k}={v}" for k, v in sets.items()])


def planned(size: str, clock: Callable[[], float]) -> dict[str, float]:
    """Return what the dry run says."""
    from usae_viz import workflow
    from usae_viz.recipe import load_recipe

    # As in `taken`: libraries are loaded before anything is timed.
    workflow.plan(load_recipe(ROOT / "recipes" / "world.toml", SMALLEST), clock=clock)
    table = workflow.plan(recipe_of(size), clock=clock)
    return {key: table[key]["together"] if "memory" in key else table[key] for key in KEYS}


def taken(size: str, clock: Callable[[], float]) -> dict[str, float]:
    """Return what it takes: extract and train here."""
    from usae_viz import workflow
    from usae_viz.recipe import load_recipe
    from usae_viz.sae.training import train_usae
    from usae_viz.workflow.training import held_out_tokens

    recipe = recipe_of(size)
    with tempfile.TemporaryDirectory() as folder:
        # Libraries load, and torch starts its threads, before anything is timed.
        few = load_recipe(ROOT / "recipes" / "world.toml", SMALLEST)
        warm, tokens = workflow.extract(few, Path(folder) / "warm")
        assert tokens is not None
        train_usae(warm, few, tokens, held_out=held_out_tokens(tokens, 8))
        started = clock()
        run, store = workflow.extract(recipe, Path(folder) / "run")
        extraction = clock() - started
        assert store is not None
        written = sum(path.stat().st_size for path in run.activations_dir.iterdir())
        started = clock()
        train_usae(
            run, recipe, store, held_out=held_out_tokens(store, recipe.training.validation_images)
        )
        training = clock() - started
        peak = _in_a_process([size, "--do", "peak", "--run", str(run.path)], FRUGAL)["peak"]
    figures = (written / 1e6, peak, extraction, training)
    return {key: round(value, 1) for key, value in zip(KEYS, figures, strict=True)}


def peak_of(size: str, folder: Path) -> float:
    """Return the megabytes that training on the store of a run takes at most, in this process."""
    from usae_viz.activations import ActivationStore
    from usae_viz.recipe import load_recipe
    from usae_viz.run import Run, open_run
    from usae_viz.sae.training import train_usae
    from usae_viz.workflow.training import held_out_tokens

    run, store = open_run(folder), ActivationStore(folder / "activations")
    few = {"steps": 8, "validate_every": 4, "checkpoint_every": 4}
    budget = recipe_of(size).training.model_copy(update=few)
    recipe = recipe_of(size).model_copy(update={"training": budget})
    small = load_recipe(ROOT / "recipes" / "world.toml", SMALLEST)
    for which, name in ((small, "small"), (recipe, "whole")):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        train_usae(
            Run(folder / name, run.info),
            which,
            store,
            held_out=held_out_tokens(store, which.training.validation_images),
        )
    return _status("VmHWM") - before


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--do", choices=("planned", "taken", "peak"), help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    if options.do:
        if options.do == "peak":
            print(json.dumps({"peak": peak_of(options.size[0], options.run)}))
            return
        clock = time.process_time if options.processor_time else time.perf_counter
        print(json.dumps({"planned": planned, "taken": taken}[options.do](options.size[0], clock)))
        return
    flags = ["--processor-time"] if options.processor_time else []
    rows: list[dict[str, Any]] = []
    for size in options.size:
        said, came = (_in_a_process([size, "--do", half, *flags]) for half in ("planned", "taken"))
        for key in KEYS:
            row = {"size": size, "what": key, "estimated": said[key], "measured": came[key]}
            rows.append(row | {"estimated / measured": round(said[key] / came[key], 3)})
            if not options.json:
                print(*rows[-1].values(), sep="\t", flush=True)
    if options.json:
        print(json.dumps({"sizes": SIZES, "processor_time": options.processor_time, "rows": rows}))


def _in_a_process(
    words: list[str], environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    command = [sys.executable, __file__, "--size", *words]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
