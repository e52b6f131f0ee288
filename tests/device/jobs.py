"""Run by `test_stand_in`: every verb on the CPU and on the stand-in, a line of JSON each."""

from __future__ import annotations

import json
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import tomli_w
import torch
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from scripts.tiny import write_recipe
from tests.device.stand_in import NAME, WithoutFloat64, load
from usae_viz.attribution.classes import attribute_classes
from usae_viz.attribution.faithfulness import (
    ignorant_maps,
    infidelity_of,
    measure_faithfulness,
    rank_correlation,
    sensitivity_of,
)
from usae_viz.attribution.readout import fit_probe
from usae_viz.backbones import load_run_backbones
from usae_viz.cli import app
from usae_viz.run import Run, open_run
from usae_viz.sae import load_usae, step

Words = list[str | Path | int]
MODES: dict[str, Words] = {
    "per-model": ["--concept", "0,1", "--seeds", 2, "--selectivity", 0.1],
    "shared": ["--parametrization", "maco", "--size", 33],
    "contrast": ["--backbone", "first", "--parametrization", "pixel", "--tv", 0.1],
    "diverse": ["--batch", 2, "--also", "1:0.5"],
    "accentuate": ["--objective", "top:0.2", "--early-stop", 0.1],
}
METHODS = ("integrated_gradients", "grad_cam", "sobol")
VARIANTS = {
    "batchtopk": [],
    "jumprelu": [],
    "matryoshka": ["usae.prefixes=[6,12,24]"],
    "archetypal": ["usae.archetypes=16"],
}


def sets(*pairs: str) -> Words:
    return [word for pair in pairs for word in ("--set", pair)]


def jobs(folder: Path, recipe: Path, photo: Path, device: str) -> Iterator[tuple[str, Words]]:
    """Yield names and words; the first job makes the run that all later ones read."""
    own = folder / device
    exact, few = sets("training.precision=float32"), sets("training.steps=6")
    train: Words = ["train", recipe, *exact]
    yield "train", [*train, "--out", own / "run"]
    yield "resumed", [*train, "--out", own / "resumed", "--resume"]
    run = ["--run", folder / "cpu" / "run"]
    for mode in ("paper", "crosscoder", "sparc", "independent"):
        yield mode, [*train, *few, *sets(f"usae.mode={mode}"), "--out", own / mode]
    for name, more in VARIANTS.items():
        words = [*train, *few, *sets(f"usae.variant={name}", *more), "--out", own / name]
        yield name, words
    streamed = sets("activations.store=false", "training.patience=2", "training.validate_every=3")
    yield "streamed", [*train, *few, *streamed, "--out", own / "streamed"]
    grow = folder / "grow.toml"
    yield "grow", ["train", grow, *exact, *few, "--grow", run[1], "--out", own / "grown"]
    yield "screened", ["train", recipe, *few, "--out", own / "screened"]
    yield "dry run", ["train", recipe, "--dry-run", "--out", own / "none"]
    out: Words = [*run, "--out", own / "made"]
    yield "evaluate", ["evaluate", *run, "--images", f"folder:{photo.parent}", "--replicates", 2]
    yield "compare", ["compare", *out, "--steps", 5]
    yield "dissect", ["dissect", *out]
    for mode, more in MODES.items():
        start = ["--start", photo] if mode == "accentuate" else []
        words = ["maximize", *out, "--concept", 0, "--mode", mode, "--steps", 3, "--size", 32]
        yield f"maximize {mode}", [*words, *start, *more]
    for method in METHODS:
        words = ["attribute", photo, *out, "--method", method, "--steps", 4, "--count", 2]
        yield f"attribute {method}", words
    yield "heatmap", ["heatmap", photo, *out, "--concept", 0]


def call(name: str, words: Words, device: str) -> dict[str, Any]:
    with WithoutFloat64() if device == NAME else nullcontext():
        full = [str(word) for word in (*words, "--device", device, "--json")]
        result = CliRunner().invoke(app, full)
    failed = result.exception is not None and not isinstance(result.exception, SystemExit)
    error = "".join(traceback.format_exception(result.exception)) if failed else result.stderr
    table = json.loads(result.stdout) if result.exit_code == 0 else None
    return {"job": name, "device": device, "exit": result.exit_code, "error": error, "table": table}


def library(run: Run, device: str) -> dict[str, Any]:
    """Return what functions give that no verb calls, or not on a device."""
    usae = load_usae(run).to(device)
    random = torch.Generator().manual_seed(0)
    images, values = torch.rand((4, 3, 32, 32), generator=random), torch.rand(32, 32)
    images, values = images.to(device), images[0, 0].to(device)

    def score(x: Tensor) -> Tensor:
        return (x.mean(1) * values).sum((1, 2))

    maps = {"own": values, **ignorant_maps(images[0])}
    measured = measure_faithfulness(score, images[0], torch.zeros_like(images[0]), maps, steps=4)
    table: dict[str, Any] = {
        "faithfulness": {name: found._asdict() for name, found in measured.items()},
        "infidelity": infidelity_of(score, images[0], values),
        "sensitivity": sensitivity_of(lambda x: x.sum(1) ** 2, images[0]),
        "ranks": rank_correlation(values, values.T),
    }
    for name, backbone in load_run_backbones(run).items():
        network = backbone.to(device)
        probe = fit_probe(network, images, torch.tensor([0, 1, 0, 1]), ("a", "b"))
        found = attribute_classes(usae, network, images[:1], probe.readout(network))
        table[name] = [found.score, found.mean_score, [row.value for row in found.rows]]
    return table


def mistakes() -> dict[str, str]:
    """Return what the stand-in says to what a GPU refuses, by mistake; empty: nothing."""
    here, there = torch.ones(3, 3), torch.ones(3, 3, device=NAME)
    convolution = torch.nn.Conv2d(3, 3, 3)

    def wide() -> Tensor:
        with WithoutFloat64():
            return there.double()

    made: dict[str, Callable[[], object]] = {
        "sum": lambda: here + there,
        "product": lambda: there @ here,
        "selection": lambda: there.index_select(0, torch.arange(2)),
        "convolution": lambda: convolution(torch.ones(1, 3, 8, 8, device=NAME)),
        "numpy": lambda: there.numpy(),
        "generator": lambda: torch.rand(3, device=NAME, generator=torch.Generator()),
        "float64": wide,
    }
    said = {}
    for name, mistake in made.items():
        try:
            mistake()
            said[name] = ""
        except (RuntimeError, TypeError, AssertionError) as error:
            said[name] = str(error)
    return said


def main(build: Path, folder: Path) -> None:
    load(build)
    torch.set_num_threads(1)
    print(json.dumps({"job": "mistakes", "device": NAME, "exit": 0, "table": mistakes()}))
    recipe = write_recipe(folder, images=12, steps=20)
    table = tomllib.loads(recipe.read_text())
    table["backbones"].append({**table["backbones"][-1], "name": "third"})
    (folder / "grow.toml").write_text(tomli_w.dumps(table))
    photo = folder / "photos" / "noise.png"
    photo.parent.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photo)
    for device in ("cpu", NAME):
        for name, words in jobs(folder, recipe, photo, device):
            if name == "resumed":
                with patch.object(step.TrainingStep, "finish", side_effect=KeyboardInterrupt):
                    assert call(name, words, device)["exit"]
            # What CUDA does and no other device: candidates in bfloat16.
            screens = (lambda *_: True) if name == "screened" else step.screens
            with patch.object(step, "screens", screens):
                print(json.dumps(call(name, words, device)), flush=True)
        table = library(open_run(folder / "cpu" / "run"), device)
        print(json.dumps({"job": "library", "device": device, "exit": 0, "table": table}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
