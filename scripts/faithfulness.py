"""Which attribution method is faithful: each against maps that know nothing, image by image.

    python scripts/faithfulness.py [--run RUN] [--count 100] [--methods …] > table.json

Takes held-out images of the run's source (or of --images folder:PATH), on each the concept that is
strongest in one backbone (the backbones take turns), and measures deletion, insertion and
μFidelity of each method's map on the pre-gate target of `--target`. Prints one JSON object: means,
and the paired difference of each method's margin (insertion − deletion) to random, edges and
centre with its 95 % bootstrap interval. For the built-in world also the pointing game and the
share of positive attribution inside the true mask.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from usae_viz.attribution.baselines import baseline_images
from usae_viz.attribution.decomposition import Decomposition
from usae_viz.attribution.faithfulness import (
    ignorant_maps,
    measure_faithfulness,
    paired_interval,
)
from usae_viz.attribution.pixels import attribute_pixels
from usae_viz.attribution.target import ConceptTarget, token_weights
from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.images import open_source, split_ids
from usae_viz.run import demo_run, open_run, read_json
from usae_viz.sae import load_usae

METHODS = (
    "heatmap",
    "grad_cam",
    "input_x_gradient",
    "smooth_grad",
    "integrated_gradients",
    "occlusion",
    "sobol",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run")
    parser.add_argument("--images", help="another image source, as a recipe has it")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--target", default="active")
    parser.add_argument("--baseline", default="blur")
    parser.add_argument("--steps", type=int, default=12, help="points of each curve")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(json.dumps(measure(arguments)))


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the table."""
    run = open_run(arguments.run) if arguments.run else demo_run()
    recipe, index, usae = run.recipe(), load_index(run), load_usae(run)
    spec = recipe.images
    if arguments.images:
        spec = spec.model_copy(update={"source": arguments.images})
    source = open_source(spec)
    ids = split_ids(source, "validation", spec.validation)
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(arguments.seed))
    chosen = [ids[int(i)] for i in order[: arguments.count]]
    backbones = list(load_run_backbones(run).values())
    named = _named(run)
    records: list[dict[str, dict[str, float]]] = []
    started = time.perf_counter()
    for number, image_id in enumerate(chosen):
        backbone = backbones[number % len(backbones)]
        image = source.read([image_id]).images.float() / 255
        masks = source.masks([image_id])[0] if named else None
        found = _concept(usae, backbone, image, index, named if masks is not None else {}, masks)
        if found is None:
            continue
        concept, mask = found
        records.append(_record(usae, backbone, image, concept, mask, arguments))
        if sys.stderr.isatty():
            print(f"\r{number + 1}/{len(chosen)}", end="", file=sys.stderr)
    return {
        "run": run.info.name,
        "images": len(records),
        "target": arguments.target,
        "baseline": arguments.baseline,
        "seconds": time.perf_counter() - started,
        "methods": _summary(records),
    }


def _named(run) -> dict[int, int]:
    """Return the column of the world's concept for concepts of the code that were recovered."""
    stored = run.find_evaluation()
    labels = read_json(stored).get("world", {}).get("labels", {}) if stored else {}
    return {
        found["concept"]: column
        for column, found in enumerate(labels.values())
        if found["recovered"]
    }


def _concept(usae, backbone, image, index, named, masks):
    """Return the strongest concept (of those with a true mask here, if any) and that mask."""
    view = Decomposition(usae, backbone, image)
    total = view.per_concept(view.code.values)
    row = index.names.index(backbone.name)
    natural = torch.from_numpy(index.natural_score[row]).double()
    share = torch.where(natural > 0, total / natural.clamp_min(1e-12), 0)
    for concept in share.argsort(descending=True).tolist()[:40]:
        if share[concept] <= 0:
            return None
        if masks is None:
            return concept, None
        if concept in named and masks[named[concept]].any():
            return concept, masks[named[concept]]
    return None


def _record(usae, backbone, image, concept, mask, arguments) -> dict[str, dict[str, float]]:
    function = ConceptTarget(usae, backbone, concept)
    weights = token_weights(function, image, arguments.target, None, 16)
    start = baseline_images(image, arguments.baseline)
    view = Decomposition(usae, backbone, image)
    maps: dict[str, Tensor] = {}
    costs: dict[str, float] = {}
    for method in arguments.methods:
        began = time.process_time()
        if method == "heatmap":
            values = torch.where(view.code.indices == concept, view.code.values, 0).sum(1)
            grid = values.view(1, 1, backbone.grid, backbone.grid)
            maps[method] = F.interpolate(grid, image.shape[-2:], mode="bilinear")[0, 0]
        else:
            maps[method] = attribute_pixels(
                usae,
                backbone,
                image,
                concept,
                method=method,
                target=arguments.target,
                baseline=arguments.baseline,
                seed=arguments.seed,
            ).values[0]
        costs[method] = time.process_time() - began
        if method in ("input_x_gradient", "smooth_grad", "integrated_gradients"):
            side = image.shape[-1]
            kernel, sigma = [2 * (side // 28) * 2 + 1] * 2, [side / 28] * 2
            smoothed = gaussian_blur(maps[method][None, None], kernel, sigma)
            maps[f"{method}, smoothed"] = smoothed[0, 0]
            magnitude = gaussian_blur(maps[method].abs()[None, None], kernel, sigma)
            maps[f"{method}, magnitude smoothed"] = magnitude[0, 0]
    ignorant = ignorant_maps(image[0], seed=arguments.seed)
    found = measure_faithfulness(
        lambda images: function(images, weights.expand(len(images), -1)),
        image[0],
        start[0],
        {**maps, **ignorant},
        steps=arguments.steps,
        subsets=32,
        seed=arguments.seed,
    )
    result: dict[str, dict[str, float]] = {
        name: {"deletion": f.deletion, "insertion": f.insertion, "fidelity": f.fidelity}
        for name, f in found.items()
    }
    randoms = [name for name in ignorant if name.startswith("random")]
    result["random"] = {
        key: sum(result[name][key] for name in randoms) / len(randoms)
        for key in ("deletion", "insertion", "fidelity")
    }
    for name in randoms:
        del result[name]
    if mask is not None:
        for name, values in {**maps, **ignorant}.items():
            if name in result:
                positive = values.clamp_min(0)
                result[name] |= {
                    "pointing": float(mask.flatten()[values.argmax()]),
                    "inside": float((positive * mask).sum() / positive.sum().clamp_min(1e-12)),
                    "area": float(mask.float().mean()),
                }
    for name, cost in costs.items():
        result[name] |= {"seconds": cost}
    return result


def _summary(records: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, object]]:
    table: dict[str, dict[str, object]] = {}
    for name in records[0]:
        rows = [record[name] for record in records]
        table[name] = {
            key: torch.tensor([row[key] for row in rows], dtype=torch.float64).nanmean().item()
            for key in rows[0]
        }
        margin = [row["insertion"] - row["deletion"] for row in rows]
        table[name]["margin"] = sum(margin) / len(margin)
        for rival in ("random", "edges", "centre"):
            other = [r[rival]["insertion"] - r[rival]["deletion"] for r in records]
            differences = [a - b for a, b in zip(margin, other, strict=True)]
            table[name][f"over {rival}"] = paired_interval(differences)
    return table


if __name__ == "__main__":
    main()
