"""The jobs that cross rooms: what each verb of the command line does from start to end."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.activations import extract as extract_activations
from usae_viz.activations.live import live_tokens
from usae_viz.attribution import heatmap as draw_heatmaps
from usae_viz.backbones import Backbone, load_backbone, load_run_backbones
from usae_viz.concepts import (
    ConceptIndex,
    LabelScorer,
    index_run,
    load_index,
    write_thumbnails,
)
from usae_viz.demo import yardstick
from usae_viz.errors import RunError, UsageError
from usae_viz.gallery import build_page
from usae_viz.images import ImageSource, open_source, split_ids
from usae_viz.maximize import maximize as maximize_concepts
from usae_viz.recipe import Recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo, read_json, write_json
from usae_viz.sae import evaluate_usae, load_usae
from usae_viz.sae.training import train_usae

Progress = Callable[[str, int, int], None]


def plan(recipe: Recipe) -> dict[str, Any]:
    """Return what `train` would do: images, tokens, sizes on disk; loads backbones, runs none."""
    source = open_source(recipe.images)
    backbones = _load(recipe)
    tokens = len(source.ids) * recipe.activations.grid**2
    width = sum(backbone.dim for backbone in backbones.values())
    size = 2 if recipe.activations.dtype == "float16" else 4
    return {
        "run": recipe.name,
        "images": len(source.ids),
        "validation": len(split_ids(source, "validation", recipe.images.validation)),
        "tokens": tokens,
        "backbones": {
            name: f"{recipe_spec.model}, {backbone.dim} channels, grid "
            f"{backbone.native_grid[0]}×{backbone.native_grid[1]} → {backbone.grid}×{backbone.grid}"
            for recipe_spec, (name, backbone) in zip(
                recipe.backbones, backbones.items(), strict=True
            )
        },
        "activations_megabytes": round(tokens * width * size / 1e6, 1),
        "usae_parameters": recipe.usae.concepts * (2 * width + len(backbones)),
        "steps": recipe.training.steps,
        "epochs": round(recipe.training.steps * recipe.training.batch_tokens / max(tokens, 1), 2),
    }


def extract(
    recipe: Recipe, out: Path, *, device: str = "cpu", progress: Progress | None = None
) -> tuple[Run, ActivationStore]:
    """Make the run and write its activation store; what is there already is kept.

    Raises:
        UsaeVizError: a backbone, the images or the folder are not usable; nothing is half-written.
    """
    source = open_source(recipe.images)
    backbones = _load(recipe, device)
    run = Run.create(out, recipe, _describe(recipe, backbones))
    with run.lock():
        store = extract_activations(run, recipe, backbones, source, progress=progress)
    return run, store


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Run:
    """Extract, train and index; `evaluate` is a call of its own.

    Args:
        recipe: what to train, on what.
        out: the run's directory.
        resume: go on from the last checkpoint of the training loop.
        device: where backbones and training run.
        progress: called with what is going on, done, total.

    Raises:
        UsaeVizError: anything unusable; finished shards and checkpoints are kept.
    """
    if (out / "usae.json").exists() and not resume:
        raise RunError(
            f"{out} is trained already",
            hint="give another --out, or --resume to keep what is there",
        )
    run, store = extract(recipe, out, device=device, progress=progress)
    with run.lock():
        if not run.usae_config_file.exists():
            train_usae(run, recipe, store, resume=resume, device=device, progress=progress)
    index(run, device=device, progress=progress)
    return run


def index(run: Run, *, device: str = "cpu", progress: Progress | None = None) -> ConceptIndex:
    """Index the concepts over all images of the run's source, through the store if it is there."""
    recipe = run.recipe()
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = _token_images(run, recipe, source, "all", device)
    return index_run(
        run,
        usae,
        images,
        source,
        examples=recipe.concepts.examples,
        progress=(lambda done: progress("indexing", done, count)) if progress else None,
    )


def evaluate(run: Run, *, device: str = "cpu", progress: Progress | None = None) -> dict[str, Any]:
    """Measure a run on its held-out images; returns and writes ``evaluation.json``.

    The keys are those of the ``evaluate`` JSON contract. For the built-in world, whose concepts are
    known, ``world`` says which of them were found.
    """
    recipe = run.recipe()
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = _token_images(run, recipe, source, "validation", device)
    scorer = LabelScorer(usae, source.label_names)

    def tokens() -> Iterator[Mapping[str, Tensor]]:
        done = 0
        for ids, rows in images:
            done += len(ids)
            if source.label_names:
                found = source.read(ids).labels
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


def maximize(
    run: Run,
    concepts: Sequence[int],
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Maximize concepts and build the page over all that are there, these first.

    Returns the ``maximize`` JSON contract.

    `settings` are those of `usae_viz.maximize`; None leaves the default.
    """
    started = time.perf_counter()
    settings = {key: value for key, value in settings.items() if value is not None}
    results = maximize_concepts(run, concepts, out=out, progress=progress, **settings)
    others = [k for k in _maximized(run.writing_to(out).outputs) if k not in concepts]
    page = build_gallery(run, [*concepts, *others], out=out)
    return {
        "run": str(run.path),
        "mode": settings.get("mode", "per-model"),
        "backbones": list(run.names),
        "page": str(page),
        "seconds": time.perf_counter() - started,
        "concepts": [result.to_json() for result in results],
    }


def build_gallery(
    run: Run, concepts: Sequence[int] | None = None, *, out: Path | None = None
) -> Path:
    """Build the page over maximized concepts (all there are, or `concepts`); returns its path.

    Raises:
        RunError: nothing has been maximized yet.
    """
    run = run.writing_to(out)
    found = _maximized(run.outputs)
    missing = [k for k in concepts or () if k not in found]
    if not found or missing:
        names = ", ".join(map(str, missing)) or "no concept"
        raise RunError(
            f"{names} has not been maximized in {run.outputs}",
            hint="run `usae-viz maximize --concept K` first",
        )
    chosen = found if concepts is None else list(concepts)
    _make_thumbnails(run, chosen)
    return build_page(run, run.outputs, chosen, _known_names(run))


def _make_thumbnails(run: Run, concepts: Sequence[int]) -> None:
    """Make what is missing: the bundled run ships none, since its world renders them again."""
    index = load_index(run)
    ids = [e.image_id for k in concepts for name in run.names for e in index.examples(name, k)]
    if any(not run.thumb_file(image_id).exists() for image_id in ids):
        write_thumbnails(run, ids, open_source(run.recipe().images))


def _maximized(folder: Path) -> list[int]:
    return sorted(int(path.parent.name) for path in folder.glob("maximized/*/result.json"))


def _known_names(run: Run) -> dict[int, str]:
    """Return names of concepts that the evaluation on a labelled world found."""
    stored = run.find_evaluation()
    labels = read_json(stored).get("world", {}).get("labels", {}) if stored else {}
    names: dict[int, list[str]] = {}
    for label, found in labels.items():
        if found["recovered"]:
            names.setdefault(found["concept"], []).append(label)
    return {concept: ", ".join(found) for concept, found in names.items()}


def heatmap(
    run: Run, images: Sequence[Path], concept: int, *, out: Path | None = None
) -> dict[str, Any]:
    """Draw where a concept is in image files; returns paths, arrays' file and peaks."""
    folder = (run.outputs if out is None else out) / "heatmaps" / f"{concept:06d}"
    result = draw_heatmaps(run, images, concept)
    return {"run": str(run.path), "concept": concept, **result.save(folder)}


def environment() -> dict[str, Any]:
    """Return versions and devices, for ``doctor`` and for bug reports."""
    packages = ("usae-viz", "torch", "torchvision", "timm", "kornia", "captum", "safetensors")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def _load(recipe: Recipe, device: str = "cpu") -> dict[str, Backbone]:
    place = _device(device)
    return {
        spec.name: load_backbone(
            spec, grid=recipe.activations.grid, weights_dir=recipe.weights_dir
        ).to(place)
        for spec in recipe.backbones
    }


def _device(device: str) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"device {device!r} cannot be used", expected="cpu, cuda, mps …", got=str(error)[:200]
        ) from None
    return place


def _describe(recipe: Recipe, backbones: Mapping[str, Backbone]) -> RunInfo:
    return RunInfo(
        format=FORMAT,
        name=recipe.name,
        recipe_sha256=recipe.digest(),
        backbones=tuple(
            BackboneRecord(
                spec=spec,
                weights_sha256=backbones[spec.name].weights_sha256,
                dim=backbones[spec.name].dim,
                grid=backbones[spec.name].grid,
                input_size=backbones[spec.name].input_size,
                sees_colour=backbones[spec.name].sees_colour,
            )
            for spec in recipe.backbones
        ),
        created_by=f"usae-viz {version('usae-viz')}",
    )


def _token_images(
    run: Run,
    recipe: Recipe,
    source: ImageSource,
    split: Literal["all", "validation"],
    device: str,
) -> tuple[Iterator[tuple[list[str], dict[str, Tensor]]], int]:
    """Return ids and tokens by images: from the store, or from the networks where there is none."""
    size = recipe.activations.batch_images
    if (run.activations_dir / "manifest.json").exists():
        store = ActivationStore(run.activations_dir)
        splits: tuple[Literal["train", "validation"], ...] = ("validation",)
        if split == "all":
            splits = ("train", "validation")
        batches = (batch for s in splits for batch in store.image_batches(s, size))
        return batches, sum(len(store.ids(s)) for s in splits)
    backbones = {name: b.to(_device(device)) for name, b in load_run_backbones(run).items()}
    ids = split_ids(source, split, recipe.images.validation)
    return live_tokens(backbones, source, ids, size), len(ids)
