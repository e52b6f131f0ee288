"""Vary one setting of the maximization at a time; measure what each does to the pictures.

    python scripts/sweep_pictures.py --out build/sweep.jsonl
    python scripts/sweep_pictures.py --run RUN --backbone NAME --only base maco --concepts 30
    python scripts/sweep_pictures.py --out build/sweep.jsonl --markdown

One line of JSON a variant is added to ``--out``; variants that are there are not computed again.
The concepts are the most universal ones. Of every picture, read clean (no views) by every backbone:

- own: mean over tokens of the gated activation in the backbone that it was made for, in units of
  the natural top images' mean; median over concepts and backbones;
- reaches: share of pictures whose own is 1 or more;
- transfer: the same unit, read by each other backbone; median over concepts and ordered pairs;
- travels: share of those that are 1/2 or more;
- spectrum: distance of its radial spectrum from a power of 1/f², root mean square over bands, in
  decades of power (`usae_viz.maximize.statistics`);
- cpu: seconds of processor time a picture.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.concepts import ConceptIndex, load_index
from usae_viz.maximize import MaximizeSettings, ViewSpec, maximize_concepts
from usae_viz.maximize.statistics import power_law, radial_spectrum, spectral_distance
from usae_viz.run import demo_run, open_run
from usae_viz.sae import UniversalSAE, load_usae

VIEW_FIELDS = set(ViewSpec.__dataclass_fields__)
VARIANTS: dict[str, dict[str, Any]] = {
    "base": {},
    "half the steps": {"steps": 0.5},
    "twice the steps": {"steps": 2.0},
    "four times the steps": {"steps": 4.0},
    "lr x 1/3": {"lr": 1 / 3},
    "lr x 1.7": {"lr": 1.7},
    "lr x 3": {"lr": 3.0},
    "1 view, same cost": {"views": 1, "steps": 2.0},
    "4 views, same cost": {"views": 4, "steps": 0.5},
    "scale 0.2-0.4": {"scale": (0.2, 0.4)},
    "scale 0.4-0.8": {"scale": (0.4, 0.8)},
    "scale 0.55-1": {"scale": (0.55, 1.0)},
    "scale 0.9-1.1": {"scale": (0.9, 1.1)},
    "scale 0.7-1.1 to 0.4-0.6": {"scale_end": (0.4, 0.6)},
    "scale 0.4-0.6 to 0.9-1.1": {"scale": (0.4, 0.6), "scale_end": (0.9, 1.1)},
    "no rotation": {"rotation": 0.0},
    "rotation 25": {"rotation": 25.0},
    "jitter 0.05": {"jitter": 0.05},
    "no noise": {"noise": 0.0},
    "noise 0.1": {"noise": 0.1},
    "no colour": {"gain": 0.0, "offset": 0.0},
    "colour x 4": {"gain": 0.2, "offset": 0.08},
    "border": {"padding": "border"},
    "no views": {
        "scale": (1.0, 1.0),
        "rotation": 0.0,
        "noise": 0.0,
        "gain": 0.0,
        "offset": 0.0,
        "views": 1,
    },
    "decay 0.7": {"parametrization": "fourier:0.7"},
    "decay 1.3": {"parametrization": "fourier:1.3"},
    "decay 1.6": {"parametrization": "fourier:1.6"},
    "maco": {"parametrization": "maco"},
    "maco, lr x 1/3": {"parametrization": "maco", "lr": 1 / 3},
    "maco, lr x 3": {"parametrization": "maco", "lr": 3.0},
    "maco, scale 0.2-0.4": {"parametrization": "maco", "scale": (0.2, 0.4)},
    "pixel": {"parametrization": "pixel"},
    "top": {"objective": "top"},
    "peak": {"objective": "peak"},
}
"""What each variant changes; steps and lr as multiples of the base's."""


def settings_of(changes: Mapping[str, Any], steps: int, size: int | None) -> MaximizeSettings:
    """Return the defaults at `steps` steps, changed."""
    changes = dict(changes)
    views = {name: changes.pop(name) for name in VIEW_FIELDS & set(changes)}
    steps = round(steps * changes.pop("steps", 1.0))
    factor = changes.pop("lr", 1.0)
    plain = MaximizeSettings(steps=steps, size=size, view_spec=ViewSpec(**views), **changes)
    fields = {**changes, "lr": factor * plain.step_size, "chunk": 8}
    return MaximizeSettings(steps=steps, size=size, view_spec=plain.view_spec, **fields)


@torch.no_grad()
def clean_activation(
    usae: UniversalSAE, backbone: Backbone, images: Tensor, concepts: Tensor
) -> Tensor:
    """Return ``[n]``: mean over tokens of the gated activation of each image's own concept."""
    found = []
    for image, concept in zip(images, concepts, strict=True):
        tokens = backbone(image[None].float() / 255).flatten(2)[0].T
        found.append(usae.gated(backbone.name, tokens, concept[None]).mean())
    return torch.stack(found)


def measure(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    index: ConceptIndex,
    concepts: list[int],
    names: list[str],
    settings: MaximizeSettings,
) -> dict[str, float]:
    """Make the pictures of one variant; return its numbers."""
    own, other, distance, began = [], [], [], time.process_time()
    spent = 0.0
    for start in range(0, len(concepts), settings.chunk):
        some = concepts[start : start + settings.chunk]
        began = time.process_time()
        made = maximize_concepts(usae, backbones, some, settings=settings, names=names)
        spent += time.process_time() - began
        for name in names:
            images = made.images[name][:, 0]
            distance.append(spectral_distance(radial_spectrum(images), power_law()).mean())
            for column, reader in enumerate(index.names):
                level = torch.from_numpy(index.natural_score[column, some])
                score = clean_activation(usae, backbones[reader], images, torch.tensor(some))
                share = (score / level)[level > 0]
                (own if reader == name else other).append(share)
    mine, theirs = torch.cat(own), torch.cat(other)
    return {
        "own": float(mine.median()),
        "reaches": float((mine >= 1).float().mean()),
        "transfer": float(theirs.median()),
        "travels": float((theirs >= 0.5).float().mean()),
        "spectrum": float(sum(distance) / len(distance)),
        "cpu": spent / len(concepts) / len(names),
        "pictures": len(mine),
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table for the docs."""
    lines = [
        "| variant | own | reaches | transfer | travels | spectrum | s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['variant']} | {row['own']:.2f} | {row['reaches']:.0%} | {row['transfer']:.2f} | "
        f"{row['travels']:.0%} | {row['spectrum']:.2f} | {row['cpu']:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="default: the bundled run")
    parser.add_argument("--backbone", nargs="+", help="make pictures for these only")
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--concepts", type=int, default=30)
    parser.add_argument("--steps", type=int, default=MaximizeSettings().steps, help="of the base")
    parser.add_argument("--size", type=int, help="canvas side, pixels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/sweep.jsonl"))
    parser.add_argument("--markdown", action="store_true", help="only print what is there")
    args = parser.parse_args()
    done = {}
    if args.out.exists():
        rows = [json.loads(line) for line in args.out.read_text("utf-8").splitlines()]
        done = {row["variant"]: row for row in rows}
    if args.markdown:
        print(markdown(list(done.values())))
        return
    torch.set_num_threads(args.threads)
    run = open_run(args.run) if args.run else demo_run()
    usae, backbones, index = load_usae(run), load_run_backbones(run), load_index(run)
    concepts = index.most_universal(args.concepts)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for variant in args.only:
        if variant in done:
            continue
        settings = settings_of(VARIANTS[variant], args.steps, args.size)
        names = args.backbone or list(run.names)
        numbers = measure(usae, backbones, index, concepts, names, settings)
        row = {"variant": variant, "run": run.path.name, "backbones": names, **numbers}
        with args.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{variant}: {numbers}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
