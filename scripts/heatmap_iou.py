"""Do the heatmaps of named concepts lie on the named things? IoU with the true masks, in pixels.

    usae-viz dissect
    python scripts/heatmap_iou.py [--run RUN] [--limit 2000] [--json]

For each label whose best concept the dissection gave the right name (the label is also the best on
the images that the name was not chosen on): the concept's joint map (mean over its backbones, in
natural units), drawn up bilinearly to the canvas, above one threshold, against the mask. The
threshold is chosen on one half of the images, the IoU is of the other, all its images together.
``squares`` is the same with a token as a square, ``backbones`` the mean over single backbones (both
from the dissection); ``limit`` is what a map of the token grid can reach: the mask itself, averaged
over tokens and drawn up.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.activations.live import live_tokens
from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.concepts.dissection import JointMap, codes_on_cpu, coverage
from usae_viz.images import MaskedSource, open_source
from usae_viz.images.source import is_validation
from usae_viz.run import Run, demo_run, open_run, read_json
from usae_viz.sae import load_usae
from usae_viz.workflow.dissecting import masked_ids

LEVELS = 50
"""Thresholds that are tried, from 0 to `TOP` natural units."""
TOP = 1.5


class Areas:
    """Pixels by the level of a map, in the mask and in all, for each pair and half."""

    def __init__(self, pairs: int) -> None:
        self.inside = torch.zeros(pairs, 2, LEVELS + 1, dtype=torch.float64)
        self.all = torch.zeros(pairs, 2, LEVELS + 1, dtype=torch.float64)

    def add(self, pair: int, half: int, heat: Tensor, mask: Tensor) -> None:
        """Add maps ``[images, height, width]`` in natural units and bool masks of one half."""
        level = (heat.flatten() * (LEVELS / TOP)).ceil().clamp(0, LEVELS).long()
        self.all[pair, half] += torch.bincount(level, minlength=LEVELS + 1)
        self.inside[pair, half] += torch.bincount(level[mask.flatten()], minlength=LEVELS + 1)

    def iou(self) -> np.ndarray:
        """Return ``[pairs]``: chosen on half 0, measured on half 1."""
        both, drawn = (x.flip(2).cumsum(2).flip(2)[..., 1:] for x in (self.inside, self.all))
        curve = both / (drawn + self.inside.sum(2, keepdim=True) - both).clamp_min(1)
        return curve[:, 1].gather(1, curve[:, 0].argmax(1, keepdim=True))[:, 0].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="default: the bundled run")
    parser.add_argument("--limit", type=int, default=2000, help="images at most")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    table = measure(open_run(arguments.run) if arguments.run else demo_run(), arguments.limit)
    if arguments.json:
        print(json.dumps(table))
        return
    print("| label | concept | heatmap | squares | backbones | limit |\n|---|---|---|---|---|---|")
    for label, row in table["labels"].items():
        figures = (f"{row[key]:.2f}" for key in ("heatmap", "squares", "backbones", "limit"))
        print(f"| {label} | {row['concept']} | {' | '.join(figures)} |")
    middle = ", ".join(f"{key} {value:.3f}" for key, value in table["median"].items())
    print(
        f"\n{table['right']} of {table['named']} named concepts are rightly named, of "
        f"{len(table['labels'])} labels; median IoU of their best: {middle}"
    )


@torch.no_grad()
def measure(run: Run, limit: int) -> dict[str, object]:
    usae, index = load_usae(run), load_index(run)
    if run.dissection_file is None:
        sys.exit("run `usae-viz dissect` first")
    dissection = read_json(run.dissection_file)
    recipe = run.recipe()
    source = open_source(recipe.images)
    if not isinstance(source, MaskedSource):
        sys.exit("the run's images have no masks")
    named = {k: entry for k, entry in dissection["concepts"].items() if entry["name"]}
    right = {k for k, entry in named.items() if entry["name"] == entry["best_on_scored"]}
    chosen = {
        label: match
        for label, match in dissection["labels"].items()
        if str(match["concept"]) in right and named[str(match["concept"])]["name"] == label
    }
    heat, best = Areas(len(chosen)), Areas(len(chosen))
    joint = JointMap(index)
    images = live_tokens(
        load_run_backbones(run), source, masked_ids(source, limit), recipe.activations.batch_images
    )
    for ids, rows in images:
        codes = codes_on_cpu({n: usae.encode(n, rows[n].flatten(0, 1)) for n in usae.names})
        maps, masks = joint(codes).tocsc(), source.masks(ids)
        cover = coverage(masks, index.grid).view(len(ids), index.grid, index.grid, -1)
        first = torch.tensor([is_validation(image_id, 0.5) for image_id in ids])
        for pair, (label, match) in enumerate(chosen.items()):
            column = torch.from_numpy(maps[:, [match["concept"]]].toarray()).float()
            mask = masks[:, source.mask_names.index(label)]
            token_share = cover[..., source.mask_names.index(label)]
            grid = column.view(len(ids), index.grid, index.grid)
            for areas, values in ((heat, grid), (best, token_share)):
                drawn = F.interpolate(values[:, None], mask.shape[1:], mode="bilinear")[:, 0]
                areas.add(pair, 0, drawn[first], mask[first])
                areas.add(pair, 1, drawn[~first], mask[~first])
    figures = {
        "heatmap": heat.iou(),
        "squares": np.array([match["joint"] for match in chosen.values()]),
        "backbones": np.array([match["mean"] for match in chosen.values()]),
        "limit": best.iou(),
    }
    labels = {
        label: {"concept": match["concept"], **{k: float(v[at]) for k, v in figures.items()}}
        for at, (label, match) in enumerate(chosen.items())
    }
    return {
        "images": dissection["images"],
        "named": len(named),
        "right": len(right),
        "labels": labels,
        "median": {key: float(np.median(values)) for key, values in figures.items()},
    }


if __name__ == "__main__":
    main()
