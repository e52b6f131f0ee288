"""Several trainings over one store, and a table of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from usae_viz.errors import RunError
from usae_viz.recipe import Recipe
from usae_viz.run import Run, write_json
from usae_viz.sae.config import read_config
from usae_viz.sae.trainer import Watch
from usae_viz.workflow.evaluation import evaluate, holds_out
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.training import prepare, train_prepared


def sweep(
    base: Recipe,
    recipes: Mapping[str, Recipe],
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train every recipe into a folder of its name below `out`; all read the store in `out`.

    Args:
        base: a recipe with what decides the store; `out` becomes a run of it, never trained.
        recipes: what differs from `base` in ``usae``, ``training`` or ``seed`` only, by name.
        out: folder of the sweep.
        resume: keep what is trained already, and go on from checkpoints.
        device: where backbones and trainings run.
        progress: called with what is going on, done, total.
        watch: called about twice a second with where a training is.

    Returns:
        ``sweep`` (the folder) and ``runs``, a row each; written to ``sweep.json`` after each run.

    Raises:
        RunError: one is trained already and `resume` is not set; those before it are kept. Or no
            image is held out, to compare them on.
    """
    if not holds_out(base):
        raise RunError(
            "there are no held-out images to compare the trainings on",
            hint="raise images.validation",
        )
    with prepare(base, out, device=device, progress=progress) as (parent, store, ranks):
        rows: list[dict[str, Any]] = []
        table = {"sweep": str(out), "runs": rows}
        for name, recipe in recipes.items():
            info = parent.info.model_copy(
                update={"name": recipe.name, "recipe_sha256": recipe.digest()}
            )
            if ranks.first:
                Run.create(out / name, recipe, info)
            ranks.wait()
            run = Run(out / name, info)
            train_prepared(
                run, recipe, store, ranks,
                resume=resume, device=device, progress=progress, watch=watch,
            )  # fmt: skip
            if ranks.first:
                rows.append(_row(name, run, evaluate(run, device=device, progress=progress)))
                write_json(out / "sweep.json", table)
        return table


def _row(name: str, run: Run, table: Mapping[str, Any]) -> dict[str, Any]:
    config = read_config(run)
    r2, m = table["r2"]["channel"], len(table["backbones"])
    cross = [r2[i][j] for i in range(m) for j in range(m) if i != j]
    proportion = list(table["cofire"]["proportion"].values())
    correlation = list(table["correlation"].values())
    return {
        "name": name,
        "run": str(run.path),
        "concepts": config.concepts,
        "k": config.k,
        "steps": config.steps,
        "seconds": config.seconds,
        "own_r2": [r2[i][i] for i in range(m)],
        "cross_r2": sum(cross) / len(cross) if cross else None,
        "dead": table["dead"],
        "cofire": sum(proportion) / len(proportion),
        "correlation": sum(correlation) / len(correlation) if correlation else None,
    }
