"""What it costs to add a backbone to a frozen dictionary: R² beside training all together.

    python scripts/grow_cost.py recipes/world.toml --join resnet --set training.steps=2000

Trains three runs under ``build/grow/``: all backbones together, all but the one that joins, and the
latter grown by it, each for the recipe's steps; prints R² on the held-out images. Finished runs are
kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from usae_viz import workflow
from usae_viz.recipe import Recipe, load_recipe
from usae_viz.run import Run, open_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--join", required=True, help="the backbone that joins")
    parser.add_argument("--set", dest="sets", action="append", default=[], help="key=value")
    parser.add_argument("--folder", type=Path, default=Path("build/grow"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = load_recipe(arguments.recipe, arguments.sets)
    folder = arguments.folder / f"{recipe.name}-{arguments.join}-{recipe.digest()[:8]}"
    without = tuple(spec for spec in recipe.backbones if spec.name != arguments.join)
    joint = _trained(recipe, folder / "joint")
    base = _trained(recipe.model_copy(update={"backbones": without}), folder / "base")
    grown = _trained(recipe, folder / "grown", grow=base, like=joint)
    rows = {
        name: _row(workflow.evaluate(run, replicates=0), arguments.join)
        for name, run in (("together", joint), ("joined", grown))
    }
    if arguments.as_json:
        print(json.dumps({"join": arguments.join, "rows": rows}))
        return
    print(f"R² per channel on held-out images; {arguments.join} joins {base.path}")
    print("| trained | own | to it from the others | from it to the others | co-fire |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        print(
            f"| {name} | {row['own']:.3f} | {row['to']:.3f} | {row['from']:.3f} "
            f"| {row['cofire']:.3f} |"
        )


def _trained(recipe: Recipe, folder: Path, **options: Any) -> Run:
    like = options.pop("like", None)
    if (folder / "usae.json").exists():
        return open_run(folder)
    if like is not None and not folder.exists():
        # The same images and networks: their activations need not be computed again.
        Run.create(folder, recipe, like.info)
        shutil.copytree(like.activations_dir, folder / "activations")
    return workflow.train(recipe, folder, resume=True, **options)


def _row(table: dict[str, Any], name: str) -> dict[str, float]:
    names, r2 = table["backbones"], table["r2"]["channel"]
    i = names.index(name)
    others = [j for j in range(len(names)) if j != i]
    proportion = table["cofire"]["proportion"]
    return {
        "own": r2[i][i],
        "to": sum(r2[j][i] for j in others) / len(others),
        "from": sum(r2[i][j] for j in others) / len(others),
        "cofire": proportion[name],
    }


if __name__ == "__main__":
    main()
