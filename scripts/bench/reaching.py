"""Maximization: the time until a picture has the activation that a peer's has in its defaults.

In processor time, as a peer's picture takes minutes. See `subject` for the peers.
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import time
from collections.abc import Callable

import torch
from subject import MEAN, STD, Subject, peer, workplace
from timing import Row, row_of
from torch import Tensor

from usae_viz.backbones import load_backbone, load_run_backbones
from usae_viz.recipe import BackboneSpec
from usae_viz.run import demo_run

LUCENT_STEPS, HORAMA_STEPS = 512, 1000
"""Their defaults."""
CHANNELS = {"lucent": 20, "horama": 2}
"""How many channels each is given; a picture of horama's takes eleven minutes."""
BUDGETS = (8, 16, 32, 64, 128, 256, 512)
"""Numbers of our steps tried until an activation is reached."""


def rows(quick: bool) -> list[Row]:
    """Time the roads to an activation."""
    with workplace():
        return _reaching(quick)


def _timed(run: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Return processor seconds and what was made: runs of minutes outlive a quiet machine."""
    began = time.process_time()
    made = run()
    return time.process_time() - began, made


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
    """Compare with each peer on its own number of channels."""
    subject = None if quick else _real()
    if subject is None:
        backbone = load_run_backbones(demo_run(), ["resnet"])["resnet"]
        subject = Subject(backbone, "layer4", False)
    ways: dict[str, Callable[[int], Tensor]] = {
        "lucent": lambda channel: subject.lucent(channel, LUCENT_STEPS),
        "horama": lambda channel: subject.horama(channel, HORAMA_STEPS),
    }
    # A channel behind a ReLU that is off everywhere has no gradient to follow, for nobody.
    noise = torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        alive = (subject.backbone(noise).mean((0, 2, 3)) > 0).nonzero().flatten().tolist()
    rows = []
    for name, way in ways.items():
        if (quick and name == "horama") or not peer(name):
            continue
        count = 1 if quick else CHANNELS[name]
        channels = [alive[number * len(alive) // count] for number in range(count)]
        rows.append(_reached(subject, name, way, channels))
    return rows


def _reached(subject: Subject, name: str, way: Callable[[int], Tensor], channels: list[int]) -> Row:
    """Compare processor times to the activations that a peer's pictures have."""
    count = len(channels)
    made = [_timed(functools.partial(way, channel)) for channel in channels]
    goals = subject.activation(torch.cat([picture for _, picture in made]), channels)
    ours: list[float | None] = [None] * count
    needed = [2 * BUDGETS[-1]] * count
    took = 0.0
    for steps in BUDGETS:
        if None not in ours:
            break
        took, pictures = _timed(functools.partial(subject.ours, channels, steps=steps))
        reached = subject.activation(pictures, channels)
        for number in range(count):
            if ours[number] is None and reached[number] >= goals[number]:
                ours[number], needed[number] = took / count, steps
    # Not reached at all: counted as if twice the largest budget were needed.
    mine = [2 * took / count if time is None else time for time in ours]
    work = (
        f"processor time to {name}'s activation on the clean image, {count} channels of "
        f"{subject.backbone.name} in a batch; median {statistics.median(needed):g} steps"
    )
    return row_of(work, name, mine, [took for took, _ in made])
