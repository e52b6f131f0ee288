"""From the published checkpoints to a run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from usae_viz.errors import RunError, UsageError, did_you_mean
from usae_viz.recipe import parse_recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo
from usae_viz.sae.checkpoint import save_usae
from usae_viz.sae.config import UsaeConfig
from usae_viz.sae.official import read_official

SIDE, GRID = 224, 14
"""Pixels that the published backbones were fed with; tokens a side of their common grid."""

BACKBONES: dict[str, dict[str, Any]] = {
    "SigLIP": {"model": "timm:vit_base_patch16_siglip_224.webli"},
    # The published code takes it from torch.hub; timm's copy has the same weights, and positions
    # are resampled from 518 to 224 pixels when it is made.
    "DinoV2": {
        "model": "timm:vit_small_patch14_dinov2.lvd142m",
        "kwargs": {"img_size": SIDE},
        "input_size": SIDE,
    },
    "ViT": {"model": "timm:vit_base_patch16_224.augreg2_in21k_ft_in1k"},
}
"""The published backbones by the names in the published YAML, each read after its final norm."""


def import_official(
    folder: Path, out: Path, *, images: str | None = None, models: Mapping[str, str] | None = None
) -> Run:
    """Make a run of the published checkpoints; nothing in them is executed.

    The backbones' weights are found by name when they are needed. The checkpoints do not record
    their hashes, so none is checked.

    Args:
        folder: the ``.pth`` files and their YAML.
        out: the run to make.
        images: image source (``folder:PATH``) that the run is to be indexed and evaluated on.
        models: ``timm:NAME`` of backbones that are none of the published three, by their names.

    Raises:
        CheckpointError: a file is missing, damaged, or not of the published architecture.
        RunError: `out` is there and not empty.
        UsageError: a backbone is not known, or `models` names one that is not there.
    """
    usae, steps = read_official(folder)
    surplus = [name for name in models or () if name not in usae.names]
    if surplus:
        raise UsageError(
            f"the checkpoints are not of a backbone {surplus[0]!r}",
            expected=", ".join(usae.names),
            hint=did_you_mean(surplus[0], usae.names),
        )
    known = {**BACKBONES, **{name: {"model": model} for name, model in (models or {}).items()}}
    unknown = [name for name in usae.names if name not in known]
    if unknown:
        raise UsageError(
            f"it is not known which network {unknown[0]} is",
            expected=f"one of {', '.join(known)}",
            hint=did_you_mean(unknown[0], known) or f"say so: --model {unknown[0]}=timm:NAME",
        )
    recipe = parse_recipe(
        {
            "name": "official",
            "images": {"source": images or "folder:", "canvas": SIDE, "crop": "squash"},
            "backbones": [{"name": name, **known[name]} for name in usae.names],
            "activations": {"grid": GRID},
            "usae": {"concepts": usae.concepts, "k": usae.k, "mode": "paper"},
            "training": {"steps": max(steps, 1)},
        },
        origin="the imported run",
        base=Path.cwd(),
    )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is there and is not empty", hint="give another --out")
    records = tuple(
        BackboneRecord(
            spec=spec,
            weights_sha256="",
            dim=usae.dims[spec.name],
            grid=GRID,
            input_size=spec.input_size or SIDE,
            sees_colour=True,
        )
        for spec in recipe.backbones
    )
    info = RunInfo(
        format=FORMAT,
        name=recipe.name,
        recipe_sha256=recipe.digest(),
        backbones=records,
        created_by=f"usae-viz {version('usae-viz')}",
    )
    run = Run.create(out, recipe, info)
    config = UsaeConfig(
        dims=usae.dims,
        concepts=usae.concepts,
        k=usae.k,
        tau=usae.tau,
        mode="paper",
        steps=steps,
        seconds=0.0,
    )
    save_usae(run, usae, config)
    return run
