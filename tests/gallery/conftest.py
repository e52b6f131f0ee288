"""A run directory with an index, thumbnails and maximized pictures, made without any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from usae_viz.concepts import ConceptPass
from usae_viz.concepts import write_index as write_concept_index
from usae_viz.maximize.result import MaximizeResult
from usae_viz.recipe import parse_recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo
from usae_viz.sae import SparseCode, UniversalSAE

NAMES = ("vit", "conv", "grey")
GRID, SIDE, CONCEPTS, EXAMPLES = 6, 32, 12, 4
UNIVERSAL, UNIQUE, DEAD = 3, 5, 11


def make_run(
    path: Path, maximized: dict[int, tuple[str, ...]], source: str = "folder:photos"
) -> Run:
    """Write a run whose concepts `maximized` have pictures for the named backbones."""
    recipe = parse_recipe(
        {
            "name": "tiny",
            "images": {"source": source},
            "backbones": [{"name": name, "model": f"timm:{name}_net"} for name in NAMES],
            "activations": {"grid": GRID},
            "usae": {"concepts": CONCEPTS, "k": 2},
            "training": {"steps": 1},
        }
    )
    records = tuple(
        BackboneRecord(
            spec=spec,
            weights_sha256="0" * 64,
            dim=8,
            grid=GRID,
            input_size=SIDE,
            sees_colour=spec.name != "grey",
        )
        for spec in recipe.backbones
    )
    info = RunInfo(format=FORMAT, name=recipe.name, recipe_sha256=recipe.digest(),
                   backbones=records, created_by="usae-viz 0")  # fmt: skip
    run = Run.create(path, recipe, info)
    rng = np.random.default_rng(0)
    write_index(run, rng)
    for concept, names in maximized.items():
        make_result(concept, names, rng).write(run.maximized_dir(concept))
    return run


def write_index(run: Run, rng: np.random.Generator) -> None:
    """Index simulated codes: most concepts fire alike in all, one in `vit` only, one never."""
    ids = [f"{number:064x}" for number in range(7)]
    for number, image_id in enumerate(ids):
        file = run.thumb_file(image_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(rng, 40, number)).save(file, "WEBP")
    usae = UniversalSAE(dict.fromkeys(NAMES, 8), CONCEPTS, CONCEPTS)
    with torch.no_grad():
        for rows in usae.dictionary:
            rows.copy_(torch.tensor(rng.standard_normal(tuple(rows.shape))))
    cells = len(ids) * GRID**2
    # Image after image weaker, so that examples differ in strength.
    levels = np.repeat(6 * np.array([1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1]), GRID**2)[:, None]
    strength = levels * (rng.random((cells, CONCEPTS)) < 0.4)
    codes = {}
    for name in NAMES:
        values = torch.tensor(strength * rng.uniform(0.9, 1, strength.shape), dtype=torch.float32)
        values[:, DEAD] = 0
        if name != "vit":
            values[:, UNIQUE] = 0
        codes[name] = SparseCode(values, torch.arange(CONCEPTS).expand(cells, -1))
    gathered = ConceptPass(usae, GRID**2, top=EXAMPLES)
    gathered.add(ids, codes)
    write_concept_index(run, usae, gathered)


def noise(rng: np.random.Generator, side: int, number: int) -> np.ndarray:
    """Pixels of a small picture, tinted by its number."""
    pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
    pixels[:, :, number % 3] //= 4
    return pixels


def make_result(concept: int, names: tuple[str, ...], rng: np.random.Generator) -> MaximizeResult:
    shape = (len(names), len(NAMES))
    transfer = np.round(rng.random(shape), 3)
    transfer[0, 1] = np.nan if concept == UNIQUE else 0.25
    return MaximizeResult(
        concept=concept,
        backbones=NAMES,
        images={name: noise(rng, SIDE, i) for i, name in enumerate(names)},
        alpha={name: rng.integers(0, 256, (SIDE, SIDE), np.uint8) for name in names},
        variants={},
        natural=dict.fromkeys(NAMES, 1.5),
        natural_peak=dict.fromkeys(NAMES, 3.0),
        transfer=transfer,
        transfer_peak=transfer,
        spread=np.zeros(shape),
        rank=np.ones(shape, np.int64),
        share=np.full(shape, 0.12),
        trajectory={name: [-0.2, 1.0, 2.5] for name in names},
        moments=(0, 5, 9),
        verdict="Holds in <every> model & is said so.",
        settings={"mode": "per-model", "steps": 10, "view_spec": {"scale": [0.5, 1.0]}},
        seconds=1.25,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", {UNIVERSAL: NAMES, UNIQUE: ("vit",)})
