"""Do attributions add up? Over held-out images, for class rows and for pixel integrated gradients.

    python scripts/completeness.py [--run RUN] [--count 50] [--threads N] > table.json

For every backbone: what the rows of the class attribution miss of f(x) − f(baseline), as a share of
it (both from the mean map and from the blank one), and what 50-step integrated gradients of the
strongest concept miss of the difference to the baseline, for each target and baseline asked for.
Prints one JSON object with median, 95th percentile and worst.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import torch

from usae_viz.attribution import attribute_classes, attribute_pixels
from usae_viz.attribution.decomposition import Decomposition
from usae_viz.attribution.examine import own_classifier
from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.images import open_source, split_ids
from usae_viz.run import demo_run, open_run
from usae_viz.sae import load_usae


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--pixels", nargs="*", default=["mean/black", "active/blur"], metavar="TARGET/BASELINE"
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    run = open_run(arguments.run) if arguments.run else demo_run()
    index, usae, spec = load_index(run), load_usae(run), run.recipe().images
    source = open_source(spec)
    ids = split_ids(source, "validation", spec.validation)
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(arguments.seed))
    chosen = [ids[int(i)] for i in order[: arguments.count]]
    found: dict[str, list[float]] = defaultdict(list)
    refused: dict[str, str] = {}
    for name, backbone in load_run_backbones(run).items():
        readout = own_classifier(backbone)
        if isinstance(readout, str):
            refused[name] = readout
        natural = torch.from_numpy(index.natural_score[index.names.index(name)]).double()
        for image_id in chosen:
            image = source.read([image_id]).images.float() / 255
            if not isinstance(readout, str):
                rows = attribute_classes(usae, backbone, image, readout)
                total, whole = sum(r.value for r in rows.rows), rows.score - rows.baseline
                found[f"{name}: class rows, from the mean"].append(rows.completeness)
                found[f"{name}: class rows, from blank"].append(abs(total - whole) / abs(whole))
            view = Decomposition(usae, backbone, image)
            share = view.per_concept(view.code.values) / natural.clamp_min(1e-9) * (natural > 0)
            for setting in arguments.pixels:
                target, baseline = setting.split("/")
                made = attribute_pixels(
                    usae,
                    backbone,
                    image,
                    int(share.argmax()),
                    target=target,
                    baseline=baseline,
                    steps=50,
                )
                found[f"{name}: pixels, {setting}"].append(float(made.completeness_error[0]))
    table = {
        what: {
            "median": torch.tensor(values).median().item(),
            "p95": torch.tensor(values).quantile(0.95).item(),
            "worst": max(values),
        }
        for what, values in found.items()
    }
    print(json.dumps({"run": run.info.name, "images": len(chosen), "refused": refused,
                      "missed": table}))  # fmt: skip


if __name__ == "__main__":
    main()
