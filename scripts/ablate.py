"""Train variants of the USAE on a run's stored activations under equal budgets; compare them.

    python scripts/ablate.py --run runs/trio --minutes 3 --seeds 0 1 2 --only ours paper
    python scripts/ablate.py --run runs/trio --steps 1000            # each ingredient, equal steps

Minutes are of processor time, so that other work on the machine favours no variant; the clock also
ends each learning rate's schedule. Every finished training is one line of FOLDER/rows.jsonl and is
not trained again under the same settings. The table gives means over seeds, ± the largest
deviation from them, on the run's held-out images; a run on the built-in world is also asked which
of its known concepts were found.

--runs FOLDER keeps each trained model as a run (on the same activations), so that its pictures can
be compared too: ``usae-viz index``, then ``scripts/picture_report.py --run FOLDER/ours-0``.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ablation.measures import MATCHING_TOKENS, joint_r2, match_concepts
from ablation.table import table
from ablation.variants import VARIANTS
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.concepts import LabelScorer
from usae_viz.demo import yardstick
from usae_viz.images import open_source
from usae_viz.run import Run, open_run
from usae_viz.sae import evaluate_usae, load_usae
from usae_viz.sae.checkpoint import save_usae
from usae_viz.sae.config import read_config
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.training import train_usae


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
    parser.add_argument("--runs", type=Path, help="keep the trained models here")
    parser.add_argument("--json", action="store_true", dest="as_json")
    args = parser.parse_args()
    minutes = None if args.steps else (args.minutes or 3.0)
    torch.set_num_threads(args.threads)
    run = open_run(args.run)
    bench = Bench(run, args.folder, steps=args.steps, minutes=minutes, runs=args.runs)
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
        runs: where trained models are kept as runs, if at all.
    """

    def __init__(
        self,
        run: Run,
        folder: Path,
        *,
        steps: int | None,
        minutes: float | None,
        runs: Path | None = None,
    ) -> None:
        self.run, self.steps, self.minutes, self.runs = run, steps, minutes, runs
        self.store = ActivationStore(run.activations_dir)
        self.log = folder / "rows.jsonl"
        self._labels: dict[str, Tensor] = {}

    def row(self, name: str, seed: int) -> dict[str, Any]:
        """Return a variant's figures, trained now if they are not on file."""
        parts = VARIANTS[name]
        key = self._key(parts, seed)
        kept = None if self.runs is None else self.runs / f"{name.replace(' ', '-')}-{seed}"
        if self.log.exists() and (kept is None or kept.exists()):
            for line in self.log.read_text(encoding="utf-8").splitlines():
                found: dict[str, Any] = json.loads(line)
                if found["key"] == key:
                    return {**found, "variant": name}
        print(f"training {name}, seed {seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            target = Run(Path(folder), self.run.info)
            self._train(target, parts, seed)
            figures = {"variant": name, "seed": seed, **self._measure(target, parts), "key": key}
            if kept is not None:
                self._keep(target, kept)
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

    def _keep(self, target: Run, folder: Path) -> None:
        """Make a trained model a run on the activations that it was trained on."""
        folder.mkdir(parents=True)
        for file in (self.run.info_file, self.run.recipe_file):
            shutil.copy(file, folder)
        for file in (target.usae_file, target.usae_config_file):
            shutil.copy(file, folder)
        (folder / self.run.activations_dir.name).symlink_to(self.run.activations_dir.resolve())

    def _measure(self, target: Run, parts: Ingredients) -> dict[str, Any]:
        usae = load_usae(target)
        if parts.decoded == "own":
            match_concepts(usae, self.store.sample(MATCHING_TOKENS, seed=0))
            save_usae(target, usae, read_config(target))
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
        if usae.encoding != "alone":
            batches = (
                {n: v.flatten(0, 1) for n, v in rows.items()}
                for _, rows in self.store.image_batches("validation", 16)
            )
            figures["joint_r2"] = joint_r2(usae, batches)
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


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)


if __name__ == "__main__":
    main()
