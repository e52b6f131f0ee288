"""A run's concepts beside those of independent SAEs, and beside single channels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import torch

from usae_viz.backbones.device import open_device
from usae_viz.concepts import concept_names, load_index
from usae_viz.concepts.classes import KINDS
from usae_viz.concepts.comparison import (
    ALIKE_FIRING,
    FEWEST,
    Agreement,
    agreement,
    best_of,
    mean_figures,
    without_counterpart,
)
from usae_viz.concepts.units import ALIKE_UNITS
from usae_viz.errors import RunError
from usae_viz.run import Run, write_json
from usae_viz.sae import UniversalSAE, load_usae
from usae_viz.sae.consistency import ALIKE, gaussian_like
from usae_viz.sae.trainer import Watch
from usae_viz.workflow.controls import SEEDS, open_store, train_alone, untrained_usae
from usae_viz.workflow.held_out_codes import Alone, HeldOutCodes
from usae_viz.workflow.progress import Progress

TOKENS = 131_072
"""Held-out tokens, at most, whose codes are compared; images are drawn by their hashes."""


@torch.no_grad()
def compare(
    run: Run,
    others: Sequence[Run] = (),
    *,
    steps: int | None = None,
    tokens: int = TOKENS,
    device: str = "cpu",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Ask which of a run's concepts SAEs that know one backbone only find too.

    Writes ``comparison.json`` and returns it; ``docs/concepts.md`` says what it holds.

    Args:
        run: an indexed run with its activations.
        others: at least two independent runs of the same backbones, images and size, to compare
            with; none: SAEs of one backbone each, two seeds, are trained on the run's activations
            (and kept; `evaluate` with controls uses the same).
        steps: of those trainings; None: the run's own.
        tokens: held-out tokens compared at most.
        device: where SAEs are trained and read.
        progress: called with what is going on, done, total.
        watch: called with where a training is.

    Raises:
        RunError: the run has no activations, or one of `others` cannot be compared with it.
        StoreError: the activations are of another recipe, or hold no held-out image.
    """
    index, usae, store = load_index(run), load_usae(run), open_store(run)
    given = [load_usae(other) for other in others]
    for other, model in zip(others, given, strict=True):
        _check_alike(run, usae, other, model)
    seeds = [each.recipe().seed for each in (run, *others)]
    if len(set(seeds)) < len(seeds):
        raise RunError(
            "runs of one seed are not independent of each other",
            expected="a seed of its own for every run",
            got=", ".join(f"{each.path}: {each.recipe().seed}" for each in (run, *others)),
        )
    if len(others) == 1:
        raise RunError(
            "one independent run gives no ceiling",
            expected="at least two, of different seeds, or none to train them here",
            got=str(others[0].path),
        )
    place = open_device(device)
    with torch.enable_grad():
        alone: Alone = [dict.fromkeys(usae.names, each) for each in given] or [
            {
                name: train_alone(
                    run, store, name, seed, steps=steps, device=device, watch=watch
                )
                for name in usae.names
            }
            for seed in SEEDS
        ]  # fmt: skip
    models = {"universal": usae, "untrained": untrained_usae(run, store), "random": _random(usae)}
    codes = HeldOutCodes(usae, index.tau, {k: m.to(place) for k, m in models.items()}, alone, place)
    images = codes.read(store, tokens, progress)
    done, total = 0, len(usae.names) * (3 * len(alone) + len(alone) * (len(alone) - 1) // 2)
    by_backbone: dict[str, dict[str, Any]] = {}
    nearest = {}
    for name in usae.names:
        theirs = [codes.dictionary(f"alone-{i}", each[name], name) for i, each in enumerate(alone)]
        found: dict[str, list[Agreement]] = {}
        for kind, model in models.items():
            own = codes.dictionary(kind, model, name)
            for independent in theirs:
                found.setdefault(kind, []).append(agreement(own, independent))
                done += 1
                if progress:
                    progress("matching", done, total)
        found["seeds"] = [agreement(a, b) for a, b in permutations(theirs, 2)]
        done += len(alone) * (len(alone) - 1) // 2
        by_backbone[name] = {
            kind: mean_figures([each.figures for each in found[kind]])
            for kind in ("universal", "seeds", "untrained", "random")
        }
        nearest[name] = best_of([each.nearest for each in found["universal"]])
    universal = index.kinds == KINDS.index("universal")
    lone = without_counterpart(nearest, universal)
    names = concept_names(run)
    for row in lone:
        known = names.get(row["id"])
        row["name"] = known.name or None if known else None
    result = {
        "run": str(run.path),
        "backbones": list(usae.names),
        "concepts": usae.concepts,
        "images": images,
        "tokens": codes.count,
        "thresholds": {
            "cosine": ALIKE, "firing": ALIKE_FIRING, "units": ALIKE_UNITS, "fewest_firings": FEWEST,
        },
        "independent": _described(run, others, steps),
        "agreement": by_backbone,
        "universal": int(universal.sum()),
        "without_counterpart": lone,
        "units": codes.units() if len(usae.names) > 1 else None,
    }  # fmt: skip
    write_json(run.comparison_file, result)
    return result


def _random(usae: UniversalSAE) -> UniversalSAE:
    """Return a model of the same size whose encoders and rows are Gaussian noise like the run's."""
    made = UniversalSAE(usae.dims, usae.concepts, usae.k, usae.tau)
    for i, name in enumerate(usae.names):
        made.set_standardisation(name, usae.mean(name), float(usae.scale(name)))
        made.weight[i].copy_(gaussian_like(usae.weight[i], seed=3 * i))
        made.bias[i].copy_(gaussian_like(usae.bias[i], seed=3 * i + 1))
        made.dictionary[i].copy_(gaussian_like(usae.rows(name), seed=3 * i + 2))
    return made.eval().requires_grad_(False)


def _check_alike(run: Run, mine: UniversalSAE, other: Run, theirs: UniversalSAE) -> None:
    before, now = run.recipe(), other.recipe()
    for key, expected, got in (
        ("backbones", ", ".join(run.names), ", ".join(other.names)),
        *(
            (f"{r.spec.name}'s weights, sha256", r.weights_sha256, o.weights_sha256)
            for r, o in zip(run.info.backbones, other.info.backbones, strict=False)
        ),
        ("concepts", mine.concepts, theirs.concepts),
        ("k", mine.k, theirs.k),
        ("grid", before.activations.grid, now.activations.grid),
        ("canvas", before.images.canvas, now.images.canvas),
    ):
        if expected != got:
            raise RunError(
                f"{other.path} cannot be compared with {run.path}",
                expected=f"{key}: {expected}",
                got=str(got),
                hint="train it by the same recipe with another seed and "
                "--set usae.mode=independent",
            )


def _described(run: Run, others: Sequence[Run], steps: int | None) -> list[dict[str, Any]]:
    if others:
        return [
            {"run": str(o.path), "mode": o.recipe().usae.mode, "seed": o.recipe().seed}
            for o in others
        ]
    recipe = run.recipe()
    return [
        {"run": None, "mode": "one backbone each", "seed": recipe.seed + seed,
         "steps": steps or recipe.training.steps}
        for seed in SEEDS
    ]  # fmt: skip
