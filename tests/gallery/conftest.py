"""A run directory with an index, thumbnails and maximized pictures, made without any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from usae_viz.concepts.index import FORMAT as INDEX_FORMAT
from usae_viz.maximize.result import MaximizeResult
from usae_viz.recipe import parse_recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo, write_bytes, write_json

NAMES = ("vit", "conv", "grey")
GRID, SIDE, CONCEPTS, EXAMPLES = 6, 32, 12, 4
UNIVERSAL, UNIQUE, DEAD = 3, 5, 11


def make_run(path: Path, maximized: dict[int, tuple[str, ...]]) -> Run:
    """Write a run whose concepts `maximized` have pictures for the named backbones."""
    recipe = parse_recipe(
        {
            "name": "tiny",
            "images": {"source": "folder:photos"},
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
    m, n = len(NAMES), CONCEPTS
    alive = np.ones((m, n), np.float32)
    alive[:, DEAD] = 0
    alive[1:, UNIQUE] = 0
    ids = [f"{number:064x}" for number in range(7)]
    for number, image_id in enumerate(ids):
        file = run.thumb_file(image_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(rng, 40, number)).save(file, "WEBP")
    maximum = (4 + 2 * rng.random((m, n), np.float32)) * alive
    tensors = {
        "rate": 0.05 * alive,
        "mean": 0.1 * alive,
        "maximum": maximum,
        "energy": 0.02 * alive,
        "entropy": np.where(alive[1] > 0, 0.97, 0.0).astype(np.float32),
        "cofire": 0.5 * alive.min(0),
        "lift": 12 * alive.min(0),
        "pair": 0.6 * alive[None] * alive[:, None],
        "pair_lift": 9 * alive[None] * alive[:, None],
        "correlation": 0.7 * alive[None] * alive[:, None],
        "natural_score": 1.5 * alive,
        "natural_peak": 3 * alive,
    }
    for i, name in enumerate(NAMES):
        peaks = maximum[i][:, None] * np.linspace(1, 0.4, EXAMPLES, dtype=np.float32)
        tensors |= {
            f"example_image/{name}": rng.integers(0, len(ids), (n, EXAMPLES)).astype(np.int32),
            f"example_score/{name}": peaks / 2,
            f"example_peak/{name}": peaks,
            f"example_grid/{name}": rng.integers(0, 256, (n, EXAMPLES, GRID**2)).astype(np.uint8),
        }
    tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    write_bytes(run.index_file, save(tensors))
    write_json(
        run.examples_file,
        {"format": INDEX_FORMAT, "tau": 0.1, "images": 500, "tokens": 18000, "grid": GRID,
         "ids": ids},
    )  # fmt: skip


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
