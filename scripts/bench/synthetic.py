"""A run that was never trained: an index over simulated codes and grey thumbnails, of any size."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from PIL import Image

from usae_viz.concepts import ConceptPass, load_index
from usae_viz.concepts import write_index as write_concept_index
from usae_viz.recipe import parse_recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo, write_bytes
from usae_viz.sae import SparseCode, UniversalSAE

NAMES = ("first", "second", "third", "fourth")
GRID, WIDTH, K = 8, 16, 32


def synthetic_run(path: Path, *, concepts: int, images: int = 400) -> tuple[Run, list[int]]:
    """Return the run and its living concepts; the same for the same numbers."""
    recipe = parse_recipe(
        {
            "name": "synthetic",
            "images": {"source": "folder:photos"},
            "backbones": [{"name": name, "model": f"timm:{name}"} for name in NAMES],
            "activations": {"grid": GRID},
            "usae": {"concepts": concepts, "k": K},
            "training": {"steps": 1},
        }
    )
    records = tuple(
        BackboneRecord(spec=spec, weights_sha256="0" * 64, dim=WIDTH, grid=GRID, input_size=64,
                       sees_colour=True)
        for spec in recipe.backbones
    )  # fmt: skip
    info = RunInfo(format=FORMAT, name=recipe.name, recipe_sha256=recipe.digest(),
                   backbones=records, created_by="usae-viz")  # fmt: skip
    run = Run.create(path, recipe, info)
    generator = torch.Generator().manual_seed(0)
    usae = UniversalSAE(dict.fromkeys(NAMES, WIDTH), concepts, K)
    with torch.no_grad():
        for rows in usae.dictionary:
            rows.copy_(torch.randn(rows.shape, generator=generator))
    gathered = ConceptPass(usae, GRID**2, top=9)
    ids = [f"{number:064x}" for number in range(images)]
    data = io.BytesIO()
    Image.new("RGB", (160, 160), (120, 130, 140)).save(data, "WEBP")
    for start in range(0, images, 16):
        part = ids[start : start + 16]
        count = len(part) * GRID**2
        shared = torch.randint(concepts, (count, K), generator=generator)
        codes = {}
        for name in NAMES:
            values = torch.rand((count, K), generator=generator) * 4
            codes[name] = SparseCode(values, shared)
        gathered.add(part, codes)
        for image_id in part:
            write_bytes(run.thumb_file(image_id), data.getvalue())
    write_concept_index(run, usae, gathered)
    index = load_index(run)
    return run, [int(k) for k in (~index.dead).nonzero()[0]]
