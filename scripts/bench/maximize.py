"""Maximization: the cost of a step, and what batching is worth.

The networks of the first part are made without weights, which changes no time. See `subject` for
the peers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import timm
import torch
from subject import MEAN, STD, Subject, peer, workplace
from timing import Row, row_of, seconds
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.maximize import MaximizeSettings, maximize_concepts
from usae_viz.maximize.canvas import FourierCanvas
from usae_viz.run import demo_run
from usae_viz.sae import load_usae

LAYERS = {"resnet18": "layer4", "vit_tiny_patch16_224": "norm", "deit_tiny_patch16_224": "norm"}
"""The last layer of each network, by the name that lucent gives it."""


def rows(quick: bool) -> list[Row]:
    """Time steps and batches."""
    with workplace():
        return [*_steps(quick), *_batching(quick)]


def _without_weights(name: str) -> Subject:
    torch.manual_seed(1)
    network: nn.Module = timm.create_model(name, pretrained=False)
    tokens = name != "resnet18"

    def read(images: Tensor) -> Tensor:
        found: Tensor = network.forward_features(images)  # type: ignore[operator]
        return found[:, 1:].transpose(1, 2).unflatten(2, (14, 14)) if tokens else found

    backbone = Backbone(
        name, network, read, input_size=224, mean=MEAN, std=STD, grid=None, weights_sha256="-"
    )
    return Subject(backbone, LAYERS[name], tokens)


def _per_step(run: Callable[[int], object], steps: int, once: float) -> float:
    """Return the seconds of a step, without `once`: a run's first step and what belongs to it."""
    return (seconds(lambda: run(1 + steps)) - once) / steps


def _steps(quick: bool) -> list[Row]:
    """Compare one step with the bare pass of its batch, and with theirs."""
    cases = [(224, 1), (512, 1), (224, 6), (512, 6)]
    found = []
    for name in ["resnet18"] if quick else list(LAYERS):
        subject = _without_weights(name)
        for size, views in [(224, 1), (512, 6)] if quick else cases:
            steps, rounds = (1 if views > 1 else 4, 2) if quick else (6 if views == 1 else 2, 5)
            found += _step(subject, size, views, steps, rounds)
    return found


def _step(subject: Subject, size: int, views: int, steps: int, rounds: int) -> list[Row]:
    def ours(steps: int, **more: Any) -> Tensor:
        return subject.ours([0], steps=steps, size=size, views=views, **more)

    def bare(steps: int) -> None:
        for _ in range(steps):
            subject.bare(views)

    def plainest(steps: int) -> None:
        """Optimise a Fourier canvas through one warp a view, and do nothing else."""
        side = subject.backbone.input_size
        canvas = FourierCanvas([0], size, size)
        optimizer = torch.optim.Adam(canvas.parameters(), lr=0.05, fused=True)
        turned = torch.tensor([[0.98, -0.1, 0.0], [0.1, 0.98, 0.0]]).repeat(views, 1, 1)
        shape = [views, 3, side, side]
        for _ in range(steps):
            optimizer.zero_grad()
            grid = F.affine_grid(turned, shape, align_corners=False)
            grid = grid.view(1, -1, side, 2)  # one canvas, its views below one another
            seen = F.grid_sample(canvas.images(), grid, align_corners=False)
            looks = seen.view(3, views, side, side).transpose(0, 1)
            (-subject.backbone(looks).mean()).backward()
            optimizer.step()

    runs: dict[str, Callable[[int], object]] = {
        "ours": ours,
        "plainest": plainest,
        "ours, bfloat16": lambda steps: ours(steps, precision="bfloat16"),
        "bare-forward-backward": bare,
    }
    # lucent looks at its canvas once a step, at the canvas's own size.
    if views == 1 and size == subject.backbone.input_size and peer("lucent"):
        runs["lucent"] = lambda steps: subject.lucent(0, steps, size)
    if (size, views) == (512, 6) and peer("horama"):
        runs["horama"] = lambda steps: subject.horama(
            0, steps, image_size=size, crops_per_iteration=views
        )
    times: dict[str, list[float]] = {key: [] for key in runs}
    once = {
        key: min(seconds(functools.partial(run, 1)) for _ in range(3)) for key, run in runs.items()
    }
    for number in range(rounds):
        for key in list(runs)[:: 1 if number % 2 == 0 else -1]:
            times[key].append(_per_step(runs[key], steps, once[key]))
    work = f"a step of {subject.backbone.name}, canvas {size}, views {views}"
    bare_times = times.pop("bare-forward-backward")
    mine = times.pop("ours")
    half = times.pop("ours, bfloat16")
    plain = times.pop("plainest")
    return [
        row_of(work, "bare-forward-backward", mine, bare_times),
        row_of(f"{work}, bfloat16", "bare-forward-backward", half, bare_times),
        row_of(f"{work}, canvas and warp alone", "bare-forward-backward", plain, bare_times),
        row_of(work, "canvas-and-warp-alone", mine, plain),
        *(row_of(work, name, mine, theirs) for name, theirs in times.items()),
    ]


def _batching(quick: bool) -> list[Row]:
    """Compare one run over concepts and backbones with one run each."""
    run = demo_run()
    names = list(run.names)[:3]
    backbones, usae = load_run_backbones(run, names), load_usae(run)
    concepts = load_index(run).most_universal(4 if quick else 16)
    settings = MaximizeSettings(steps=4 if quick else 8)

    def together() -> None:
        maximize_concepts(usae, backbones, concepts, settings=settings)

    def apart() -> None:
        for name in names:
            for concept in concepts:
                maximize_concepts(
                    usae, {name: backbones[name]}, [concept], settings=settings, names=[name]
                )

    together()
    rounds = [(seconds(together), seconds(apart)) for _ in range(2 if quick else 5)]
    work = f"{len(concepts)} concepts in {len(names)} bundled backbones, one batch"
    ours, theirs = zip(*rounds, strict=True)
    return [row_of(work, "one-by-one", ours, theirs)]
