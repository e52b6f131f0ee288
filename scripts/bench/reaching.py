"""Maximization: the time until a picture has the activation that a peer's has in its defaults.

In processor time, as a peer's picture takes minutes: finished ones are kept in `PICTURES` with
their time, so that what was broken off goes on. See `subject` for the peers.
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from subject import MEAN, STD, Subject, peer, workplace
from timing import Row, row_of
from torch import Tensor

from usae_viz.backbones import load_backbone, load_run_backbones
from usae_viz.maximize import MaximizeSettings
from usae_viz.maximize.canvas import make_canvas
from usae_viz.recipe import BackboneSpec
from usae_viz.run import demo_run

LUCENT_STEPS, HORAMA_STEPS = 512, 1000
"""Their defaults."""
CHANNELS = 20
"""How many each is given; a picture of horama's takes eleven minutes, so finished ones are kept."""
PICTURES = Path("build/reaching").resolve()
"""Delete it to have the peers' pictures made again."""
QUICKLY = {"views": 1, "lr": 0.1}
"""Our settings where only the activation counts: half the views and twice the step of the defaults,
which are chosen for what the pictures show."""
BUDGETS = (8, 16, 32, 64, 96, 128, 192, 256)
"""Numbers of our steps tried until an activation is reached, by the pictures that have not yet."""


def rows(quick: bool) -> list[Row]:
    """Time the roads to an activation."""
    with workplace():
        return _reaching(quick)


def _timed(run: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Return processor seconds and what was made: runs of minutes outlive a quiet machine."""
    began = time.process_time()
    made = run()
    return time.process_time() - began, made


def _kept(name: str, run: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Return what `_timed` does, from `PICTURES` if it was made before."""
    path = PICTURES / f"{name}.pt"
    if not path.exists():
        took, picture = _timed(run)
        PICTURES.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.save({"seconds": took, "picture": picture}, part)
        part.replace(path)
    made = torch.load(path, weights_only=True)
    return made["seconds"], made["picture"]


def _real() -> Subject | None:
    folder = os.environ.get("USAE_VIZ_REAL_DATA")
    if not folder:
        print("USAE_VIZ_REAL_DATA is not set: a bundled network is asked instead", file=sys.stderr)
        return None
    spec = BackboneSpec(
        name="mobilenetv2",
        model="timm:mobilenetv2_100",
        layer=3,
        weights="mobilenetv2_100.tv_in1k_nohead.safetensors",
        kwargs={"num_classes": 0},
        mean=MEAN,
        std=STD,
    )
    return Subject(load_backbone(spec, weights_dir=f"{folder}/weights"), "blocks_4", False)


def _reaching(quick: bool) -> list[Row]:
    """Compare with each peer on the same channels."""
    subject = None if quick else _real()
    if subject is None:
        backbone = load_run_backbones(demo_run(), ["resnet"])["resnet"]
        subject = Subject(backbone, "layer4", False)
    ways: dict[str, Callable[[int], Tensor]] = {
        "lucent": lambda channel: subject.lucent(channel, LUCENT_STEPS),
        "horama": lambda channel: subject.horama(channel, HORAMA_STEPS),
    }
    # A channel behind a ReLU that is off everywhere has no gradient to follow, for nobody.
    size = subject.backbone.input_size
    with torch.no_grad():
        start = make_canvas(MaximizeSettings().parametrization, [0], size, size).images()
        alive = (subject.backbone(start).mean((0, 2, 3)) != 0).nonzero().flatten().tolist()
    count = 1 if quick else CHANNELS
    channels = [alive[number * len(alive) // count] for number in range(count)]
    rows = []
    for name, way in ways.items():
        if (quick and name == "horama") or not peer(name):
            continue
        made = []
        for channel in channels:
            run = functools.partial(way, channel)
            kept = f"{name}-{subject.backbone.name}-{channel}"
            made.append(_timed(run) if quick else _kept(kept, run))
        rows.append(_reached(subject, name, made, channels))
    return rows


def _reached(
    subject: Subject, name: str, made: list[tuple[float, Tensor]], channels: list[int]
) -> Row:
    """Compare processor times to the activations that a peer's pictures have."""
    count = len(channels)
    goals = subject.activation(torch.cat([picture for _, picture in made]), channels)
    ours, needed = [0.0] * count, [2 * BUDGETS[-1]] * count
    left = list(range(count))
    for steps in BUDGETS:
        asked = [channels[number] for number in left]
        took, pictures = _timed(functools.partial(subject.ours, asked, steps=steps, **QUICKLY))
        reached = subject.activation(pictures, asked) >= goals[left]
        for number, there in zip(left, reached.tolist(), strict=True):
            # Not reached at all: counted as if twice the largest budget were needed.
            ours[number] = took / len(left) * (1 if there else 2)
            if there:
                needed[number] = steps
        left = [number for number, there in zip(left, reached.tolist(), strict=True) if not there]
        if not left:
            break
    work = (
        f"processor time to {name}'s activation on the clean image, {count} channels of "
        f"{subject.backbone.name}, one view a step of {QUICKLY['lr']}; "
        f"median {statistics.median(needed):g} steps, "
        f"{count - len(left)} reached"
    )
    return row_of(work, name, ours, [took for took, _ in made])
