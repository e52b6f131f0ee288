"""How good a run is, on its held-out images or on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from usae_viz.activations.live import live_tokens
from usae_viz.backbones import load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.concepts import LabelScorer, load_index
from usae_viz.demo import yardstick
from usae_viz.images import ImageSource, open_source, read_labels, split_ids
from usae_viz.recipe import ImagesSpec, Recipe
from usae_viz.render import Line, histogram_chart, line_chart, log_scatter, matrix_chart
from usae_viz.run import Run, write_json, write_text
from usae_viz.sae import CodeStatistics, UniversalSAE, evaluate_usae, load_usae
from usae_viz.sae.bootstrap import REPLICATES
from usae_viz.sae.trainer import Watch
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.controls import independent, open_store, stored_images, untrained
from usae_viz.workflow.progress import Progress

RANKS = 40
"""Points of the chart of co-fire over energy."""

Images = Iterator[tuple[list[str], dict[str, Tensor]]]


def evaluate(
    run: Run,
    *,
    images: str | None = None,
    controls: bool = False,
    control_steps: int | None = None,
    replicates: int = REPLICATES,
    device: str = "cpu",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Measure a run; returns and writes the ``evaluate`` JSON contract, and charts beside it.

    On the run's held-out images it is ``evaluation.json``, charts in ``evaluation/``; on other
    images both lie in ``evaluation/SOURCE/``. For the built-in world, whose concepts are known,
    ``world`` says which of them were found.

    Args:
        run: a trained run.
        images: another image source (``folder:PATH``), all of whose images are used; the networks
            read them. None: the run's own held-out images.
        controls: also measure the untrained model, and train SAEs of one backbone each (two seeds)
            to compare with, all on the same images as the run; takes the time of as many
            trainings.
        control_steps: of those trainings; None: as many as the run took.
        replicates: of the bootstrap over images; 0 leaves the intervals out.
        device: where networks run.
        progress: called with what is going on, done, total.
        watch: called with where a control's training is.

    Raises:
        UsaeVizError: the images, the networks or the run cannot be used.
    """
    recipe, usae = run.recipe(), load_usae(run)
    if images is not None:
        # Labels, masks and limits are of the run's own images; the canvas is what it learnt on.
        kept = recipe.images.model_dump(include={"canvas", "crop", "crop_pct"})
        spec = ImagesSpec.model_validate({**kept, "source": images})
        recipe = recipe.model_copy(update={"images": spec})
    source = open_source(recipe.images)
    # Before anything is measured: without activations there are no controls.
    store = open_store(run) if controls else None
    if images is None:
        batches, count = token_images(run, recipe, source, "validation", device)
    else:
        live = _live(run, recipe, source, device)
        batches, count = live(), len(source.ids)
    scorer = LabelScorer(usae, source.label_names)

    def tokens() -> Iterator[Mapping[str, Tensor]]:
        done = 0
        for ids, rows in batches:
            done += len(ids)
            if source.label_names:
                found = read_labels(source, ids)
                assert found is not None
                scorer.add(rows, found)
            if progress:
                progress("evaluating", done, count)
            yield rows

    table, statistics = evaluate_usae(usae, tokens(), replicates=replicates, shuffled=True)
    result = {
        "run": str(run.path),
        "mode": recipe.usae.mode,
        "backbones": list(usae.names),
        "source": images or "held-out",
        "images": count,
        **table,
    }
    if store is not None:
        # For each model that the run is compared with, the networks read other images anew.
        held_out = stored_images(store) if images is None else lambda: (rows for _, rows in live())
        result["controls"]["untrained"] = untrained(run, store, held_out)
        result["controls"]["independent"] = independent(
            run, store, held_out, steps=control_steps, watch=watch
        )
    if recipe.images.source.startswith("world:"):
        blind = [r.spec.name for r in run.info.backbones if not r.sees_colour]
        result["world"] = yardstick.measure(scorer.scores(), load_index(run), blind)
    folder = run.evaluation_dir(images)
    write_json(run.evaluation_file if images is None else folder / "evaluation.json", result)
    for name, chart in charts(result, usae, statistics).items():
        write_text(folder / f"{name}.svg", chart)
    return result


def holds_out(recipe: Recipe) -> bool:
    """Return whether any image of a recipe is held out, to be evaluated on."""
    return bool(split_ids(open_source(recipe.images), "validation", recipe.images.validation))


def _live(run: Run, recipe: Recipe, source: ImageSource, device: str) -> Callable[[], Images]:
    """Return what has the networks, loaded once, read all images of a source."""
    backbones = {name: b.to(open_device(device)) for name, b in load_run_backbones(run).items()}
    size = recipe.activations.batch_images
    return lambda: live_tokens(backbones, source, source.ids, size)


def charts(
    result: Mapping[str, Any], usae: UniversalSAE, statistics: CodeStatistics
) -> dict[str, str]:
    """Return the charts of an evaluation as SVG: ``r2``, ``entropy``, ``cofire``, ``energy``."""
    names = result["backbones"]
    entropy = result["entropy"]
    drawn = {
        "r2": matrix_chart(
            result["r2"]["channel"],
            names,
            title="R² per channel",
            rows="encoded from",
            columns="decoded to",
        ),
        "entropy": histogram_chart(
            entropy["edges"],
            entropy["counts"],
            title="Firing entropy of the living concepts",
            x_label="firing entropy (1: equally often in every backbone)",
            y_label="concepts",
        ),
    }
    living = ~statistics.dead()
    if living.any():
        energy, cofire = statistics.energy(usae), statistics.cofire()
        parts = np.array_split(np.arange(living.sum()), min(RANKS, living.sum()))
        x = [float(part.mean()) + 1 for part in parts]
        lines = []
        for i, name in enumerate(names):
            ordered = cofire[i, living][np.argsort(-energy[i, living], kind="stable")]
            lines.append(Line(name, i, x, [float(ordered[part].mean()) for part in parts]))
        drawn["cofire"] = line_chart(
            lines,
            title="Co-fire of concepts by energy",
            x_label="rank by energy in the backbone",
            y_label="of the tokens in which it fires, share in which it fires in all",
            percent=True,
        )
        drawn["energy"] = log_scatter(
            [("concepts", energy.mean(0), statistics.all_fire)],
            title="Energy of concepts against the tokens in which all backbones fire them, "
            f"r = {result['cofire']['energy_r']:.2f}",
            x_label="energy (mean over backbones)",
            y_label="tokens in which all backbones fire it",
        )
    return {name: str(chart) for name, chart in drawn.items()}
