"""A run that was never trained: an index over simulated codes and grey thumbnails, of any size."""

from __future__ import annotations

import io
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from usae_viz.concepts import ConceptPass, load_index
from usae_viz.concepts import write_index as write_concept_index
from usae_viz.maximize.result import MaximizeResult
from usae_viz.recipe import parse_recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo, write_bytes
from usae_viz.sae import SparseCode, UniversalSAE

NAMES = ("first", "second", "third", "fourth")
GRID, WIDTH, K = 8, 16, 32
PICTURED, SIDE = 200, 96
"""Concepts with maximized pictures: more than the front page shows at once; pixels of a picture."""


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
    with patch("usae_viz.concepts.indexing.dictionary_map", _scattered):
        write_concept_index(run, usae, gathered)
    index = load_index(run)
    for concept in index.most_universal(PICTURED):
        _write_pictures(run, concept)
    return run, [int(k) for k in (~index.dead).nonzero()[0]]


def _scattered(_: list[torch.Tensor], living: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Stand in for t-SNE, which would take most of the time and has nothing to find here."""
    places = np.random.default_rng(0).random((len(living), 2), np.float32)
    places[~living] = np.nan
    return places


def _write_pictures(run: Run, concept: int) -> None:
    rng = np.random.default_rng(concept)
    # Coarse noise made large: about as many bytes as a maximized picture, without the hours.
    coarse = {name: rng.integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8) for name in NAMES}
    shape = (len(NAMES), len(NAMES))
    MaximizeResult(
        concept=concept,
        backbones=NAMES,
        images={name: picture.repeat(4, 0).repeat(4, 1) for name, picture in coarse.items()},
        alpha={name: np.full((SIDE, SIDE), 200, np.uint8) for name in NAMES},
        variants={},
        natural=dict.fromkeys(NAMES, 1.5),
        natural_peak=dict.fromkeys(NAMES, 3.0),
        transfer=rng.random(shape),
        transfer_peak=rng.random(shape),
        spread=np.zeros(shape),
        rank=np.ones(shape, np.int64),
        share=np.full(shape, 0.1),
        trajectory={name: rng.random(50).tolist() for name in NAMES},
        moments=tuple(range(0, 250, 5)),
        verdict="Synthetic.",
        settings={"mode": "per-model"},
        seconds=1.0,
    ).write(run.maximized_dir(concept))
