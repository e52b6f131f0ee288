"""The bundled run: train the USAE on the world, then keep what a user of the package needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from usae_viz import workflow
from usae_viz.recipe import load_recipe


def train_run(recipe: Path, folder: Path, package: Path, overrides: list[str]) -> dict[str, Any]:
    """Train in `folder`, then replace the bundled run in `package`; returns its evaluation."""
    run = workflow.train(load_recipe(recipe, overrides), folder, resume=True, progress=_tell)
    evaluation: dict[str, Any] = workflow.ship(run, package, progress=_tell)["evaluation"]
    return evaluation


def _tell(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 20) == 0:
        print(f"{what}: {done} of {total}", flush=True)
