"""The bundled run: train the USAE on the world, then keep what a user of the package needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from usae_viz import workflow
from usae_viz.recipe import load_recipe
from usae_viz.run import open_run


def train_run(recipe: Path, folder: Path, package: Path, overrides: list[str]) -> dict[str, Any]:
    """Train in `folder`, then replace the bundled run in `package`; returns its evaluation."""
    run = workflow.train(load_recipe(recipe, overrides), folder, resume=True, progress=_tell)
    evaluation: dict[str, Any] = workflow.ship(run, package, progress=_tell)["evaluation"]
    return evaluation


def reindex(package: Path, folder: Path) -> dict[str, Any]:
    """Index the bundled run again, over its images drawn anew; returns what the index says."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(package, folder)
    run = open_run(folder)
    index = workflow.index(run, **workflow.SHIPPED_EXAMPLES, progress=_tell)
    for path in (run.index_file, run.example_maps_file, run.examples_file):
        shutil.copy(path, package / path.relative_to(folder))
    return workflow.describe_index(run, index)


def _tell(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 20) == 0:
        print(f"{what}: {done} of {total}", flush=True)
