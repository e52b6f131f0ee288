"""The bundled run: train the USAE on the world, then keep what a user of the package needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from usae_viz import workflow
from usae_viz.recipe import load_recipe
from usae_viz.run import Run, open_run, write_json
from usae_viz.sae import load_usae, save_usae
from usae_viz.sae.checkpoint import read_config

BUNDLED = (
    "run.json",
    "recipe.toml",
    "usae.safetensors",
    "usae.json",
    "training.jsonl",
    "evaluation.json",
    "concepts/index.safetensors",
    "concepts/examples.json",
)
"""What goes into the package: all but activations and thumbnails, which can be made again."""


def train_run(recipe: Path, folder: Path, package: Path, overrides: list[str]) -> dict[str, Any]:
    """Train in `folder`, then replace the bundled run in `package`; returns its evaluation."""
    run = workflow.train(load_recipe(recipe, overrides), folder, resume=True, progress=_tell)
    # Rounded first, so that index and evaluation are of the very weights that are shipped.
    save_usae(run, load_usae(run), read_config(run), half=True)
    workflow.index(run)
    # The path is of the machine that trained it, and means nothing in the package.
    table = {**workflow.evaluate(run), "run": run.info.name}
    write_json(run.evaluation_file, table)
    _bundle(run, package)
    return table


def _bundle(run: Run, package: Path) -> None:
    fresh = package.with_name(f".{package.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in BUNDLED:
        (fresh / name).parent.mkdir(exist_ok=True)
        shutil.copy(run.path / name, fresh / name)
    shutil.rmtree(package, ignore_errors=True)
    fresh.rename(package)
    open_run(package)


def _tell(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 20) == 0:
        print(f"{what}: {done} of {total}", flush=True)
