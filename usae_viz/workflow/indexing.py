"""From a trained run to its concept index."""

from __future__ import annotations

from typing import Any

import numpy as np

from usae_viz.concepts import ConceptIndex, index_run
from usae_viz.concepts.classes import KINDS, UNIVERSAL_ENTROPY
from usae_viz.images import open_source
from usae_viz.run import Run
from usae_viz.sae import load_usae
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.progress import Progress


def index(
    run: Run,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> ConceptIndex:
    """Index the concepts over all images of the run's source, through the store if it is there.

    `settings` are those of `ConceptPass`: ``tau``, ``top``, ``sample``, ``joint``; None leaves the
    default, and ``top`` defaults to the recipe's.
    """
    recipe = run.recipe()
    given = {key: value for key, value in settings.items() if value is not None}
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = token_images(run, recipe, source, "all", device)
    top = given.pop("top", recipe.concepts.examples)
    return index_run(
        run,
        usae,
        images,
        source,
        examples=top,
        progress=(lambda done: progress("indexing", done, count)) if progress else None,
        **given,
    )


def describe_index(run: Run, index: ConceptIndex) -> dict[str, Any]:
    """Return what ``index --json`` says: classes with their intervals, and the sweep of τ.

    ``sweep`` has a row per τ: concepts that fire at all, those of entropy above 0.9, and the mean
    over living concepts of the smallest co-fire proportion.
    """
    counts = np.bincount(index.kinds, minlength=len(KINDS))
    swept = index.counts.sweep()
    rows = []
    for tau, rate, entropy, cofire in zip(*swept.values(), strict=True):
        living = rate.sum(0) > 0
        rows.append(
            {
                "tau": float(tau),
                "living": int(living.sum()),
                "above_0.9": int((entropy[living] > UNIVERSAL_ENTROPY).sum()),
                "cofire": float(cofire.min(0)[living].mean()) if living.any() else 0.0,
            }
        )
    return {
        "run": str(run.path),
        "images": index.images,
        "tokens": index.tokens,
        "tau": index.tau,
        "dead": int(index.dead.sum()),
        "kinds": {kind: int(counts[i]) for i, kind in enumerate(KINDS)},
        "kind_intervals": {kind: list(ends) for kind, ends in index.kind_intervals.items()},
        "sweep": rows,
    }
