"""From a trained run to its concept index."""

from __future__ import annotations

from usae_viz.concepts import ConceptIndex, index_run
from usae_viz.images import open_source
from usae_viz.run import Run
from usae_viz.sae import load_usae
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.progress import Progress


def index(run: Run, *, device: str = "cpu", progress: Progress | None = None) -> ConceptIndex:
    """Index the concepts over all images of the run's source, through the store if it is there."""
    recipe = run.recipe()
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = token_images(run, recipe, source, "all", device)
    return index_run(
        run,
        usae,
        images,
        source,
        examples=recipe.concepts.examples,
        progress=(lambda done: progress("indexing", done, count)) if progress else None,
    )
