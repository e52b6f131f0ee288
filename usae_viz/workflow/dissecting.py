"""Names from masks: the concepts of a run beside images that say where things are."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import ValidationError

from usae_viz.activations.live import live_tokens
from usae_viz.backbones import load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.concepts import load_index
from usae_viz.concepts.dissection import (
    JOINT,
    JointMap,
    codes_on_cpu,
    coverage,
    dissect,
    overlap_of,
    rolled,
)
from usae_viz.errors import ImageSourceError, UsageError
from usae_viz.images import MaskedSource, open_source
from usae_viz.images.source import is_validation
from usae_viz.recipe import ImagesSpec
from usae_viz.run import Run, write_json
from usae_viz.sae import load_usae
from usae_viz.workflow.progress import Progress

IMAGES = 2000
"""Images at most: masks are large, and names need no more."""


@torch.no_grad()
def dissect_run(
    run: Run,
    *,
    images: str | None = None,
    masks: str | None = None,
    limit: int = IMAGES,
    device: str = "cpu",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Match a run's concepts with the labels that masks give, and write ``dissection.json``.

    Images are split by their hash: thresholds and matches are chosen on one half and scored on the
    other.

    Args:
        run: an indexed run.
        images: another source of images, ``KIND:WHERE``; default: the run's own.
        masks: folder of masks ``IMAGE__LABEL.png``, where the source has none of its own.
        limit: images used at most.
        device: where the networks run.
        progress: called with what is going on, done, total.

    Raises:
        ImageSourceError: the source has no masks, or one cannot be read.
    """
    recipe, usae, index = run.recipe(), load_usae(run), load_index(run)
    changed = {"source": images, "masks": masks}
    table = recipe.images.model_dump() | {k: v for k, v in changed.items() if v is not None}
    try:
        spec = ImagesSpec.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise UsageError("these images cannot be used", got=problems) from None
    source = open_source(spec)
    if not isinstance(source, MaskedSource) or not source.mask_names:
        raise ImageSourceError(
            "names can be found only where masks say what is where",
            hint="give --masks FOLDER with files IMAGE__LABEL.png",
        )
    ids = masked_ids(source, limit)
    size = recipe.activations.batch_images
    networks = {n: b.to(open_device(device)) for n, b in load_run_backbones(run).items()}
    labels = len(source.mask_names)
    first, second, shuffled = (overlap_of(index, labels) for _ in range(3))
    joint = JointMap(index)
    counted = {"first": 0, "second": 0}
    sides: tuple[Literal["first", "second"], ...] = ("first", "second")
    for side, overlap in zip(sides, (first, second), strict=True):
        mine = [i for i in ids if is_validation(i, 0.5) == (side == "first")]
        for found, rows in live_tokens(networks, source, mine, size):
            read = codes_on_cpu(
                {name: usae.encode(name, rows[name].flatten(0, 1)) for name in usae.names}
            )
            codes = {**read, JOINT: joint(read)}
            cover = coverage(source.masks(found), index.grid)
            overlap.add(codes, cover.numpy())
            if side == "first":
                shuffled.add(codes, rolled(cover, index.grid**2).numpy())
            counted[side] += len(found)
            if progress:
                progress("dissecting", sum(counted.values()), len(ids))
    result = dissect(
        index, source.mask_names, first, second, shuffled, (counted["first"], counted["second"])
    )
    table = {"run": str(run.path), "source": table["source"], **result.to_json()}
    write_json(run.outputs / run.DISSECTION, table)
    return table


def masked_ids(source: MaskedSource, limit: int) -> list[str]:
    """Return the first images that have a mask, at most `limit`, in the source's order."""
    places = [source.label_names.index(name) for name in source.mask_names]
    found: list[str] = []
    ids = list(source.ids)
    read = getattr(source, "labels", None)
    if read is None:
        return ids[:limit]
    for start in range(0, len(ids), 256):
        if len(found) >= limit:
            break
        part = ids[start : start + 256]
        has = read(part)[:, places].any(1)
        found += [image_id for image_id, here in zip(part, has.tolist(), strict=True) if here]
    return found[:limit]
