"""Do concepts mark things better than single channels do? A table, from images with masks.

    python scripts/mask_table.py --run runs/trio --images folder:PHOTOS --masks MASKS

Per backbone: the IoU of the best concept of each labelled thing, of the best single channel of the
backbone (either sign), and of the best concept with the masks of other images (chance); means over
things. Threshold and winner are chosen on one half of the images, scored on the other, both ways.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from usae_viz.activations.live import live_tokens
from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.concepts.dissection import Overlap, best_level, codes_on_cpu, coverage, rolled
from usae_viz.images import MaskedSource, open_source
from usae_viz.recipe import ImagesSpec
from usae_viz.run import Run, open_run
from usae_viz.sae import SparseCode, load_usae
from usae_viz.workflow.dissecting import masked_ids

FEWEST = 3
"""Images of a thing that each half must have."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--images", required=True, help="KIND:WHERE")
    parser.add_argument("--masks", required=True, help="folder of IMAGE__LABEL.png")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    table = measure(open_run(arguments.run), arguments.images, arguments.masks)
    if arguments.json:
        print(json.dumps(table))
        return
    print(
        f"{table['images']} images, {len(table['things'])} things: {', '.join(table['things'])}\n"
    )
    print("| backbone | best concept | best channel | chance |\n|---|---|---|---|")
    for name, row in table["iou"].items():
        print(f"| {name} | {row['concept']:.3f} | {row['channel']:.3f} | {row['chance']:.3f} |")


@torch.no_grad()
def measure(run: Run, images: str, masks: str) -> dict[str, object]:
    recipe, usae, index = run.recipe(), load_usae(run), load_index(run)
    spec = {**recipe.images.model_dump(), "source": images, "masks": masks}
    source = open_source(ImagesSpec.model_validate(spec))
    if not isinstance(source, MaskedSource):
        sys.exit("the images have no masks")
    networks = load_run_backbones(run)
    tokens, cover = _read(networks, source, recipe.activations.batch_images, index.grid)
    per_image = index.grid**2
    covered = cover.view(-1, per_image, cover.shape[1]).amax(1) > 0
    half = np.arange(len(covered)) % 2 == 0
    often = (covered[half].sum(0) >= FEWEST) & (covered[~half].sum(0) >= FEWEST)
    cover = cover[:, often]
    things = [n for n, keep in zip(source.mask_names, often.tolist(), strict=True) if keep]
    shifted = rolled(cover, per_image)
    iou: dict[str, dict[str, float]] = {}
    for i, name in enumerate(usae.names):
        code = codes_on_cpu({name: usae.encode(name, tokens[name])})[name]
        channels = _channels(tokens[name])
        top = index.maximum[i : i + 1]
        peaks = channels.values.amax(0).numpy()[None]
        iou[name] = {
            "concept": _score(name, code, top, cover, half, per_image),
            "channel": _score(name, channels, peaks, cover, half, per_image),
            "chance": _score(name, code, top, shifted, half, per_image),
        }
    return {"images": len(covered), "things": things, "iou": iou}


def _read(
    networks: dict[str, object], source: MaskedSource, size: int, grid: int
) -> tuple[dict[str, Tensor], Tensor]:
    parts: dict[str, list[Tensor]] = {name: [] for name in networks}
    covers = []
    for ids, rows in live_tokens(networks, source, masked_ids(source, len(source.ids)), size):  # type: ignore[arg-type]
        for name, values in rows.items():
            parts[name].append(values.flatten(0, 1))
        covers.append(coverage(source.masks(ids), grid))
    return {name: torch.cat(found) for name, found in parts.items()}, torch.cat(covers)


def _channels(tokens: Tensor) -> SparseCode:
    """Return channels as if they were concepts: above their mean, then below it."""
    centred = tokens - tokens.mean(0)
    values = torch.cat([centred, -centred], 1).relu()
    return SparseCode(values, torch.arange(values.shape[1]).expand(len(values), -1))


def _score(
    name: str,
    code: SparseCode,
    top: np.ndarray,
    cover: Tensor,
    half: np.ndarray,
    per_image: int,
) -> float:
    """Return the mean IoU over things, chosen on one half and scored on the other, both ways."""
    found = []
    rows = torch.from_numpy(np.repeat(half, per_image))
    sides = []
    for side in (rows, ~rows):
        overlap = Overlap((name,), top, cover.shape[1])
        overlap.add({name: SparseCode(*(p[side] for p in code))}, cover[side].numpy())
        sides.append(overlap.iou())
    for chosen, scored in _both(sides):
        level, first = best_level(chosen)
        held = np.take_along_axis(scored, level[:, None], 1)[0, 0]
        winner = first[0].argmax(0)
        found.append(held[winner, np.arange(len(winner))].mean())
    return float(np.mean(found))


def _both(sides: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield sides[0], sides[1]
    yield sides[1], sides[0]


if __name__ == "__main__":
    main()
