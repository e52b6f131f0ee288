"""Train variants of the USAE on a run's stored activations, for the same time each; compare them.

    python scripts/ablate.py --run runs/trio --minutes 4 --threads 1
    python scripts/ablate.py --run runs/trio --only ours paper --json

Prints one row a variant, measured on the run's held-out images. Variants are trained one after the
other under ``build/ablation/``; a finished one is not trained again under the same settings.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.run import Run, open_run
from usae_viz.sae import evaluate_usae, load_usae
from usae_viz.sae.checkpoint import read_config
from usae_viz.sae.modes import OURS, PAPER, Ingredients
from usae_viz.sae.training import train_usae

VARIANTS: dict[str, Ingredients] = {
    "ours": OURS,
    "paper": PAPER,
    "no agreement": dataclasses.replace(OURS, agreement=0.0),
    "agreement x3": dataclasses.replace(OURS, agreement=3 * OURS.agreement),
    "no vote": dataclasses.replace(OURS, vote=0.0),
    "always vote": dataclasses.replace(OURS, vote=1.0),
    "independent init": dataclasses.replace(OURS, init="independent"),
    "drawn pair only": dataclasses.replace(OURS, update="drawn"),
    "L1 loss": dataclasses.replace(OURS, loss="l1"),
    "unit rows": dataclasses.replace(OURS, rows="unit"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="a run with stored activations")
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--minutes", type=float, default=4.0, help="of training, each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/ablation"))
    parser.add_argument("--json", action="store_true", dest="as_json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = open_run(args.run)
    store = ActivationStore(run.activations_dir)
    rows = []
    for name in args.only:
        print(f"training {name} for {args.minutes:g} minutes", file=sys.stderr)
        rows.append(_row(name, _train(run, store, name, args.minutes, args.folder), store))
    if args.as_json:
        print(json.dumps({"run": str(args.run), "minutes": args.minutes, "rows": rows}))
    else:
        _print(rows, store.names)


def _train(run: Run, store: ActivationStore, name: str, minutes: float, folder: Path) -> Run:
    parts = VARIANTS[name]
    settings = json.dumps([run.info.recipe_sha256, dataclasses.asdict(parts), minutes])
    digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
    target = Run(folder / f"{name.replace(' ', '-')}-{digest}", run.info)
    if target.usae_config_file.exists():
        return target
    if target.path.exists():
        shutil.rmtree(target.path)
    recipe = run.recipe()
    # Steps without end: the clock ends each variant, and with it its learning rate's schedule.
    training = recipe.training.model_copy(update={"max_minutes": minutes, "steps": 10**9})
    train_usae(target, recipe.model_copy(update={"training": training}), store, parts=parts)
    return target


def _row(name: str, run: Run, store: ActivationStore) -> dict[str, Any]:
    def tokens() -> Iterator[Mapping[str, Tensor]]:
        for _, rows in store.image_batches("validation", 16):
            yield {backbone: values.flatten(0, 1) for backbone, values in rows.items()}

    table, _ = evaluate_usae(load_usae(run), tokens())
    config = read_config(run)
    proportion = table["cofire"]["proportion"].values()
    correlation = table["correlation"].values()
    return {
        "variant": name,
        "steps": config.steps,
        "seconds": config.seconds,
        "r2": table["r2"]["channel"],
        "r2_scalar": table["r2"]["scalar"],
        "entropy_above_0.9": table["entropy"]["above_0.9"],
        "dead": table["dead"],
        "cofire": sum(proportion) / len(proportion),
        "pairs": table["cofire"]["pairs"],
        "lift": table["cofire"]["lift"],
        "correlation": sum(correlation) / len(correlation),
        "correlations": table["correlation"],
    }


def _print(rows: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    print(f"R² per channel, rows encoded from, columns decoded to: {', '.join(names)}")
    print("| variant | steps | own R² | cross R² | entropy > .9 | dead | co-fire | correlation |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        m = len(names)
        own = " ".join(f"{row['r2'][i][i]:.3f}" for i in range(m))
        cross = " · ".join(
            " ".join(f"{row['r2'][i][j]:.3f}" for j in range(m) if j != i) for i in range(m)
        )
        print(
            f"| {row['variant']} | {row['steps']} | {own} | {cross} | {row['entropy_above_0.9']} "
            f"| {row['dead']} | {row['cofire']:.3f} | {row['correlation']:.3f} |"
        )


if __name__ == "__main__":
    main()
