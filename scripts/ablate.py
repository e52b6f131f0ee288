"""Train variants of the USAE on a run's stored activations under equal budgets; compare them.

    python scripts/ablate.py --run runs/trio --minutes 3 --seeds 0 1 2 --only ours paper
    python scripts/ablate.py --run runs/trio --steps 1000            # each ingredient, equal steps

Minutes are of processor time, so that other work on the machine favours no variant; the clock also
ends each learning rate's schedule. Every finished training is one line of FOLDER/rows.jsonl and is
not trained again under the same settings. The table gives means over seeds, ± the largest
deviation from them, on the run's held-out images; a run on the built-in world is also asked which
of its known concepts were found.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.concepts import LabelScorer
from usae_viz.demo import yardstick
from usae_viz.images import open_source
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
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="of processor time, each (default 3)")
    budget.add_argument("--steps", type=int, help="instead: the same number of steps, each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/ablation"))
    parser.add_argument("--json", action="store_true", dest="as_json")
    args = parser.parse_args()
    minutes = None if args.steps else (args.minutes or 3.0)
    torch.set_num_threads(args.threads)
    run = open_run(args.run)
    bench = Bench(run, args.folder, steps=args.steps, minutes=minutes)
    # Seed by seed, so that a table that is broken off compares all variants.
    rows = [bench.row(name, seed) for seed in args.seeds for name in args.only]
    if args.as_json:
        print(json.dumps({"run": run.info.name, "rows": rows}))
    else:
        print(f"R² per channel, rows encoded from, columns decoded to: {', '.join(run.names)}")
        print(table(rows))


class Bench:
    """Trains and measures variants under one budget.

    Args:
        run: holds the activations and the recipe.
        folder: where finished rows are kept.
        steps: of each training; or
        minutes: of processor time of each.
    """

    def __init__(self, run: Run, folder: Path, *, steps: int | None, minutes: float | None) -> None:
        self.run, self.steps, self.minutes = run, steps, minutes
        self.store = ActivationStore(run.activations_dir)
        self.log = folder / "rows.jsonl"
        self._labels: dict[str, Tensor] = {}

    def row(self, name: str, seed: int) -> dict[str, Any]:
        """Return a variant's figures, trained now if they are not on file."""
        key = self._key(VARIANTS[name], seed)
        if self.log.exists():
            for line in self.log.read_text(encoding="utf-8").splitlines():
                found: dict[str, Any] = json.loads(line)
                if found["key"] == key:
                    return {**found, "variant": name}
        print(f"training {name}, seed {seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            target = Run(Path(folder), self.run.info)
            self._train(target, VARIANTS[name], seed)
            figures = {"variant": name, "seed": seed, **self._measure(target), "key": key}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")
        return figures

    def _key(self, parts: Ingredients, seed: int) -> str:
        budget = [self.steps, self.minutes, torch.get_num_threads(), seed]
        settings = [self.run.recipe().digest(), dataclasses.asdict(parts), budget]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]

    def _train(self, target: Run, parts: Ingredients, seed: int) -> None:
        recipe = self.run.recipe()
        # Without a number of steps the clock ends the training, and its schedule.
        limits = {"max_minutes": self.minutes, "steps": self.steps or 10**9}
        training = recipe.training.model_copy(update=limits)
        recipe = recipe.model_copy(update={"training": training, "seed": seed})
        train_usae(target, recipe, self.store, parts=parts, clock=time.process_time)

    def _measure(self, target: Run) -> dict[str, Any]:
        usae = load_usae(target)
        source = open_source(self.run.recipe().images)
        # Only the world's labels are concepts known to the pixel.
        labels = source.label_names if self._is_world() else ()
        scorer = LabelScorer(usae, labels)

        def tokens() -> Iterator[Mapping[str, Tensor]]:
            for ids, rows in self.store.image_batches("validation", 16):
                if labels:
                    scorer.add(rows, self._holds(ids))
                yield {backbone: values.flatten(0, 1) for backbone, values in rows.items()}

        found, _ = evaluate_usae(usae, tokens())
        config = read_config(target)
        figures = {
            "steps": config.steps,
            "seconds": config.seconds,
            "r2": found["r2"]["channel"],
            "r2_scalar": found["r2"]["scalar"],
            "entropy_above_0.9": found["entropy"]["above_0.9"],
            "dead": found["dead"],
            "cofire": _mean(found["cofire"]["proportion"]),
            "pairs": found["cofire"]["pairs"],
            "lift": found["cofire"]["lift"],
            "correlation": _mean(found["correlation"]),
            "correlations": found["correlation"],
        }
        if labels:
            scores = scorer.scores()
            best = [scores.best(i, yardstick.BACKBONES)[1] for i in range(len(labels))]
            figures["recovered"] = sum(auc >= yardstick.DETECTION for auc in best)
        return figures

    def _is_world(self) -> bool:
        return self.run.recipe().images.source.startswith("world:")

    def _holds(self, ids: Sequence[str]) -> Tensor:
        """Return the labels of images, which are rendered once for all variants."""
        missing = [i for i in ids if i not in self._labels]
        if missing:
            labels = open_source(self.run.recipe().images).read(missing).labels
            assert labels is not None
            self._labels.update(zip(missing, labels, strict=True))
        return torch.stack([self._labels[i] for i in ids])


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table, one line a variant: means over its seeds."""
    names = list(dict.fromkeys(row["variant"] for row in rows))
    world = "recovered" in rows[0]
    head = ["variant", "seeds", "steps", "own R²", "cross R², mean", "smallest", "co-fire"]
    head += ["lift", "correlation", "smallest pair", "dead", *(["recovered"] if world else [])]
    lines = [_line(head), _line(["---"] * len(head))]
    for name in names:
        same = [row for row in rows if row["variant"] == name]
        r2 = np.array([row["r2"] for row in same])
        m = r2.shape[1]
        off = r2[:, ~np.eye(m, dtype=bool)]
        pairs = np.array([min(row["correlations"].values()) for row in same])
        own = " ".join(_spread(r2[:, i, i], 3) for i in range(m))
        cells = [
            name,
            str(len(same)),
            f"{np.mean([row['steps'] for row in same]):.0f}",
            own,
            _spread(off.mean(1), 3),
            _spread(off.min(1), 3),
            _spread([row["cofire"] for row in same], 3),
            _spread([row["lift"] for row in same], 0),
            _spread([row["correlation"] for row in same], 3),
            _spread(pairs, 3),
            _spread([row["dead"] for row in same], 0),
        ]
        if world:
            cells.append(_spread([row["recovered"] for row in same], 1))
        lines.append(_line(cells))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _spread(values: Any, digits: int) -> str:
    """Return the mean and the largest deviation from it."""
    values = np.asarray(values, dtype=np.float64)
    mean = values.mean()
    text = f"{mean:.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {np.abs(values - mean).max():.{digits}f}"


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)


if __name__ == "__main__":
    main()
