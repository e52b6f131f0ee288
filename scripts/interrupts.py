"""Press Ctrl-C in every long verb, and see how soon it ends, with which exit code and hint.

    python scripts/interrupts.py
    python scripts/interrupts.py --times 5 --seed 1

Moments are drawn in processor seconds of the process, so that imports are hit as well as work,
whatever else the machine does. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tiny import write_recipe

from usae_viz import workflow
from usae_viz.recipe import load_recipe

LIMIT = 2.0
LATEST = 12.0
"""Latest moment, in processor seconds; no job below ends before it."""


def prepare(folder: Path) -> dict[str, list[str]]:
    """Make what the verbs work on; returns their words: each would take minutes."""
    recipe = write_recipe(folder, images=64, steps=20)
    wide = ["usae.concepts=4096", "training.batch_tokens=512"]
    workflow.train(load_recipe(recipe, wide), folder / "run")
    text = (folder / "run" / "recipe.toml").read_text(encoding="utf-8")
    # The same run over more images, which are drawn and read as they are indexed.
    many = folder / "many"
    (folder / "run").rename(many)
    workflow.train(load_recipe(recipe, wide), folder / "run")
    (many / "recipe.toml").write_text(text.replace("images=64", "images=200000"), encoding="utf-8")
    (many / "activations" / "manifest.json").unlink()
    photos = []
    for number in range(200):
        photos.append(str(folder / f"{number}.png"))
        Image.effect_noise((96, 96), 60).convert("RGB").save(photos[-1])
    run = str(folder / "run")
    large = ["--set", "images.source=world:images=200000,first=30000000"]
    return {
        "extract": ["extract", str(recipe), *large, "--out", str(folder / "extracted")],
        "train": ["train", str(recipe), "--set", "training.steps=1000000",
                  "--out", str(folder / "trained")],
        "index": ["index", "--run", str(many)],
        "maximize": ["maximize", "--concept", "0-9", "--run", run, "--steps", "100000"],
        "gallery": ["gallery", "--run", run, "--concepts", "all"],
        "attribute": ["attribute", *photos, "--run", run, "--tokens", "mean"],
    }  # fmt: skip


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """Return how long a process has computed."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interrupt(words: list[str], moment: float) -> dict[str, Any]:
    """Start a verb, press Ctrl-C at a moment, and time the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "usae_viz", *words, "--threads", "1"]
        if words[0] != "gallery"
        else [sys.executable, "-m", "usae_viz", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and processor_seconds(process) < moment:
            time.sleep(0.02)
        pressed = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
        seconds = time.perf_counter() - pressed
    hint = f"to go on: usae-viz {shlex.join(words)}"
    return {
        "at_processor_seconds": round(moment, 2),
        "seconds": round(seconds, 2),
        "exit": process.returncode,
        "hint": hint in said,
        "traceback": "Traceback" in said,
        "said": said[-300:],
    }


def main() -> int:
    """Parse the arguments, interrupt, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3, help="a verb")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chance = random.Random(arguments.seed)
    table: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for verb, words in prepare(Path(folder)).items():
            found = [interrupt(words, chance.uniform(0.2, LATEST)) for _ in range(arguments.times)]
            well = [row["exit"] == 130 and row["hint"] and not row["traceback"] for row in found]
            table[verb] = {
                "interrupted": len(found),
                "well": sum(well),
                "slowest_seconds": max(row["seconds"] for row in found),
                "at_processor_seconds": [row["at_processor_seconds"] for row in found],
                "otherwise": [row for row, good in zip(found, well, strict=True) if not good],
            }
    good = all(
        row["well"] == row["interrupted"] and row["slowest_seconds"] <= LIMIT
        for row in table.values()
    )
    print(json.dumps({"seed": arguments.seed, "all_well": good, "verbs": table}, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
