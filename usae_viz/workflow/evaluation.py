"""How good a run is on its held-out images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from usae_viz.concepts import LabelScorer, load_index
from usae_viz.demo import yardstick
from usae_viz.images import open_source, read_labels
from usae_viz.run import Run, write_json
from usae_viz.sae import evaluate_usae, load_usae
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.progress import Progress


def evaluate(run: Run, *, device: str = "cpu", progress: Progress | None = None) -> dict[str, Any]:
    """Measure a run on its held-out images; returns and writes ``evaluation.json``.

    The keys are those of the ``evaluate`` JSON contract. For the built-in world, whose concepts are
    known, ``world`` says which of them were found.
    """
    recipe = run.recipe()
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = token_images(run, recipe, source, "validation", device)
    scorer = LabelScorer(usae, source.label_names)

    def tokens() -> Iterator[Mapping[str, Tensor]]:
        done = 0
        for ids, rows in images:
            done += len(ids)
            if source.label_names:
                found = read_labels(source, ids)
                assert found is not None
                scorer.add(rows, found)
            if progress:
                progress("evaluating", done, count)
            yield {name: values.flatten(0, 1) for name, values in rows.items()}

    table, _ = evaluate_usae(usae, tokens())
    result = {
        "run": str(run.path),
        "mode": recipe.usae.mode,
        "backbones": list(usae.names),
        "images": count,
        **table,
    }
    if recipe.images.source.startswith("world:"):
        blind = [r.spec.name for r in run.info.backbones if not r.sees_colour]
        result["world"] = yardstick.measure(scorer.scores(), load_index(run), blind)
    write_json(run.evaluation_file, result)
    return result
